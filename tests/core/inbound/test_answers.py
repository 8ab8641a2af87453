"""Copies of CALLs that were answered: the memory of CALLRESULTs, its rules and its bounds."""

from itertools import count
from math import inf

import pytest

from ocpp_core.actions import Direction, Dispatch, ReportKind, Trace
from ocpp_core.config import SessionConfig, ValidationRule
from ocpp_core.inbound.answers import AnswerMemory
from ocpp_core.inputs import Close, Decline, Fail, Reconfigure, Reply, TransportLost
from ocpp_core.session import Session
from ocpp_core.versions import OCPP16, OCPP21, OCPP201
from tests.core.player import Player, Strict, an_online_client, come_back, counting_ids, dispatched, of, reports, sent
from tests.kinds import mistyped
from tests.tables import each

AUTHORIZE = '[2,"a","Authorize",{"idTag":"x"}]'
OTHER = '[2,"a","Authorize",{"idTag":"y"}]'
ACCEPTED = {"idTagInfo": {"status": "Accepted"}}


@pytest.fixture
def memory():
    return AnswerMemory()


def connect(memory, version=OCPP16, identity="CP1", now=0.0, **settings):
    """A connection of a server that remembers; its request numbers are 1, 2, …"""
    answers = memory.of(identity)
    session = Session(SessionConfig(**settings), version, ids=counting_ids(), numbers=count(1), answers=answers)
    return Player(session, now)


def answered(memory, *args, text=AUTHORIZE, payload=ACCEPTED, **settings):
    """A connection that answered one CALL."""
    session = connect(memory, *args, **settings)
    session.hear(text)
    session.play(Reply(1, payload))
    return session


class TestACopyOfAnAnsweredCall:
    @pytest.mark.parametrize("version", [OCPP16, OCPP201, OCPP21])
    def test_gets_the_same_answer_and_no_second_handler(self, memory, version):
        session = answered(memory, version)
        for _ in range(2):
            done = session.hear(AUTHORIZE)
            assert (sent(done), dispatched(done)) == ([[3, "a", ACCEPTED]], [])
            assert reports(done) == [ReportKind.REPEATED_CALL]

    def test_counts_for_the_rate_but_does_not_wait(self, memory):
        session = answered(memory, inbound_rate=1, inbound_burst=2)
        done = session.hear(AUTHORIZE, AUTHORIZE, '[2,"b","Authorize",{"idTag":"x"}]')
        assert [frame[:2] for frame in sent(done)] == [[3, "a"], [3, "a"]]
        assert reports(done)[2:] == [ReportKind.CALL_HELD]

    @pytest.mark.parametrize("end", [TransportLost(), Close(drain=False)])
    def test_gets_it_on_the_next_connection_too(self, memory, end):
        answered(memory).play(end)
        done = connect(memory).hear(AUTHORIZE)
        assert (sent(done), dispatched(done)) == ([[3, "a", ACCEPTED]], [])

    def test_of_another_identity_is_a_call_of_its_own(self, memory):
        answered(memory)
        assert dispatched(connect(memory, identity="CP2").hear(AUTHORIZE)) == [1]

    def test_is_served_again_when_the_window_is_over(self, memory):
        session = answered(memory, answer_window=60)
        session.wait(59.9)
        assert dispatched(session.hear(AUTHORIZE)) == []
        session.wait(0.1)
        assert dispatched(session.hear(AUTHORIZE)) == [2]
        session.play(Reply(2, {"n": 2}))
        assert sent(session.hear(AUTHORIZE)) == [[3, "a", {"n": 2}]], "the new answer counts"

    @pytest.mark.parametrize("answer", [Fail(1, "InternalError"), Reply(1, {"n": object()})])
    def test_is_served_again_after_an_error(self, memory, answer):
        session = connect(memory)
        session.hear(AUTHORIZE)
        session.play(answer)
        assert dispatched(session.hear(AUTHORIZE)) == [2]

    def test_is_served_again_without_a_memory(self):
        session = Player(Session(SessionConfig(), OCPP21, ids=counting_ids(), numbers=count(1)))
        session.hear(AUTHORIZE)
        session.play(Reply(1, ACCEPTED))
        assert dispatched(session.hear(AUTHORIZE)) == [2]

    def test_is_served_again_if_so_configured(self, memory):
        session = answered(memory, answer_window=0)
        assert dispatched(session.hear(AUTHORIZE)) == [2]
        assert len(memory) == 0

    def test_is_served_again_once_it_is_switched_off(self, memory):
        session = connect(memory)
        session.play(Reconfigure(SessionConfig(answer_window=0)))
        session.hear(AUTHORIZE)
        session.play(Reply(1, ACCEPTED))
        assert dispatched(session.hear(AUTHORIZE)) == [2]

    def test_whose_answer_tells_the_time_gets_it_on_the_same_connection_only(self, memory):
        """A station that counts its ids from one again would set its clock by it."""
        boot = '[2,"1","BootNotification",{}]'
        session = answered(memory, text=boot, payload={"currentTime": "2026-01-01T00:00:00Z"})
        assert len(sent(session.hear(boot))) == 1
        assert dispatched(connect(memory).hear(boot)) == [1]

    def test_is_traced_with_its_answer(self, memory):
        session = answered(memory, trace=True)
        traces = of(Trace, session.hear(AUTHORIZE))
        assert [(trace.direction, trace.frame[0], trace.action) for trace in traces] == [
            (Direction.IN, 2, "Authorize"),
            (Direction.OUT, 3, "Authorize"),
        ]


class TestAnotherCallUnderAUsedId:
    """2.1 Part 4 §4.1.4: an id is used once. The texts of 1.6 refuse one in progress only."""

    @pytest.mark.parametrize("version", [OCPP201, OCPP21])
    def test_is_refused_and_the_answer_kept(self, memory, version):
        session = answered(memory, version)
        done = session.hear(OTHER)
        assert [frame[:3] for frame in sent(done)] == [[4, "a", "RpcFrameworkError"]]
        assert (dispatched(done), reports(done)) == ([], [ReportKind.DUPLICATE_ID])
        assert sent(session.hear(AUTHORIZE)) == [[3, "a", ACCEPTED]]

    def test_is_served_on_1_6_and_ends_the_belief_in_copies(self, memory):
        """A station with one id for everything must not get an old answer to a new CALL."""
        session = answered(memory)
        assert dispatched(session.hear(OTHER)) == [2]
        session.play(Reply(2, {}))
        assert dispatched(session.hear(AUTHORIZE, OTHER)) == [3]
        session.play(Reply(3, {}))
        assert dispatched(session.hear(AUTHORIZE)) == [4]
        assert len(memory) == 0

    @pytest.mark.parametrize("version", [OCPP16, OCPP201, OCPP21])
    def test_is_served_on_the_next_connection(self, memory, version):
        """By the first texts of all versions an id is unique on its connection only."""
        answered(memory, version)
        session = connect(memory, version)
        assert dispatched(session.hear(OTHER)) == [1]
        session.play(Reply(1, {"n": 2}))
        assert sent(session.hear(OTHER)) == [[3, "a", {"n": 2}]]


class TestTheBounds:
    def fill(self, session, numbers, payload):
        for number in numbers:
            (request,) = of(Dispatch, session.hear(f'[2,"{number}","X",{{}}]'))
            session.play(Reply(request.request, payload))

    def remembers(self, session, number):
        """Whether a copy is answered from memory; it stays as it was."""
        done = session.hear(f'[2,"{number}","X",{{}}]')
        for request in dispatched(done):
            session.play(Fail(request, "X"))
        return not dispatched(done)

    def test_of_an_identity_forgets_its_oldest_answers(self):
        memory = AnswerMemory(max_size=1 << 20, max_each=8192)
        session = connect(memory)
        self.fill(session, range(100), {"x": "x" * 100})
        assert memory.size <= 8192
        assert [self.remembers(session, number) for number in (0, 99)] == [False, True]

    def test_of_an_identity_keep_it_from_pushing_out_others(self):
        memory = AnswerMemory(max_size=16384, max_each=8192)
        quiet = answered(memory)
        self.fill(connect(memory, identity="CP2"), range(1000), {})
        assert len(sent(quiet.hear(AUTHORIZE))) == 1

    def test_of_all_forget_who_was_quiet_for_longest(self):
        memory = AnswerMemory(max_size=8192, max_each=2048)
        quiet = answered(memory)
        for number in range(2, 100):
            answered(memory, identity=f"CP{number}")
        assert memory.size <= 8192
        assert len(sent(connect(memory, identity="CP99").hear(AUTHORIZE))) == 1
        assert dispatched(quiet.hear(AUTHORIZE)) == [2]
        quiet.play(Reply(2, ACCEPTED))
        assert len(sent(quiet.hear(AUTHORIZE))) == 1, "it has a place again"

    def test_forget_an_answer_that_is_too_large(self):
        memory = AnswerMemory(max_size=8192, max_each=4096)
        session = answered(memory, payload={"x": "x" * 5000})
        assert (memory.size <= 4096, len(memory)) == (True, 0)
        assert dispatched(session.hear(AUTHORIZE)) == [2]

    def test_forget_what_nobody_can_ask_for_any_more(self):
        memory = AnswerMemory()
        for number in range(50):
            answered(memory, identity=f"CP{number}", answer_window=60)
        answered(memory, identity="later", now=60.0)
        assert (len(memory), memory.size) == (1, 2048)

    def test_forget_a_busy_identity_s_old_answers_as_time_goes_by(self):
        session = connect(memory := AnswerMemory(), answer_window=60)
        for number in range(1000):
            self.fill(session, [number], {})
            session.wait(10)
        assert len(memory) <= 6 + 2048 // 256

    def test_count_right_when_two_connections_of_an_identity_begin(self):
        memory = AnswerMemory()
        first, second = connect(memory), connect(memory)
        for session in (first, second):
            session.hear(AUTHORIZE)
            session.play(Reply(1, ACCEPTED))
        assert (len(memory), memory.size) == (1, 2048)

    @each("bounds", [{"max_each": 2047}, {"max_size": 1000}, {"max_size": 4096, "max_each": 8192}])
    def test_make_sense(self, bounds):
        with pytest.raises(ValueError, match="max_each <= max_size"):
            AnswerMemory(**bounds)


class TestAClient:
    def test_remembers_what_it_answered_over_its_connections(self):
        client = an_online_client(session=SessionConfig())
        client.hear(AUTHORIZE, attempt=1)
        client.play(Reply(1, ACCEPTED), TransportLost(attempt=1))
        come_back(client)
        assert sent(client.hear(AUTHORIZE, attempt=2)) == [[3, "a", ACCEPTED]]


class TestAHandlerThatOutlivesItsConnection:
    """With `late_answers`, a copy on the next connection waits for the handler that is at work."""

    def begun(self, memory, **settings):
        """A connection that was lost while its request, number 1, was handled; and the next one of the station."""
        session = connect(memory, late_answers=True, **settings)
        session.hear(AUTHORIZE)
        session.play(TransportLost())
        return session, connect(memory, late_answers=True, **settings)

    def test_answers_a_copy_that_came_before_it_was_done(self, memory):
        first, second = self.begun(memory)
        done = second.hear(AUTHORIZE)
        assert (dispatched(done), sent(done), reports(done)) == ([], [], [ReportKind.REPEATED_CALL])
        assert second.wait(30) == []
        assert first.play(Reply(1, ACCEPTED)) == []
        assert sent(second.wait(0.25)) == [[3, "a", ACCEPTED]]
        assert second.engine.deadline == inf

    @pytest.mark.parametrize("payload", [ACCEPTED, {"currentTime": "2026-01-01T00:00:00Z"}])
    def test_answers_a_copy_on_a_connection_that_pushed_out_the_old_one(self, memory, payload):
        """A half-open connection ends when the new one is open already."""
        first, second = (connect(memory, late_answers=True) for _ in range(2))
        first.hear(AUTHORIZE)
        first.play(Close(4000, "", drain=False))
        assert dispatched(second.hear(AUTHORIZE)) == []
        first.play(Reply(1, payload))
        assert sent(second.wait(0.25)) == [[3, "a", payload]]

    def test_answers_a_copy_that_comes_after_it_was_done(self, memory):
        first, second = self.begun(memory)
        first.play(Reply(1, ACCEPTED))
        done = second.hear(AUTHORIZE)
        assert (dispatched(done), sent(done)) == ([], [[3, "a", ACCEPTED]])

    def test_answers_once_whoever_looks_first(self, memory):
        first, second = self.begun(memory)
        second.hear(AUTHORIZE, AUTHORIZE)
        first.play(Reply(1, ACCEPTED))
        assert len(sent(second.hear(AUTHORIZE))) == 1
        assert sent(second.wait(10)) == []

    @pytest.mark.parametrize(
        ("end", "reported"),
        [
            (Fail(1, "InternalError"), []),
            (Reply(1, mistyped(None)), [ReportKind.INVALID_REPLY]),
            (Reply(1, {"bad": 1}), [ReportKind.INVALID_REPLY]),
            (Reply(1, {"large": "x" * 16384}), [ReportKind.INVALID_REPLY]),
        ],
    )
    def test_leaves_the_copy_to_another_one_if_it_fails(self, memory, end, reported):
        first, second = self.begun(memory, validator=Strict("Authorize"), max_outgoing_size=16384)
        second.hear(AUTHORIZE)
        assert reports(first.play(end)) == reported
        assert dispatched(second.wait(0.25)) == [1]
        assert sent(second.play(Reply(1, ACCEPTED))) == [[3, "a", ACCEPTED]]

    def test_answers_a_copy_with_a_result_whose_violation_is_only_reported(self, memory):
        rules = [ValidationRule("report")]
        first, second = self.begun(memory, validator=Strict("Authorize"), validation_rules=rules)
        second.hear(AUTHORIZE)
        assert reports(first.play(Reply(1, {"bad": 1}))) == [ReportKind.TOLERATED]
        assert sent(second.wait(0.25)) == [[3, "a", {"bad": 1}]]

    def test_leaves_the_copy_to_another_one_if_it_never_ends(self, memory):
        _, second = self.begun(memory, answer_window=60)
        second.hear(AUTHORIZE)
        assert dispatched(second.wait(59.75)) == []
        assert dispatched(second.wait(0.25)) == [1]

    def test_is_not_put_off_by_a_flood_of_copies(self, memory):
        first, second = self.begun(memory)
        second.hear(AUTHORIZE)
        first.play(Reply(1, ACCEPTED))
        assert second.engine.deadline == 0.25

    def test_has_its_id_to_itself(self, memory):
        first, second = self.begun(memory)
        second.hear(AUTHORIZE)
        assert [frame[:3] for frame in sent(second.hear(OTHER))] == [[4, "a", "GenericError"]]
        first.play(Reply(1, ACCEPTED))
        assert sent(second.wait(0.25)) == [[3, "a", ACCEPTED]]

    def test_and_was_forgotten_leaves_its_copies_to_one_handler(self, memory):
        memory = AnswerMemory(max_each=2048)
        _, second = self.begun(memory, max_inbound=1)
        second.hear(AUTHORIZE)
        for number in range(20):
            (request,) = dispatched(second.hear(f'[2,"{number}","X",{{}}]'))
            second.play(Reply(request, {"large": "x" * 200}))
        (other,) = dispatched(second.hear('[2,"other","X",{}]'))
        assert dispatched(second.hear(AUTHORIZE)) == [], "it is held"
        assert dispatched(second.wait(0.25)) == []
        (request,) = dispatched(second.play(Reply(other, {})))
        done = second.play(Reply(request, ACCEPTED))
        assert (sent(done), dispatched(done)) == ([[3, "a", ACCEPTED]], [])

    def test_leaves_its_copies_to_one_handler_where_ids_are_used_again(self, memory):
        _, second = self.begun(memory)
        second.hear(AUTHORIZE)
        (request,) = dispatched(second.hear('[2,"b","X",{}]'))
        second.play(Reply(request, {}))
        again, other = dispatched(second.hear('[2,"b","Y",{}]'))
        assert dispatched(second.hear(AUTHORIZE)) == []
        assert dispatched(second.wait(0.25)) == []
        assert sent(second.play(Reply(again, ACCEPTED), Reply(other, {}))) == [[3, "a", ACCEPTED], [3, "b", {}]]

    @pytest.mark.parametrize("end", [TransportLost(), Close(), Close(force=True)])
    def test_is_waited_for_no_longer_than_the_connection_lasts(self, memory, end):
        first, second = self.begun(memory)
        second.hear(AUTHORIZE)
        second.play(end)
        first.play(Reply(1, ACCEPTED))
        assert sent(second.wait(1)) == []
        third = connect(memory)
        assert sent(third.hear(AUTHORIZE)) == [[3, "a", ACCEPTED]]

    def test_counts_only_if_its_host_tells_how_it_ends(self, memory):
        session = connect(memory)
        session.hear(AUTHORIZE)
        session.play(TransportLost(), Reply(1, ACCEPTED))
        assert dispatched(connect(memory).hear(AUTHORIZE)) == [1]

    def test_counts_not_if_it_had_declined(self, memory):
        session = connect(memory, late_answers=True)
        session.hear(AUTHORIZE)
        session.play(Decline(1), TransportLost())
        assert dispatched(connect(memory).hear(AUTHORIZE)) == [1]

    def test_counts_not_for_what_was_only_held(self, memory):
        session = connect(memory, late_answers=True, max_inbound=1)
        session.hear('[2,"first","X",{}]', AUTHORIZE)
        session.play(TransportLost())
        assert dispatched(connect(memory).hear(AUTHORIZE)) == [1]

    @each("is_back", [True, False])
    def test_of_a_client_answers_on_its_next_connection(self, is_back):
        client = an_online_client(session=SessionConfig(late_answers=True))
        client.hear(AUTHORIZE, attempt=1)
        client.play(TransportLost(attempt=1))
        if not is_back:
            client.play(Reply(1, ACCEPTED))
        come_back(client)
        done = client.hear(AUTHORIZE, attempt=2)
        if is_back:
            assert sent(done) == []
            client.play(Reply(1, ACCEPTED))
            done = client.wait(0.25)
        assert sent(done) == [[3, "a", ACCEPTED]]
        assert dispatched(client.log) == [1]
