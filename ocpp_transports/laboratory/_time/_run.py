"""Runs a coroutine in virtual time."""

import asyncio
from collections.abc import Coroutine
from functools import partial
from typing import Any, TypeVar

from ocpp_transports.laboratory._work._real_io import RealIO

from ._loop import VirtualLoop

__all__ = ["WEEK", "run", "virtual_loop"]

T = TypeVar("T")

WEEK = 604_800.0
"""Virtual seconds after which a run ends unless told otherwise: pings alone keep time moving."""


def run(
    main: Coroutine[Any, Any, T],
    *,
    seed: int = 0,
    end: float = WEEK,
    shuffled: bool = False,
    patience: float = 60.0,
    most_turns: int = 1_000_000,
    real_io: RealIO = "refuse",
) -> T:
    """Run a coroutine on a virtual event loop of its own, and return its result.

    Args:
        main: The coroutine.
        seed: Seed of everything that is drawn.
        end: Virtual time in seconds at which the run fails.
        shuffled: True to run timers of one instant in an order that the seed decides.
        patience: Real seconds to wait for a thread or subprocess.
        most_turns: Turns without time passing, after which the run fails.
        real_io: `"refuse"` real sockets, pipes and subprocesses, or `"wait"` for them; see `VirtualLoop`.

    Returns:
        The result of the coroutine.

    Raises:
        VirtualTimeError: The clock cannot move on: a deadlock, a standstill, the end of the run, or a thread that
            works longer than `patience`.
        RuntimeError: freezegun is active, or an event loop runs in this thread.
    """
    factory = partial(
        VirtualLoop,
        seed=seed,
        end=end,
        shuffled=shuffled,
        patience=patience,
        most_turns=most_turns,
        real_io=real_io,
    )
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main)


def virtual_loop() -> VirtualLoop:
    """Return the virtual event loop that runs. Raises RuntimeError if none or another one runs."""
    loop = asyncio.get_running_loop()
    if not isinstance(loop, VirtualLoop):
        kind = f"{type(loop).__module__}.{type(loop).__qualname__}"
        hint = "; uvloop has no turn that could be replaced" if kind.startswith("uvloop") else ""
        raise RuntimeError(f"expected a loop made by `VirtualLoop`, got {kind}{hint}")
    return loop
