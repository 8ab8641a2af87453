"""Faults on purpose."""

import json

import pytest

from ocpp_apps.station.faults import mistyped
from ocpp_core.actions import Direction
from ocpp_core.errors import RPCError
from ocpp_core.errors import TimeoutError as CallTimeout
from ocpp_transports import NOREPLY
from ocpp_transports.events import MessageEvent
from tests.apps.station.laboratory import VERSIONS, Lab


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
    """It passes no middleware: the altered text comes first, and the message is its repetition."""

    @pytest.mark.parametrize(("kind", "is_json"), [("malformed", False), ("wrong_type", True)])
    def test_comes_after_the_altered_text(self, kind, is_json):
        lab = Lab()
        lab.charge()
        lab.station.faults.arm(kind, action="StopTransaction")
        lab.run(lab.station.end(1))
        (text,) = lab.client.raw
        assert text.startswith('[2, "faults-1", "StopTransaction", {"idTag": {"not": "expected"}, ')
        assert text.endswith("}]") is is_json
        assert lab.events() == ["StartTransaction", "StopTransaction"]
        assert lab.station.faults.armed == []

    @pytest.mark.parametrize("kind", ["malformed", "drop", "delay"])
    def test_leaves_a_fault_that_cannot_affect_it(self, kind):
        lab = Lab()
        lab.charge()
        lab.station.faults.arm(kind)
        if kind == "malformed":
            lab.client.cut()
        lab.station._messages.put(("StopTransaction", {}), lab.station.connectors[0].transaction)
        assert len(lab.station.faults.armed) == 1


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
