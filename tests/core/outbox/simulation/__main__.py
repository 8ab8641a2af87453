"""Run many histories, and look for every seeded mistake: `make outbox-histories HISTORIES=20000`."""

import argparse
import sys
import time
from collections.abc import Sequence

from .engine_station import EngineStation
from .history import Figures, History
from .mistakes import MISTAKES
from .seeding import mistaken
from .session_mistakes import SESSION_MISTAKES
from .station import Station

MISTAKE_HISTORIES = 3000


def run_histories(first: int, count: int, station: type[Station] = Station) -> Figures:
    """Run histories by their seeds; the exception of one that fails names its seed."""
    figures = Figures()
    for seed in range(first, first + count):
        try:
            figures.add(History(seed, make_station=station).run())
        except Exception as error:
            error.add_note(f"History({seed}, make_station={station.__name__}).run() repeats it")
            raise
    return figures


def histories_to_find(name: str, most: int) -> int | None:
    """Return the number of histories until a seeded mistake is found; None if it is not."""
    station = EngineStation if name in SESSION_MISTAKES else Station
    with mistaken((MISTAKES | SESSION_MISTAKES)[name]):
        for seed in range(most):
            try:
                History(seed, make_station=station).run()
            except Exception:
                return seed + 1
    return None


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    options = parser.parse_args(arguments)
    missed = 0
    names = [*MISTAKES, *SESSION_MISTAKES]
    for name in names:
        found = histories_to_find(name, MISTAKE_HISTORIES)
        missed += found is None
        print(f"{'not found' if found is None else f'found in history {found}':>24}  {name}", flush=True)
    for station in (Station, EngineStation):
        began = time.perf_counter()
        figures = run_histories(options.first, options.histories, station)
        print(f"{station.__name__}: {figures} in {time.perf_counter() - began:.0f} s, no invariant broken", flush=True)
    print(f"{len(names) - missed} of {len(names)} seeded mistakes were found")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
