"""The interface of the runtime that owns a connection."""

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Protocol

from ocpp_transports._driver._interfaces import Closable, Handle, Runtime
from ocpp_transports._logging._log import Log

if TYPE_CHECKING:
    from ocpp_transports._metrics._cells import Traffic

__all__ = ["ConnectionOwner"]


class ConnectionOwner(Runtime, Protocol):
    """A runtime as its connections see it: it closes them and waits for their end before it is closed itself."""

    log: Log
    """Logs faults without a caller: the log of the client or server."""
    is_closed: bool
    """True after `aclose` was called: connections opened later are dropped."""
    traffic: "Traffic | None"
    """Counts the bytes of connections that are made from now on; None counts nothing."""
    streams: dict[Closable, None]
    """Open connections without their own task, which add and remove themselves."""

    def changed(self) -> None:
        """Wake the tasks that wait for tasks and streams to end."""

    def spawn(self, coro: Coroutine[Any, Any, None], stream: Closable | None = None, /) -> Handle:
        """Run a coroutine as a task; only its stream ends a task that serves one, also after `aclose`."""
