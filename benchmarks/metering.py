"""What the option `metrics` costs: the same server with and without it, in turn.

Each pair of runs loads a server without metrics, then one with them, and gives a ratio of their CPU for an answered
Heartbeat. Neighbours in time share the noise of the machine. Last, it measures how long writing the page takes.

    python benchmarks/metering.py [asyncio|trio|speed-asyncio|speed-uvloop] [--pairs 7] [--seconds 2]
"""

import argparse
import sys
import time
from statistics import median
from typing import Final

from benchmarks.contestants import FAST_ASYNCIO, FAST_UVLOOP, PLAIN_ASYNCIO, PLAIN_TRIO, Contestant
from benchmarks.runner import Runner, say
from benchmarks.traffic import HEARTBEATS
from ocpp_transports.observability import Metrics

_SERVERS: Final = {each.key: each for each in (PLAIN_ASYNCIO, PLAIN_TRIO, FAST_ASYNCIO, FAST_UVLOOP)}
_HISTOGRAMS: Final = 384


def _cost(runner: Runner, contestant: Contestant, seconds: float, *arguments: str) -> float:
    with runner.serving(contestant, *arguments) as server:
        load = runner.load(server, "busy", traffic=HEARTBEATS.key, connections=50, warmup=0.5, seconds=seconds)
    return load["server_us"]


def _page_ms() -> float:
    """Return the milliseconds of the page of so many histograms."""
    metrics = Metrics()
    for number in range(_HISTOGRAMS // 2):
        metrics.outbound.result(f"Action{number}", 0.01)
        metrics.outbound.error(f"Action{number}", 0.01)
    times = []
    for _ in range(20):
        begun = time.perf_counter()
        metrics.text()
        times.append(time.perf_counter() - begun)
    return median(times) * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("server", nargs="?", choices=_SERVERS, default=PLAIN_ASYNCIO.key)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2)
    options = parser.parse_args()
    runner, contestant = Runner(sys.stderr), _SERVERS[options.server]
    ratios, costs = [], []
    for number in range(options.pairs):
        without = _cost(runner, contestant, options.seconds)
        counted = _cost(runner, contestant, options.seconds, "--metrics")
        say(f"pair {number + 1}: {without:.2f} and {counted:.2f} µs, {counted / without - 1:+.1%}")
        ratios.append(counted / without)
        costs.append(without)
    print(f"{contestant.title}: {median(costs):.1f} µs a Heartbeat, with metrics {median(ratios) - 1:+.1%}")
    print(f"the page of {_HISTOGRAMS} histograms: {_page_ms():.1f} ms")


if __name__ == "__main__":
    main()
