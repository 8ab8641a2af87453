"""Calls that become messages, and what their callers get."""

from typing import Any

import pytest

from ocpp_core.durable.callers import error_of
from ocpp_core.errors import (
    CallCancelledError,
    CallDroppedError,
    ClosedError,
    ConnectionLostError,
    OCPPError,
    RPCInternalError,
    StoreError,
    TimeoutError,
)
from ocpp_core.inputs import CancelCall, Close, StartCall, Tick, TransportLost
from ocpp_core.outbox.commands import (
    StoreFailed,
)
from ocpp_core.outbox.stored.outcomes import (
    MessageAnswered,
    MessageDropped,
    MessageNotSent,
    MessageRefused,
    MessageUnknown,
    NotSentReason,
    UnknownReason,
)
from tests.core.durable.station import Station
from tests.core.player import sent, settled
from tests.tables import each


@pytest.fixture
def station() -> Station:
    station = Station()
    station.connect()
    return station


def start_call(token: int, **options: Any) -> StartCall:
    return StartCall(token, "StartTransaction", {}, **options)


class TestACallOfATransactionMessage:
    """1.6 §3.7: new transaction messages wait until the queue is empty."""

    def test_waits_for_its_turn_in_the_lane_and_for_the_outcome(self, station):
        station.enqueue("StartTransaction")
        assert sent(station.play(start_call(5))) == []
        assert len(sent(station.answer("id-1"))) == 1
        assert settled(station.answer("id-2", '{"transactionId":7}')) == {5: {"transactionId": 7}}
        assert (station.outcomes.keys(), [*station.disk.outcomes]) == ({100}, [100])

    def test_is_an_ordinary_call_while_the_lane_is_empty(self, station):
        station.enqueue()
        station.play(start_call(5))
        assert [*station.disk.records] == [100]

    @each(
        ("end", "error"),
        [
            (CancelCall(5), CallCancelledError),
            (Tick(), TimeoutError),
            (Close(), ClosedError),
            (TransportLost(attempt=1), None),
        ],
    )
    def test_ends_with_an_error_by_its_reason(self, end, error):
        station = Station()
        station.connect()
        station.enqueue("StartTransaction")
        station.play(start_call(5, ttl=10.0))
        station.now += 10.0 if isinstance(end, Tick) else 0.0
        outcome = settled(station.play(end)).get(5)
        assert (outcome if error is None else type(outcome)) == error
        assert (101 in station.disk.records) is (error in (ClosedError, None))

    @pytest.mark.parametrize("is_sent", [False, True])
    def test_learns_from_closing_if_the_peer_may_have_acted(self, station, is_sent):
        station.enqueue("StartTransaction")
        station.play(start_call(5))
        if is_sent:
            station.answer("id-1")
        assert settled(station.play(Close()))[5].sent is is_sent

    def test_is_counted_among_the_queued_ones_until_it_is_sent(self, station):
        station.enqueue("StartTransaction")
        station.play(start_call(5))
        assert station.engine.queued == 1
        station.answer("id-1")
        assert station.engine.queued == 0

    def test_that_cannot_be_stored_fails(self, station):
        station.enqueue("StartTransaction")
        station.holds = True
        station.play(start_call(5))
        number = station.batches.pop().number
        assert isinstance(settled(station.play(StoreFailed(number, OSError("full"))))[5], StoreError)
        assert isinstance(settled(station.play(start_call(6)))[6], StoreError)

    @each(
        ("outcome", "error", "sent"),
        [
            (MessageAnswered("{}"), type(None), None),
            (MessageRefused("InternalError", "no", '{"a":1}'), RPCInternalError, None),
            (MessageDropped(), CallDroppedError, False),
            (MessageNotSent(NotSentReason.EXPIRED), TimeoutError, False),
            (MessageNotSent(NotSentReason.CANCELLED), CallCancelledError, False),
            (MessageNotSent(NotSentReason.CLOSED), ClosedError, False),
            (MessageNotSent(NotSentReason.INVALID), OCPPError, None),
            (MessageUnknown(UnknownReason.TIMEOUT), TimeoutError, True),
            (MessageUnknown(UnknownReason.LOST), ConnectionLostError, True),
            (MessageUnknown(UnknownReason.RESTART), ConnectionLostError, True),
            (MessageUnknown(UnknownReason.CANCELLED), CallCancelledError, True),
            (MessageUnknown(UnknownReason.CLOSED), ClosedError, True),
        ],
    )
    def test_has_an_error_for_every_outcome(self, outcome, error, sent):
        actual = error_of(outcome)
        assert (type(actual), getattr(actual, "sent", None)) == (error, sent)
