"""The invariants of calls between nodes over random histories, and mutants that break them."""

import pytest

from ocpp_core.cluster.calls.caller import RemoteCaller
from ocpp_core.cluster.calls.caller_actions import CallFailed
from ocpp_core.cluster.calls.executor import RemoteExecutor
from ocpp_core.cluster.calls.frames import AnswerKind
from ocpp_core.cluster.calls.replays import Seen, SeenRequests
from tests.core.cluster.calls.histories import History

SEEDS = range(12)


def executed_twice(history):
    return [name for name, times in history.executed.items() if times > 1]


def without_one_outcome(history):
    """The calls of living callers with none or several outcomes, those of dead ones with several."""
    alive = {node.id for node in history.nodes.values()}
    counts = {name: len(history.outcomes.get(name, [])) for name in history.started if name not in history.abandoned}
    return [name for name, times in counts.items() if times > 1 or (not times and history.started[name] in alive)]


def falsely_unsent(history):
    """The calls that are reported as not sent, and were executed."""
    return [
        name
        for name, (outcome, *_) in history.outcomes.items()
        if isinstance(outcome, CallFailed) and not vars(outcome.error)["sent"] and history.executed[name]
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_call_runs_once_at_most_and_has_one_true_outcome(seed):
    history = History(seed).run(60)
    assert len(history.executed) > 20
    assert executed_twice(history) == []
    assert without_one_outcome(history) == []
    assert falsely_unsent(history) == []
    assert [len(node.caller) + len(node.executor) for node in history.nodes.values()] == [0] * len(history.nodes)


def broken(check):
    return any(check(History(seed).run(60)) for seed in SEEDS)


class TestAMutantIsCaught:
    def test_that_remembers_no_requests(self, monkeypatch):
        monkeypatch.setattr(SeenRequests, "note", lambda *_: Seen.NEW)
        assert broken(executed_twice)

    def test_that_reports_what_it_has_executed_as_not_sent_when_it_is_asked(self, monkeypatch):
        def deny(self, node, frame, now):
            for number in frame.numbers:
                self._answer((node, number), AnswerKind.NOT_SENT, "")

        monkeypatch.setattr(RemoteExecutor, "_take_probe", deny)
        assert broken(executed_twice)

    def test_that_repeats_after_an_unknown_outcome(self, monkeypatch):
        def repeat(self, call, reason=""):
            self._end_attempt(call)
            self._look_up(call, call.deadline - 1)

        monkeypatch.setattr(RemoteCaller, "_fail_unknown", repeat)
        assert broken(executed_twice)
