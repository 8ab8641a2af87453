"""Chooses the runtime for the running event loop, and loads that one only: sockets and TLS take a while to import."""

import select
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from ocpp_transports._logging._log import Log

from ._base import SocketRuntime

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

__all__ = ["caller_from_outside", "current_runtime", "is_in_event_loop", "trio_runtimes"]


trio_runtimes: dict[object, Callable[[Log], SocketRuntime]] = {}
"""What makes the runtime on trio, by the clock that trio runs with; without an entry, real sockets are used."""


def _running_loop() -> "AbstractEventLoop":
    from asyncio import get_running_loop  # a program that runs asyncio has loaded it; others need not

    return get_running_loop()


def is_in_event_loop() -> bool:
    """Return True if an asyncio or trio event loop runs in this thread."""
    trio = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_run():
        return True
    try:
        _running_loop()
    except RuntimeError:
        return False
    return True


def current_runtime(name: str, *, in_block: bool, log: Log) -> SocketRuntime:
    """Return the runtime of a client or server for the running event loop.

    `name` is the class that the user sees, `log` receives faults. Outside an `async with` block only asyncio supports
    tasks that outlive the function. An asyncio event loop may offer its own runtime with an attribute `ocpp_runtime`, a
    function of the log. Raises RuntimeError without a running event loop, and on trio outside a block.
    """
    trio = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_task():
        if not in_block:
            raise RuntimeError(f"expected a block on trio: `async with {name}(...) as ...:`")
        offered = trio_runtimes.get(trio.lowlevel.current_clock())
        if offered is not None:
            return offered(log)
        return _make_trio_runtime(log)
    try:
        loop = _running_loop()
    except RuntimeError:
        raise RuntimeError("expected a running asyncio or trio event loop") from None
    make: Callable[[Log], SocketRuntime] | None = getattr(loop, "ocpp_runtime", None)
    if make is not None:
        return make(log)
    from ._asyncio import AsyncioRuntime

    return AsyncioRuntime(log)


def _make_trio_runtime(log: Log) -> SocketRuntime:
    """Load the runtime only now: trio is not a dependency."""
    if hasattr(select, "epoll"):
        from ._trio._epoll import EpollRuntime

        return EpollRuntime(log)
    from ._trio._runtime import TrioRuntime

    return TrioRuntime(log)


def caller_from_outside() -> Callable[[Callable[[], object]], object]:
    """Return a function that schedules a call in the running event loop from another thread or a signal handler.

    It raises RuntimeError if the event loop has ended.
    """
    trio = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_task():
        from_outside: Callable[[Callable[[], object]], object] = trio.lowlevel.current_trio_token().run_sync_soon
        return from_outside
    return _running_loop().call_soon_threadsafe
