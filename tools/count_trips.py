"""Print the Python calls that a message passes through, file by file, and compare their number with the limits.

    python tools/count_trips.py            the three trips; exit code 1 if one is longer than its limit
    python tools/count_trips.py upgrade    those with `upgrade` in their names

What counts is described in `tools/cost/tracing.py`, where a trip begins and ends in `tools/cost/trips.py`.
The optional accelerators are hidden, so that it makes no difference whether they are installed.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
for accelerator in ("orjson", "jsonschema_rs", "websockets.speedups"):
    sys.modules[accelerator] = None  # type: ignore[assignment]  # documented: makes its import fail

from tools.cost import LIMITS, Limit, Trip, take_trips  # noqa: E402 - the tools run without being installed


def _show(name: str, trip: Trip, limit: Limit) -> None:
    files = trip.files
    print(f"\n{name}\n\n{'n':>4} {'depth':>5}  call")
    for number, call in enumerate(trip, 1):
        print(f"{number:>4} {call.depth:>5}  {'  ' * call.depth}{call.file}:{call.function}")
    print(f"\n{'file':>4} {'calls':>5}  in the order they are entered")
    for number, file in enumerate(files, 1):
        print(f"{number:>4} {sum(call.file == file for call in trip):>5}  {file}")
    print(f"\n{name}: {len(trip)} calls in {len(files)} files, at most {limit.calls} in {limit.files}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line. Returns the exit code."""
    summary, _, usage = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        description=summary, epilog=usage, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", nargs="?", default="", help="show the trips with this in the name")
    part = parser.parse_args(arguments).part
    chosen = {name: trip for name, trip in take_trips().items() if part in name}
    if not chosen:
        print(f"expected a part of one of: {', '.join(LIMITS)}", file=sys.stderr)
        return 2
    for name, trip in chosen.items():
        _show(name, trip, LIMITS[name])
    return int(any(not LIMITS[name].allows(trip) for name, trip in chosen.items()))


if __name__ == "__main__":
    sys.exit(main())
