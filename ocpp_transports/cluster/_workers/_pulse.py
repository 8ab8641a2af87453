"""Signs of life: how a supervisor notices that the event loop of a worker stands still."""

import asyncio
from collections.abc import Callable
from typing import Final

__all__ = ["ALIVE", "INTERVALS", "until_silent"]

ALIVE: Final = b"alive\n"
"""A sign of life of a worker, which it sends at each interval."""
INTERVALS: Final = 10
"""Intervals without a sign after which a worker counts as hung."""


async def until_silent(has_shown: Callable[[], bool], timeout: float) -> None:
    """Wait until a worker has shown no sign of life for so many seconds.

    This counts intervals, not seconds: after a stop of the supervisor itself, it finds the signs that were sent in the
    meantime, and has missed no interval.

    Args:
        has_shown: Function that returns True if there was a sign since the last call.
        timeout: Seconds without a sign.
    """
    missed = 0
    while missed < INTERVALS:
        await asyncio.sleep(timeout / INTERVALS)
        missed = 0 if has_shown() else missed + 1
