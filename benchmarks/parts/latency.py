"""Response times for one station, and for many at a fixed rate."""

from collections.abc import Iterator, Sequence

from benchmarks.contestants import FAST_UVLOOP, NPM, PLAIN_ASYNCIO, PYPI, Contestant
from benchmarks.report import Figure, Section, Table, Target
from benchmarks.runner import Results, Runner
from benchmarks.samples import ratios, spread
from benchmarks.sizes import Sizes
from benchmarks.traffic import OCPP16_MIX

__all__ = ["measure"]

_OURS = (PLAIN_ASYNCIO, FAST_UVLOOP)
_PACED = (NPM, *_OURS)
_ALL = (PYPI, *_PACED)


def measure(runner: Runner, sizes: Sizes) -> Section:
    """Measure round trips of one station at all servers, and a fixed rate at those that can serve it."""
    alone, paced = Results(), Results()
    for contestant in runner.rounds(_ALL, sizes.few_rounds):
        with runner.serving(contestant) as server:
            options = {"traffic": OCPP16_MIX.key, "warmup": sizes.warmup, "seconds": sizes.seconds}
            alone.add(contestant.key, runner.load(server, "round_trip", **options))
            if contestant in _PACED:
                paced.add(contestant.key, runner.load(server, "paced", **_pace(sizes)))
    return Section(
        "Latency",
        "latency",
        f"OCPP 1.6 mix, rounds: {sizes.few_rounds}. One station: a closed loop for {sizes.seconds:g} s. Many:"
        f" {sizes.paced_stations:,} stations with {sizes.paced_rate:,} CALLs a second in all, spread evenly, for"
        f" {sizes.paced_seconds:g} s. Open loop: latency counts from the scheduled time of a CALL,"
        " so it includes the delay that a stalled server causes. For this the load polls its"
        " sockets without sleeping.",
        [_table("One station", _ALL, alone), _table(f"{sizes.paced_stations:,} stations", _PACED, paced)],
        [*_alone_figures(alone), *_paced_figures(paced, sizes)],
        [f"{PYPI.title} is left out of the second table: it cannot serve that rate.", *runner.absent(_ALL)],
    )


def _pace(sizes: Sizes) -> dict[str, object]:
    return {
        "traffic": OCPP16_MIX.key,
        "stations": sizes.paced_stations,
        "rate": sizes.paced_rate,
        "warmup": sizes.warmup,
        "seconds": sizes.paced_seconds,
    }


def _table(title: str, contestants: Sequence[Contestant], measured: Results) -> Table:
    names = ("p50_us", "p99_us", "max_us", "server_us")
    return Table(
        (title, "p50 µs", "p99 µs", "Greatest µs", "µs CPU a message"),
        [
            (one.title, *(spread(measured.values(one.key, name), ".0f") for name in names))
            for one in contestants
            if one.key in measured
        ],
    )


def _alone_figures(measured: Results) -> Iterator[Figure]:
    for contestant in _OURS:
        over_npm = _over_npm(measured, contestant, "p50_us")
        yield Figure(f"Round trip p50, one station: {contestant.title}: over npm ocpp-rpc", "", over_npm, Target(1))


def _paced_figures(measured: Results, sizes: Sizes) -> Iterator[Figure]:
    for contestant in _OURS:
        over_npm = _over_npm(measured, contestant, "p99_us")
        title = f"Latency p99, {sizes.paced_stations:,} stations at {sizes.paced_rate:,}/s"
        yield Figure(f"{title}: {contestant.title}: over npm ocpp-rpc", "", over_npm, Target(1.5))


def _over_npm(measured: Results, contestant: Contestant, name: str) -> list[float]:
    return ratios(measured.values(contestant.key, name), measured.values(NPM.key, name))
