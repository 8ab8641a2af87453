"""The cost of an answered CALL by the number of connections."""

from collections.abc import Sequence

from benchmarks.contestants import (
    C_ECHO,
    COMPILED_UVLOOP,
    ECHO_UVLOOP,
    FAST_UVLOOP,
    NPM,
    PLAIN_ASYNCIO,
    PYPI,
    Contestant,
)
from benchmarks.plot import Curve
from benchmarks.process import too_many
from benchmarks.report import Figure, Section, Table, Target
from benchmarks.runner import Results, Runner
from benchmarks.samples import spread
from benchmarks.sizes import Sizes
from benchmarks.traffic import OCPP16_MIX

__all__ = ["measure"]

_GROWING = (NPM, PLAIN_ASYNCIO, FAST_UVLOOP, COMPILED_UVLOOP, ECHO_UVLOOP, C_ECHO)
_ALL = (PYPI, *_GROWING)
_PYPI_MOST = 2_000
"""Most connections of the PyPI packages, which take long to answer each one before the clock starts."""
_MOST_US = 27
"""Target in microseconds for the compiled library at the greatest number of connections."""


def measure(runner: Runner, sizes: Sizes) -> Section:
    """Measure every server at each number of connections that the system allows."""
    left_out = [reason for count in sizes.scale if (reason := too_many(count))]
    possible = [count for count in sizes.scale if not too_many(count)]
    measured = Results()
    for contestant in runner.rounds(_ALL, sizes.few_rounds):
        with runner.serving(contestant) as server:
            options = {"in_flight": sizes.in_flight, "warmup": sizes.warmup, "seconds": sizes.seconds}
            steps = _steps(contestant, possible)
            measured.add(contestant.key, runner.load(server, "growing", traffic=OCPP16_MIX.key, steps=steps, **options))
    return Section(
        "Cost by number of connections",
        "scale",
        f"OCPP 1.6 mix with {sizes.in_flight} CALLs in flight at every number of connections, each station in"
        " turn, so that connections are measured and not queues. Every station has been answered before the clock"
        f" starts; {sizes.seconds:g} s each, rounds: {sizes.few_rounds}. µs CPU a message. The bare echo in Python"
        " shows how much of the growth the event loop, the system and the processor's caches cause: it unmasks only"
        " the message id, and sends a ready response.",
        [_table(measured, possible)],
        _figures(measured, possible, sizes.scale[-1]),
        [f"{PYPI.title} is measured to {_PYPI_MOST:,} connections.", *left_out, *runner.absent(_ALL)],
        _curves(measured, possible),
    )


def _steps(contestant: Contestant, possible: Sequence[int]) -> list[int]:
    return [count for count in possible if contestant is not PYPI or count <= _PYPI_MOST]


def _table(measured: Results, counts: Sequence[int]) -> Table:
    return Table(
        ("Server", *(f"{count:,} connections" for count in counts)),
        [
            (one.title, *(spread(measured.values(one.key, str(count)), ".1f") for count in counts))
            for one in _ALL
            if one.key in measured
        ],
    )


def _figures(measured: Results, counts: Sequence[int], meant: int) -> list[Figure]:
    """State the cost of the most connections, and its growth from the fewest.

    The target applies only to the full number.
    """
    fewest, most = str(counts[0]), str(counts[-1])
    target = Target(_MOST_US) if counts[-1] == meant else None
    title = f"Growth of the cost from {counts[0]:,} to {counts[-1]:,} connections"
    return [
        Figure(
            f"Cost at {counts[-1]:,} connections: {COMPILED_UVLOOP.title}",
            "µs",
            measured.values(COMPILED_UVLOOP.key, most),
            target,
        ),
        *(Figure(f"{title}: {one.title}", "µs", _growth(measured, one, fewest, most)) for one in _GROWING),
    ]


def _growth(measured: Results, contestant: Contestant, fewest: str, most: str) -> list[float]:
    pairs = zip(measured.values(contestant.key, most), measured.values(contestant.key, fewest), strict=True)
    return [at_most - at_fewest for at_most, at_fewest in pairs]


def _curves(measured: Results, counts: Sequence[int]) -> list[Curve]:
    return [
        Curve(one.title, [(count, values) for count in counts if (values := measured.values(one.key, str(count)))])
        for one in _ALL
        if one.key in measured
    ]
