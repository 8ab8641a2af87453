"""The delivery of queued commands: take, send, settle."""

import pytest

from ocpp_core.cluster.queue.delivery import QueueDelivery
from ocpp_core.cluster.queue.delivery_events import (
    CommandEnded,
    CommandsStored,
    DeliveryConnected,
    DeliveryDisconnected,
    DeliveryRegistered,
    QueueRequestFailed,
    SendCommand,
    SettleAnswered,
    SettleTaken,
    TakeAnswered,
    TakeNext,
)
from ocpp_core.cluster.queue.records import TakeAnswer, TakenCommand
from ocpp_core.cluster.queue.settings import DeliveryConfig
from ocpp_core.cluster.records import NodeId
from ocpp_core.inputs import Tick

NODE = NodeId("a.0000000000000001")
COMMAND = TakenCommand(5, "content", 60.0, None)
FIRST, SECOND = f"{NODE}/1", f"{NODE}/2"


class Delivery:
    """The engine, with the time."""

    def __init__(self):
        self.engine = QueueDelivery(NODE, DeliveryConfig())
        self.now = 0.0

    def feed(self, *events, after=0.0):
        self.now += after
        for event in events:
            self.engine.handle(event, self.now)
        actions = []
        while (action := self.engine.poll()) is not None:
            actions.append(action)
        return actions


@pytest.fixture
def delivery():
    """One with a registered station, which has asked for its first command."""
    made = Delivery()
    assert made.feed(DeliveryConnected("CP1", "c1")) == []
    assert made.feed(DeliveryRegistered("CP1", "c1", True)) == [TakeNext("CP1", "c1", FIRST)]
    return made


def taken(token, command=COMMAND, *, is_owner=True):
    return TakeAnswered("CP1", token, TakeAnswer(is_owner=is_owner, command=command))


class TestACommand:
    def test_is_sent_when_it_is_marked_and_the_next_one_taken_when_it_is_settled(self, delivery):
        assert delivery.feed(taken(FIRST)) == [SendCommand("CP1", "c1", FIRST, COMMAND)]
        assert delivery.feed(CommandsStored("CP1")) == []
        assert delivery.feed(CommandEnded("CP1", FIRST, "outcome")) == [SettleTaken("CP1", FIRST, 5, "outcome")]
        assert delivery.feed(SettleAnswered("CP1", FIRST)) == [TakeNext("CP1", "c1", SECOND)]

    def test_that_is_marked_after_the_connection_has_ended_is_given_back(self, delivery):
        assert delivery.feed(DeliveryDisconnected("CP1", "c1")) == []
        assert delivery.feed(taken(FIRST)) == [SettleTaken("CP1", FIRST, 5, None)]
        assert delivery.feed(SettleAnswered("CP1", FIRST)) == []
        assert (delivery.engine.in_progress, delivery.engine.deadline) == (0, float("inf"))

    def test_goes_to_the_newest_connection_and_only_after_the_last_one_has_ended(self, delivery):
        delivery.feed(taken(FIRST))
        assert delivery.feed(DeliveryConnected("CP1", "c2"), DeliveryRegistered("CP1", "c2", True)) == []
        assert delivery.feed(DeliveryDisconnected("CP1", "c1"), DeliveryRegistered("CP1", "c1", False)) == []
        delivery.feed(CommandEnded("CP1", FIRST, "outcome"))
        assert delivery.feed(SettleAnswered("CP1", FIRST)) == [TakeNext("CP1", "c2", SECOND)]

    def test_that_was_not_written_is_tried_again_after_a_pause(self, delivery):
        delivery.feed(taken(FIRST))
        assert delivery.feed(CommandEnded("CP1", FIRST, None)) == [SettleTaken("CP1", FIRST, 5, None)]
        assert delivery.feed(SettleAnswered("CP1", FIRST)) == []
        assert delivery.feed(Tick(), after=10.0) == [TakeNext("CP1", "c1", SECOND)]


class TestARequestWithoutAnAnswer:
    def test_is_repeated_with_the_same_token_after_growing_pauses(self, delivery):
        for pause in (1.0, 2.0, 4.0):
            assert delivery.feed(QueueRequestFailed("CP1", FIRST)) == []
            assert delivery.feed(Tick(), after=pause - 0.1) == []
            assert delivery.feed(Tick(), after=0.1) == [TakeNext("CP1", "c1", FIRST)]

    def test_may_have_marked_a_command_that_is_given_back(self, delivery):
        delivery.feed(QueueRequestFailed("CP1", FIRST), DeliveryDisconnected("CP1", "c1"))
        assert delivery.feed(Tick(), after=1.0) == [SettleTaken("CP1", FIRST, None, None)]

    def test_may_have_marked_a_command_before_the_station_moved(self, delivery):
        delivery.feed(QueueRequestFailed("CP1", FIRST))
        delivery.feed(Tick(), after=1.0)
        assert delivery.feed(taken(FIRST, None, is_owner=False)) == [SettleTaken("CP1", FIRST, None, None)]


class TestAStation:
    def test_that_is_not_registered_gets_nothing(self):
        delivery = Delivery()
        assert delivery.feed(DeliveryConnected("CP1", "c1"), CommandsStored("CP1"), CommandsStored("CP2")) == []

    def test_without_commands_is_looked_at_when_one_is_stored_and_from_time_to_time(self, delivery):
        assert delivery.feed(taken(FIRST, None)) == []
        assert delivery.feed(CommandsStored("CP1")) == [TakeNext("CP1", "c1", SECOND)]
        assert delivery.feed(taken(SECOND, None)) == []
        assert delivery.feed(Tick(), after=599.0) == []
        assert delivery.feed(Tick(), after=1.0) == [TakeNext("CP1", "c1", f"{NODE}/3")]

    def test_gets_nothing_more_when_the_node_closes(self, delivery):
        delivery.feed(taken(FIRST))
        delivery.engine.close()
        delivery.feed(CommandEnded("CP1", FIRST, "outcome"))
        assert delivery.feed(SettleAnswered("CP1", FIRST)) == []
        assert delivery.engine.in_progress == 0
