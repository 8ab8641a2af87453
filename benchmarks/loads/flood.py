"""Latency of healthy stations in an open loop, while others send CALLs as fast as the server reads them."""

import gc
import select
import time
from collections.abc import Sequence
from typing import Final

from benchmarks.process import cpu_seconds
from benchmarks.samples import percentile
from benchmarks.stations import PATIENCE, Crowd, Station, connect
from benchmarks.traffic import HEARTBEATS

__all__ = ["flood"]

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


def flood(port: int, pid: int, healthy: int, flooders: int, seconds: float) -> dict[str, float]:
    """Measure the latency of the healthy stations, and count the CALLs of the others that were answered."""
    gc.disable()
    stations = connect(port, HEARTBEATS, healthy)
    crowd, poller = Crowd(), select.epoll()
    crowd.add(stations)
    by_descriptor = {}
    for flooder in map(_Flooder, connect(port, HEARTBEATS, flooders, first=healthy)):
        by_descriptor[flooder.socket.fileno()] = flooder
        poller.register(flooder.socket.fileno(), select.EPOLLIN | select.EPOLLOUT)
    run = _Run(stations, crowd, poller, by_descriptor)
    run.go_on(_WARMUP)
    run.samples.clear()
    answered, cpu, start = run.flood_answered, cpu_seconds(pid), time.perf_counter()
    run.go_on(seconds)
    took = time.perf_counter() - start  # longer than it should if the healthy stations wait at the end
    return {
        "p50_ms": percentile(run.samples, 50) * 1e3,
        "p99_ms": percentile(run.samples, 99) * 1e3,
        "max_ms": max(run.samples) * 1e3,
        "flood_answered": (run.flood_answered - answered) * seconds / took,
        "busy": (cpu_seconds(pid) - cpu) / took,
    }


class _Run:
    """One thread that serves the healthy stations first, then one event of the flooders at a time."""

    def __init__(
        self, stations: Sequence[Station], crowd: Crowd, poller: select.epoll, flooders: dict[int, _Flooder]
    ) -> None:
        self.samples: list[float] = []
        self._stations = stations
        self._crowd = crowd
        self._poller = poller
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
            for descriptor, events in self._poller.poll(0, 1):
                self._flooders[descriptor].go_on(events)
            if now() > start + seconds + PATIENCE:
                raise TimeoutError("the server stopped answering")

    def _send(self, station: Station, due: float) -> None:
        if station not in self._due:  # otherwise the server is so late that this sample would only repeat the last one
            self._due[station] = due
            station.send_next()
