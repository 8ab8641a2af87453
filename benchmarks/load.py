"""The load generator: the process with the stations, which measures the server and prints one JSON object.

It uses raw sockets on one epoll and frames made before the clock starts, so its own cost is mostly the kernel's.
It also reports its own cost and how busy the server was: a server that waits for the load is not at its limit.

    python benchmarks/load.py busy '{"port": 9000, "pid": 4711, "traffic": "mix", "connections": 50, ...}'
"""

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

from benchmarks.loads.busy import busy, growing
from benchmarks.loads.flood import flood
from benchmarks.loads.idle import memory, pings
from benchmarks.loads.paced import paced, round_trip
from benchmarks.loads.storm import storm
from benchmarks.traffic import ALL_KINDS

__all__ = ["MODES"]

MODES: Final[Mapping[str, Callable[..., dict[str, float]]]] = {
    load.__name__: load for load in (busy, flood, growing, memory, pings, paced, round_trip, storm)
}


def main() -> None:
    match sys.argv[1:]:
        case [mode, text] if mode in MODES:
            options: dict[str, Any] = json.loads(text)
            if "traffic" in options:
                options["traffic"] = ALL_KINDS[options["traffic"]]
            print(json.dumps(MODES[mode](**options)))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
