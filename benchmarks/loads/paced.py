"""Latency of one station in a closed loop, and of many in an open loop with a fixed rate."""

import gc
import time
from collections import deque
from collections.abc import Sequence

from benchmarks.process import cpu_seconds
from benchmarks.samples import percentile
from benchmarks.stations import PATIENCE, Crowd, Station, connect
from benchmarks.traffic import Traffic

__all__ = ["paced", "round_trip"]


def round_trip(port: int, pid: int, traffic: Traffic, warmup: float, seconds: float) -> dict[str, float]:
    """Measure the round trip of one station that sends its next CALL when the last one is answered."""
    gc.disable()
    (station,) = connect(port, traffic, 1)
    begin = time.perf_counter()
    while time.perf_counter() < begin + warmup:
        station.call_once()
    samples: list[float] = []
    server, begin = cpu_seconds(pid), time.perf_counter()
    while (start := time.perf_counter()) < begin + seconds:
        station.call_once()
        samples.append(time.perf_counter() - start)
    return _summary(samples, cpu_seconds(pid) - server)


def paced(
    port: int, pid: int, traffic: Traffic, stations: int, rate: int, warmup: float, seconds: float
) -> dict[str, float]:
    """Measure latency at a rate of CALLs per second, spread evenly over the stations.

    Latency counts from the scheduled time of a CALL, even if it waits for the station's last response.
    So the delay that a stalled server causes is included.
    """
    gc.disable()
    pace = _Pace(connect(port, traffic, stations), rate)
    pace.run(warmup)
    pace.samples.clear()
    server = cpu_seconds(pid)
    pace.run(seconds)
    return _summary(pace.samples, cpu_seconds(pid) - server)


class _Pace:
    def __init__(self, stations: Sequence[Station], rate: int) -> None:
        self._stations = stations
        self._crowd = Crowd()
        self._crowd.add(stations)
        self._step = 1 / rate
        self._due: dict[Station, deque[float]] = {station: deque() for station in stations}
        self.samples: list[float] = []

    def run(self, seconds: float) -> None:
        """Send at the rate for some seconds, and wait for the last responses."""
        now = time.perf_counter
        start, sent, count = now(), 0, round(seconds / self._step)
        while sent < count:
            while sent < count and start + sent * self._step <= now():
                self._schedule(self._stations[sent % len(self._stations)], start + sent * self._step)
                sent += 1
            self._take_answers(0)  # a poll waits at least a millisecond, too long
        while any(self._due.values()):
            if now() > start + seconds + PATIENCE:
                raise TimeoutError("the server stopped answering")
            self._take_answers(1)

    def _schedule(self, station: Station, when: float) -> None:
        due = self._due[station]
        due.append(when)
        if len(due) == 1:  # otherwise it waits for the last response (OCPP-J §4.1.1)
            station.send_next()

    def _take_answers(self, timeout: float) -> None:
        for station in self._crowd.answered(timeout):
            due = self._due[station]
            self.samples.append(time.perf_counter() - due.popleft())
            if due:
                station.send_next()


def _summary(samples: list[float], server_seconds: float) -> dict[str, float]:
    return {
        "server_us": server_seconds / len(samples) * 1e6,
        "p50_us": percentile(samples, 50) * 1e6,
        "p99_us": percentile(samples, 99) * 1e6,
        "max_us": max(samples) * 1e6,
    }
