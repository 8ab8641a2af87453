"""A client engine with an outbox: messages that break their schemas."""

import pytest

from ocpp_core.actions import ReportKind
from ocpp_core.config import SessionConfig, ValidationRule
from ocpp_core.errors import (
    RPCError,
)
from ocpp_core.outbox.stored.outcomes import (
    MessageAnswered,
    MessageNotSent,
    NotSentReason,
)
from tests.core.durable.station import Station
from tests.core.player import Strict, reports, sent
from tests.tables import each


@pytest.fixture
def station() -> Station:
    station = Station()
    station.connect()
    return station


class TestSchemas:
    @each("online", [True, False])
    def test_a_message_that_breaks_its_schema_is_refused_at_once_if_the_version_is_known(self, online):
        station = Station(session=SessionConfig(validator=Strict()))
        if online:
            station.connect()
        with pytest.raises(RPCError) as caught:
            station.enqueue("Heartbeat", {"bad": 1})
        assert (caught.value.remote, station.outcomes, len(station.engine.outbox)) == (False, {}, 0)
        assert reports(station.drain()) == [ReportKind.INVALID_REQUEST]
        station.enqueue("Heartbeat")
        assert len(station.engine.outbox) == 1

    def test_otherwise_it_is_settled_when_a_connection_shows_the_version(self):
        station = Station(session=SessionConfig(validator=Strict()), client={"protocols": ("ocpp2.0.1", "ocpp1.6")})
        station.enqueue("Heartbeat", {"bad": 1})
        done = station.connect()
        assert (sent(done), reports(done)) == ([], [ReportKind.INVALID_REQUEST])
        assert station.outcomes == {100: MessageNotSent(NotSentReason.INVALID)}

    def test_a_message_is_checked_by_the_rules_of_its_version(self):
        rules = (ValidationRule("off", protocols=("ocpp2.0.1",)),)
        station = Station(session=SessionConfig(validator=Strict(), validation_rules=rules))
        with pytest.raises(RPCError):
            station.enqueue("Heartbeat", {"bad": 1})

    def test_a_message_is_checked_with_the_transaction_id_that_is_filled_in_later(self):
        class NeedsId(Strict):
            def check_call(self, action, payload):
                return super().check_call(action, {} if "transactionId" in payload else {"bad": 1})

        session = SessionConfig(validator=NeedsId("StartTransaction", "StopTransaction"))
        station = Station(session=session)
        with pytest.raises(RPCError):
            station.enqueue("StopTransaction", {})
        station.enqueue("StartTransaction", {"transactionId": 0})
        station.enqueue("StopTransaction", {}, transaction=100, last=True)
        assert len(station.engine.outbox) == 2

    def test_a_message_for_another_version_than_that_of_the_connection_is_refused(self):
        station = Station(client={"protocols": ("ocpp1.6", "ocpp2.0.1")})
        station.enqueue("Heartbeat", protocol="ocpp2.0.1")  # the next connection may speak it
        station.connect()
        assert station.outcomes == {100: MessageNotSent(NotSentReason.INVALID)}
        with pytest.raises(ValueError, match=r"expected a message for ocpp1.6, got one for ocpp2.0.1"):
            station.enqueue("Heartbeat", protocol="ocpp2.0.1")

    def test_a_response_that_breaks_its_schema_counts_because_the_peer_has_acted(self):
        station = Station(session=SessionConfig(validator=Strict()))
        station.connect()
        station.enqueue("Heartbeat")
        assert ReportKind.TOLERATED in reports(station.answer("id-1", '{"bad":1}'))
        assert station.outcomes == {100: MessageAnswered('{"bad":1}')}

    def test_a_tolerated_violation_is_reported_at_the_first_of_several_transmissions(self):
        rules = (ValidationRule("report", direction="out"),)
        station = Station(session=SessionConfig(validator=Strict(), validation_rules=rules))
        station.enqueue("Heartbeat", {"bad": 1}, attempts=3, interval=1)
        station.connect()
        station.lose()
        station.come_back()
        assert len(sent(station.log)) == 2
        assert reports(station.log).count(ReportKind.TOLERATED) == 1
