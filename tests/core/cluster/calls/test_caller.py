"""The outcomes of calls to stations of other nodes: see docs/design/cluster-calls.md."""

import pytest

from ocpp_core.cluster.calls.caller import RemoteCaller
from ocpp_core.cluster.calls.caller_actions import CallAnswered, FindOwner, WriteCancel, WriteProbe, WriteRequest
from ocpp_core.cluster.calls.caller_inputs import (
    AbandonRemoteCall,
    AnswerReceived,
    NodeLost,
    OwnerKnown,
    OwnerSearched,
    OwnerSearchFailed,
    StartRemoteCall,
    WriteEnded,
    WriteResult,
)
from ocpp_core.cluster.calls.frames import AnswerFrame, AnswerKind, CancelFrame, ProbeFrame, read_frame
from ocpp_core.cluster.calls.settings import RemoteCallsConfig
from ocpp_core.cluster.records import ClusterOwner, Found, NodeId
from ocpp_core.errors import CallDroppedError, ConnectionLostError, RPCSecurityError, TimeoutError
from ocpp_core.inputs import Tick

ME, OTHER, THIRD = map(NodeId, ("a.0", "b.0", "c.0"))


def found(node=OTHER, fence=7, *, is_alive=True):
    return Found(ClusterOwner(node, fence), f"{node}:1", is_alive)


class Player:
    """A node that calls CP1, whose registry and carrier are the test."""

    def __init__(self, **limits):
        self.engine = RemoteCaller(ME, RemoteCallsConfig(**limits))

    def __call__(self, event, now=0.0):
        self.engine.handle(event, now)
        actions = []
        while action := self.engine.poll():
            actions.append(action)
        return actions

    def write(self, call=1, where=None, *, now=0.0, sent=True):
        """Begin a call, find its node, and write its request; return that."""
        actions = self(StartRemoteCall(call, "CP1", ["Reset", {}], 30), now)
        if isinstance(actions[0], FindOwner):
            actions = self(OwnerSearched(call, where or found()), now)
        (request,) = actions
        if sent:
            assert self(WriteEnded(request.number, WriteResult.SENT), now) == []
        return request

    def answer(self, request, kind, value, *, node=None, caller=ME):
        return self(AnswerReceived(node or request.node, AnswerFrame(caller, request.number, kind, value)))


@pytest.fixture
def play():
    return Player()


def outcome_of(actions):
    """Return the outcome among these actions, which end a call: the payload, or the class of the error and `sent`."""
    (ended,) = actions
    return ended.payload if isinstance(ended, CallAnswered) else (type(ended.error), ended.error.sent)


NOT_SENT, UNKNOWN = (ConnectionLostError, False), (ConnectionLostError, True)


class TestARequest:
    def test_goes_to_the_node_that_the_registry_names(self, play):
        assert play(StartRemoteCall(1, "CP1", ["Reset", {}], 30), 100) == [FindOwner(1, "CP1")]
        (request,) = play(OwnerSearched(1, found()), 101)
        assert request == WriteRequest(1, OTHER, "b.0:1", request.frame)
        assert request.frame == b'[1,"q",1,"CP1",7,"b.0",29.0,["Reset",{}]]'

    def test_is_answered_with_the_payload(self, play):
        assert outcome_of(play.answer(play.write(), AnswerKind.OK, {"status": "Accepted"})) == {"status": "Accepted"}
        assert len(play.engine) == 0
        assert play(Tick(), play.engine.deadline) == []
        assert play.engine.deadline == float("inf")

    def test_is_answered_with_the_error_of_the_station(self, play):
        (failed,) = play.answer(play.write(), AnswerKind.ERROR, ["RPCError", "SecurityError", "no", {}, True])
        assert type(failed.error) is RPCSecurityError

    def test_may_be_answered_before_the_carrier_reports_that_it_was_written(self, play):
        request = play.write(sent=False)
        assert outcome_of(play.answer(request, AnswerKind.OK, {})) == {}
        assert play(WriteEnded(request.number, WriteResult.SENT)) == []

    def test_is_answered_by_its_node_and_for_this_life_of_the_caller_alone(self, play):
        request = play.write()
        assert play.answer(request, AnswerKind.OK, {}, node=THIRD) == []
        assert play.answer(request, AnswerKind.OK, {}, caller=NodeId("a.1")) == []

    def test_of_a_station_found_before_needs_no_registry(self, play):
        play.answer(play.write(1), AnswerKind.OK, {})
        assert isinstance(play(StartRemoteCall(2, "CP1", [], 30))[0], WriteRequest)


class TestACallIsNotSent:
    @pytest.mark.parametrize("where", [None, found(is_alive=False), found(ME)])
    def test_without_a_node_that_has_the_station(self, play, where):
        play(StartRemoteCall(1, "CP1", [], 30))
        assert outcome_of(play(OwnerSearched(1, where))) == NOT_SENT

    def test_while_the_registry_is_away_and_the_node_is_not_known(self, play):
        play(StartRemoteCall(1, "CP1", [], 30))
        (failed,) = play(OwnerSearchFailed(1, "the registry did not answer"))
        assert str(failed.error) == "cannot call 'CP1': the registry did not answer"
        assert not failed.error.sent

    def test_if_the_registry_answers_too_late(self, play):
        play(StartRemoteCall(1, "CP1", [], 30), 0)
        assert outcome_of(play(Tick(), 30)) == (TimeoutError, False)
        assert play(OwnerSearched(1, found()), 31) == []

    def test_if_its_node_cannot_be_reached_and_still_is_the_one_that_has_the_station(self, play):
        request = play.write(sent=False)
        assert play(WriteEnded(request.number, WriteResult.NOT_SENT)) == [FindOwner(1, "CP1")]
        assert outcome_of(play(OwnerSearched(1, found()))) == NOT_SENT


class TestTheOutcomeIsUnknown:
    def test_at_once_when_the_node_is_lost_that_has_the_request(self, play):
        play.write()
        assert outcome_of(play(NodeLost(OTHER))) == UNKNOWN

    def test_when_the_node_is_lost_while_the_carrier_writes(self, play):
        request = play.write(sent=False)
        assert play(NodeLost(OTHER)) == []
        assert outcome_of(play(WriteEnded(request.number, WriteResult.SENT))) == UNKNOWN

    def test_when_the_carrier_does_not_know(self, play):
        request = play.write(sent=False)
        assert outcome_of(play(WriteEnded(request.number, WriteResult.UNKNOWN))) == UNKNOWN

    def test_when_the_node_does_not_know(self, play):
        assert outcome_of(play.answer(play.write(), AnswerKind.UNKNOWN, "its node was started again")) == UNKNOWN

    def test_after_the_time_of_the_call_which_cancels_it(self, play):
        request = play.write(now=0)
        *_, cancelled, failed = play(Tick(), 30)
        assert read_frame(cancelled.frame) == CancelFrame(request.number)
        assert outcome_of([failed]) == (TimeoutError, True)
        assert play.answer(request, AnswerKind.OK, {}) == []
        assert play(StartRemoteCall(2, "CP1", [], 30), 30) == [FindOwner(2, "CP1")]

    def test_not_of_calls_to_other_nodes(self, play):
        play.write()
        assert play(NodeLost(THIRD)) == []


class TestARefusedRequest:
    def test_is_repeated_on_the_new_node_with_a_new_number(self, play):
        first = play.write()
        assert play.answer(first, AnswerKind.NOT_SENT, "moved") == [FindOwner(1, "CP1")]
        (second,) = play(OwnerSearched(1, found(THIRD, 8)))
        assert (second.node, second.number) == (THIRD, first.number + 1)
        assert play.answer(first, AnswerKind.OK, {}) == []  # a late answer to the first
        assert outcome_of(play.answer(second, AnswerKind.OK, {})) == {}

    def test_fails_with_the_reason_if_no_other_node_has_the_station(self, play):
        play.answer(play.write(), AnswerKind.NOT_SENT, "it was moved")
        (failed,) = play(OwnerSearched(1, found()))
        assert str(failed.error) == "cannot call 'CP1': it was moved"
        assert not failed.error.sent

    def test_is_repeated_twice_at_most(self, play):
        request = play.write()
        for fence in (8, 9):
            play.answer(request, AnswerKind.NOT_SENT, "moved")
            (request,) = play(OwnerSearched(1, found(fence=fence)))
        assert outcome_of(play.answer(request, AnswerKind.NOT_SENT, "moved")) == NOT_SENT

    def test_makes_later_calls_ask_the_registry_again(self, play):
        play.answer(play.write(), AnswerKind.NOT_SENT, "moved")
        play(OwnerSearched(1, None))
        assert play(StartRemoteCall(2, "CP1", [], 30)) == [FindOwner(2, "CP1")]


class TestASilentNode:
    """It is probed for all requests that it has not answered for `probe_after` seconds, 15 by default."""

    def test_is_probed_in_one_frame_each_time_until_it_answers(self, play):
        first, second = play.write(1, now=0), play.write(2, now=1)
        assert play.engine.deadline == 15
        assert play(Tick(), 15) == [WriteProbe(OTHER, "b.0:1", b'[1,"p","b.0",[1]]')]
        play.answer(first, AnswerKind.OK, {})
        (probe,) = play(Tick(), 29.9) + play(Tick(), 30)[:1]
        assert read_frame(probe.frame) == ProbeFrame(OTHER, (second.number,))

    def test_ends_a_call_with_its_answer(self, play):
        request = play.write()
        play(Tick(), 15)
        assert outcome_of(play.answer(request, AnswerKind.UNKNOWN, "the answer of its node was lost")) == UNKNOWN

    def test_is_probed_for_at_most_1000_requests_in_a_frame(self, play):
        for call in range(1001):
            play.write(call)
        frames = [read_frame(each.frame) for each in play(Tick(), 15)]
        assert [len(each.numbers) for each in frames if isinstance(each, ProbeFrame)] == [1000, 1]

    def test_is_not_probed_for_a_request_that_is_being_written(self, play):
        play.write(1)
        play.write(2, sent=False)
        (probe,) = play(Tick(), 15)
        assert read_frame(probe.frame) == ProbeFrame(OTHER, (1,))


class TestAnAbandonedCall:
    def test_is_cancelled_on_its_node_and_has_no_outcome(self, play):
        request = play.write()
        (cancelled,) = play(AbandonRemoteCall(1))
        assert cancelled == WriteCancel(OTHER, "b.0:1", b'[1,"c",1]')
        assert play.answer(request, AnswerKind.OK, {}) == []

    def test_needs_no_cancellation_before_its_request_is_written(self, play):
        play(StartRemoteCall(1, "CP1", [], 30))
        assert play(AbandonRemoteCall(1)) == []
        assert play(AbandonRemoteCall(1)) == []
        assert play(OwnerSearched(1, found())) == []

    def test_at_the_end_of_its_time_has_no_outcome_either(self, play):
        play.write()
        assert [type(each) for each in play(AbandonRemoteCall(1), 30)] == [WriteCancel]


class TestLimits:
    @pytest.mark.parametrize(
        ("limits", "calls"), [({"max_calls": 1}, 1), ({"max_bytes": 20}, 1), ({"max_calls_per_node": 2}, 2)]
    )
    def test_drop_a_call_before_it_is_sent(self, limits, calls):
        play = Player(**limits)
        for call in range(calls):
            play.write(call)
        assert outcome_of(play(StartRemoteCall("last", "CP1", ["Reset", {}], 30))) == (CallDroppedError, False)
        assert len(play.engine) == calls

    def test_refuse_a_call_that_fits_no_frame_or_no_json(self):
        play = Player(max_frame=10_000)
        with pytest.raises(ValueError, match="expected a call of at most 1808 bytes"):
            play(StartRemoteCall(1, "CP1", ["x" * 2000], 30))
        with pytest.raises(TypeError):
            play(StartRemoteCall(1, "CP1", [object()], 30))
        deep: list[object] = []
        for _ in range(127):
            deep = [deep]
        with pytest.raises(ValueError, match="expected a payload nested less than 127 levels"):
            play(StartRemoteCall(1, "CP1", deep, 30))
        assert len(play.engine) == 0

    def test_bound_the_seconds_of_a_call(self):
        play = Player(longest=60)
        play(StartRemoteCall(1, "CP1", [], float("inf")), 10)
        assert play.engine.deadline == 70

    def test_bound_the_stations_whose_node_is_known(self):
        play = Player(max_known_owners=1)
        for call, identity in enumerate(("CP1", "CP2")):
            play(StartRemoteCall(call, identity, [], 30))
            play(OwnerSearched(call, found()))
        assert isinstance(play(StartRemoteCall(3, "CP2", [], 30))[0], WriteRequest)
        assert isinstance(play(StartRemoteCall(4, "CP1", [], 30))[0], FindOwner)

    def test_a_name_in_use_is_refused(self, play):
        play.write(1)
        with pytest.raises(ValueError, match="expected the name of a new call, got 1"):
            play(StartRemoteCall(1, "CP2", [], 30))


class TestAKnownOwner:
    def test_saves_the_search(self, play):
        assert play(OwnerKnown("CP1", found())) == []
        (request,) = play(StartRemoteCall(1, "CP1", ["Reset", {}], 30))
        assert (request.node, request.address) == (OTHER, "b.0:1")

    @pytest.mark.parametrize("useless", [found(ME, 9), found(THIRD, 9, is_alive=False), found(THIRD, 6)])
    def test_replaces_no_better_knowledge(self, play, useless):
        play(OwnerKnown("CP1", found()))
        play(OwnerKnown("CP1", useless))
        (request,) = play(StartRemoteCall(1, "CP1", ["Reset", {}], 30))
        assert request.node == OTHER
