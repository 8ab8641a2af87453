"""What a server does with time and memory about the registration of a station, on an event loop with a manual clock."""

import json
from itertools import count
from typing import Any

from ocpp_core.actions import RegistrationChanged
from ocpp_core.config import SessionConfig
from ocpp_core.errors import ConnectionLostError, TimeoutError
from ocpp_core.inputs import Reply, TextReceived
from ocpp_core.session import Session
from ocpp_core.versions import OCPP16
from ocpp_transports._driver._driver import Driver
from ocpp_transports._server._stations._registering import RegistrationMemory, StationRegistration
from ocpp_transports.events import RegistrationEvent
from tests.tables import each
from tests.transports.fake_host import FakeDelegate, FakeHost

WAIT = 30.0
ACCEPTED, ASSUMED = RegistrationEvent("Accepted", 300.0), RegistrationEvent("Accepted", None, is_assumed=True)


class Connection:
    """A station's connection to a server that requires registration; the handler answers when the test says so."""

    def __init__(self, stations: RegistrationMemory | None = None, *, wait: float = WAIT, name: str = "CP1") -> None:
        self.host = FakeHost()
        ids, config = count(1), SessionConfig(require_registration=True, call_timeout=10)
        session = Session(config, OCPP16, ids=lambda: f"id-{next(ids)}", numbers=count(1))
        self.requests: list[int] = []
        delegate = FakeDelegate(
            {"dispatched": lambda action: self.requests.append(action.request), "state": self._update}
        )
        self.driver: Driver[Any] = Driver(session, self.host, delegate, connection=self.host)
        self.host.driver = self.driver
        self.events: list[RegistrationEvent] = []
        self.stations = RegistrationMemory() if stations is None else stations
        self.registration = StationRegistration(name, self.stations, self.driver, wait, self.events.append)
        self.registration.begin()

    def _update(self, change: object) -> None:
        if isinstance(change, RegistrationChanged):
            self.registration.update(change)

    def hear(self, *frame: Any) -> None:
        self.driver.feed(TextReceived(json.dumps(frame)))
        self.host.run()

    def boot(self) -> None:
        self.hear(2, f"b{len(self.requests)}", "BootNotification", {})

    def answer(self, status: str, interval: int = 300) -> None:
        self.driver.feed(Reply(self.requests[-1], {"status": status, "interval": interval}))

    @property
    def asked(self) -> int:
        """How often the server sent TriggerMessage."""
        return sum("TriggerMessage" in text for text in self.host.sent)


class TestAStationThatBoots:
    def test_is_neither_asked_nor_let_in(self) -> None:
        station = Connection()
        station.boot()
        station.answer("Accepted")
        station.host.advance(1000)
        assert (station.events, station.asked) == ([ACCEPTED], 0)
        assert station.registration.interval == 300
        assert station.host.armed() == []

    @each("status", ["Pending", "Rejected"])
    def test_and_is_not_accepted_waits_for_ever(self, status: Any) -> None:
        station = Connection()
        station.boot()
        station.answer(status, 60)
        station.host.advance(1000)
        assert station.events == [RegistrationEvent(status, 60.0)]
        assert not station.registration.is_accepted


class TestAStationThatDoesNotBoot:
    def test_is_asked_after_a_time_and_let_in_after_as_long_again(self) -> None:
        station = Connection()
        station.host.advance(WAIT - 1)
        assert station.asked == 0
        station.host.advance(1)
        assert station.asked == 1
        station.hear(3, "id-1", {"status": "Accepted"})
        station.host.advance(WAIT - 1)
        assert station.events == []
        station.host.advance(1)
        assert (station.events, station.asked) == ([ASSUMED], 1)

    def test_is_asked_with_its_first_call(self) -> None:
        station = Connection()
        station.hear(2, "h", "Heartbeat", {})
        station.hear(2, "h", "Heartbeat", {})
        assert station.asked == 1
        assert station.events == []

    @each(
        "answer",
        [
            (3, "id-1", {"status": "Rejected"}),
            (3, "id-1", {"status": "NotImplemented"}),
            (3, "id-1", {}),
            (4, "id-1", "NotImplemented", "", {}),
            (4, "id-1", "NotSupported", "", {}),
        ],
    )
    def test_and_cannot_be_asked_is_let_in_at_once(self, answer: tuple[Any, ...]) -> None:
        station = Connection()
        station.hear(2, "h", "Heartbeat", {})
        station.hear(*answer)
        assert station.events == [ASSUMED]

    def test_and_does_not_answer_is_let_in(self) -> None:
        station = Connection()
        station.host.advance(2 * WAIT)
        assert station.events == [ASSUMED]

    def test_until_it_is_asked_is_served_by_the_answer_of_the_handler(self) -> None:
        station = Connection()
        station.host.advance(WAIT)
        station.hear(3, "id-1", {"status": "Accepted"})
        station.boot()
        station.answer("Rejected")
        station.host.advance(1000)
        assert station.events == [RegistrationEvent("Rejected", 300.0)]

    def test_is_not_let_in_while_the_handler_decides(self) -> None:
        station = Connection()
        station.boot()
        station.host.advance(10 * WAIT)
        assert station.events == []
        station.answer("Pending")
        station.host.advance(10 * WAIT)
        assert station.events == [RegistrationEvent("Pending", 300.0)]

    def test_is_left_alone_if_the_wait_is_turned_off(self) -> None:
        station = Connection(wait=float("inf"))
        station.hear(2, "h", "Heartbeat", {})
        station.host.advance(10_000)
        assert (station.events, station.asked) == ([], 0)

    def test_is_forgotten_with_its_connection(self) -> None:
        station = Connection()
        station.host.advance(WAIT)
        station.driver.stop()
        station.registration.end()
        station.host.advance(10 * WAIT)
        assert station.events == []
        assert station.host.armed() == []


class TestAStationThatReturns:
    def test_need_not_boot_again(self) -> None:
        before = Connection()
        before.boot()
        before.answer("Accepted")
        after = Connection(before.stations)
        assert after.events == [RegistrationEvent("Accepted", 300.0, is_assumed=True)]
        assert after.registration.interval == 300

    def test_after_it_was_let_in_is_let_in_again(self) -> None:
        before = Connection()
        before.host.advance(2 * WAIT)
        assert Connection(before.stations).events == [ASSUMED]

    @each("status", ["Pending", "Rejected"])
    def test_after_another_answer_must_boot_again_and_is_not_let_in(self, status: str) -> None:
        before = Connection()
        for answer in ("Accepted", status):
            before.boot()
            before.answer(answer)
        after = Connection(before.stations)
        after.hear(2, "h", "Heartbeat", {})
        after.host.advance(10 * WAIT)
        assert (after.events, after.asked) == ([], 0)
        after.boot()
        after.answer("Accepted")
        assert Connection(before.stations).registration.is_accepted

    def test_is_another_one_than_its_neighbour(self) -> None:
        before = Connection()
        before.boot()
        before.answer("Accepted")
        assert Connection(before.stations, name="CP2").events == []

    def test_long_after_many_others_must_boot_again(self) -> None:
        stations = RegistrationMemory(2)
        for name in ("CP1", "CP2", "CP1", "CP3"):
            stations.add(name, None)
        assert [name in stations for name in ("CP1", "CP2", "CP3")] == [True, False, True]

    def test_is_not_forgotten_because_of_many_that_are_not_accepted(self) -> None:
        stations = RegistrationMemory(2)
        stations.add("CP1", None)
        for name in ("X1", "X2", "X3"):
            stations.refuse(name)
        assert "CP1" in stations
        assert [stations.has_refused(name) for name in ("X1", "X2", "X3")] == [False, True, True]


class TestWaiting:
    def waiting(self, station: Connection, timeout: float = float("inf")) -> Any:
        task = station.host.spawn(station.registration.wait(timeout))
        station.host.run()
        return task

    def test_ends_when_the_station_is_accepted(self) -> None:
        station = Connection()
        task = self.waiting(station)
        station.boot()
        station.answer("Pending")
        station.host.run()
        assert not task.is_over
        station.boot()
        station.answer("Accepted")
        station.host.run()
        assert (task.is_over, task.error) == (True, None)

    def test_takes_no_time_for_an_accepted_one(self) -> None:
        station = Connection()
        station.boot()
        station.answer("Accepted")
        assert self.waiting(station).is_over

    def test_ends_with_the_timeout(self) -> None:
        station = Connection(wait=float("inf"))
        task = self.waiting(station, 5)
        station.host.advance(5)
        assert isinstance(task.error, TimeoutError)
        assert str(task.error) == "the station was not registered within 5 s"

    def test_ends_with_the_connection(self) -> None:
        station = Connection()
        task = self.waiting(station)
        station.registration.end()
        station.host.run()
        assert isinstance(task.error, ConnectionLostError)

    def test_leaves_nothing_when_it_is_cancelled(self) -> None:
        station = Connection(wait=float("inf"))
        task = self.waiting(station, 5)
        task.cancel()
        station.host.run()
        assert station.host.armed() == []
        assert station.registration._waiters == []
