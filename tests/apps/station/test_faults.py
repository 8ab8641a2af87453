"""Faults on purpose."""

import asyncio
import json
from typing import Any

import pytest

from ocpp_apps.station import StationSettings
from ocpp_apps.station.faults import mistyped
from ocpp_core.actions import Direction
from ocpp_core.errors import RPCError
from ocpp_core.errors import TimeoutError as CallTimeout
from ocpp_transports import NOREPLY, HandlerContext, OCPPServer
from ocpp_transports.events import BadMessageEvent, MessageEvent
from ocpp_transports.laboratory import World
from tests.apps.station.laboratory import ACCEPTED, VERSIONS, Lab


def central_system():
    """Make a server that accepts everything of OCPP 1.6."""
    server, accepted = OCPPServer(protocols=["ocpp1.6"], strict_mode=True), {"status": "Accepted"}
    answers: dict[str, dict[str, Any]] = {
        "BootNotification": ACCEPTED,
        "Authorize": {"idTagInfo": accepted},
        "Heartbeat": {"currentTime": ACCEPTED["currentTime"]},
        "StopTransaction": {},
        "StartTransaction": {"idTagInfo": accepted, "transactionId": 7},
    }

    @server.handle
    def answer(action: str, context: HandlerContext) -> dict[str, Any]:
        return answers.get(action, {})

    return server


@pytest.fixture(params=VERSIONS)
def lab(request):
    return Lab(request.param)


class TestAnAnswer:
    def test_is_dropped_though_the_command_is_obeyed(self, lab):
        lab.station.faults.arm("drop", action="TriggerMessage")
        assert lab.ask("TriggerMessage", {"requestedMessage": "Heartbeat"}) is NOREPLY
        assert "Heartbeat" in lab.sent()
        assert lab.client.raw == []

    @pytest.mark.parametrize("kind", ["drop", "malformed"])
    def test_by_a_callerror_is_spoilt_as_well(self, lab, kind):
        lab.station.faults.arm(kind, action="Reset")
        assert lab.ask("Reset", {"type": "Gentle"}, is_valid=False) is NOREPLY

    def test_by_a_callerror_has_no_payload_to_be_mistyped(self, lab):
        lab.station.faults.arm("wrong_type", action="Reset")
        with pytest.raises(RPCError):
            lab.ask("Reset", {"type": "Gentle"}, is_valid=False)

    def test_is_late(self, lab):
        lab.station.faults.arm("delay", action="ClearCache", seconds=20)
        before = lab.clock.monotonic()
        assert lab.ask("ClearCache") == {"status": "Accepted"}
        assert lab.clock.monotonic() - before >= 20

    def test_is_no_json(self, lab):
        lab.station.faults.arm("malformed", action="ClearCache")
        assert lab.ask("ClearCache") is NOREPLY
        (text,) = lab.client.raw
        assert [entry.frame for entry in lab.station.log if entry.kind == "BAD"] == [text]
        with pytest.raises(ValueError, match="Expecting"):
            json.loads(text)

    def test_has_a_member_of_a_wrong_type(self, lab):
        lab.station.faults.arm("wrong_type", action="ClearCache")
        assert lab.ask("ClearCache") is NOREPLY
        kind, _, payload = json.loads(lab.client.raw[0])
        assert (kind, payload) == (3, {"status": {"not": "expected"}})


class TestACall:
    def test_is_dropped_and_times_out(self, lab):
        lab.station.faults.arm("drop", action="Authorize", seconds=30)
        before = lab.clock.monotonic()
        with pytest.raises(CallTimeout, match="a fault altered it"):
            lab.charge()
        assert lab.clock.monotonic() - before >= 30
        assert "Authorize" not in lab.sent()
        assert lab.run(lab.station.begin(1)) is not None

    def test_is_late(self, lab):
        lab.station.faults.arm("delay", action="Authorize", seconds=20)
        before = lab.clock.monotonic()
        assert lab.charge() is not None
        assert lab.clock.monotonic() - before >= 20

    def test_is_no_json(self, lab):
        lab.station.faults.arm("malformed", action="Authorize", times=2)
        for _ in range(2):
            with pytest.raises(CallTimeout):
                lab.charge() if not lab.station.connectors[0].is_plugged else lab.run(lab.station.begin(1))
        assert len(set(lab.client.raw)) == 2
        with pytest.raises(ValueError, match="Expecting"):
            json.loads(lab.client.raw[0])

    def test_has_a_member_of_a_wrong_type_and_passes_strict_mode(self, lab):
        lab.station.faults.arm("wrong_type", action="Authorize")
        lab.charge()
        (payload,) = lab.sent("Authorize")
        assert payload == ({"idTag": {"not": "expected"}} if lab.is_16 else {"idToken": 12345})


class TestAMessageOfTheQueue:
    """A fault affects one transmission. The queue repeats it as after any failed one."""

    @pytest.fixture
    def world(self):
        with World() as world:
            yield world

    def play(self, world, kind, *, meanwhile=None, **options):
        """Let a fault meet a StopTransaction; returns what reached the server, in seconds since the end."""
        server, seen = central_system(), []

        @server.observe
        def note(event, station):
            if isinstance(event, BadMessageEvent):
                seen.append(("BAD", round(world.time)))
            elif isinstance(event, MessageEvent) and event.action == "StopTransaction":
                seen.append((event.type.name, round(world.time)))

        async def story():
            await world.server(server)
            station = await world.simulated("CP1", StationSettings())
            await station.plug_in(1)
            await station.begin(1)
            station.faults.arm(kind, action="StopTransaction", target="call", **options)
            ended = round(world.time)
            ending = asyncio.create_task(station.end(1))
            await world.run(seconds=5)
            if meanwhile is not None:
                meanwhile()
            await ending
            await world.run(minutes=10)
            assert station.queued == 0
            return station, ended

        station, ended = world.play(story())
        return station, [(what, at - ended) for what, at in seen]

    def test_is_dropped_and_repeated_after_its_timeout(self, world):
        station, seen = self.play(world, "drop")
        assert seen == [("CALL", 40), ("CALLRESULT", 40)]  # after the timeout of 30 s, and the interval of 10 s
        assert station.faults.armed == []

    def test_is_late_and_answered(self, world):
        _, seen = self.play(world, "delay", seconds=20)
        assert seen == [("CALL", 20), ("CALLRESULT", 20)]

    def test_that_is_late_is_lost_with_its_connection(self, world):
        _, seen = self.play(world, "delay", seconds=20, meanwhile=lambda: world.cut("CP1"))
        assert [what for what, _ in seen] == ["CALL", "CALLRESULT"]
        assert seen[0][1] < 20  # sent again on the next connection, and only there

    def test_is_no_json(self, world):
        station, seen = self.play(world, "malformed")
        assert seen == [("BAD", 0), ("CALL", 10), ("CALLRESULT", 10)]
        assert [entry.kind for entry in station.log if entry.kind == "BAD" and entry.direction == "out"] == ["BAD"]

    def test_has_a_member_of_a_wrong_type(self, world):
        station, seen = self.play(world, "wrong_type")
        assert seen == [("CALL", 0), ("CALLERROR", 0), ("CALL", 10), ("CALLRESULT", 10)]
        first, *_ = [entry for entry in station.log if entry.action == "StopTransaction"]
        assert first.problem is not None


class TestAMessageWrittenByHand:
    """A SEND and an answer pass no middleware."""

    def send(self, lab, frame):
        lab.client.raw.clear()
        met = lab.run(lab.station.faults.send(frame))
        return met, lab.client.raw

    def test_is_sent_as_it_is_while_no_fault_meets_it(self, lab):
        lab.station.faults.arm("drop", target="call")
        assert self.send(lab, [3, "1", {"a": 1}]) == (None, ['[3, "1", {"a": 1}]'])

    @pytest.mark.parametrize(
        ("kind", "texts"),
        [
            ("drop", []),
            ("delay", ['[6, "1", "Stream", {"a": 1}]']),
            ("malformed", ['[6, "1", "Stream", {"a": 1}']),
            ("wrong_type", ['[6, "1", "Stream", {"a": {"not": "expected"}}]']),
        ],
    )
    def test_is_met(self, lab, kind, texts):
        fault = lab.station.faults.arm(kind, action="Stream", target="call", seconds=20)
        before = lab.clock.monotonic()
        assert self.send(lab, [6, "1", "Stream", {"a": 1}]) == (fault, texts)
        assert (lab.clock.monotonic() - before >= 20) == (kind == "delay")
        assert lab.station.faults.armed == []

    def test_belongs_to_the_action_of_the_call_that_it_answers(self, lab):
        call = [2, "7", "Reset", {"type": "Soft"}]
        lab.client.tell("message", MessageEvent(Direction.IN, call, "Reset", None))
        fault = lab.station.faults.arm("drop", action="Reset", target="answer")
        assert self.send(lab, [3, "8", {}]) == (None, ['[3, "8", {}]'])
        assert self.send(lab, [3, "7", {}]) == (fault, [])


class TestArming:
    def test_counts_down(self, lab):
        fault = lab.station.faults.arm("drop", action="ClearCache", times=2)
        assert lab.station.faults.armed == [fault]
        assert [lab.ask("ClearCache") for _ in range(3)] == [NOREPLY, NOREPLY, {"status": "Accepted"}]
        assert lab.station.faults.armed == []

    def test_meets_any_action_or_only_answers_or_calls(self, lab):
        lab.station.faults.arm("drop", target="answer")
        lab.run(lab.station.plug_in(1))
        assert lab.ask("ClearCache") is NOREPLY
        lab.station.faults.arm("delay", target="call", seconds=1)
        assert lab.ask("ClearCache") == {"status": "Accepted"}
        assert len(lab.station.faults.armed) == 1

    def test_is_taken_back(self, lab):
        faults = lab.station.faults
        first, second = faults.arm("drop", action="ClearCache"), faults.arm("drop", action="Reset")
        faults.disarm(second)
        assert faults.armed == [first]
        faults.disarm()
        assert faults.armed == []
        assert lab.ask("ClearCache") == {"status": "Accepted"}

    @pytest.mark.parametrize(
        "options",
        [
            {"kind": "explode"},
            {"kind": "drop", "times": 0},
            {"kind": "delay", "seconds": -1},
            {"kind": "drop", "target": "me"},
        ],
    )
    def test_has_to_make_sense(self, lab, options):
        with pytest.raises(ValueError, match="expected"):
            lab.station.faults.arm(**options)


@pytest.mark.parametrize(
    ("payload", "wrong"),
    [
        ({"status": "Accepted"}, {"status": {"not": "expected"}}),
        ({"interval": 5, "x": 1}, {"interval": {"not": "expected"}, "x": 1}),
        ({"key": ["a"]}, {"key": 12345}),
        ({}, {"customData": 12345}),
    ],
)
def test_the_first_member_gets_another_type(payload, wrong):
    assert mistyped(payload) == wrong
