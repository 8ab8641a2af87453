"""Message ids: the defaults, from one source for all connections of a process, and those of an application."""

import os
from collections.abc import Callable
from itertools import count
from secrets import token_hex
from typing import Final

from ocpp_core.config import IdFactory
from ocpp_core.outbound.call import check_message_id

__all__ = ["new_message_id", "with_default"]


class _MessageIds:
    """96 random bits for each process, then a counter: at most 36 characters for 17 million million ids."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Draw new random bits: a forked child must not continue with its parent's ids."""
        self._prefix = token_hex(12)
        self._numbers = count(1)

    def __repr__(self) -> str:
        return "new_message_id"

    def __call__(self) -> str:
        return f"{self._prefix}-{next(self._numbers):x}"


new_message_id: Final = _MessageIds()
"""Returns message ids that are unique over all connections, processes and restarts."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=new_message_id.restart)


def with_default(make: IdFactory, failed: Callable[[str, BaseException], None]) -> IdFactory:
    """Return a factory that uses a default id if the application's one fails, and reports that to `failed`.

    The engine asks for ids while it handles an input: an exception there would lose the call.
    """
    if make is new_message_id:
        return make

    def make_or_replace() -> str:
        try:
            made = make()
            check_message_id(made)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # an application's function may raise anything
            failed("id_factory failed, a default message id is used instead", error)
            return new_message_id()
        return made

    return make_or_replace
