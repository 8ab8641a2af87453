"""The cost of idle connections with pings at the default interval."""

from benchmarks.contestants import FAST_UVLOOP, PLAIN_ASYNCIO, Contestant
from benchmarks.process import too_many
from benchmarks.report import Figure, Section, Table, Target
from benchmarks.runner import Results, Runner
from benchmarks.samples import spread
from benchmarks.sizes import Sizes

__all__ = ["measure"]

_ALL = (PLAIN_ASYNCIO, FAST_UVLOOP)


def measure(runner: Runner, sizes: Sizes) -> Section:
    """Measure the share of a processor over a fixed time."""
    method = (
        f"{sizes.ping_connections:,} connections that are idle after one Heartbeat. The server pings each every"
        f" 30 s, its default, and the load responds. The processor time of {sizes.ping_seconds:g} s over these, from"
        f" {sizes.ping_wait:g} s after the last connection on, shortly before the first pings; rounds:"
        f" {sizes.ping_rounds}."
    )
    if reason := too_many(sizes.ping_connections):
        return Section("Pings", "pings", method, notes=[reason])
    measured = Results()
    options = {"connections": sizes.ping_connections, "wait": sizes.ping_wait, "seconds": sizes.ping_seconds}
    for contestant in runner.rounds(_ALL, sizes.ping_rounds):
        with runner.serving(contestant) as server:
            measured.add(contestant.key, runner.load(server, "pings", **options))
    return Section("Pings", "pings", method, [_table(measured)], _figures(measured, sizes), runner.absent(_ALL))


def _share(measured: Results, contestant: Contestant) -> list[float]:
    return measured.values(contestant.key, "share", scale=100)


def _table(measured: Results) -> Table:
    return Table(
        ("Server", "% of a processor", "Pings a second"),
        [
            (one.title, spread(_share(measured, one), ".2f"), spread(measured.values(one.key, "pings_a_second"), ".0f"))
            for one in _ALL
            if one.key in measured
        ],
    )


def _figures(measured: Results, sizes: Sizes) -> list[Figure]:
    title = f"{sizes.ping_connections:,} idle connections with pings"
    return [Figure(f"{title}: {one.title}", "% of a processor", _share(measured, one), Target(3)) for one in _ALL]
