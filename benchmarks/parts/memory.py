"""The memory of an idle connection."""

from collections.abc import Iterator

from benchmarks.contestants import COMPILED_UVLOOP, FAST_UVLOOP, NPM, PLAIN_ASYNCIO, PLAIN_TRIO, PYPI
from benchmarks.report import Figure, Section, Table, Target
from benchmarks.runner import Results, Runner
from benchmarks.samples import spread
from benchmarks.sizes import Sizes

__all__ = ["measure"]

_OURS = (PLAIN_ASYNCIO, FAST_UVLOOP, PLAIN_TRIO, COMPILED_UVLOOP)
_ALL = (PYPI, NPM, *_OURS)
_PLAIN_TARGET = 7
_COMPRESSED_TARGET = 16


def measure(runner: Runner, sizes: Sizes) -> Section:
    """Measure every server without compression and with it."""
    plain, compressed = Results(), Results()
    for compression, measured in ((False, plain), (True, compressed)):
        for contestant in runner.rounds(_ALL, sizes.least_rounds):
            with runner.serving(contestant, *["--compression"] * compression) as server:
                options = {"connections": sizes.idle_connections, "settle": sizes.settle, "compression": compression}
                measured.add(contestant.key, runner.load(server, "memory", **options))
    return Section(
        "Memory",
        "memory",
        f"The resident memory that {sizes.idle_connections:,} connections add to a server, divided by their number,"
        f" after one answered Heartbeat each; rounds: {sizes.least_rounds}. 1 KB is 1,000 bytes. With compression each"
        " has negotiated permessage-deflate without context takeover, and exchanged one message of 2 KB, compressed"
        " both ways. Node reserves memory ahead: with more connections the figure of the npm package falls to about"
        " half.",
        [
            Table(
                ("Server", "KB an idle connection", "KB with compression"),
                [
                    (
                        one.title,
                        spread(_kilobytes(plain, one.key), ".1f"),
                        spread(_kilobytes(compressed, one.key), ".1f"),
                    )
                    for one in _ALL
                    if one.key in measured
                ],
            )
        ],
        [
            *_figures(plain, "KB an idle connection", _PLAIN_TARGET),
            *_figures(compressed, "KB an idle connection with compression", _COMPRESSED_TARGET),
        ],
        runner.absent(_ALL),
    )


def _kilobytes(measured: Results, key: str) -> list[float]:
    return measured.values(key, "bytes_each", scale=1e-3)


def _figures(measured: Results, what: str, bound: float) -> Iterator[Figure]:
    for contestant in _OURS:
        yield Figure(f"{contestant.title}: {what}", "KB", _kilobytes(measured, contestant.key), Target(bound))
