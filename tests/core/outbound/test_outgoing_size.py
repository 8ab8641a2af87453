"""`max_outgoing_size`: what is larger than the peer takes is never sent."""

import pytest

from ocpp_core.actions import Report, ReportKind, SendText
from ocpp_core.errors import CallDroppedError
from ocpp_core.inputs import Congested, Fail, Notify, RefuseResult, Reply, SendRaw, StartCall
from ocpp_core.versions import OCPP21
from tests.core.player import a_client, a_session, of, reports, sent, settled
from tests.tables import each

LIMIT = 16384


def session():
    return a_session(OCPP21, max_outgoing_size=LIMIT)


def payload(size):
    """One whose message has this many bytes, under an id of 36 characters or under `x` and an action of one."""
    return {"a": "é" * ((size - 100) // 2)}


class TestCommands:
    LARGE = payload(LIMIT + 200)

    @each(
        "command",
        [
            StartCall(1, "X", LARGE),
            StartCall(1, "X" * LIMIT, {}),
            Notify(1, "NotifyPeriodicEventStream", LARGE),
            SendRaw('[2,"a","X",{"a":"' + "é" * LIMIT + '"}]'),
            SendRaw('[2,"a","X",{"a":"' + "é" * LIMIT + '"}]', token=1),
        ],
    )
    @each("make", [session, lambda: a_client(offline_queue=True, session=session().engine._config)])
    def test_raise_and_change_nothing(self, make, command):
        engine = make()
        with pytest.raises(ValueError, match=r"expected a message of at most 16384 bytes, got \d+"):
            engine.play(command)
        assert engine.drain() == []
        assert getattr(engine.engine, "queued", 0) == 0

    def test_that_refuse_a_result_raise_too(self):
        engine = session()
        with pytest.raises(ValueError, match="at most 16384 bytes"):
            engine.play(RefuseResult("a", "FormatViolation", "", self.LARGE))
        assert engine.drain() == []

    def test_are_sent_up_to_the_limit_counted_in_bytes(self):
        """`[2,"…36…","X",{"a":"…"}]`: 55 bytes and the text."""
        text = "é" * ((LIMIT - 55) // 2) + "x"
        assert (
            len(of(SendText, session().play(StartCall(1, "X", {"a": text}, message_id="i" * 36)))[0].text.encode())
            == LIMIT
        )
        with pytest.raises(ValueError, match="got 16385"):
            session().play(StartCall(1, "X", {"a": text + "x"}))


class TestAnswers:
    def test_become_an_internal_error_and_a_report(self):
        engine = session()
        engine.hear('[2,"a","X",{}]')
        done = engine.play(Reply(1, payload(LIMIT + 200)))
        assert sent(done) == [[4, "a", "InternalError", "the receiver could not make a valid result", {}]]
        assert reports(done) == [ReportKind.INVALID_REPLY]
        assert of(Report, done)[0].detail.startswith("X CALLRESULT: expected a message of at most 16384 bytes, got ")

    def test_that_are_errors_lose_their_details(self):
        engine = session()
        engine.hear('[2,"a","X",{}]')
        done = engine.play(Fail(1, "C" * LIMIT, "why", payload(LIMIT)))
        assert sent(done) == [[4, "a", "C" * 255, "why", {}]]
        assert reports(done) == [ReportKind.INVALID_REPLY]

    def test_to_an_endless_id_call_it_unreadable(self):
        assert sent(session().hear(f'[2,"{"i" * LIMIT}","X",{{}}]'))[0][:2] == [4, "-1"]

    def test_are_sent_up_to_the_limit(self):
        engine = session()
        engine.hear('[2,"a","X",{}]')
        assert sent(engine.play(Reply(1, payload(LIMIT))))[0][0] == 3


def test_calls_settle_as_ever_after_a_refusal():
    engine = session()
    with pytest.raises(ValueError, match="at most"):
        engine.play(StartCall(1, "X", payload(LIMIT + 200), message_id="m"))
    engine.play(StartCall(1, "X", {}, message_id="m"))
    assert settled(engine.hear('[3,"m",{}]')) == {1: {}}


class TestToAPeerThatDoesNotRead:
    """SENDs and raw texts wait for no window, so what they may fill is bounded by bytes."""

    SEND = Notify(1, "NotifyPeriodicEventStream", {"data": "v" * 400})
    RAW = f'[2,"r","X",{{"a":"{"a" * 380}"}}]'

    def session(self, limit=1000):
        session = a_session(OCPP21, max_queued_bytes=limit)
        session.play(Congested(True))
        return session

    def test_a_send_beyond_the_bytes_settles_unsent(self):
        session = self.session()
        outcomes = [session.play(self.SEND) for _ in range(3)]
        assert [len(sent(outcome)) for outcome in outcomes] == [1, 1, 0]
        assert [settled(outcome) for outcome in outcomes[:2]] == [{}, {}], "their callers wait until it reads"
        assert isinstance(settled(outcomes[2])[1], CallDroppedError)

    def test_a_raw_text_beyond_the_bytes_is_reported(self):
        session = self.session()
        outcomes = [session.play(SendRaw(self.RAW)) for _ in range(3)]
        assert [len(sent(outcome)) for outcome in outcomes] == [1, 1, 0]
        assert reports(outcomes[2]) == [ReportKind.NOT_SENT]
        assert not session.engine.has_room_for(self.RAW)

    def test_they_go_out_again_when_it_reads(self):
        session = self.session(limit=1)
        assert sent(session.play(SendRaw(self.RAW))) == []
        session.play(Congested(False))
        assert len(sent(session.play(SendRaw(self.RAW), SendRaw(self.RAW)))) == 2
