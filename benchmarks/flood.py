"""How long healthy stations wait while others flood the server with CALLs.

Healthy stations send a Heartbeat at a fixed rate each, in an open loop: latency counts from the scheduled time. The
others pipeline Heartbeats as fast as the server reads them. Rounds are interleaved over all servers and numbers of
flooders. Figures are medians with the least and the greatest value.

    python benchmarks/flood.py [--rounds 3] [--seconds 3] [--loops asyncio uvloop trio] [--handlers plain async]
    python benchmarks/flood.py --against CHECKOUT    # also measures the server of another checkout, in turn
"""

import argparse
import asyncio
import gc
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any, Final, NamedTuple

import anyio

from benchmarks.process import cpu_seconds, pinned_to, split_processors
from benchmarks.samples import percentile, spread
from benchmarks.servers.lifeline import BACKLOG, HEARTBEAT_ANSWER, announce
from benchmarks.stations import PATIENCE, Crowd, Station, connect
from benchmarks.traffic import HEARTBEATS

__all__ = ["main"]

_ROOT: Final = Path(__file__).parents[1]
_BLOCK: Final = 500
"""CALLs that a flooder passes to its socket at a time."""
_WARMUP: Final = 0.5
_SECONDS_A_CALL: Final = 0.05
"""Seconds between the Heartbeats of a healthy station."""


class _Flooder:
    """A station that sends CALLs with ever new message ids, and discards all responses."""

    def __init__(self, station: Station) -> None:
        self.socket = station.socket
        self.socket.setblocking(False)
        self.received = 0
        self._number = 0
        self._block = b""

    def go_on(self, events: int) -> None:
        """Send and receive as much as the socket allows now."""
        if events & select.EPOLLIN:
            data = self.socket.recv(1 << 18)
            if not data:
                raise ConnectionError("the server closed the connection of a flooder")
            self.received += data.count(b"[3,")
        if events & select.EPOLLOUT:
            if not self._block:
                self._block = self._next_block()
            self._block = self._block[self.socket.send(self._block) :]

    def _next_block(self) -> bytes:
        first, self._number = self._number, self._number + _BLOCK
        return b"".join(_call(number) for number in range(first, first + _BLOCK))


def _call(number: int) -> bytes:
    """Return a Heartbeat as a frame whose mask is zero, which is the quickest one to make."""
    return b'\x81\xa3\0\0\0\0[2,"%014d","Heartbeat",{}]' % number


def load(port: int, pid: int, healthy: int, flooders: int, seconds: float) -> dict[str, float]:
    """Measure the latency of the healthy stations, and count the CALLs of the others that were answered."""
    gc.disable()
    stations = connect(port, HEARTBEATS, healthy)
    crowd, flood = Crowd(), select.epoll()
    crowd.add(stations)
    by_descriptor = {}
    for flooder in map(_Flooder, connect(port, HEARTBEATS, flooders, first=healthy)):
        by_descriptor[flooder.socket.fileno()] = flooder
        flood.register(flooder.socket.fileno(), select.EPOLLIN | select.EPOLLOUT)
    run = _Run(stations, crowd, flood, by_descriptor)
    run.go_on(_WARMUP)
    run.samples.clear()
    answered, cpu = run.flood_answered, cpu_seconds(pid)
    run.go_on(seconds)
    return {
        "p50_ms": percentile(run.samples, 50) * 1e3,
        "p99_ms": percentile(run.samples, 99) * 1e3,
        "max_ms": max(run.samples) * 1e3,
        "flood_rate": (run.flood_answered - answered) / seconds,
        "busy": (cpu_seconds(pid) - cpu) / seconds,
    }


class _Run:
    """One thread that serves the healthy stations first, then one event of the flooders at a time."""

    def __init__(
        self, stations: Sequence[Station], crowd: Crowd, flood: select.epoll, flooders: dict[int, _Flooder]
    ) -> None:
        self.samples: list[float] = []
        self._stations = stations
        self._crowd = crowd
        self._flood = flood
        self._flooders = flooders
        self._due: dict[Station, float] = {}

    @property
    def flood_answered(self) -> int:
        """CALLs of the flooders that were answered."""
        return sum(flooder.received for flooder in self._flooders.values())

    def go_on(self, seconds: float) -> None:
        """Send at the rate for some seconds, and wait for the last responses."""
        now = time.perf_counter
        step = _SECONDS_A_CALL / len(self._stations)
        start, sent, count = now(), 0, round(seconds / step)
        while sent < count or self._due:
            if sent < count and start + sent * step <= now():
                self._send(self._stations[sent % len(self._stations)], start + sent * step)
                sent += 1
            for station in self._crowd.answered(0):
                self.samples.append(now() - self._due.pop(station))
            for descriptor, events in self._flood.poll(0, 1):
                self._flooders[descriptor].go_on(events)
            if now() > start + seconds + PATIENCE:
                raise TimeoutError("the server stopped answering")

    def _send(self, station: Station, due: float) -> None:
        if station not in self._due:  # otherwise the server is so late that this sample would only repeat the last one
            self._due[station] = due
            station.send_next()


# The server


async def _serve(*, is_async: bool) -> None:
    from ocpp_transports import OCPPServer  # of the checkout that PYTHONPATH names

    server = OCPPServer(protocols=["ocpp1.6"])

    def plain(_: Any) -> dict[str, Any]:
        return HEARTBEAT_ANSWER

    async def coroutine(_: Any) -> dict[str, Any]:
        return HEARTBEAT_ANSWER

    server.handle("Heartbeat", coroutine if is_async else plain)
    async with server:
        listener = await server.listen(0, "127.0.0.1", backlog=BACKLOG)
        announce(listener.port)
        await anyio.sleep_forever()


def _run_server(loop: str, handlers: str) -> None:
    if loop == "uvloop":
        import uvloop  # not available on every platform

        uvloop.run(_serve(is_async=handlers == "async"))
    elif loop == "trio":
        anyio.run(lambda: _serve(is_async=handlers == "async"), backend="trio")
    else:
        asyncio.run(_serve(is_async=handlers == "async"))


# Measuring


class _Subject(NamedTuple):
    loop: str
    handlers: str
    flooders: int
    checkout: Path


@contextmanager
def _serving(subject: _Subject, cpus: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Run the server of a checkout; yield its port and process."""
    paths = [str(subject.checkout), str(_ROOT)]
    with pinned_to(cpus):
        process = subprocess.Popen(
            [sys.executable, __file__, "--serve", subject.loop, subject.handlers],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline()), process.pid
    finally:
        process.kill()
        process.communicate()


def _measure(subject: _Subject, healthy: int, seconds: float) -> dict[str, float]:
    server_cpus, load_cpus = split_processors()
    with _serving(subject, server_cpus) as (port, pid), pinned_to(load_cpus):
        numbers = map(str, (port, pid, healthy, subject.flooders, seconds))
        run = subprocess.run(
            [sys.executable, __file__, "--load", *numbers],
            env={**os.environ, "PYTHONPATH": str(_ROOT)},
            stdout=subprocess.PIPE,
            text=True,
            timeout=PATIENCE * 3,
            check=True,
        )
    result: dict[str, float] = json.loads(run.stdout)
    return result


def _report(results: dict[_Subject, list[dict[str, float]]], *, names_checkout: bool) -> Iterator[str]:
    columns = (("p50_ms", ".2f"), ("p99_ms", ".1f"), ("max_ms", ".0f"), ("flood_rate", ",.0f"), ("busy", ".0%"))
    titles = ["Loop", "Handlers", "Flooders", "p50 ms", "p99 ms", "Greatest ms", "Flood answered/s", "Busy"]
    yield f"| {' | '.join(titles + ['Checkout'] * names_checkout)} |"
    yield f"|{'---|' * (len(titles) + names_checkout)}"
    for subject, rounds in results.items():
        cells = [subject.loop, subject.handlers, str(subject.flooders)]
        cells += [spread([each[name] for each in rounds], form) for name, form in columns]
        yield f"| {' | '.join(cells + [subject.checkout.name] * names_checkout)} |"


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    parser.add_argument("--healthy", type=int, default=40, help="healthy stations")
    parser.add_argument("--flooders", type=int, nargs="+", default=[0, 1, 10, 40])
    parser.add_argument("--loops", nargs="+", choices=["asyncio", "uvloop", "trio"], default=["asyncio", "uvloop"])
    parser.add_argument("--handlers", nargs="+", choices=["plain", "async"], default=["plain"])
    parser.add_argument("--against", type=Path, help="another checkout of this repository")
    parser.add_argument("--serve", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--load", nargs=5, type=float, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        _run_server(*options.serve)
        return
    if options.load:
        port, pid, healthy, flooders, seconds = options.load
        print(json.dumps(load(int(port), int(pid), int(healthy), int(flooders), seconds)))
        return
    checkouts = [_ROOT] if options.against is None else [options.against.resolve(), _ROOT]
    subjects = [_Subject(*each) for each in product(options.loops, options.handlers, options.flooders, checkouts)]
    results: dict[_Subject, list[dict[str, float]]] = {subject: [] for subject in subjects}
    for number in range(options.rounds):
        for subject in subjects:
            print(f"round {number + 1}: {subject.loop}, {subject.handlers}, {subject.flooders}", file=sys.stderr)
            results[subject].append(_measure(subject, options.healthy, options.seconds))
    for line in _report(results, names_checkout=len(checkouts) > 1):
        print(line)


if __name__ == "__main__":
    main()
