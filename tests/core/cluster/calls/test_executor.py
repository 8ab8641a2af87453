"""What a node does with the calls of other nodes."""

import pytest

from ocpp_core.cluster.calls.executor import RemoteExecutor
from ocpp_core.cluster.calls.executor_inputs import (
    CancelExecution,
    CancelReceived,
    ExecuteCall,
    ExecutionFailed,
    ExecutionSucceeded,
    ProbeReceived,
    QuestionOwnership,
    RequestReceived,
    WriteAnswer,
)
from ocpp_core.cluster.calls.frames import AnswerFrame, AnswerKind, CancelFrame, ProbeFrame, RequestFrame, read_frame
from ocpp_core.cluster.calls.settings import RemoteCallsConfig
from ocpp_core.cluster.records import NodeId
from ocpp_core.errors import RPCSecurityError
from ocpp_core.inputs import Tick

ME, OTHER, THIRD = map(NodeId, ("b.0", "a.0", "c.0"))


class Player:
    """A node that has CP1 with the fence 7."""

    def __init__(self, **limits):
        self.believed = {"CP1": 7}
        self.engine = RemoteExecutor(ME, RemoteCallsConfig(**limits), lambda identity, now: self.believed.get(identity))

    def __call__(self, event, now=0.0):
        """Return the action that follows: there is one at most."""
        self.engine.handle(event, now)
        action = self.engine.poll()
        assert self.engine.poll() is None
        if isinstance(action, WriteAnswer):
            answer = read_frame(action.frame)
            assert isinstance(answer, AnswerFrame)
            assert (action.node, answer.caller) == (OTHER, OTHER)
            return answer
        return action

    def request(self, number=1, *, fence=7, owner=ME, seconds=30.0, now=0.0, size=100):
        frame = RequestFrame(number, "CP1", fence, owner, seconds, ["Reset", {}])
        return self(RequestReceived(OTHER, frame, size), now)


@pytest.fixture
def play():
    return Player()


def nested(levels):
    """Return a payload with this many levels."""
    payload: dict[str, object] = {}
    for _ in range(levels - 1):
        payload = {"a": payload}
    return payload


EXECUTED = ExecuteCall(OTHER, 1, "CP1", ["Reset", {}])


class TestARequest:
    def test_is_executed_and_answered(self, play):
        assert play.request() == EXECUTED
        assert play(ExecutionSucceeded(OTHER, 1, {"a": 1})) == AnswerFrame(OTHER, 1, AnswerKind.OK, {"a": 1})
        assert len(play.engine) == 0

    def test_that_fails_is_answered_with_the_error(self, play):
        play.request()
        answer = play(ExecutionFailed(OTHER, 1, RPCSecurityError("no", remote=True)))
        assert (answer.kind, answer.value) == (AnswerKind.ERROR, ["RPCError", "SecurityError", "no", {}, True])

    def test_is_refused_with_the_fence_of_an_earlier_claim(self, play):
        assert play.request(fence=6).kind is AnswerKind.NOT_SENT

    @pytest.mark.parametrize("believed", [{"CP1": 6}, {}])
    def test_is_refused_and_questioned_with_a_claim_that_the_node_does_not_know(self, play, believed):
        play.believed = believed
        play.engine.handle(RequestReceived(OTHER, RequestFrame(1, "CP1", 7, ME, 30.0, []), 100), 0.0)
        question, refusal = play.engine.poll(), play.engine.poll()
        assert question == QuestionOwnership("CP1")
        assert isinstance(refusal, WriteAnswer)
        answer = read_frame(refusal.frame)
        assert isinstance(answer, AnswerFrame)
        assert answer.kind is AnswerKind.NOT_SENT

    def test_is_refused_without_time(self, play):
        assert play.request(seconds=0.0).kind is AnswerKind.NOT_SENT

    def test_for_a_predecessor_with_the_same_name_may_have_been_executed_by_it(self, play):
        assert play.request(owner=NodeId("b.1")).kind is AnswerKind.UNKNOWN


class TestACopyOfARequest:
    def test_is_not_executed_again(self, play):
        play.request()
        assert play.request() is None
        play(ExecutionSucceeded(OTHER, 1, {}))
        assert play.request() is None

    def test_that_was_refused_is_not_executed_when_the_node_believes_again(self, play):
        play.believed["CP1"] = 8
        play.request()
        play.believed["CP1"] = 7
        assert play.request() is None

    def test_that_may_have_been_executed_has_an_unknown_outcome(self, play):
        play.request(20_000)
        assert play.request(1).kind is AnswerKind.UNKNOWN

    def test_from_more_callers_than_are_remembered_has_an_unknown_outcome(self):
        play = Player(max_callers=1)
        play(RequestReceived(THIRD, RequestFrame(1, "CP1", 7, ME, 30.0, []), 100))
        assert play.request().kind is AnswerKind.UNKNOWN


class TestACancellation:
    def test_cancels_the_call_which_is_not_answered(self, play):
        play.request()
        assert play(CancelReceived(OTHER, CancelFrame(1))) == CancelExecution(OTHER, 1)
        assert play(ExecutionSucceeded(OTHER, 1, {})) is None

    def test_of_another_node_cancels_nothing(self, play):
        play.request()
        assert play(CancelReceived(THIRD, CancelFrame(1))) is None
        assert len(play.engine) == 1

    def test_that_overtakes_its_request_prevents_it(self, play):
        assert play(CancelReceived(OTHER, CancelFrame(1))) is None
        assert play.request() is None

    def test_follows_by_itself_when_the_time_of_the_caller_ends(self, play):
        play.request(seconds=5.0)
        assert play.engine.deadline == 5
        assert play(Tick(), 5) == CancelExecution(OTHER, 1)
        assert len(play.engine) == 0


class TestAProbe:
    def probe(self, play, number=1, owner=ME):
        return play(ProbeReceived(OTHER, ProbeFrame(owner, (number,))))

    def test_about_a_call_in_progress_is_not_answered(self, play):
        play.request()
        assert self.probe(play) is None

    def test_about_a_call_that_ended_is_answered_unknown(self, play):
        play.request()
        play(ExecutionSucceeded(OTHER, 1, {}))
        assert self.probe(play).kind is AnswerKind.UNKNOWN

    def test_about_a_request_that_did_not_arrive_is_answered_not_sent_and_the_request_is_refused(self, play):
        play.request(1)
        assert self.probe(play, 2).kind is AnswerKind.NOT_SENT
        assert play.request(2) is None

    def test_of_a_caller_that_may_be_forgotten_is_answered_unknown(self, play):
        assert self.probe(play, 2).kind is AnswerKind.UNKNOWN
        assert self.probe(play, 1).kind is AnswerKind.UNKNOWN

    def test_for_a_predecessor_is_not_answered(self, play):
        assert self.probe(play, owner=NodeId("b.1")) is None


class TestLimits:
    @pytest.mark.parametrize("limits", [{"max_calls": 1}, {"max_bytes": 150}, {"max_calls_per_node": 1}])
    def test_refuse_a_request(self, limits):
        play = Player(**limits)
        play.request(1)
        assert play.request(2).kind is AnswerKind.NOT_SENT
        play(ExecutionSucceeded(OTHER, 1, {}))
        assert isinstance(play.request(3), ExecuteCall)

    def test_replace_an_answer_that_fits_no_frame(self):
        play = Player(max_frame=1024)
        play.request()
        assert play(ExecutionSucceeded(OTHER, 1, {"a": "x" * 2000})).kind is AnswerKind.UNKNOWN

    @pytest.mark.parametrize(
        "ended",
        [
            ExecutionSucceeded(OTHER, 1, {"a": object()}),
            ExecutionSucceeded(OTHER, 1, {"a": float("nan")}),
            ExecutionFailed(OTHER, 1, RPCSecurityError("no", {"a": object()})),
            ExecutionFailed(OTHER, 1, ValueError("\ud800")),
            ExecutionFailed(OTHER, 1, RPCSecurityError("no", nested(127))),  # a station may send this
        ],
    )
    def test_replace_an_outcome_that_no_frame_can_express(self, play, ended):
        play.request()
        answer = play(ended)
        assert (answer.kind, answer.value) == (AnswerKind.UNKNOWN, "no frame can express the outcome")
