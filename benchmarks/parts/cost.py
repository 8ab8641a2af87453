"""The server's cost of an answered CALL."""

from collections.abc import Iterator
from statistics import median

from benchmarks.contestants import CONTESTANTS, FAST_UVLOOP, NPM, PLAIN_ASYNCIO, PYPI
from benchmarks.report import Figure, Section, Table, Target, absent
from benchmarks.runner import Results, Runner
from benchmarks.samples import ratios, spread
from benchmarks.sizes import Sizes
from benchmarks.traffic import KINDS, Traffic

__all__ = ["measure"]

_TARGETS = ((PLAIN_ASYNCIO, 8, 1.2), (FAST_UVLOOP, 14, 0.65))
"""Targets of this library: least ratio to the PyPI packages, greatest share of the npm package's cost."""


def measure(runner: Runner, sizes: Sizes) -> Section:
    """Measure every server under each kind of traffic."""
    results = {kind: Results() for kind in KINDS}
    for contestant in runner.rounds(CONTESTANTS, sizes.rounds):
        with runner.serving(contestant) as server:
            for kind, measured in results.items():
                options = {"connections": sizes.connections, "warmup": sizes.warmup, "seconds": sizes.seconds}
                measured.add(contestant.key, runner.load(server, "busy", traffic=kind, **options))
    return Section(
        "Cost of a message",
        "cost",
        f"{sizes.connections} connections in closed loop: each sends its next CALL when the last one is answered."
        f" {sizes.seconds:g} s per server and round, rounds: {sizes.rounds}. The OCPP 1.6 mix is Heartbeat, MeterValues"
        " (777 bytes, five samples), BootNotification, MeterValues; a TransactionEvent has 931 bytes and five samples."
        " PyPI ocpp does not check the format of timestamps; the others do. A server that was busy for less than all of"
        " the time shared its processor with something else.",
        [_table(KINDS[kind], measured) for kind, measured in results.items()],
        [figure for kind, measured in results.items() for figure in _figures(KINDS[kind], measured)],
        absent(CONTESTANTS),
    )


def _table(traffic: Traffic, measured: Results) -> Table:
    rows = []
    for contestant in CONTESTANTS:
        if contestant.missing:
            continue
        costs = measured.values(contestant.key, "server_us")
        cheaper = ratios(measured.values(PYPI.key, "server_us"), costs)
        of_npm = ratios(costs, measured.values(NPM.key, "server_us"))
        load, share = (median(measured.values(contestant.key, name)) for name in ("load_us", "server_share"))
        ratio_cells = (spread(cheaper, ".1f"), spread(of_npm, ".2f"))
        rows.append((contestant.title, spread(costs, ".0f"), *ratio_cells, f"{load:.0f}", f"{share:.0%}"))
    return Table(
        (
            traffic.title,
            "µs CPU a message",
            "Times cheaper than PyPI ocpp",
            "Of the cost of npm ocpp-rpc",
            "µs CPU of the load",
            "Busy",
        ),
        rows,
    )


def _figures(traffic: Traffic, measured: Results) -> Iterator[Figure]:
    for contestant, cheaper, of_npm in _TARGETS:
        costs = measured.values(contestant.key, "server_us")
        pypi, npm = (measured.values(peer.key, "server_us") for peer in (PYPI, NPM))
        title = f"{traffic.title}: {contestant.title}"
        yield Figure(f"{title}: times cheaper than PyPI ocpp", "", ratios(pypi, costs), Target(cheaper, at_least=True))
        yield Figure(f"{title}: cost over that of npm ocpp-rpc", "", ratios(costs, npm), Target(of_npm))
