"""Message ids: the default ones, of one source for all connections of a process, and those of an application."""

import os
from collections.abc import Callable
from itertools import count
from secrets import token_hex
from typing import Final

from ocpp_core.config import IdFactory
from ocpp_core.outbound.call import check_message_id

__all__ = ["new_message_id", "with_default"]


class _MessageIds:
    """96 random bits a process, then a counter: at most 36 characters for 17 million million ids."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Begin anew: a forked child must not go on with its parent's ids."""
        self._prefix = token_hex(12)
        self._numbers = count(1)

    def __repr__(self) -> str:
        return "new_message_id"

    def __call__(self) -> str:
        return f"{self._prefix}-{next(self._numbers):x}"


new_message_id: Final = _MessageIds()
"""Makes message ids that are unique over all connections, processes and restarts."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=new_message_id.restart)


def with_default(make: IdFactory, failed: Callable[[str, BaseException], None]) -> IdFactory:
    """Replace what an application's factory does not make with a default id, and report it to `failed`.

    The engine asks for ids in the midst of its work: an exception there would lose the call it is for.
    """
    if make is new_message_id:
        return make

    def make_or_replace() -> str:
        try:
            made = make()
            check_message_id(made)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # whatever an application's function raises
            failed("id_factory failed, a default message id is used instead", error)
            return new_message_id()
        return made

    return make_or_replace
