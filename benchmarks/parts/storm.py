"""The cost of a simultaneous reconnect of all stations."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import trustme

from benchmarks.contestants import (
    BARE_ASYNCIO,
    BARE_UVLOOP,
    FAST_UVLOOP,
    NPM,
    PLAIN_ASYNCIO,
    PYPI,
    Contestant,
)
from benchmarks.report import Figure, Section, Table, Target
from benchmarks.runner import Results, Runner
from benchmarks.samples import spread
from benchmarks.sizes import Sizes

__all__ = ["measure"]

_OURS = (PLAIN_ASYNCIO, FAST_UVLOOP)
_ALL = (PYPI, NPM, *_OURS)
_TLS = (BARE_ASYNCIO, PLAIN_ASYNCIO, BARE_UVLOOP, FAST_UVLOOP)
_BARE = (BARE_ASYNCIO, BARE_UVLOOP)
_PASSWORD = "0123456789abcdef0123456789abcdef"
"""Password of every station."""


def measure(runner: Runner, sizes: Sizes) -> Section:
    """Measure storms without TLS and with it."""
    plain, tls = Results(), Results()
    options = {"stations": sizes.storm_stations, "password": _PASSWORD, "settle": sizes.settle}
    for contestant in runner.rounds(_ALL, sizes.least_rounds):
        with runner.serving(contestant, "--password", _PASSWORD) as server:
            plain.add(contestant.key, runner.load(server, "storm", tls=False, bare=False, **options))
    with _certificate() as certificate:
        for contestant in runner.rounds(_TLS, sizes.least_rounds):
            bare = contestant in _BARE
            credentials = [] if bare else ["--password", _PASSWORD]
            with runner.serving(contestant, "--tls", certificate, *credentials) as server:
                tls.add(contestant.key, runner.load(server, "storm", tls=True, bare=bare, **options))
    return Section(
        "Storm",
        "storm",
        f"{sizes.storm_stations:,} stations with Basic auth (security profile 1) are disconnected and reconnect at"
        f" once; rounds: {sizes.least_rounds}. Processor time of the server for each reconnect, the end of the old"
        " connection included, and the time from the cut to the last 101. All servers listen with a backlog of 4,096,"
        " so that no connection is lost in the queue. With TLS it is version 1.3, a certificate on P-256 and security"
        " profile 2; the bare server of the same event loop does nothing but accept TLS connections. There the time"
        " until all are back is limited by the handshakes of the load, too.",
        [_table("Security profile 1", _ALL, plain), _table("TLS 1.3", _TLS, tls)],
        [
            Figure(f"Storm, CPU of a reconnect: {one.title}", "µs", plain.values(one.key, "server_us"), Target(400))
            for one in _OURS
        ],
        runner.absent(dict.fromkeys((*_ALL, *_TLS))),
    )


@contextmanager
def _certificate() -> Iterator[str]:
    """Yield a file with a new certificate and its key."""
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
        path = Path(folder, "server.pem")
        trustme.CA().issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(path))
        yield str(path)


def _table(title: str, contestants: Sequence[Contestant], measured: Results) -> Table:
    return Table(
        (title, "µs CPU a reconnect", "s until all are back"),
        [
            (
                one.title,
                spread(measured.values(one.key, "server_us"), ".0f"),
                spread(measured.values(one.key, "seconds"), ".2f"),
            )
            for one in contestants
            if one.key in measured
        ],
    )
