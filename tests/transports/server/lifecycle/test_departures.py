"""In which order, and when, a server closes its connections."""

from itertools import pairwise
from typing import Any

import pytest

from ocpp_core.inputs import Close
from ocpp_transports._server._lifecycle._departures import Departures
from tests.transports.fake_host import FakeHost

AWAY = Close(1001)


class FakeRegistry:
    """The open connections of a server, by number, and when each was told to close."""

    def __init__(self, host, count):
        self._host = host
        self.open = tuple(range(count))
        self.told: list[Any] = []

    def close_all(self, command, *, besides):
        self.told += [(self._host.now(), station, command) for station in self.open if station not in besides]

    def close_one(self, station, command):
        self.told.append((self._host.now(), station, command))


def departures_of(count):
    """A hundred seconds after the start of the clock."""
    host: Any = FakeHost()
    registry: Any = FakeRegistry(host, count)
    return host, registry, Departures(registry, host)


def test_without_a_window_all_close_at_once():
    host, registry, departures = departures_of(600)
    departures.close(AWAY, 0)
    assert {station for _, station, _ in registry.told} == set(range(600))
    assert {when for when, _, _ in registry.told} == {100}
    assert host.armed() == []


def test_in_a_window_all_close_evenly_and_once():
    host, registry, departures = departures_of(600)
    departures.close(AWAY, 3)
    host.advance(2.99)
    assert len(registry.told) == pytest.approx(600, abs=15)
    host.advance(0.2)
    assert sorted(station for _, station, _ in registry.told) == list(range(600))
    moments = [when for when, _, _ in registry.told]
    assert max(moments.count(moment) for moment in moments) <= 11, "200 a second"
    assert host.armed() == []


def test_the_order_is_random():
    orders = set()
    for _ in range(5):
        _, registry, departures = departures_of(50)
        departures.close(AWAY, 0)
        orders.add(tuple(station for _, station, _ in registry.told))
    assert len(orders) > 1


def test_the_only_station_does_not_wait():
    _, registry, departures = departures_of(1)
    departures.close(AWAY, 60)
    assert [station for _, station, _ in registry.told] == [0]


def test_few_stations_have_the_whole_window():
    host, registry, departures = departures_of(3)
    departures.close(AWAY, 60)
    host.advance(60)
    moments = [when for when, _, _ in registry.told]
    assert [later - earlier for earlier, later in pairwise(moments)] == pytest.approx([20, 20], abs=0.1)


def test_a_second_close_may_shorten_the_window_and_hastens_those_that_close_already():
    host, registry, departures = departures_of(100)
    departures.close(AWAY, 100)
    host.advance(50)
    closing = len(registry.told)
    departures.close(Close(1001, drain=False), 0)
    assert len(registry.told) == 100 + closing
    assert all(not command.drain for _, _, command in registry.told[closing:])
    assert host.armed() == []


def test_a_second_close_never_extends_the_window():
    host, registry, departures = departures_of(100)
    departures.close(AWAY, 10)
    host.advance(5)
    departures.close(AWAY, 10)
    host.advance(5.2)
    assert {station for _, station, _ in registry.told} == set(range(100))


def test_handlers_that_wait_for_the_close_are_not_waited_for_later_either():
    host, registry, departures = departures_of(2)
    departures.close(Close(1001, besides=(1,)), 10)
    departures.close(Close(1001, besides=(2,)), 10)
    host.advance(11)
    assert set(registry.told[-1][2].besides) == {1, 2}


def test_after_its_end_nothing_closes():
    host, registry, departures = departures_of(100)
    departures.close(AWAY, 10)
    departures.stop()
    departures.stop()
    assert (len(registry.told), host.armed()) == (1, [])
