"""The interface of the runtime that owns a connection."""

from collections.abc import Coroutine
from typing import Any, Protocol

from ocpp_transports._driver._interfaces import Closable, Handle, Runtime
from ocpp_transports._logging._log import Log

__all__ = ["ConnectionOwner"]


class ConnectionOwner(Runtime, Protocol):
    """A runtime as its connections see it: it closes them and waits for their end before it is closed itself."""

    log: Log
    """Logs faults without a caller: the log of the client or server."""
    is_closed: bool
    """True after `aclose` was called: connections opened later are dropped."""
    streams: set[Closable]
    """Open connections without their own task, which add and remove themselves."""

    def changed(self) -> None:
        """Wake the tasks that wait for tasks and streams to end."""

    def spawn(self, coro: Coroutine[Any, Any, None], stream: Closable | None = None, /) -> Handle:
        """Run a coroutine as a task; only its stream ends a task that serves one, also after `aclose`."""
