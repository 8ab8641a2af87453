"""Waits for stations: who is asked, who is told, and what a loss costs."""

import pytest

from ocpp_core.cluster.records import ClusterOwner, Found, NodeId
from ocpp_core.cluster.waits.engine import StationWaits
from ocpp_core.cluster.waits.inputs import (
    AskReceived,
    EndWait,
    OpenedReceived,
    SendWatch,
    StartWait,
    StationAwaited,
    StationEnded,
    StationOpened,
    WaitEnded,
    WatchAnswered,
    WatchFailed,
    WriteAsk,
    WriteOpened,
)
from ocpp_core.inputs import Tick

ME, OTHER, THIRD = map(NodeId, ("a.0", "b.0", "c.0"))
LOOK = 3.0


def found(node=OTHER, *, is_alive=True):
    return Found(ClusterOwner(node, 7), "b:1", is_alive)


class Player:
    """The waits of a node whose open stations are a set."""

    def __init__(self):
        self.open: set[str] = set()
        self.engine = StationWaits(ME, LOOK, self.open.__contains__)

    def __call__(self, event, now=0.0):
        self.engine.handle(event, now)
        actions = []
        while action := self.engine.poll():
            actions.append(action)
        return actions


@pytest.fixture
def play():
    return Player()


class TestAWait:
    def test_ends_when_another_node_reports_the_station(self, play):
        assert play(StartWait(1, "CP1")) == [SendWatch("CP1")]
        assert play(WatchAnswered("CP1", None)) == []
        assert play(OpenedReceived(OTHER, "CP2")) == []
        assert play(OpenedReceived(OTHER, "CP1")) == [WaitEnded(1, OTHER)]
        assert len(play.engine) == 0
        assert play.engine.deadline == float("inf")

    def test_ends_when_the_station_opens_here(self, play):
        play(StartWait(1, "CP1"))
        assert play(StationOpened("CP1")) == [WaitEnded(1, ME)]

    def test_ends_at_once_for_a_station_that_is_open_here(self, play):
        play.open.add("CP1")
        assert play(StartWait(1, "CP1")) == [WaitEnded(1, ME)]

    def test_asks_the_node_that_has_the_station_whether_it_is_open(self, play):
        play(StartWait(1, "CP1"))
        assert play(WatchAnswered("CP1", found())) == [WriteAsk(OTHER, "b:1", "CP1")]
        assert play(OpenedReceived(OTHER, "CP1")) == [WaitEnded(1, OTHER)]

    def test_asks_no_dead_node_and_not_itself(self, play):
        play(StartWait(1, "CP1"))
        assert play(WatchAnswered("CP1", found(is_alive=False))) == []
        assert play(WatchAnswered("CP1", found(ME))) == []

    def test_is_one_watch_for_all_who_wait_for_a_station(self, play):
        assert play(StartWait(1, "CP1")) == [SendWatch("CP1")]
        assert play(StartWait(2, "CP1")) == []
        assert play(OpenedReceived(OTHER, "CP1")) == [WaitEnded(1, OTHER), WaitEnded(2, OTHER)]

    def test_looks_again_whatever_was_lost(self, play):
        play(StartWait(1, "CP1"), 0.0)
        play(WatchFailed("CP1"), 2.0)
        assert play(Tick(), 2.9) == []
        assert play(Tick(), 3.0) == [SendWatch("CP1")]
        assert play.engine.deadline == 6.0

    def test_that_is_abandoned_looks_no_more(self, play):
        play(StartWait(1, "CP1"))
        play(StartWait(2, "CP1"))
        assert play(EndWait(1)) == play(EndWait(1)) == []
        assert play.engine.deadline == LOOK
        play(EndWait(2))
        assert play.engine.deadline == float("inf")
        assert play(WatchAnswered("CP1", found())) == []

    def test_has_a_name_of_its_own(self, play):
        play(StartWait(1, "CP1"))
        with pytest.raises(ValueError, match="expected the name of a new wait, got 1"):
            play(StartWait(1, "CP2"))


class TestTheNodeOfTheStation:
    def test_reports_it_when_it_opens_to_those_who_waited_at_the_claim(self, play):
        assert play(StationAwaited("CP1", [OTHER, ME, THIRD])) == []
        assert play(StationOpened("CP1")) == [WriteOpened(OTHER, "CP1"), WriteOpened(THIRD, "CP1")]
        assert play(StationOpened("CP1")) == []

    def test_answers_who_asks_at_once_if_it_is_open(self, play):
        play.open.add("CP1")
        assert play(AskReceived(OTHER, "CP1")) == [WriteOpened(OTHER, "CP1")]

    def test_answers_who_asks_during_the_handshake_when_it_opens(self, play):
        assert play(AskReceived(OTHER, "CP1")) == []
        assert play(StationOpened("CP1")) == [WriteOpened(OTHER, "CP1")]

    def test_forgets_who_asked_with_the_end_of_the_handshake(self, play):
        play(AskReceived(OTHER, "CP1"))
        play(StationEnded("CP1"))
        assert play(StationOpened("CP1")) == []

    def test_remembers_a_limited_number_of_stations(self, play):
        for number in range(10_001):
            play(AskReceived(OTHER, f"CP{number}"))
        assert play.engine.awaited == 10_000
        assert play(StationOpened("CP0")) == []

    def test_remembers_nothing_about_itself(self, play):
        play(StationAwaited("CP1", [ME]))
        assert play.engine.awaited == 0
