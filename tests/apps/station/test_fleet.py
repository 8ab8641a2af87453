"""Many stations at a time."""

from contextlib import asynccontextmanager

import pytest

from ocpp_apps.station import StationSettings
from ocpp_apps.station.fleet.fleet import Fleet, Plan
from ocpp_core.errors import ConnectionFailedError, UnexpectedHttpResponse, WebsocketUpgradeError
from tests.apps.station.laboratory import ACCEPTED, LATENCY, VERSIONS, FakeClient, no_answer
from tests.apps.station.virtual_clock import VirtualClock


class Yard:
    """A fleet on a virtual clock, and its clients."""

    def __init__(self, protocol="ocpp1.6", *, count=3, failing=(), boot=(), refusals=(), answers=None, **plan):
        self.clock = VirtualClock()
        self.clients: dict[str, FakeClient] = {}
        self.left: list[str] = []
        self.told: list[str] = []
        settings = StationSettings(protocol=protocol, connectors=2)
        identities = [f"CP{number}" for number in range(1, count + 1)]

        @asynccontextmanager
        async def make(identity):
            client = FakeClient(self.clock, protocol)
            client.identity = identity
            if identity in failing:
                client.refusals = [ConnectionFailedError("refused")]
            client.refusals += refusals
            client.answers |= answers or {}
            if identity in boot:
                client.answers["BootNotification"] = {**ACCEPTED, "status": boot[identity]}
            self.clients[identity] = client
            yield client
            self.left.append(identity)

        self.fleet = Fleet(Plan(identities=identities, settings=settings, **plan), make, self.clock, self.told.append)

    def run_for(self, seconds):
        self.clock.run_for(seconds)


class TestTheRamp:
    def test_spreads_the_beginnings(self):
        yard = Yard(ramp=30)
        yard.fleet.start()
        seen = []
        for _ in range(3):
            yard.run_for(1)
            seen.append(len(yard.clients))
            yard.run_for(9)
        assert seen == [1, 2, 3]

    def test_is_not_needed(self):
        yard = Yard()
        yard.fleet.start()
        yard.run_for(1)
        assert yard.fleet.snapshot().booted == 3
        assert yard.fleet.missing == []


class TestAStationThatIsAccepted:
    @pytest.mark.parametrize("protocol", VERSIONS)
    def test_is_not_missing_while_its_first_statuses_are_on_their_way(self, protocol):
        yard = Yard(protocol, count=1)
        yard.fleet.start()
        while yard.fleet.snapshot().booted == 0:
            yard.run_for(LATENCY / 4)
        assert yard.fleet.missing == []
        yard.clock.run(yard.fleet.end(), limit=1)
        assert yard.fleet.is_over


class TestAStationThatFails:
    def test_is_named_and_the_others_go_on(self):
        yard = Yard(failing={"CP2"})
        yard.fleet.start()
        yard.run_for(1)
        assert yard.fleet.failures == {"CP2": "refused"}
        assert yard.fleet.missing == ["CP2"]
        now = yard.fleet.snapshot()
        assert (now.total, now.connected, now.booted, now.failed) == (3, 2, 2, 1)
        assert not yard.fleet.is_over

    def test_ends_the_fleet_if_it_was_the_last(self):
        yard = Yard(count=1, failing={"CP1"})
        yard.fleet.start()
        yard.run_for(1)
        assert yard.fleet.is_over


class TestACsmsThatIsNotUpYet:
    @pytest.mark.parametrize("refusal", [ConnectionFailedError("nobody there"), UnexpectedHttpResponse(503)])
    def test_is_waited_for(self, refusal):
        yard = Yard(refusals=[refusal] * 3, wait=60)
        yard.fleet.start()
        yard.run_for(20)
        assert (yard.fleet.snapshot().booted, yard.fleet.missing, yard.fleet.failures) == (3, [], {})

    def test_is_waited_for_no_longer_than_that_and_then_named(self):
        yard = Yard(count=1, refusals=[ConnectionFailedError(f"attempt {number}") for number in range(1000)], wait=60)
        yard.fleet.start()
        yard.run_for(59)
        assert (yard.fleet.is_over, yard.fleet.unreached) == (False, ["CP1"])
        yard.run_for(2)
        assert (yard.fleet.is_over, yard.fleet.unreached) == (True, ["CP1"])
        assert 10 < int(yard.fleet.failures["CP1"].split()[1]) < 20

    def test_is_named_as_well_if_the_end_comes_first(self):
        yard = Yard(count=1, refusals=[ConnectionFailedError("nobody there")] * 1000, wait=60)
        yard.fleet.start()
        yard.run_for(10)
        yard.clock.run(yard.fleet.end(), limit=1)
        assert (yard.fleet.failures, yard.fleet.unreached) == ({"CP1": "nobody there"}, ["CP1"])

    def test_is_not_one_that_has_come_up_and_does_not_accept(self):
        yard = Yard(count=1, refusals=[ConnectionFailedError("nobody there")], wait=60, boot={"CP1": "Pending"})
        yard.fleet.start()
        yard.run_for(10)
        yard.clock.run(yard.fleet.end(), limit=1)
        assert (yard.fleet.missing, yard.fleet.failures, yard.fleet.unreached) == (["CP1"], {}, [])

    @pytest.mark.parametrize("refusal", [UnexpectedHttpResponse(401), WebsocketUpgradeError("no subprotocol")])
    def test_is_not_one_that_refuses(self, refusal):
        yard = Yard(count=1, refusals=[refusal], wait=60)
        yard.fleet.start()
        yard.run_for(1)
        assert yard.fleet.is_over
        assert (yard.fleet.missing, yard.fleet.unreached) == (["CP1"], [])


class TestACsmsThatBreaksTheProtocol:
    def test_is_told_what_it_did_wrong_once_and_in_the_end(self):
        wrong = {**ACCEPTED, "currentTime": "yesterday", "interval": "300"}
        yard = Yard(answers={"BootNotification": wrong})
        yard.fleet.start()
        yard.run_for(1)
        rules = "payload.currentTime violates format: date-time; payload.interval violates type: integer"
        kind = f"answer to BootNotification: {rules}"
        assert yard.told == [f"CP1: the central system broke the protocol: {kind}"]
        assert yard.fleet.breaches.table() == ["protocol errors of the central system", f"       3  {kind}"]
        assert yard.fleet.missing == []

    def test_that_does_not_is_told_nothing(self):
        yard = Yard()
        yard.fleet.start()
        yard.run_for(1)
        assert (yard.told, yard.fleet.breaches.table(), yard.fleet.breaches.total) == ([], [], 0)


@pytest.mark.parametrize("protocol", VERSIONS)
class TestCharging:
    def test_goes_in_cycles(self, protocol):
        yard = Yard(protocol, charge=60)
        yard.fleet.start()
        yard.run_for(50)
        assert yard.fleet.snapshot().charging > 0
        yard.run_for(3600)
        calls = yard.clients["CP1"].calls
        authorized = sum(action == "Authorize" for action, _ in calls)
        assert 80 < authorized < 130

    def test_goes_on_whatever_the_csms_does(self, protocol):
        yard = Yard(protocol, count=1, charge=60)
        yard.fleet.start()
        yard.run_for(100)
        client = yard.clients["CP1"]
        answer, client.answers["Authorize"] = client.answers["Authorize"], no_answer()
        yard.run_for(600)
        client.answers["Authorize"] = answer
        yard.run_for(100)
        assert yard.fleet.snapshot().charging > 0
        assert yard.fleet.statistics.errors > 0


class TestTheEnd:
    def test_ends_what_goes_on_and_leaves_every_client(self):
        yard = Yard(charge=600)
        yard.fleet.start()
        yard.run_for(400)
        yard.clock.run(yard.fleet.end())
        yard.run_for(1)
        assert sorted(yard.left) == ["CP1", "CP2", "CP3"]
        assert yard.fleet.snapshot().charging == 0
        assert yard.clock.alive == []
        for client in yard.clients.values():
            actions = [action for action, _ in client.calls]
            assert actions.count("StartTransaction") == actions.count("StopTransaction") > 0

    def test_breaks_off_what_has_not_begun_and_what_waits_to_be_accepted(self):
        yard = Yard(ramp=3, boot={"CP2": "Pending"})
        yard.fleet.start()
        yard.run_for(1.5)
        yard.clock.run(yard.fleet.end(), limit=1)
        assert yard.fleet.is_over
        assert yard.fleet.missing == ["CP2", "CP3"]
