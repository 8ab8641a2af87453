"""The server's cost of an answered CALL."""

from collections.abc import Iterator
from statistics import median

from benchmarks.contestants import (
    C_ECHO,
    COMPILED_ASYNCIO,
    COMPILED_UVLOOP,
    CONTESTANTS,
    FAST_UVLOOP,
    NPM,
    PLAIN_ASYNCIO,
    PLAIN_TRIO,
    PYPI,
    Contestant,
)
from benchmarks.report import Figure, Section, Table, Target
from benchmarks.runner import Results, Runner
from benchmarks.samples import ratios, spread
from benchmarks.sizes import Sizes
from benchmarks.traffic import KINDS, OCPP16_MIX, TRANSACTION_EVENTS, Traffic

__all__ = ["measure"]

_CHEAPER_THAN_PYPI = ((PLAIN_ASYNCIO, 8), (FAST_UVLOOP, 14))
"""Least ratio of the cost of the PyPI packages to that of this library."""
_SHARES: tuple[tuple[Contestant, Contestant, str, dict[str, float]], ...] = (
    (COMPILED_UVLOOP, NPM, "npm ocpp-rpc", dict.fromkeys(KINDS, 0.6)),
    (COMPILED_UVLOOP, C_ECHO, "the echo in C", dict.fromkeys(KINDS, 3.2)),
    (COMPILED_ASYNCIO, NPM, "npm ocpp-rpc", {OCPP16_MIX.key: 0.95, TRANSACTION_EVENTS.key: 1.1}),
    (FAST_UVLOOP, NPM, "npm ocpp-rpc", dict.fromkeys(KINDS, 0.95)),
    (PLAIN_ASYNCIO, NPM, "npm ocpp-rpc", dict.fromkeys(KINDS, 1.2)),
    (PLAIN_TRIO, PLAIN_ASYNCIO, "asyncio", dict.fromkeys(KINDS, 1.15)),
)
"""Greatest ratio of the cost to that of another server, by kind of traffic."""


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
        " PyPI ocpp does not check the format of timestamps; the others do. The echo in C shows what the system and"
        " WebSocket cost: it unmasks a CALL, and sends a ready response with its message id. A server that was busy for"
        " less than all of the time shared its processor with something else, or waited for the load.",
        [_table(KINDS[kind], measured) for kind, measured in results.items()],
        [figure for kind, measured in results.items() for figure in _figures(KINDS[kind], measured)],
        runner.absent(CONTESTANTS),
    )


def _table(traffic: Traffic, measured: Results) -> Table:
    peers = [_costs(measured, peer) for peer in (NPM, C_ECHO)]
    rows = []
    for contestant in CONTESTANTS:
        if contestant.key not in measured:
            continue
        costs = _costs(measured, contestant)
        cheaper = spread(ratios(_costs(measured, PYPI), costs), ".1f")
        shares = (spread(ratios(costs, peer), ".2f") for peer in peers)
        load, share = (median(measured.values(contestant.key, name)) for name in ("load_us", "server_share"))
        rows.append((contestant.title, spread(costs, ".1f"), cheaper, *shares, f"{load:.0f}", f"{share:.0%}"))
    return Table(
        (
            traffic.title,
            "µs CPU a message",
            "Times cheaper than PyPI ocpp",
            "Of the cost of npm ocpp-rpc",
            "Of the cost of the echo in C",
            "µs CPU of the load",
            "Busy",
        ),
        rows,
    )


def _costs(measured: Results, contestant: Contestant) -> list[float]:
    return measured.values(contestant.key, "server_us")


def _figures(traffic: Traffic, measured: Results) -> Iterator[Figure]:
    for contestant, least in _CHEAPER_THAN_PYPI:
        cheaper = ratios(_costs(measured, PYPI), _costs(measured, contestant))
        title = f"{traffic.title}: {contestant.title}: times cheaper than PyPI ocpp"
        yield Figure(title, "", cheaper, Target(least, at_least=True))
    for contestant, peer, name, greatest in _SHARES:
        share = ratios(_costs(measured, contestant), _costs(measured, peer))
        title = f"{traffic.title}: {contestant.title}: cost over that of {name}"
        yield Figure(title, "", share, Target(greatest[traffic.key]))
