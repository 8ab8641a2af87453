"""Run many histories, and look for every seeded mistake: a part of `make outbox-histories`."""

import argparse
import sys

from tests.core.outbox.simulation.seeding import mistaken

from .history import run
from .mistakes import MISTAKES

MISTAKE_HISTORIES = 1000


def histories_to_find(name: str, most: int) -> int | None:
    """Return the number of histories until a seeded mistake is found; None if it is not."""
    with mistaken(MISTAKES[name]):
        for seed in range(most):
            try:
                run(seed)
            except Exception:
                return seed + 1
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=2000)
    histories = parser.parse_args().histories
    found = {name: histories_to_find(name, MISTAKE_HISTORIES) for name in MISTAKES}
    for name, count in found.items():
        print(f"{'not found' if count is None else f'found in history {count}':>24}  {name}", flush=True)
    for seed in range(histories):
        try:
            run(seed)
        except Exception as error:
            error.add_note(f"tests.core.durable.fleet.history.run({seed}) repeats it")
            raise
    print(f"{histories} histories of a server, no invariant broken")
    return 1 if None in found.values() else 0


if __name__ == "__main__":
    sys.exit(main())
