"""One connection's conversation: reading, closing, SENDs, raw texts, what is bounded."""

from math import nan

import pytest

from ocpp_core.actions import (
    CloseTransport,
    Direction,
    Report,
    ReportKind,
    SendText,
    Settle,
    Trace,
)
from ocpp_core.config import ClientConfig, SessionConfig, ValidationRule
from ocpp_core.errors import ClosedError, ConnectionLostError, RPCTypeConstraintViolationError
from ocpp_core.inputs import (
    BinaryReceived,
    Close,
    Congested,
    Notify,
    Reconfigure,
    Reply,
    SendRaw,
    StartCall,
    TextReceived,
    Tick,
    TransportLost,
)
from ocpp_core.messages import Leniency
from ocpp_core.session import Closing, Open
from ocpp_core.versions import OCPP16, OCPP21, OCPP201
from tests.core.player import Strict, a_session, call, dispatched, kinds, of, reports, sent, settled
from tests.tables import each

OFF = ValidationRule("off", kind="send")

HEARTBEAT = '[2,"a","Heartbeat",{}]'


class TestLaziness:
    """Received texts are only buffered; each is decoded when everything before it is done."""

    def test_an_answer_given_inline_leaves_before_the_next_message_is_read(self):
        session = a_session().engine
        session.handle(TextReceived('[2,"a","Heartbeat",{}]'), 0)
        session.handle(TextReceived('[2,"b","Heartbeat",{}]'), 0)
        assert session.poll().message_id == "a"
        session.handle(Reply(1, {}), 0)
        assert session.poll() == SendText('[3,"a",{}]')
        assert session.poll().message_id == "b"

    def test_messages_before_the_loss_are_read_before_it(self):
        session = a_session().engine
        session.handle(StartCall(1, "Heartbeat", {}), 0)
        session.handle(TextReceived('[3,"id-1",{}]'), 0)
        session.handle(TransportLost(), 0)
        assert kinds(iter(session.poll, None)) == ["SendText", "Settle", "StateChanged"]


class TestCongestion:
    """The peer does not read: nothing more is read from it, but time and close go on."""

    def test_stops_decoding_until_it_is_over(self):
        session = a_session()
        session.play(Congested(on=True))
        assert session.hear(HEARTBEAT) == []
        assert dispatched(session.play(Congested(on=False))) == [1]

    def test_stops_no_timer(self):
        session = a_session(call_timeout=5)
        session.play(call(1), Congested(on=True))
        assert list(settled(session.wait(5))) == [1]

    def test_stops_no_close(self):
        session = a_session()
        session.play(Congested(on=True))
        assert of(CloseTransport, session.play(Close())) == [CloseTransport(1000, "")]

    def test_ends_with_the_connection(self):
        session = a_session()
        session.play(Congested(on=True))
        session.hear(HEARTBEAT)
        assert kinds(session.play(TransportLost())) == ["Dispatch", "Abandon", "StateChanged"]


class TestBadMessages:
    @each(
        "text",
        ["{", "[2,", '[2,"a"]', '[3,"a"]', '[3,"zz",{}]', '[4,"zz","X","",{}]', '[6,"s","Heartbeat",{}]', '[5,"a"]'],
    )
    def test_are_counted_and_close_the_connection_at_the_limit(self, text):
        session = a_session(OCPP21, max_bad_messages=2)
        assert of(CloseTransport, session.hear(text)) == []
        assert of(CloseTransport, session.hear(text)) == [CloseTransport(1002, "Too many bad messages")]
        assert isinstance(session.engine.state, Closing)

    def test_are_forgotten_an_hour_after_the_first(self):
        session = a_session(max_bad_messages=2, bad_message_period=3600)
        for _ in range(3):
            session.hear("{")
            session.wait(3600)
        session.hear("{")
        session.wait(3599)
        assert of(CloseTransport, session.hear("{")) == [CloseTransport(1002, "Too many bad messages")]

    @each("text", ["", " ", HEARTBEAT, '[9,"a"]', '[5,"a","X","",{}]'])
    def test_are_not_all_that_is_odd(self, text):
        session = a_session(OCPP21, max_bad_messages=1)
        session.hear(text, text)
        assert isinstance(session.engine.state, Open)

    def test_settle_open_calls_when_they_end_the_connection(self):
        session = a_session(max_bad_messages=1)
        session.play(call(1))
        assert isinstance(settled(session.hear("{"))[1], ClosedError)

    def test_end_it_once(self):
        session = a_session(max_bad_messages=1)
        assert len(of(CloseTransport, session.hear("{", "{", "{"))) == 1

    def test_are_reported_with_the_text_and_what_was_expected(self):
        report = of(Report, a_session().hear('[2,"a","X",[]]'))[0]
        assert (report.message, report.message_id) == ('[2,"a","X",[]]', "a")
        assert report.detail == "expected a JSON object as payload"

    def test_are_answered_without_any_of_the_text(self):
        frame = sent(a_session(OCPP201).hear('[2,"a","Secret",["password"]]'))[0]
        assert frame == [4, "a", "FormatViolation", "expected a JSON object as payload", {}]


class TestBinary:
    """OCPP-J uses text messages only."""

    def test_is_a_bad_message(self):
        session = a_session(OCPP21)
        done = session.play(BinaryReceived(HEARTBEAT.encode()))
        assert (reports(done), sent(done), dispatched(done)) == ([ReportKind.BAD_MESSAGE], [], [])
        assert isinstance(session.engine.state, Open)

    def test_may_be_read_as_text_by_policy(self):
        session = a_session(leniency=Leniency(binary_messages=True))
        assert dispatched(session.play(BinaryReceived(HEARTBEAT.encode()))) == [1]
        assert reports(session.play(BinaryReceived(b"\xff"))) == [ReportKind.BAD_MESSAGE]


class TestSend:
    """`Notify`: OCPP 2.1 Part 4 §4.2.4."""

    SEND = Notify(1, "NotifyPeriodicEventStream", {"id": 1})

    def test_is_written_and_done(self):
        done = a_session(OCPP21).play(self.SEND)
        assert sent(done) == [[6, "id-1", "NotifyPeriodicEventStream", {"id": 1}]]
        assert of(Settle, done) == [Settle(1)]

    def test_does_not_wait_for_the_window(self):
        session = a_session(OCPP21)
        session.play(call(7))
        assert len(sent(session.play(self.SEND))) == 1

    @each(
        ("version", "misuse", "error", "expected"),
        [
            (OCPP16, {}, ValueError, "a version with SEND"),
            (OCPP201, {}, ValueError, "a version with SEND"),
            (OCPP21, {"action": "Heartbeat"}, ValueError, "NotifyPeriodicEventStream"),
            (OCPP21, {"payload": None}, TypeError, "dict as payload"),
            (OCPP21, {"payload": {"x": nan}}, ValueError, "got nan at payload.x"),
            (OCPP21, {"message_id": "i" * 37}, ValueError, "1 to 36 characters"),
            (OCPP21, {"message_id": ""}, ValueError, "1 to 36 characters"),
            (OCPP21, {"message_id": "in flight"}, ValueError, "expected an unused message id"),
        ],
    )
    def test_that_can_not_be_made_raises(self, version, misuse, error, expected):
        session = a_session(version)
        session.play(call(7, message_id="in flight"))
        with pytest.raises(error, match=expected):
            session.play(Notify(**{"token": 1, "action": "NotifyPeriodicEventStream", "payload": {}, **misuse}))
        assert session.drain() == []

    def test_that_breaks_its_schema_is_never_sent(self):
        done = a_session(OCPP21, validator=Strict()).play(Notify(1, "NotifyPeriodicEventStream", {"bad": 1}))
        assert isinstance(settled(done)[1], RPCTypeConstraintViolationError)
        assert (sent(done), reports(done)) == ([], [ReportKind.INVALID_REQUEST])

    @each(("options", "settings"), [({"validate": False}, {}), ({}, {"validation_rules": [OFF]})])
    def test_is_not_checked_where_that_is_not_wanted(self, options, settings):
        session = a_session(OCPP21, validator=Strict(), **settings)
        assert len(sent(session.play(Notify(1, "NotifyPeriodicEventStream", {"bad": 1}, **options)))) == 1

    @each(("end", "error"), [(Close(), ClosedError), (TransportLost(), ConnectionLostError)])
    def test_after_the_end_settles_as_not_sent(self, end, error):
        session = a_session(OCPP21)
        session.play(end)
        done = session.play(self.SEND)
        assert (type(settled(done)[1]), settled(done)[1].sent, sent(done)) == (error, False, [])


class TestSendWhileOutputIsCongested:
    """Else a peer that takes nothing makes the output of an application that goes on grow without end."""

    SEND = Notify(1, "NotifyPeriodicEventStream", {"id": 1})

    def congested(self):
        session = a_session(OCPP21)
        done = session.play(Congested(on=True), self.SEND)
        assert (len(sent(done)), of(Settle, done)) == (1, [])
        return session

    def test_lets_its_caller_go_on_when_output_drains(self):
        session = self.congested()
        assert session.play(Congested(on=False)) == [Settle(1)]
        assert session.play(Congested(on=False)) == []
        assert of(Settle, session.play(self.SEND)) == [Settle(1)]

    @each("end", [[TransportLost()], [Close(drain=False), TransportLost()]])
    def test_tells_its_caller_of_a_loss(self, end):
        (settled,) = of(Settle, self.congested().play(*end))
        assert isinstance(settled.error, ConnectionLostError)
        assert settled.error.sent


class TestCallResultError:
    """OCPP 2.1 Part 4 §4.2.3: no answer to it is defined."""

    def test_is_a_report_on_the_reply(self):
        session = a_session(OCPP21)
        session.hear(HEARTBEAT)
        session.play(Reply(1, {}))
        done = session.hear('[5,"a","FormatViolation","why",{}]')
        assert kinds(done) == ["Report"]
        assert (done[0].kind, done[0].message_id, done[0].detail) == (
            ReportKind.RESULT_REFUSED,
            "a",
            "FormatViolation: why",
        )


class TestRawText:
    """`send_raw(text)`: as it is, past the window, and nothing waits for an answer."""

    @each("text", ["", "hello", "[2,", HEARTBEAT])
    def test_is_sent_as_it_is(self, text):
        assert a_session().play(SendRaw(text)) == [SendText(text)]

    def test_does_not_wait_for_the_window(self):
        session = a_session()
        session.play(call(1))
        assert kinds(session.play(SendRaw(HEARTBEAT))) == ["SendText"]

    @each(
        ("raw", "answer"),
        [
            (HEARTBEAT, '[3,"a",{}]'),
            (HEARTBEAT, '[4,"a","NotImplemented","",{}]'),
            ('[2,"a","Heartbeat"]', '[4,"a","FormationViolation","",{}]'),
            (f'[2,"{"i" * 37}","X",{{}}]', f'[4,"{"i" * 37}","RpcFrameworkError","",{{}}]'),
            ("hello", '[4,"-1","RpcFrameworkError","",{}]'),
            ('[9,"a"]', '[4,"a","MessageTypeNotSupported","",{}]'),
        ],
    )
    def test_may_be_answered_without_a_strike(self, raw, answer):
        session = a_session(max_bad_messages=1)
        session.play(SendRaw(raw))
        assert reports(session.hear(answer, answer)) == [ReportKind.RAW_ANSWER] * 2
        assert isinstance(session.engine.state, Open)

    @each("text", [b"[]", None, "\ud800"])
    def test_that_is_no_text_raises(self, text):
        with pytest.raises(TypeError, match="expected raw text"):
            a_session().play(SendRaw(text))

    def test_after_the_close_is_reported_as_not_sent(self):
        session = a_session()
        session.play(Close())
        (report,) = session.play(SendRaw("hello"))
        assert (report.kind, report.message) == (ReportKind.NOT_SENT, "hello")


class TestReconfigure:
    def test_takes_effect_at_once(self):
        session = a_session()
        session.play(Reconfigure(SessionConfig(call_timeout=5)), call(1))
        assert session.engine.deadline == 5

    def test_with_the_config_of_another_layer_raises(self):
        with pytest.raises(TypeError, match="expected a SessionConfig, got ClientConfig"):
            a_session().play(Reconfigure(ClientConfig(protocols=("ocpp1.6",))))


class TestTime:
    def test_never_runs_backwards(self):
        session = a_session(call_timeout=5)
        session.now = 10
        session.play(Tick())
        session.now = 0
        session.play(call(1))
        assert session.engine.deadline == 15


class TestTrace:
    def test_shows_every_message_with_action_and_latency(self):
        session = a_session(OCPP21, trace=True, validator=Strict())
        session.play(call(1))
        session.wait(2)
        session.hear('[3,"id-1",{"bad":1}]', HEARTBEAT, '[5,"a","X","",{}]', '[6,"s","NotifyPeriodicEventStream",{}]')
        session.play(
            Reply(1, {}), Notify(2, "NotifyPeriodicEventStream", {}), SendRaw(HEARTBEAT), SendRaw('[3,"r",{}]')
        )
        shown = [(trace.direction, trace.frame[0], trace.action, trace.latency) for trace in of(Trace, session.log)]
        assert shown == [
            (Direction.OUT, 2, "Heartbeat", None),
            (Direction.IN, 3, "Heartbeat", 2),
            (Direction.OUT, 5, "Heartbeat", None),
            (Direction.IN, 2, "Heartbeat", None),
            (Direction.IN, 5, None, None),
            (Direction.IN, 6, "NotifyPeriodicEventStream", None),
            (Direction.OUT, 3, "Heartbeat", 0),
            (Direction.OUT, 6, "NotifyPeriodicEventStream", None),
            (Direction.OUT, 2, "Heartbeat", None),
            (Direction.OUT, 3, None, None),
        ]
