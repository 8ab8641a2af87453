"""Responses of other nodes: which copies they answer, and which responses a node passes on."""

from itertools import count

import pytest

from ocpp_core.cluster.shared.answers import SharedAnswerMemory, digest_of
from ocpp_core.cluster.shared.pending import PendingAnswers
from ocpp_core.cluster.shared.records import MOST_ANSWERS, AnswerChange, SharedAnswer
from ocpp_core.config import SessionConfig
from ocpp_core.inputs import Reply
from ocpp_core.session import Session
from ocpp_core.versions import OCPP16, OCPP201
from tests.core.player import Player, counting_ids, dispatched, sent

AUTHORIZE = '[2,"a","Authorize",{"idTag":"x"}]'
OTHER = '[2,"a","Authorize",{"idTag":"y"}]'
RESULT = '[3,"a",{"idTagInfo":{"status":"Accepted"}}]'
ADOPTED = SharedAnswer("a", digest_of(AUTHORIZE), RESULT)


@pytest.fixture
def pending():
    return PendingAnswers()


@pytest.fixture
def memory(pending):
    return SharedAnswerMemory(pending)


def connect(memory, version=OCPP16, now=0.0):
    session = Session(SessionConfig(), version, ids=counting_ids(), numbers=count(1), answers=memory.of("CP1"))
    return Player(session, now)


class TestAnAdoptedResponse:
    def test_answers_a_copy_of_its_call(self, memory):
        memory.adopt("CP1", [(ADOPTED, 10.0)])
        done = connect(memory).hear(AUTHORIZE)
        assert (sent(done), dispatched(done)) == ([[3, "a", {"idTagInfo": {"status": "Accepted"}}]], [])

    @pytest.mark.parametrize("version", [OCPP16, OCPP201])
    def test_answers_no_other_call_with_its_id(self, memory, version):
        memory.adopt("CP1", [(ADOPTED, 10.0)])
        assert len(dispatched(connect(memory, version).hear(OTHER))) == 1

    def test_answers_no_copy_after_its_time(self, memory):
        memory.adopt("CP1", [(ADOPTED, 10.0)])
        assert len(dispatched(connect(memory, now=10.0).hear(AUTHORIZE))) == 1

    def test_is_for_the_next_connection_of_its_station(self, memory):
        memory.adopt("CP2", [(ADOPTED, 10.0)])
        assert len(dispatched(connect(memory).hear(AUTHORIZE))) == 1
        memory.drop("CP2")
        assert "a" not in memory.of("CP2")

    def test_yields_to_a_newer_one_of_this_node(self, memory):
        memory.adopt("CP1", [(ADOPTED, 10.0)])
        station = connect(memory)
        station.hear(OTHER)
        station.play(Reply(1, {"idTagInfo": {"status": "Blocked"}}))
        assert sent(station.hear(OTHER)) == [[3, "a", {"idTagInfo": {"status": "Blocked"}}]]


class TestANewResponse:
    def test_is_passed_on(self, memory, pending):
        station = connect(memory)
        station.hear(AUTHORIZE)
        station.play(Reply(1, {"idTagInfo": {"status": "Accepted"}}))
        assert pending.take(9) == [AnswerChange("CP1", (ADOPTED,), 120.0)]

    @pytest.mark.parametrize("payload", [{"currentTime": "2026-03-01T12:00:00Z"}, {"data": "x" * 4096}])
    def test_is_not_passed_on_with_the_current_time_or_too_large(self, memory, pending, payload):
        station = connect(memory)
        station.hear(AUTHORIZE)
        station.play(Reply(1, payload))
        assert len(pending) == 0

    def test_of_a_station_that_reuses_ids_is_not_passed_on(self, memory, pending):
        station = connect(memory)
        for number, text in enumerate((AUTHORIZE, OTHER), 1):
            station.hear(text)
            station.play(Reply(number, {}))
        assert pending.take(9) == [AnswerChange("CP1", (), 120.0, replaces=True)]


def answer(number, size=0):
    return SharedAnswer(str(number), "digest", "x" * size)


class TestWaitingResponses:
    def test_are_the_newest_of_each_station(self, pending):
        for number in range(MOST_ANSWERS + 1):
            pending.add("CP1", answer(number), 60.0)
        (change,) = pending.take(9)
        assert [each.message_id for each in change.answers] == [str(n) for n in range(1, MOST_ANSWERS + 1)]
        assert pending.take(9) == []

    def test_are_bounded_in_all(self):
        pending = PendingAnswers(limit=1000)
        for number in range(9):
            pending.add(f"CP{number}", answer(number, 200), 60.0)
        assert [change.name for change in pending.take(99)] == ["CP6", "CP7", "CP8"]
        assert pending.dropped == 6

    def test_come_after_those_that_were_not_written(self, pending):
        pending.add("CP1", answer(1), 60.0)
        taken = pending.take(9)
        pending.add("CP1", answer(2), 30.0)
        pending.put_back(taken)
        assert pending.take(9) == [AnswerChange("CP1", (answer(1), answer(2)), 30.0)]

    def test_replace_those_that_were_not_written_if_the_station_reused_an_id(self, pending):
        pending.add("CP1", answer(1), 60.0)
        taken = pending.take(9)
        pending.forget("CP1")
        pending.add("CP1", answer(2), 60.0)
        pending.put_back(taken)
        assert pending.take(9) == [AnswerChange("CP1", (answer(2),), 60.0, replaces=True)]

    def test_that_were_not_written_and_replace_others_still_do(self, pending):
        pending.forget("CP1")
        taken = pending.take(9)
        pending.add("CP1", answer(2), 60.0)
        pending.put_back(taken)
        assert pending.take(9) == [AnswerChange("CP1", (answer(2),), 60.0, replaces=True)]
