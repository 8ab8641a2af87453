"""What idle connections cost that are pinged at the default interval."""

from benchmarks.contestants import FAST_UVLOOP, PLAIN_ASYNCIO
from benchmarks.report import Figure, Section, Table, Target, absent
from benchmarks.runner import Results, Runner
from benchmarks.samples import spread
from benchmarks.sizes import Sizes

__all__ = ["measure"]

_ALL = (PLAIN_ASYNCIO, FAST_UVLOOP)


def measure(runner: Runner, sizes: Sizes) -> Section:
    """Measure the share of a processor over a bounded time."""
    measured = Results()
    options = {"connections": sizes.ping_connections, "wait": sizes.ping_wait, "seconds": sizes.ping_seconds}
    for contestant in runner.rounds(_ALL, 1):
        with runner.serving(contestant) as server:
            measured.add(contestant.key, runner.load(server, "pings", **options))
    shares = {one: measured.values(one.key, "share", scale=100) for one in _ALL if not one.missing}
    title = f"{sizes.ping_connections:,} idle connections with pings"
    return Section(
        "Pings",
        "pings",
        f"{sizes.ping_connections:,} connections that say nothing after one Heartbeat; the server pings each every"
        f" 30 s, its default, and the load answers. The processor time of {sizes.ping_seconds:g} s over these, from"
        f" {sizes.ping_wait:g} s after the last connection on, when the first pings are about to come.",
        [
            Table(
                ("Server", "% of a processor", "Pings a second"),
                [
                    (one.title, spread(values, ".2f"), spread(measured.values(one.key, "pings_a_second"), ".0f"))
                    for one, values in shares.items()
                ],
            )
        ],
        [Figure(f"{title}: {one.title}", "% of a processor", values, Target(3)) for one, values in shares.items()],
        absent(_ALL),
    )
