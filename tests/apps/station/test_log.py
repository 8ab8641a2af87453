"""The message log: what passed, and what was wrong with it."""

import pytest

from ocpp_apps.station import LogEntry
from ocpp_core.actions import Direction
from ocpp_core.config import Violation
from ocpp_core.errors import OCPPError, RPCFormatViolationError, RPCInternalError
from ocpp_core.versions import ErrorCode
from ocpp_transports.events import (
    BadMessageEvent,
    ErrorEvent,
    MessageEvent,
    ViolationEvent,
)
from tests.apps.station.laboratory import VERSIONS, Lab, no_answer


@pytest.fixture
def lab():
    return Lab()


@pytest.fixture
def log(lab):
    lab.station.log.clear()
    return lab.station.log


def passed(lab, frame, action, *, direction=Direction.IN, latency=None):
    lab.client.tell("message", MessageEvent(direction, frame, action, latency))


def violation(payload, text):
    rule = Violation(ErrorCode.FORMAT_VIOLATION, text)
    return ViolationEvent("CP1", Direction.IN, "call", "Reset", "1", rule, RPCFormatViolationError(text), True, payload)


class TestAnEntry:
    def test_is_a_message_with_all_about_it(self, lab, log):
        passed(lab, [3, "7", {"currentTime": "2026-01-01T00:00:00Z"}], "Heartbeat", latency=0.25)
        (entry,) = log
        assert (entry.direction, entry.kind, entry.action, entry.message_id) == ("in", "CALLRESULT", "Heartbeat", "7")
        assert (entry.latency, entry.problem, entry.at) == (0.25, None, lab.clock.now())
        assert entry.frame == [3, "7", {"currentTime": "2026-01-01T00:00:00Z"}]

    @pytest.mark.parametrize(
        ("frame", "action", "problem"),
        [
            ([2, "1", "Reset", {"type": "Gentle"}], "Reset", "payload.type"),
            ([3, "1", {}], "Heartbeat", "currentTime"),
            ([2, "1", "MakeCoffee", {}], "MakeCoffee", "not an action of ocpp1.6"),
        ],
    )
    def test_tells_what_breaks_the_schema_whatever_the_client_thinks_of_it(self, lab, log, frame, action, problem):
        passed(lab, frame, action)
        assert problem in log.entries[0].problem

    @pytest.mark.parametrize(
        ("payload", "problems"),
        [
            (
                {"currentTime": "yesterday", "interval": "300"},
                [
                    "payload violates required: status is missing",
                    "payload.currentTime violates format: date-time",
                    "payload.interval violates type: integer",
                ],
            ),
            ({}, [f"payload violates required: {name} is missing" for name in ("currentTime", "interval", "status")]),
            ([], ["payload violates type: object"]),
        ],
    )
    def test_tells_of_every_member_that_breaks_it(self, lab, log, payload, problems):
        passed(lab, [3, "1", payload], "BootNotification")
        subject, _, rules = log.entries[0].problem.partition(" CALLRESULT ")
        assert (subject, sorted(rules.split("; "))) == ("BootNotification", sorted(problems))

    def test_of_a_message_with_no_end_of_mistakes_tells_a_few(self, lab, log):
        passed(lab, [2, "1", "Reset", {f"unknown{number}": [] for number in range(100_000)}], "Reset")
        assert log.entries[0].problem.count(";") == 4

    def test_of_an_error_has_no_schema(self, lab, log):
        passed(lab, [4, "1", "NotImplemented", "", {}], "Reset")
        assert (log.entries[0].kind, log.entries[0].problem) == ("CALLERROR", None)

    def test_of_an_answer_to_nobody_knows_what_has_none_either(self, lab, log):
        passed(lab, [3, "1", {}], None)
        assert log.entries[0].problem is None

    def test_of_a_send_is_checked(self):
        lab = Lab("ocpp2.1")
        lab.station.log.clear()
        passed(lab, [6, "1", "NotifyPeriodicEventStream", {"id": "1"}], "NotifyPeriodicEventStream")
        assert lab.station.log.entries[0].problem

    def test_may_be_no_message_at_all(self, lab, log):
        lab.client.tell("bad_message", BadMessageEvent("{nonsense", RPCFormatViolationError("not JSON")))
        (entry,) = log
        assert (entry.direction, entry.kind, entry.frame) == ("in", "BAD", "{nonsense")
        assert "not JSON" in entry.problem

    def test_may_be_what_strict_mode_refused(self, lab, log):
        lab.client.tell("violation", violation({}, "idTag is missing"))
        (entry,) = log
        assert (entry.kind, entry.frame) == ("REFUSED", {})
        assert "idTag is missing" in entry.problem

    def test_is_not_repeated_for_what_stands_there_already(self, lab, log):
        frame = [2, "1", "Reset", {"type": "Gentle"}]
        passed(lab, frame, "Reset")
        lab.client.tell("violation", violation({"type": "Gentle"}, "its type"))
        assert len(log) == 1

    def test_of_an_answer_that_was_sent_as_a_raw_text_has_its_action_and_is_checked(self, lab, log):
        passed(lab, [2, "1", "Reset", {"type": "Soft"}], "Reset")
        passed(lab, [3, "1", {"status": 5}], None, direction=Direction.OUT)
        assert (log.entries[-1].action, log.entries[-1].problem) == (
            "Reset",
            "Reset CALLRESULT payload.status violates type: string",
        )

    def test_of_an_answer_to_nothing_has_no_action(self, lab, log):
        passed(lab, [2, "1", "Heartbeat", {}], "Heartbeat", direction=Direction.OUT)
        passed(lab, [3, "1", {}], None, direction=Direction.OUT)
        assert (log.entries[-1].action, log.entries[-1].problem) == (None, None)

    def test_may_be_a_raw_text_that_is_no_message(self, log):
        log.sent_raw("[2,oops")
        (entry,) = log
        assert (entry.direction, entry.kind, entry.frame, entry.problem) == ("out", "BAD", "[2,oops", "not a message")

    def test_may_be_what_failed(self, lab, log):
        lab.client.tell("error", ErrorEvent(OSError("no route")))
        lab.client.tell("error", ErrorEvent(OCPPError("no connection")))
        assert [(entry.kind, entry.problem) for entry in log] == [
            ("ERROR", "OSError: no route"),
            ("ERROR", "no connection"),
        ]

    def test_may_be_what_the_station_could_not_do(self, lab, log):
        lab.client.answers["StatusNotification"] = no_answer()
        lab.run(lab.station.plug_in(1))
        (note,) = [entry for entry in log if entry.kind == "NOTE"]
        assert (note.action, note.problem) == ("StatusNotification", "no answer")

    def test_a_callerror_needs_no_further_note(self, lab, log):
        lab.client.answers["StatusNotification"] = RPCInternalError(remote=True)
        lab.run(lab.station.plug_in(1))
        assert [entry for entry in log if entry.kind == "NOTE"] == []


class TestTheLog:
    def test_keeps_the_latest_thousand(self, lab, log):
        first = len(Lab().station.log)
        for number in range(1005):
            passed(lab, [3, str(number), {}], "StatusNotification")
        assert len(log) == 1000
        assert log.entries[0].message_id == "5"
        assert log.entries[-1].number == first + 1005

    def test_is_watched_until_that_ends(self, lab, log):
        seen: list[LogEntry] = []
        cancel = log.watch(seen.append)
        passed(lab, [3, "1", {}], "StatusNotification")
        cancel()
        cancel()
        passed(lab, [3, "2", {}], "StatusNotification")
        assert [entry.message_id for entry in seen] == ["1"]

    def test_is_cleared_and_counts_on(self, lab, log):
        passed(lab, [3, "1", {}], "StatusNotification")
        number = log.entries[0].number
        log.clear()
        passed(lab, [3, "2", {}], "StatusNotification")
        assert [entry.number for entry in log] == [number + 1]

    @pytest.mark.parametrize("protocol", VERSIONS)
    def test_finds_nothing_wrong_with_a_session(self, protocol):
        lab = Lab(protocol)
        lab.charge()
        lab.run_for(100)
        lab.run(lab.station.unplug(1))
        assert [entry.problem for entry in lab.station.log if entry.problem] == []
