"""Runs a coroutine in virtual time."""

import asyncio
from collections.abc import Coroutine
from functools import partial
from typing import Any, TypeVar

from ._loop import VirtualLoop

__all__ = ["WEEK", "run"]

T = TypeVar("T")

WEEK = 604_800.0
"""Virtual seconds after which a run ends unless told otherwise: pings alone keep time moving."""


def run(main: Coroutine[Any, Any, T], *, seed: int = 0, end: float = WEEK) -> T:
    """Run a coroutine on a virtual event loop of its own, and return its result.

    Args:
        main: The coroutine.
        seed: Seed of everything that is drawn.
        end: Virtual time in seconds at which the run fails.

    Returns:
        The result of the coroutine.

    Raises:
        VirtualTimeError: The clock cannot move on: a deadlock, a standstill, or the end of the run.
    """
    with asyncio.Runner(loop_factory=partial(VirtualLoop, seed=seed, end=end)) as runner:
        return runner.run(main)
