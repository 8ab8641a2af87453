"""Run many histories, and look for every seeded mistake: `make cluster-histories HISTORIES=20000`."""

import argparse
import sys
import time
from collections.abc import Sequence

from .history import Figures, History
from .mistakes import MISTAKES, mistaken
from .watch import BrokenInvariantError

MISTAKE_HISTORIES = 400


def run_histories(first: int, count: int, *, harsh: bool = False) -> Figures:
    """Run histories by their seeds; the exception of one that fails names its seed."""
    figures = Figures()
    for seed in range(first, first + count):
        try:
            figures.add(History(seed, harsh=harsh).run())
        except Exception as error:
            error.add_note(f"History({seed}, harsh={harsh}).run() repeats it")
            raise
    return figures


def histories_to_find(name: str, most: int) -> tuple[int, str] | None:
    """Return the number of histories until a seeded mistake is found, and how; None if it is not.

    Every other history is harsh.
    """
    with mistaken(name):
        for number in range(most):
            try:
                History(number // 2, harsh=number % 2 == 1).run()
            except (BrokenInvariantError, LookupError, ValueError) as error:
                return number + 1, f"{error}"
    return None


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    options = parser.parse_args(arguments)
    missed = 0
    for name in MISTAKES:
        found = histories_to_find(name, MISTAKE_HISTORIES)
        missed += found is None
        where = "not found" if found is None else f"found in history {found[0]}"
        print(f"{where:>24}  {name}: {found[1] if found else ''}", flush=True)
    for harsh in (False, True):
        began = time.perf_counter()
        figures = run_histories(options.first, options.histories // 2, harsh=harsh)
        print(f"{'harsh' if harsh else 'usual'}: {figures} in {time.perf_counter() - began:.0f} s", flush=True)
    print(f"{len(MISTAKES) - missed} of {len(MISTAKES)} seeded mistakes were found")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
