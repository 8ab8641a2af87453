"""Run many histories, and look for every seeded mistake: `make cluster-histories HISTORIES=20000`."""

import argparse
import sys
import time
from collections.abc import Sequence
from typing import Final

from .calls.mistakes import CALL_MISTAKES
from .history import CARRIERS, Figures, History
from .mistakes import REGISTRY_MISTAKES
from .patches import Mistakes, mistaken
from .watch import BrokenInvariantError

MISTAKES: Final[Mistakes] = {**REGISTRY_MISTAKES, **CALL_MISTAKES}
MISTAKE_HISTORIES: Final = 400
"""Histories in which a mistake must be found."""
TRACE: Final = 80
"""Lines before the end of a history that broke an invariant."""


def run_histories(first: int, count: int, *, harsh: bool = False) -> Figures:
    """Run histories by their seeds; the end of one that fails is printed, and its exception names the seed."""
    figures = Figures()
    for seed in range(first, first + count):
        try:
            figures.add(History(seed, harsh=harsh).run())
        except Exception as error:
            trace(seed, harsh=harsh)
            error.add_note(f"repeat it: python -m tests.core.cluster.simulation --seed {seed}{' --harsh' * harsh}")
            raise
    return figures


def finds(name: str, seed: int, *, harsh: bool) -> str:
    """Return what breaks in a history with a seeded mistake; empty if nothing does."""
    with mistaken(MISTAKES[name]):
        try:
            History(seed, harsh=harsh).run()
        except (BrokenInvariantError, LookupError, ValueError) as error:
            return f"{error}"
    return ""


def histories_to_find(name: str, most: int) -> tuple[int, bool, str] | None:
    """Return the seed that finds a mistake, whether it is harsh, and what broke; None if `most` histories do not."""
    for number in range(most):
        seed, harsh = number // 2, number % 2 == 1
        if error := finds(name, seed, harsh=harsh):
            return seed, harsh, error
    return None


def list_mistakes() -> int:
    """Print the seed that finds each mistake, and return how many are not found."""
    missed = 0
    for name in MISTAKES:
        found = histories_to_find(name, MISTAKE_HISTORIES)
        if found is None:
            missed += 1
            print(f"{'not found':>12}  {name}", flush=True)
        else:
            seed, harsh, error = found
            print(f"{f'seed {seed}':>12}  {name}: {error} ({CARRIERS[seed % 3]}{', harsh' * harsh})", flush=True)
    print(f"{len(MISTAKES) - missed} of {len(MISTAKES)} seeded mistakes were found")
    return missed


def trace(seed: int, *, harsh: bool) -> int:
    """Play one history, and print what happened before an invariant broke; return 1 if one did."""
    lines: list[str] = []
    try:
        print(History(seed, harsh=harsh, trace=lines.append).run())
    except Exception as error:
        print(*lines[-TRACE:], f"{type(error).__name__}: {error}", sep="\n")
        return 1
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments name; the exit status is 0 if nothing broke and every mistake was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=20_000, help="half of them are harsh")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--mutants", action="store_true", help="look for the seeded mistakes only")
    parser.add_argument("--seed", type=int, help="play this history, and print its end if it breaks an invariant")
    parser.add_argument("--harsh", action="store_true", help="with --seed: on the harsh network")
    options = parser.parse_args(arguments)
    if options.seed is not None:
        return trace(options.seed, harsh=options.harsh)
    missed = list_mistakes()
    if not options.mutants:
        for harsh in (False, True):
            began = time.perf_counter()
            figures = run_histories(options.first, options.histories // 2, harsh=harsh)
            print(f"{'harsh' if harsh else 'usual'}: {figures} in {time.perf_counter() - began:.0f} s", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
