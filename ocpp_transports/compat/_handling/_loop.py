"""Questions about the event loop."""

import asyncio

__all__ = ["expect_asyncio", "is_cancelled"]


def expect_asyncio() -> None:
    """Raise RuntimeError unless an event loop of asyncio runs."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        reason = "it needs a running event loop of asyncio; on trio, use the client or server of ocpp_transports"
        raise RuntimeError(f"cannot run a ChargePoint: {reason}") from None


def is_cancelled() -> bool:
    """Return True if the current task was cancelled, False if only something that it awaits was."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
