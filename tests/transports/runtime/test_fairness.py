"""Stations that flood beside healthy ones, on whole stacks: what each turn of an event loop serves.

Nothing here depends on how fast a machine is: the clock stands still.
"""

from collections import Counter
from itertools import count
from typing import Any

import pytest

from ocpp_core.actions import TURN, Dispatch
from ocpp_core.inputs import BytesReceived, Reply
from ocpp_transports._driver._driver import Driver
from ocpp_transports._driver._limits import TURN_WORK
from ocpp_transports._runtime._turns import Turns
from tests.link.wire import PING, TEXT, frame
from tests.stack.test_turns import opened
from tests.transports.fake_host import FakeDelegate, FakeHost

CHUNK = 2000
"""Bytes that are read at a time."""


class Loop:
    """An event loop: each turn reads once from every connection that is not paused, then runs what is due."""

    def __init__(self) -> None:
        self.host = FakeHost()
        self.host.next_turn = Turns(lambda fn: self.ready.append(fn), self.host.now, set()).add  # type: ignore[method-assign]  # virtual
        self.ready: list[Any] = []
        self.stations: list[Station] = []

    def turn(self) -> None:
        ready, self.ready = self.ready, []
        for station in self.stations:
            station.look()
        for fn in ready:
            fn()


class Station:
    """A connection of a station, with a server whose handlers answer at once."""

    def __init__(self, loop: Loop, kind: str = "") -> None:
        self.kind = kind
        self.is_reading = True
        self.is_closing = False
        self.input = b""
        self.served = self.answered = 0
        self.numbers = count()
        self.driver: Driver[Any] = Driver(
            opened(), loop.host, FakeDelegate({"dispatched": self.serve}), connection=self
        )
        loop.stations.append(self)

    def serve(self, action: Dispatch) -> None:
        self.served += 1
        self.driver.feed(Reply(action.request, {}))

    def look(self) -> None:
        if self.kind and self.is_reading:
            while len(self.input) < CHUNK:
                self.input += frame(PING) if self.kind == "pings" else self.a_call()
        if self.is_reading and self.input:
            data, self.input = self.input[:CHUNK], self.input[CHUNK:]
            self.driver.feed(BytesReceived(data))

    def a_call(self) -> bytes:
        return frame(TEXT, b'[2,"%d","Heartbeat",{}]' % next(self.numbers))

    # Connection

    def send(self, data: bytes) -> None:
        self.answered += 1

    def read(self, on: bool) -> None:
        self.is_reading = on

    def is_lost(self) -> bool:
        return False

    def outflow(self) -> None: ...

    def close(self, code: int = 1000, reason: str = "", *, abort: bool = False) -> None: ...


@pytest.mark.parametrize("kind", ["calls", "pings"])
@pytest.mark.parametrize("flooders", [1, 10, 40])
def test_a_turn_is_bounded_and_all_are_served(kind, flooders):
    loop = Loop()
    crowd = [Station(loop, kind) for _ in range(flooders)]
    healthy = [Station(loop) for _ in range(5)]
    loop.turn()  # all begin at once, which is not a flood yet
    loop.turn()
    before = Counter({flooder: flooder.answered for flooder in crowd})
    turns = 40
    for _ in range(turns):
        total = sum(flooder.answered for flooder in crowd)
        for station in healthy:
            station.input = station.a_call()
        loop.turn()
        assert sum(flooder.answered for flooder in crowd) - total <= TURN_WORK
        assert [station.answered for station in healthy] == [healthy[0].answered] * 5, "in the turn in which it arrives"
    assert healthy[0].served == turns
    shares = [flooder.answered - before[flooder] for flooder in crowd]
    assert min(shares) > 0
    assert max(shares) - min(shares) <= 2 * TURN
    assert all(len(flooder.driver.engine._link.unread) <= 2 * CHUNK for flooder in crowd)  # type: ignore[attr-defined]  # a stack


def test_a_station_that_floods_no_more_is_served_at_once_again():
    loop = Loop()
    station = Station(loop, "calls")
    for _ in range(10):
        loop.turn()
    station.kind = ""
    while loop.ready:
        loop.turn()
    served = station.served
    station.input = station.a_call()
    station.look()
    assert station.served == served + 1
