"""Closed loop: what an answered CALL costs the server, at a number of CALLs in flight."""

import time
from collections import deque
from collections.abc import Callable, Sequence

from benchmarks.process import cpu_seconds
from benchmarks.stations import PATIENCE, Crowd, Station, connect
from benchmarks.traffic import Traffic

__all__ = ["busy", "growing"]


class _ClosedLoop:
    """Keeps a number of CALLs in flight: each answer lets the station that waited longest send its next one.

    With as many CALLs in flight as there are stations, that is the station which was answered.
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
        """Go on until it is over; return how many CALLs were answered meanwhile."""
        answers = 0
        while not is_over():
            answered = self._answered()
            answers += len(answered)
            for station in answered:
                self._waiting.append(station)
                self._send()
        return answers

    def has_sent(self, count: int) -> Callable[[], bool]:
        """Make a condition for `run`: so many more CALLs, which are one of each station if there are as many."""
        enough = self._sent + count
        return lambda: self._sent >= enough

    def _answered(self) -> list[Station]:
        deadline = time.monotonic() + PATIENCE
        while not (answered := self._crowd.answered(PATIENCE)):
            if time.monotonic() >= deadline:
                raise TimeoutError("the server stopped answering")
        return answered

    def drain(self, in_flight: int) -> None:
        """Wait for the answers to what is in flight, and send nothing more."""
        while in_flight > 0:
            in_flight -= len(self._answered())


def busy(port: int, pid: int, traffic: Traffic, connections: int, warmup: float, seconds: float) -> dict[str, float]:
    """Measure with every station in a closed loop of its own."""
    crowd = Crowd()
    crowd.add(connect(port, traffic, connections))
    loop = _ClosedLoop(crowd, connections)
    loop.run(_after(warmup))
    return _measure(loop, pid, seconds)


def growing(
    port: int, pid: int, traffic: Traffic, steps: Sequence[int], in_flight: int, warmup: float, seconds: float
) -> dict[str, float]:
    """Measure at several numbers of connections, with the same number of CALLs in flight, each station in its turn.

    Before the clock starts every station has had an answer, and the server the time to warm up. Returns the cost by
    number of connections.
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
