"""Closed loop: the server's cost of an answered CALL at a number of CALLs in flight."""

import time
from collections import deque
from collections.abc import Callable, Sequence

from benchmarks.process import cpu_seconds
from benchmarks.stations import PATIENCE, Crowd, Station, connect
from benchmarks.traffic import Traffic

__all__ = ["busy", "growing"]


class _ClosedLoop:
    """Keeps a number of CALLs in flight. After each response, the station that waited longest sends its next one.

    If all stations have a CALL in flight, that is the station that was answered.
    """

    def __init__(self, crowd: Crowd, in_flight: int) -> None:
        self._crowd = crowd
        self._waiting = deque(crowd.stations)
        self._sent = 0
        for _ in range(in_flight):
            self._send()

    def _send(self) -> None:
        self._waiting.popleft().send_next()
        self._sent += 1

    def run(self, is_over: Callable[[], bool]) -> int:
        """Send and receive until the condition is met. Returns the number of answered CALLs."""
        answers = 0
        while not is_over():
            answered = self._answered()
            answers += len(answered)
            for station in answered:
                self._waiting.append(station)
                self._send()
        return answers

    def has_sent(self, count: int) -> Callable[[], bool]:
        """Return a condition for `run` that is met after this many more answered CALLs."""
        enough = self._sent + count
        return lambda: self._sent >= enough

    def _answered(self) -> list[Station]:
        deadline = time.monotonic() + PATIENCE
        while not (answered := self._crowd.answered(PATIENCE)):
            if time.monotonic() >= deadline:
                raise TimeoutError("the server stopped answering")
        return answered

    def drain(self, in_flight: int) -> None:
        """Wait for outstanding responses without further CALLs."""
        while in_flight > 0:
            in_flight -= len(self._answered())


def busy(port: int, pid: int, traffic: Traffic, connections: int, warmup: float, seconds: float) -> dict[str, float]:
    """Measure with each station in a closed loop."""
    crowd = Crowd()
    crowd.add(connect(port, traffic, connections))
    loop = _ClosedLoop(crowd, connections)
    loop.run(_after(warmup))
    return _measure(loop, pid, seconds)


def growing(
    port: int, pid: int, traffic: Traffic, steps: Sequence[int], in_flight: int, warmup: float, seconds: float
) -> dict[str, float]:
    """Measure at several numbers of connections with the same number of CALLs in flight.

    The stations send in turn. Before the clock starts, each has been answered and the server is warm. Returns the
    cost by number of connections.
    """
    crowd, costs = Crowd(), {}
    for step in steps:
        crowd.add(connect(port, traffic, step - len(crowd), first=len(crowd)))
        loop = _ClosedLoop(crowd, min(in_flight, step))
        loop.run(loop.has_sent(step))
        loop.run(_after(warmup))
        costs[str(step)] = _measure(loop, pid, seconds)["server_us"]
        loop.drain(min(in_flight, step))
    return costs


def _after(seconds: float) -> Callable[[], bool]:
    end = time.monotonic() + seconds
    return lambda: time.monotonic() >= end


def _measure(loop: _ClosedLoop, pid: int, seconds: float) -> dict[str, float]:
    server, own, wall = cpu_seconds(pid), time.process_time(), time.monotonic()
    answered = loop.run(_after(seconds))
    server, own, wall = cpu_seconds(pid) - server, time.process_time() - own, time.monotonic() - wall
    return {
        "answered": answered,
        "server_us": server / answered * 1e6,
        "load_us": own / answered * 1e6,
        "server_share": server / wall,
    }
