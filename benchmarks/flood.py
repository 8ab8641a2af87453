"""How long healthy stations wait while others flood the server with CALLs.

Healthy stations send a Heartbeat at a fixed rate each, in an open loop: latency counts from the scheduled time. The
others pipeline Heartbeats as fast as the server reads them. Rounds are interleaved over all servers, handlers and
numbers of flooders. Figures are medians with the least and the greatest value.

    python benchmarks/flood.py [--rounds 3] [--seconds 3] [--servers speed-asyncio trio] [--handlers plain async]
    python benchmarks/flood.py --before REVISION    # also measures the servers of an older revision, in turn
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.builds import Build, Builds
from benchmarks.contestants import FAST_ASYNCIO, FAST_UVLOOP, PLAIN_ASYNCIO, PLAIN_TRIO, Contestant
from benchmarks.runner import Results, Runner, say
from benchmarks.samples import spread

__all__ = ["main"]

_SERVERS: Final = {each.key: each for each in (FAST_ASYNCIO, FAST_UVLOOP, PLAIN_ASYNCIO, PLAIN_TRIO)}
_COLUMNS: Final = (
    ("p50 ms", "p50_ms", ".2f"),
    ("p99 ms", "p99_ms", ".1f"),
    ("Greatest ms", "max_ms", ".0f"),
    ("Flood answered", "flood_answered", ",.0f"),
    ("Busy", "busy", ".0%"),
)


class _Subject(NamedTuple):
    server: Contestant
    handlers: str
    flooders: int

    @property
    def key(self) -> str:
        """Names the subject in the results."""
        return f"{self.server.key} {self.handlers} {self.flooders}"


def _measure(runner: Runner, subjects: Sequence[_Subject], options: argparse.Namespace) -> Results:
    results = Results()
    for number in range(options.rounds):
        for subject in subjects:
            say(f"round {number + 1}: {subject.key}")
            with runner.serving(subject.server, *["--coroutines"] * (subject.handlers == "async")) as server:
                load = {"healthy": options.healthy, "flooders": subject.flooders, "seconds": options.seconds}
                results.add(subject.key, runner.load(server, "flood", **load))
    return results


def _report(subjects: Sequence[_Subject], results: Results) -> Iterator[str]:
    titles = ["Server", "Handlers", "Flooders", *(title for title, _, _ in _COLUMNS)]
    yield f"| {' | '.join(titles)} |"
    yield f"|{'---|' * len(titles)}"
    for subject in subjects:
        cells = [subject.server.title, subject.handlers, str(subject.flooders)]
        cells += [spread(results.values(subject.key, name), form) for _, name, form in _COLUMNS]
        yield f"| {' | '.join(cells)} |"


def _before(server: Contestant) -> Contestant:
    return replace(server, key=f"before {server.key}", title=f"before: {server.title}", build=Build.BEFORE)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    parser.add_argument("--healthy", type=int, default=40, help="healthy stations")
    parser.add_argument("--flooders", type=int, nargs="+", default=[0, 1, 10, 40])
    parser.add_argument("--servers", nargs="+", choices=_SERVERS, default=[FAST_ASYNCIO.key, FAST_UVLOOP.key])
    parser.add_argument("--handlers", nargs="+", choices=["plain", "async"], default=["plain"])
    parser.add_argument("--before", metavar="REVISION", help="also measure this revision of the library")
    options = parser.parse_args()
    servers = [_SERVERS[each] for each in options.servers]
    if options.before:
        servers += [*map(_before, servers)]
    subjects = [_Subject(*each) for each in product(servers, options.handlers, options.flooders)]
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
        runner = Runner(sys.stderr, Builds(Path(folder), before=options.before))
        results = _measure(runner, subjects, options)
    for line in _report(subjects, results):
        print(line)


if __name__ == "__main__":
    main()
