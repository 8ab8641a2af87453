"""The cost of stations of this library in a separate process."""

from collections.abc import Iterator

from benchmarks.accelerators import STANDARD_LIBRARY
from benchmarks.contestants import FAST_UVLOOP, PLAIN_ASYNCIO
from benchmarks.process import too_many
from benchmarks.report import Section, Table, absent
from benchmarks.runner import Results, Runner
from benchmarks.samples import spread
from benchmarks.sizes import Sizes

__all__ = ["measure"]

_ALL = (PLAIN_ASYNCIO, FAST_UVLOOP)
_ARGUMENTS = {PLAIN_ASYNCIO: ("asyncio", STANDARD_LIBRARY), FAST_UVLOOP: ("uvloop",)}
_COLUMNS = (
    ("KB a station", "bytes_each", 1e-3, ".1f"),
    ("% of a processor at the steady rate", "steady_share", 100.0, ".1f"),
    ("Messages a second in a rush", "rush_rate", 1.0, ".0f"),
    ("µs CPU a message in a rush", "rush_us", 1.0, ".0f"),
)


def measure(runner: Runner, sizes: Sizes) -> Section:
    """Measure the process of the stations. The server runs in another process of the same kind."""
    title, method = "A fleet of stations", _method(sizes)
    if reason := too_many(sizes.fleet_stations):
        return Section(title, "fleet", method, notes=[reason])
    measured = Results()
    sized = [f"--stations={sizes.fleet_stations}", f"--period={sizes.fleet_period}", f"--rush={sizes.fleet_rush}"]
    for contestant in runner.rounds(_ALL, sizes.least_rounds):
        with runner.serving(contestant) as server:
            result = runner.script("fleet.py", *_ARGUMENTS[contestant], str(server.port), *sized)
            measured.add(contestant.key, result)
    table = Table(("Stations", *(column[0] for column in _COLUMNS)), list(_rows(measured)))
    return Section(title, "fleet", method, [table], notes=absent(_ALL))


def _method(sizes: Sizes) -> str:
    return (
        f"{sizes.fleet_stations:,} `OCPPClient`s in one process, strict, against the server of the same kind in another"
        f" process, which is not measured. Steady: each station sends a Heartbeat and a MeterValues in"
        f" {sizes.fleet_period:g} s, spread evenly. Rush: each calls again as soon as it is answered, for"
        f" {sizes.fleet_rush:g} s. A message: a CALL and its response. Memory: what the stations add to the resident"
        f" memory when each has been answered once. Rounds: {sizes.least_rounds}."
    )


def _rows(measured: Results) -> Iterator[tuple[str, ...]]:
    for one in _ALL:
        if not one.missing:
            cells = (spread(measured.values(one.key, name, scale=scale), form) for _, name, scale, form in _COLUMNS)
            yield (one.title, *cells)
