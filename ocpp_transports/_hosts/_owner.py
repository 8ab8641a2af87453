"""What a connection needs of the runtime that owns it."""

from collections.abc import Coroutine
from typing import Any, Protocol

from ocpp_transports._driver._interfaces import Closable, Handle, Runtime
from ocpp_transports._logging._log import Log

__all__ = ["ConnectionOwner"]


class ConnectionOwner(Runtime, Protocol):
    """A runtime as its connections see it: it closes them and waits for their end before it is closed itself."""

    log: Log
    """Where faults are logged that have no caller: the log of the client or server."""
    is_closed: bool
    """True once `aclose` was called: what is opened from then on is dropped."""
    streams: set[Closable]
    """Open connections without a task of their own, which add and remove themselves."""

    def changed(self) -> None:
        """Wake the tasks that wait for tasks and streams to end."""

    def spawn(self, coro: Coroutine[Any, Any, None], stream: Closable | None = None, /) -> Handle:
        """Run a coroutine as a task; the task of a stream is ended by that stream alone, also after `aclose`."""
