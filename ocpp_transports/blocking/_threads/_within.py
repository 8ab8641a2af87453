"""A wait of a thread that leaves nothing undone if its time is over: what arrives later is kept for the next wait."""

from collections.abc import Callable, Coroutine
from math import inf
from typing import Any

import anyio

from ocpp_core.errors import TimeoutError  # ours, a subclass of the builtin

from ._bridge import Bridge

__all__ = ["run_within"]


def run_within(bridge: Bridge, function: Callable[[], Coroutine[Any, Any, Any]], max_wait: float, what: str) -> Any:
    """Run a coroutine function that loses nothing when it is cancelled, and return its result.

    Args:
        bridge: The way to the event loop.
        function: The coroutine function.
        max_wait: Seconds to wait; `inf` for no limit.
        what: The result, as the error names it.

    Raises:
        TimeoutError: There was no result within `max_wait` seconds.
    """
    has_limit = max_wait != inf and bridge.is_open  # without an event loop nothing waits

    async def bounded() -> Any:
        with anyio.move_on_after(max_wait):
            return await function()
        raise TimeoutError(f"there was no {what} within {max_wait:.15g} s")

    return bridge.run(bounded if has_limit else function)
