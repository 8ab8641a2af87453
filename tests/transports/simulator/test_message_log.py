"""The log of a simulated station: what it tells of a message beyond the message itself."""

from datetime import UTC, datetime

import pytest

from ocpp_core.actions import Direction
from ocpp_core.errors import RPCPropertyConstraintViolationError
from ocpp_transports.events import MessageEvent, StrictValidationFailureEvent
from ocpp_transports.station import MessageLog


class Client:
    """Hands events to the log."""

    protocol = "ocpp1.6"

    def __init__(self):
        self.listeners = {}

    def on(self, name, listener):
        self.listeners[name] = listener

    def message(self, direction, frame, action):
        self.listeners["message"](MessageEvent(direction, frame, action, None))

    def refused(self, payload):
        error = RPCPropertyConstraintViolationError("payload.type violates enum: Hard, Soft")
        self.listeners["strict_validation_failure"](StrictValidationFailureEvent(payload, error))


@pytest.fixture
def client():
    return Client()


@pytest.fixture
def log(client):
    return MessageLog(client, lambda: datetime(2026, 1, 1, tzinfo=UTC))


class TestARawAnswer:
    def test_is_told_by_the_action_it_answers_and_checked_as_such(self, client, log):
        client.message(Direction.IN, [2, "1", "Reset", {"type": "Soft"}], "Reset")
        client.message(Direction.OUT, [3, "1", {"status": 5}], None)
        assert log.entries[-1].action == "Reset"
        assert log.entries[-1].problem == "payload.status violates type: string"

    def test_to_nothing_has_no_action(self, client, log):
        client.message(Direction.OUT, [2, "1", "Heartbeat", {}], "Heartbeat")
        client.message(Direction.OUT, [3, "1", {}], None)
        assert (log.entries[-1].action, log.entries[-1].problem) == (None, None)


class TestARawText:
    def test_that_is_no_message_is_written_down_as_it_went_out(self, log):
        log.sent_raw("[2,oops")
        (entry,) = log.entries
        assert (entry.direction, entry.kind, entry.frame, entry.problem) == ("out", "BAD", "[2,oops", "no message")


class TestARefusal:
    def test_of_a_message_that_stands_there_with_its_problem_is_not_told_twice(self, client, log):
        client.message(Direction.IN, [2, "1", "Reset", {"type": "Sofa"}], "Reset")
        client.refused({"type": "Sofa"})
        assert [entry.kind for entry in log.entries] == ["CALL"]

    def test_of_what_was_never_sent_is_told(self, client, log):
        client.refused({"type": "Sofa"})
        (entry,) = log.entries
        assert (entry.kind, entry.frame) == ("REFUSED", {"type": "Sofa"})
        assert "enum" in entry.problem
