"""Count the instructions and calls that one message costs on the hot path, and compare them with the table.

    python tools/count_cost.py                     every scenario; exit code 1 if one differs from the table
    python tools/count_cost.py --functions ping    the functions of the scenarios with `ping` in their names
    python tools/count_cost.py --write             write the counts into the table, for this version of Python
    python tools/count_cost.py --play ping 10000   count nothing, play so many messages for a profiler

The counts repeat exactly on any machine at any load. The optional accelerators are hidden, so it makes no difference
whether they are installed. `--speed` uses them.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
if "--speed" not in sys.argv:
    for accelerator in ("orjson", "jsonschema_rs", "websockets.speedups"):
        sys.modules[accelerator] = None  # type: ignore[assignment]  # documented: makes its import fail

from tools.cost import HERE, SCENARIOS, Cost, Counter, expected, judge, read_table, write_table  # noqa: E402 - after the accelerators are hidden

_WARM_UP: Final = 5
"""Messages before the counted ones, since some objects are created on first use."""
_ROUNDS: Final = 20
_SHOWN: Final = 25
"""Functions shown of each scenario."""


def _count(name: str) -> Counter:
    step = SCENARIOS[name]()
    for _ in range(_WARM_UP):
        step()
    counter = Counter()
    counter.run(step, _ROUNDS)
    return counter


def _compare(costs: dict[str, Cost]) -> int:
    column, budgets = expected(read_table(), HERE)
    print(f"Cost per message on Python {HERE}, compared with the table of {column}.\n")
    print(f"{'instructions':>12} {'table':>6} {'calls':>6} {'table':>6} {'C calls':>8} {'table':>6}")
    problems = {}
    for name, cost in costs.items():
        budget = budgets.get(name, Cost(0, 0, 0))
        print("{:>12} {:>6} {:>6} {:>6} {:>8} {:>6}  ".format(*sum(zip(cost, budget, strict=True), ())), name)
        if found := judge(cost, budget, is_same_version=column == HERE):
            problems[name] = found
    for name, found in problems.items():
        print("", name, *found, f"where: python tools/count_cost.py --functions {name!r}", sep="\n  ")
    if problems:
        print("\nTo accept the new counts, run this with --write on every version of Python in the table.")
    return 1 if problems else 0


def _show_functions(part: str) -> int:
    chosen = [name for name in SCENARIOS if part in name]
    for name in chosen:
        counter = _count(name)
        print(f"\n{name}: {counter.cost.instructions} instructions a message\n")
        print(f"{'instructions':>12} {'calls':>6} {'C calls':>8}   of the function itself")
        for place in counter.places[:_SHOWN]:
            print(f"{place.instructions:>12.1f} {place.calls:>6.1f} {place.c_calls:>8.1f}   {place.where}")
    if not chosen:
        print(f"expected a part of one of: {', '.join(SCENARIOS)}", file=sys.stderr)
    return 0 if chosen else 2


def _play(part: str, rounds: int) -> int:
    for name in SCENARIOS:
        if part in name:
            step = SCENARIOS[name]()
            for _ in range(rounds):
                step()
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line. Returns the exit code."""
    summary, _, usage = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        description=summary, epilog=usage, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--functions", metavar="PART", help="show the functions of the scenarios with this in the name")
    what.add_argument("--play", nargs=2, metavar=("PART", "ROUNDS"), help="play those messages and count nothing")
    what.add_argument("--write", action="store_true", help="write this version's column of the table")
    parser.add_argument("--speed", action="store_true", help="with --play: use what the extra `speed` brings")
    chosen = parser.parse_args(arguments)
    if chosen.play is not None:
        return _play(chosen.play[0], int(chosen.play[1]))
    if chosen.functions is not None:
        return _show_functions(chosen.functions)
    costs = {name: _count(name).cost for name in SCENARIOS}
    if chosen.write:
        write_table({**read_table(), HERE: costs})
        return 0
    return _compare(costs)


if __name__ == "__main__":
    sys.exit(main())
