"""What a cluster costs: its registry, calls between its servers, events for other programs, and workers."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import trustme

from benchmarks.cluster import redis, workers
from benchmarks.cluster.redis import RunningRedis, redis_server
from benchmarks.cluster.settings import CARRIERS, LOCAL
from benchmarks.process import split_processors
from benchmarks.report import Figure, Section, Table, Target
from benchmarks.runner import Results, Runner, say
from benchmarks.samples import ratios, spread
from benchmarks.sizes import Sizes
from benchmarks.traffic import HEARTBEATS

__all__ = ["measure"]

_TITLE: Final = "A cluster"
_BYTES: Final = Target(80)
_OVER_LOCAL: Final = Target(3)
_EVENTS_SHARE: Final = Target(6)
_SPEEDUP: Final = Target(1.5, at_least=True)
_WORKERS: Final = (1, 2)
_CONNECTIONS: Final = 100
_REGISTRY_ROWS: Final = {
    "claim": "Claims of new stations, 200 at once",
    "find": "Lookups of stations, 200 at once",
    "renewal": "Renewals of a node, 256 buckets, one at a time",
    "check": "Checks of stations, all in one request",
}
_COLUMNS: Final = (
    ("a second", "rate", ",.0f"),
    ("µs CPU of Redis", "redis_us", ".1f"),
    ("µs CPU of the node", "own_us", ".1f"),
)


def measure(runner: Runner, sizes: Sizes) -> Section:
    """Measure everything, if Redis and its client are installed."""
    method = _method(sizes)
    if reason := redis.missing():
        return Section(_TITLE, "cluster", method, notes=[f"Left out: {reason}."])
    registry = Results()
    for number in range(sizes.cluster_rounds):
        say(f"  registry, round {number + 1} of {sizes.cluster_rounds}")
        with _redis() as (server, _):
            registry.add("", _script(runner, "registry.py", server, sizes.cluster_stations))
    tables, figures = [_registry_table(registry)], [*_registry_figures(registry, sizes)]
    if not sizes.slow_figures:
        notes = ["Left out of a quick run: calls, events and workers, which start many processes."]
        return Section(_TITLE, "cluster", method, tables, figures, notes)
    calls, events, served = _calls(runner, sizes), _events(runner, sizes), _served(runner, sizes)
    tables += [_calls_table(calls), _workers_table(served)]
    figures += [*_calls_figures(calls), *_events_figures(events), *_workers_figures(served)]
    return Section(_TITLE, "cluster", method, tables, figures)


def _method(sizes: Sizes) -> str:
    return (
        f"A redis-server of its own and coredis on uvloop, rounds: {sizes.cluster_rounds}. Registry:"
        f" {sizes.cluster_stations:,} stations of one node, whose claims use a processor that Redis does not; memory is"
        " the growth of used_memory. Calls: five servers with a real station each, the stations in a process of their"
        f" own, on all processors; {sizes.cluster_calls:,} calls to each station, one at a time, in blocks of ten in"
        " random order, from the server of the first one; then 50 stations at once over Redis. Events: messages of 284"
        " bytes, 10,000 a second, beside the same loop without an observer. Workers:"
        f" {_CONNECTIONS} stations call Heartbeat in a closed loop; the load generator shares the processors, and its"
        " share is stated."
    )


# Measuring


@contextmanager
def _redis() -> Iterator[tuple[RunningRedis, str]]:
    """Run a Redis on the processor of servers. Yields it, and a folder with the certificate of the nodes."""
    with TemporaryDirectory(prefix="benchmarks-") as folder:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(f"{folder}/ca.pem")
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(f"{folder}/node.pem")
        with redis_server(split_processors()[0], Path(folder)) as server:
            yield server, folder


def _script(runner: Runner, name: str, server: RunningRedis, *arguments: object) -> dict[str, float]:
    return runner.script(f"cluster/{name}", str(server.port), str(server.pid), *map(str, arguments))


def _calls(runner: Runner, sizes: Sizes) -> Results:
    measured = Results()
    for number in range(sizes.cluster_rounds):
        say(f"  calls, round {number + 1} of {sizes.cluster_rounds}")
        with _redis() as (server, folder):
            measured.add("", _script(runner, "calls.py", server, folder, sizes.cluster_calls))
    return measured


def _events(runner: Runner, sizes: Sizes) -> Results:
    measured = Results()
    for number in range(sizes.cluster_rounds):
        say(f"  events, round {number + 1} of {sizes.cluster_rounds}")
        with _redis() as (server, _):
            measured.add("", runner.script("cluster_events.py", server.url, "--json"))
    return measured


def _served(runner: Runner, sizes: Sizes) -> Results:
    """Measure numbers of workers in turn. Each round starts with another one."""
    measured = Results()
    options = {"traffic": HEARTBEATS.key, "connections": _CONNECTIONS, "warmup": sizes.warmup, "seconds": sizes.seconds}
    for number in range(sizes.cluster_rounds):
        for count in _WORKERS[:: -1 if number % 2 else 1]:
            say(f"  workers: {count}, round {number + 1} of {sizes.cluster_rounds}")
            with workers.serving(count) as server:
                measured.add(str(count), _rated(runner.load(server, "busy", **options), sizes.seconds))
    return measured


def _rated(load: dict[str, float], seconds: float) -> dict[str, float]:
    answered = load["answered"]
    return {"rate": answered / seconds, "load_share": load["load_us"] * 1e-6 * answered / seconds}


# Reporting


def _registry_table(measured: Results) -> Table:
    rows = [
        (title, *(spread(measured.values("", f"{key}_{name}"), form) for _, name, form in _COLUMNS))
        for key, title in _REGISTRY_ROWS.items()
    ]
    return Table(("Registry", *(title for title, _, _ in _COLUMNS)), rows)


def _registry_figures(measured: Results, sizes: Sizes) -> Iterator[Figure]:
    title = f"Registry of {sizes.cluster_stations:,} stations"
    yield Figure(f"{title}: memory of Redis a station", "bytes", measured.values("", "station_bytes"), _BYTES)
    yield Figure(f"{title}: claims a second", "", measured.values("", "claim_rate"))


def _calls_table(measured: Results) -> Table:
    titles = {LOCAL: "to a station of its own"} | CARRIERS
    rows = [
        (title, *(spread(measured.values("", f"{name}_p{percent}_us"), ".0f") for percent in (50, 99)))
        for name, title in titles.items()
    ]
    return Table(("A call of a server", "p50 µs", "p99 µs"), rows)


def _calls_figures(measured: Results) -> Iterator[Figure]:
    local = measured.values("", f"{LOCAL}_p50_us")
    for name, title in CARRIERS.items():
        target = None if name == "redis" else _OVER_LOCAL
        over_local = ratios(measured.values("", f"{name}_p50_us"), local)
        yield Figure(f"Call to another server, {title}: p50 over that of a local call", "", over_local, target)
    yield Figure(
        "Calls to another server, over Redis, 50 at once: CPU of Redis a call",
        "µs",
        measured.values("", "call_redis_us"),
    )


def _events_figures(measured: Results) -> Iterator[Figure]:
    share = measured.values("", "cpu", scale=100)
    yield Figure("Events out, 10,000 messages/s: share of the core of a node", "%", share, _EVENTS_SHARE)
    yield Figure("Events out, 10,000 messages/s: dropped", "events", measured.values("", "dropped"), Target(0))


def _workers_table(measured: Results) -> Table:
    rows = [
        (
            str(count),
            spread([each / 1000 for each in measured.values(str(count), "rate")], ".1f"),
            spread(measured.values(str(count), "load_share", scale=100), ".0f"),
        )
        for count in _WORKERS
    ]
    return Table(("Workers", "thousand Heartbeats a second", "% of a processor that the load uses"), rows)


def _workers_figures(measured: Results) -> Iterator[Figure]:
    one, two = (measured.values(str(count), "rate") for count in _WORKERS)
    yield Figure("Two workers: Heartbeats a second over those of one", "", ratios(two, one), _SPEEDUP)
