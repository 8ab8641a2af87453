"""The speed of an application's own client, server and handlers in virtual time."""

from typing import Final

from benchmarks.report import Figure, Section, Table, Target
from benchmarks.runner import Runner
from benchmarks.samples import spread
from benchmarks.sizes import Sizes

__all__ = ["measure"]

_METHOD: Final = """\
Messages in a second of processor time: each station of a `World` sends a Heartbeat in each virtual second, and a CALL
and its response are two messages. Client, server, handlers and network share one processor. "Bytes" plays connections
with all that the library does on a socket, "messages" has no WebSocket. The engines alone have no event loop. Each
round takes the best of three."""
_TARGETS: Final = {"bytes, plain handler": 20_000, "messages, plain handler": 28_000}
_TARGET_STATIONS: Final = (1, 100)


def measure(runner: Runner, sizes: Sizes) -> Section:
    """Measure all variants with each number of stations, in a separate process for each round."""
    rounds = [_measure_once(runner, sizes) for _ in range(sizes.least_rounds)]
    titles = dict.fromkeys(key.partition(" ")[2] for key in rounds[0])
    rates = {
        (title, stations): [each[f"{stations} {title}"] for each in rounds]
        for title in titles
        for stations in sizes.world_stations
    }
    rows = [(title, *(spread(rates[title, each], ".0f") for each in sizes.world_stations)) for title in titles]
    figures = [
        Figure(
            f"World, {title}, stations: {stations}", "messages/s", rates[title, stations], Target(bound, at_least=True)
        )
        for title, bound in _TARGETS.items()
        for stations in _TARGET_STATIONS
        if stations in sizes.world_stations
    ]
    headings = ("Messages a second", *(f"Stations: {each}" for each in sizes.world_stations))
    return Section("The laboratory", "laboratory", _METHOD, [Table(headings, rows)], figures)


def _measure_once(runner: Runner, sizes: Sizes) -> dict[str, float]:
    stations = [str(each) for each in sizes.world_stations]
    sized = [f"--messages={sizes.world_messages}", f"--repeats={min(sizes.repeats, 3)}"]
    return runner.script("laboratory.py", "--json", *sized, "--stations", *stations)
