"""Run hundreds of misbehaving stations against one server, and check for lost calls, duplicates and leaks.

    python tools/soak_sockets.py                                a minute on each event loop, 300 stations
    python tools/soak_sockets.py --minutes 10 --stations 500 --backend trio --seed 7

Stations run in rounds. In each round, every station does random things: calls, of which some are cancelled, time out
or wait for slow handlers; reconnects; lost connections; a second connection with the same identity; garbage. Then
all disconnect, and these rules must hold: every call has had one outcome, no request ran twice, no request ran
after its caller learned that it was not sent, and every response belonged to its call. No task, socket, timer or object
of the stations is left, and memory does not grow. At the end nothing of the server is left either. Violations are
listed and set the exit code to 1.
"""

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import anyio

from tools.leftovers import live_objects, load_modules, under_way
from tools.soaking_sockets.ledger import SETTLING, Ledger
from tools.soaking_sockets.stations import Csms, Station

__all__ = ["BACKENDS", "Soak", "soak"]

BACKENDS: Final[dict[str, tuple[str, dict[str, bool]]]] = {
    "asyncio": ("asyncio", {"use_uvloop": False}),
    "uvloop": ("asyncio", {"use_uvloop": True}),
    "trio": ("trio", {}),
}
"""The event loops: backends and options for `anyio.run`."""

_PATIENCE: Final = 180.0
"""Seconds until a missing event is a fault."""
_LINGER: Final = 10.0
"""Seconds after which nothing of a disconnected station may be left."""


class Soak:
    """Rounds of stations against one server."""

    def __init__(self, stations: int, seed: int, *, acts: int = 6) -> None:
        self.ledger = Ledger()
        self._stations = stations
        self._acts = acts
        self._rng = random.Random(seed)

    async def run(self, goes_on: Callable[[int], bool]) -> Ledger:
        """Play rounds while `goes_on(rounds played)`, then check that nothing is left."""
        load_modules()
        await self._serve(lambda played: played < 0)  # allocates what is kept after its first use
        before = _all_there_is()
        await self._serve(goes_on)
        await self._see_the_end(before)
        self.ledger.check_memory()
        return self.ledger

    async def _serve(self, goes_on: Callable[[int], bool]) -> None:
        csms = Csms(self.ledger)
        async with csms.server:
            listener = await csms.server.listen(0, "127.0.0.1", backlog=1024)
            idle = await self._idle(csms, listener.port)
            while goes_on(self.ledger.rounds):
                with anyio.fail_after(_PATIENCE):
                    await self._round(csms, listener.port)
                await self._see_the_end(idle)
                self.ledger.close_round()
            with anyio.fail_after(_PATIENCE):
                await csms.server.close()

    async def _idle(self, csms: Csms, port: int) -> Counter[str]:
        """Return what a server without stations holds, as counts."""
        first = Station("first", port, csms, self._rng)
        async with first.client() as client:
            await first.come(client)
        await anyio.sleep(0.1)
        del first, client
        return _all_there_is()

    async def _round(self, csms: Csms, port: int) -> None:
        async with anyio.create_task_group() as tasks:
            for number in range(self._stations):
                rng = random.Random(self._rng.random())
                tasks.start_soon(Station(f"CP{number}", port, csms, rng).live, self._acts)

    async def _see_the_end(self, before: Counter[str]) -> None:
        """Wait for the last stations to end: a server lingers on connections that ended abnormally."""
        with anyio.move_on_after(_LINGER):
            while _all_there_is() - before:  # noqa: ASYNC110 - there is no event for it
                await anyio.sleep(0.1)
        for kind, number in (_all_there_is() - before).items():
            self.ledger.fault(f"{number} {kind} are left after {self.ledger.rounds} rounds")


def _all_there_is() -> Counter[str]:
    return under_way() + Counter(objects=live_objects())


def soak(backend: str, stations: int, seed: int, goes_on: Callable[[int], bool], *, acts: int = 6) -> Ledger:
    """Run a soak on a new event loop."""
    name, options = BACKENDS[backend]
    return anyio.run(Soak(stations, seed, acts=acts).run, goes_on, backend=name, backend_options=options)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a soak on each selected event loop, print the results, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1.0, help="minutes for each event loop (default: %(default)s)")
    parser.add_argument("--stations", type=int, default=300, help="stations in a round (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=None, help="seed of the stations' choices (default: a new one)")
    parser.add_argument("--backend", choices=BACKENDS, nargs="*", default=[*BACKENDS], help="default: all")
    wanted = parser.parse_args(arguments)
    seed = random.randrange(1 << 32) if wanted.seed is None else wanted.seed
    faults = 0
    for backend in wanted.backend:
        print(f"{backend}: {wanted.stations} stations, seed {seed}", flush=True)
        ledger = soak(backend, wanted.stations, seed, partial(_until, time.monotonic() + wanted.minutes * 60))
        faults += len(ledger.faults)
        _print_results(ledger)
    return 1 if faults else 0


def _until(end: float, played: int) -> bool:
    return played <= SETTLING or time.monotonic() < end


def _print_results(ledger: Ledger) -> None:
    outcomes = ", ".join(f"{number} {kind}" for kind, number in ledger.outcomes.most_common())
    print(f"  {ledger.rounds} rounds, {ledger.acts.total()} acts, {ledger.started} calls: {outcomes}")
    print(f"  KiB after each round: {ledger.resident}")
    for fault in ledger.faults[:20]:
        print(f"  FAULT: {fault}")


if __name__ == "__main__":
    sys.exit(main())
