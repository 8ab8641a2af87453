"""The default message ids: one source for all connections of a process."""

import os
from itertools import count
from secrets import token_hex
from typing import Final

__all__ = ["new_message_id"]


class _MessageIds:
    """96 random bits a process, then a counter: at most 36 characters for 17 million million ids."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Begin anew: a forked child must not go on with its parent's ids."""
        self._prefix = token_hex(12)
        self._numbers = count(1)

    def __call__(self) -> str:
        return f"{self._prefix}-{next(self._numbers):x}"


new_message_id: Final = _MessageIds()
"""Makes message ids that are unique over all connections, processes and restarts."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=new_message_id.restart)
