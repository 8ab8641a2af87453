"""The choice of the runtime: that of the event loop which runs the caller."""

import asyncio
import sys

from ocpp_transports._logging._log import Log

from ._asyncio import AsyncioRuntime
from ._base import SocketRuntime

__all__ = ["current_runtime"]


def current_runtime(name: str, *, in_block: bool, log: Log) -> SocketRuntime:
    """Make the runtime of a client or server for the event loop that runs this code.

    `name` is the class the user sees, `log` receives faults. Outside an `async with` block only asyncio has a place for
    tasks that outlive the function. Raises RuntimeError without a running event loop, and on trio outside a block.
    """
    trio = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_task():
        if not in_block:
            raise RuntimeError(f"on trio, expected to be used in a block: `async with {name}(...) as ...:`")
        from ._trio import TrioRuntime  # trio is no dependency: loaded where it runs

        return TrioRuntime(log)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        raise RuntimeError("expected a running asyncio or trio event loop") from None
    return AsyncioRuntime(log)
