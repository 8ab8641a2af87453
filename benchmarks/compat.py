"""What a program for the package `ocpp` gains by changing its imports: the server's processor time for a message.

One program with websockets serves each contestant: on the package `ocpp`, on the same without threads, and on
`ocpp_transports.compat`. Rounds are interleaved. Figures are medians with the least and the greatest value; ratios are
made round by round.

python benchmarks/compat.py [--rounds 7] [--quick]
"""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.contestants import COMPAT, PYPI, PYPI_INLINE
from benchmarks.process import raise_descriptor_limit
from benchmarks.runner import Results, Runner
from benchmarks.samples import ratios, spread
from benchmarks.sizes import FULL, QUICK, Sizes
from benchmarks.traffic import HEARTBEATS, METERS, TRANSACTION_EVENTS, Traffic

_CONTESTANTS = (PYPI, PYPI_INLINE, COMPAT)
_TRAFFIC = (HEARTBEATS, METERS, TRANSACTION_EVENTS)


def measure(runner: Runner, sizes: Sizes, rounds: int) -> dict[str, Results]:
    """Return the results of each kind of traffic by its key."""
    results = {traffic.key: Results() for traffic in _TRAFFIC}
    options = {"connections": sizes.connections, "warmup": sizes.warmup, "seconds": sizes.seconds}
    for contestant in runner.rounds(_CONTESTANTS, rounds):
        with runner.serving(contestant) as server:
            for kind, measured in results.items():
                measured.add(contestant.key, runner.load(server, "busy", traffic=kind, **options))
    return results


def row(traffic: Traffic, measured: Results) -> str:
    """Return one line of the table."""
    costs = {each.key: measured.values(each.key, "server_us") for each in _CONTESTANTS}
    cheaper = [ratios(costs[each.key], costs[COMPAT.key]) for each in (PYPI, PYPI_INLINE)]
    cells = [spread(values, ".0f") for values in costs.values()] + [spread(values, ".1f") for values in cheaper]
    return f"| {' | '.join([traffic.title, *cells])} |"


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="check that it runs; the figures mean nothing")
    options = parser.parse_args()
    if not sys.platform.startswith("linux"):
        sys.exit("The benchmarks read /proc, which only Linux has.")
    raise_descriptor_limit()
    with tempfile.NamedTemporaryFile("w", prefix="benchmarks-", suffix=".log", delete=False) as log:
        results = measure(Runner(log), QUICK if options.quick else FULL, options.rounds)
    Path(log.name).unlink()  # kept only after a failure
    titles = ["µs CPU a message", *(each.title for each in _CONTESTANTS), "Times cheaper", "Than without threads"]
    print(f"| {' | '.join(titles)} |\n|{'---|' * len(titles)}")
    for traffic in _TRAFFIC:
        print(row(traffic, results[traffic.key]))


if __name__ == "__main__":
    main()
