"""The cost of stations of this library in a separate process."""

from collections.abc import Iterator

from benchmarks.contestants import (
    BEFORE_ASYNCIO,
    BEFORE_UVLOOP,
    COMPILED_ASYNCIO,
    COMPILED_UVLOOP,
    FAST_UVLOOP,
    PLAIN_ASYNCIO,
    Contestant,
)
from benchmarks.process import too_many
from benchmarks.report import Figure, Section, Table, Target
from benchmarks.runner import Results, Runner
from benchmarks.samples import ratios, spread
from benchmarks.sizes import Sizes

__all__ = ["measure"]

_STATIONS = (PLAIN_ASYNCIO, FAST_UVLOOP, COMPILED_ASYNCIO, COMPILED_UVLOOP)
_ALL = (*_STATIONS, BEFORE_ASYNCIO, BEFORE_UVLOOP)
_COMPARED = (
    (PLAIN_ASYNCIO, BEFORE_ASYNCIO, None),
    (FAST_UVLOOP, BEFORE_UVLOOP, None),
    (COMPILED_ASYNCIO, BEFORE_ASYNCIO, Target(0.66)),
    (COMPILED_UVLOOP, BEFORE_UVLOOP, Target(0.66)),
)
"""What is compared with the older revision, and the target of the ratio."""
_KILOBYTES = Target(14.8)
_COLUMNS = (
    ("KB a station", "bytes_each", 1e-3, ".1f"),
    ("% of a processor at the steady rate", "steady_share", 100.0, ".1f"),
    ("Messages a second in a rush", "rush_rate", 1.0, ".0f"),
    ("µs CPU a message in a rush", "rush_us", 1.0, ".1f"),
)


def measure(runner: Runner, sizes: Sizes) -> Section:
    """Measure the process of the stations. The same server runs in another process for all."""
    title, method = "A fleet of stations", _method(sizes)
    if reason := too_many(sizes.fleet_stations):
        return Section(title, "fleet", method, notes=[reason])
    server_kind = PLAIN_ASYNCIO if runner.missing(FAST_UVLOOP) else FAST_UVLOOP
    measured = Results()
    sized = [f"--stations={sizes.fleet_stations}", f"--period={sizes.fleet_period}", f"--rush={sizes.fleet_rush}"]
    for stations in runner.rounds(_ALL, sizes.few_rounds):
        with runner.serving(server_kind) as server:
            command = ["fleet.py", *stations.options, str(server.port), *sized]
            measured.add(stations.key, runner.script(*command, build=stations.build))
    table = Table(("Stations", *(column[0] for column in _COLUMNS)), list(_rows(measured)))
    return Section(title, "fleet", method, [table], list(_figures(measured, sizes)), runner.absent(_ALL))


def _method(sizes: Sizes) -> str:
    return (
        f"{sizes.fleet_stations:,} `OCPPClient`s in one process, strict, against a server in another process, which is"
        f" the same for all and not measured. Steady: each station sends a Heartbeat and a MeterValues in"
        f" {sizes.fleet_period:g} s, spread evenly. Rush: each calls again as soon as it is answered, for"
        f" {sizes.fleet_rush:g} s. A message: a CALL and its response. Memory: what the stations add to the resident"
        " memory when each has been answered once. Before: the revision of the library that the command names, with"
        f" today's benchmark. Rounds: {sizes.few_rounds}."
    )


def _rows(measured: Results) -> Iterator[tuple[str, ...]]:
    for one in _ALL:
        if one.key in measured:
            cells = (spread(measured.values(one.key, name, scale=scale), form) for _, name, scale, form in _COLUMNS)
            yield (one.title, *cells)


def _figures(measured: Results, sizes: Sizes) -> Iterator[Figure]:
    title = f"Fleet of {sizes.fleet_stations:,}"
    for one in _STATIONS:
        yield Figure(
            f"{title}: {one.title}: KB a station", "KB", _values(measured, one, "bytes_each", 1e-3), _KILOBYTES
        )
    for one, before, target in _COMPARED:
        over_before = ratios(_values(measured, one, "rush_us"), _values(measured, before, "rush_us"))
        yield Figure(f"{title}: {one.title}: cost of a message over that before", "", over_before, target)


def _values(measured: Results, stations: Contestant, name: str, scale: float = 1.0) -> list[float]:
    return measured.values(stations.key, name, scale=scale)
