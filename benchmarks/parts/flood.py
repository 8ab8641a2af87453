"""What one greedy connection does to the others."""

from collections.abc import Iterator

from benchmarks.contestants import COMPILED_ASYNCIO, COMPILED_UVLOOP, FAST_UVLOOP, PLAIN_ASYNCIO, PLAIN_TRIO
from benchmarks.report import Figure, Section, Table, Target
from benchmarks.runner import Results, Runner
from benchmarks.samples import spread
from benchmarks.sizes import Sizes

__all__ = ["measure"]

_ALL = (PLAIN_ASYNCIO, FAST_UVLOOP, PLAIN_TRIO, COMPILED_ASYNCIO, COMPILED_UVLOOP)
_P99 = Target(5)
_ANSWERED_A_SECOND = 20_000
"""CALLs of the greedy connection that must be answered: 80,000 in the 4 s of a full run."""
_COLUMNS = (
    ("p50 ms of the others", "p50_ms", ".2f"),
    ("p99 ms of the others", "p99_ms", ".2f"),
    ("Greatest ms", "max_ms", ".1f"),
    ("CALLs of the greedy one answered", "flood_answered", ",.0f"),
    ("Busy", "busy", ".0%"),
)


def measure(runner: Runner, sizes: Sizes) -> Section:
    """Measure the latency of the others, and how many CALLs of the greedy connection are answered."""
    measured = Results()
    options = {"healthy": sizes.flood_healthy, "flooders": 1, "seconds": sizes.flood_seconds}
    for contestant in runner.rounds(_ALL, sizes.few_rounds):
        with runner.serving(contestant) as server:
            measured.add(contestant.key, runner.load(server, "flood", **options))
    return Section(
        "A greedy connection",
        "flood",
        "One connection sends Heartbeats as fast as the server reads them, without waiting for responses."
        f" {sizes.flood_healthy} others send a Heartbeat each every 50 ms in an open loop: latency counts from the"
        f" scheduled time. {sizes.flood_seconds:g} s each, rounds: {sizes.few_rounds}. `python benchmarks/flood.py`"
        " measures more flooders, and handlers that are coroutines.",
        [Table(("Server", *(title for title, _, _ in _COLUMNS)), list(_rows(measured)))],
        list(_figures(measured, sizes)),
        runner.absent(_ALL),
    )


def _rows(measured: Results) -> Iterator[tuple[str, ...]]:
    for one in _ALL:
        if one.key in measured:
            yield (one.title, *(spread(measured.values(one.key, name), form) for _, name, form in _COLUMNS))


def _figures(measured: Results, sizes: Sizes) -> Iterator[Figure]:
    least = Target(_ANSWERED_A_SECOND * sizes.flood_seconds, at_least=True)
    for one in _ALL:
        title = f"A greedy connection: {one.title}"
        yield Figure(f"{title}: p99 of the others", "ms", measured.values(one.key, "p99_ms"), _P99)
        answered = measured.values(one.key, "flood_answered")
        yield Figure(f"{title}: its CALLs answered in {sizes.flood_seconds:g} s", "", answered, least)
