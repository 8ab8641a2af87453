"""A recorded engine and its replay: the same actions, or the first difference."""

import json
from itertools import count
from random import Random
from typing import Any

import pytest

from ocpp_core.config import ClientConfig, LinkConfig, SessionConfig, UpgradeTarget
from ocpp_core.inbound.answers import AnswerMemory
from ocpp_core.inbound.requests import Requests
from ocpp_core.inputs import (
    Accept,
    BytesReceived,
    Connect,
    Reply,
    StartCall,
    StreamOpened,
    TextReceived,
    TransportLost,
    TransportOpened,
    UpgradeReceived,
)
from ocpp_core.link import Unfinished
from ocpp_core.link._frames import FrameError
from ocpp_core.recording import Recorder, Recording, replay, replayed_again
from ocpp_core.recording._drawn import Drawn, RecordedUnfinished
from ocpp_core.recording._supplied import KnownOfOthers, supplies_of
from ocpp_core.server import ServerEngine
from ocpp_core.session import Session
from ocpp_core.stack import ClientStack
from ocpp_core.versions import OCPP16

CALL = '[2,"42","Heartbeat",{}]'
ANSWER = {"currentTime": "2026-01-01T00:00:00Z"}


def drain(engine):
    return list(iter(engine.poll, None))


class Kept:
    """What is recorded, and the recording."""

    def __init__(self, **options):
        self.lines: list[str] = []
        self.ended = 0
        self.recording = Recording(self.lines.append, ended=self.end, **options)

    def end(self):
        self.ended += 1

    @property
    def records(self):
        return [json.loads(line) for line in self.lines]


def a_session(kept, numbers=None, config=None):
    """Return a session that is recorded."""
    recording, made = kept.recording, count(1)
    session = Session(
        config or SessionConfig(),
        OCPP16,
        ids=recording.ids(lambda: f"id-{next(made)}"),
        numbers=recording.numbers(count(1) if numbers is None else numbers),
    )
    return Recorder(session, recording)


def a_server(kept, memory):
    """Return the engine of a connection that is recorded, and opened."""
    recording = kept.recording
    engine = ServerEngine(
        SessionConfig(),
        handshake_timeout=30,
        ids=recording.ids(lambda: "id"),
        now=5.0,
        numbers=recording.numbers(count(1)),
        answers=recording.answers(memory),
    )
    recorder = Recorder(engine, recording)
    for event in (
        UpgradeReceived(1, "/CP1", (), ("ocpp1.6",)),
        Accept("ocpp1.6", identity="CP1"),
        TransportOpened("ocpp1.6"),
    ):
        recorder.handle(event, 5.0)
        drain(recorder)
    return recorder


def talk(engine):
    """Let a plain handler answer inside the drain, and call; return all actions."""
    engine.handle(TextReceived(CALL), 0.5)
    engine.handle(TextReceived(CALL.replace("42", "43")), 0.5)
    done = []
    while (action := engine.poll()) is not None:
        done.append(action)
        if type(action).__name__ == "Dispatch":
            engine.handle(Reply(action.request, ANSWER), 0.6)
    engine.handle(StartCall(1, "Reset", {"type": "Soft"}), 1.0)
    return done + drain(engine)


class TestAReplay:
    def test_has_the_answers_that_were_given_inside_a_drain(self):
        kept = Kept()
        done = talk(a_session(kept))
        again = replay(kept.lines)
        assert again.actions == done
        assert again.difference is None
        assert [type(action).__name__ for action in done].count("SendText") == 3

    def test_has_the_request_numbers_that_connections_share(self):
        numbers = count(7)
        for kept in (Kept(), Kept()):
            done = talk(a_session(kept, numbers))
            assert replay(kept.lines).actions == done

    def test_has_the_settings_and_the_changes_of_them(self):
        kept = Kept()
        engine = a_session(kept, config=SessionConfig(call_timeout=5))
        engine.handle(StartCall(1, "Reset", {}), 0.0)
        drain(engine)
        assert (engine.deadline, replay(kept.lines).engine.deadline) == (5.0, 5.0)

    def test_has_what_a_client_drew(self):
        kept = Kept()
        recording = kept.recording
        stack = ClientStack(
            ClientConfig(protocols=("ocpp1.6",)),
            LinkConfig(),
            UpgradeTarget("csms.example", "/CP1"),
            random=recording.random(Random(7)),
            ids=recording.ids(lambda: "id"),
        )
        engine = Recorder(stack, recording)
        done = []
        for event in (Connect(1), StreamOpened(1), BytesReceived(b"HTTP/1.1 401 No\r\n\r\n", 1)):
            engine.handle(event, 3.0)
            done += drain(engine)
        again = replay(kept.lines)
        assert ([*map(repr, again.actions)], again.difference) == ([*map(repr, done)], None)

    def test_has_the_results_of_earlier_connections(self):
        memory, kept = AnswerMemory(), Kept()
        first = a_server(Kept(), memory)
        first.handle(TextReceived('[2,"42","X",{}]'), 6.0)
        (dispatch,) = drain(first)
        first.handle(Reply(dispatch.request, {"a": 1}), 6.0)
        drain(first)
        second = a_server(kept, memory)
        second.handle(TextReceived('[2,"42","X",{}]'), 7.0)
        done = drain(second)
        assert "SendText" in [type(action).__name__ for action in done]  # the handler does not run again
        again = replay(kept.lines)
        assert (again.difference, again.actions[-len(done) :]) == (None, done)

    def test_has_the_limits_that_others_used_up(self):
        shared, drawn = Unfinished(), Drawn(lambda value: value)
        shared.change(0, 1 << 20, 1 << 21)
        recorded = RecordedUnfinished(shared, drawn)
        recorded.change(0, 1 << 17, 1 << 21)
        record: dict[str, Any] = {}
        with pytest.raises(FrameError):
            recorded.change(1 << 17, 1 << 21, 1 << 21)
        drawn.take(record)
        again = supplies_of([record], KnownOfOthers([record], lambda value: value)).unfinished
        again.change(0, 1 << 17, 1 << 21)
        with pytest.raises(FrameError, match="unfinished"):
            again.change(1 << 17, 1 << 21, 1 << 21)

    def test_takes_a_path(self, tmp_path):
        kept = Kept()
        done = talk(a_session(kept))
        path = tmp_path / "x.jsonl"
        path.write_text("\n".join(kept.lines))
        assert replay(path).actions == replay(str(path)).actions == done

    @pytest.mark.parametrize("lines", [[], ["[]"], ["nonsense"], ['{"ocpp_recording":99}'], ["{}"]])
    def test_refuses_what_is_no_recording(self, lines):
        with pytest.raises(ValueError, match="expected a rec"):
            replay(lines)

    @pytest.mark.parametrize("line", ['{"at":0.0,"in":"Nonsense"}', '{"a":1}'])
    def test_refuses_a_line_that_is_no_record(self, line):
        kept = Kept()
        a_session(kept)
        with pytest.raises(ValueError, match="expected"):
            replay([*kept.lines, line])


class TestADifference:
    def test_is_the_first_one_with_its_line_and_input(self):
        kept = Kept()
        talk(a_session(kept))
        number = next(at for at, record in enumerate(kept.records) if record.get("in") == "Reply")
        kept.lines[number] = kept.lines[number].replace("2026", "2027")
        difference = replay(kept.lines).difference
        assert difference is not None
        assert difference.line == number + 2
        assert str(difference).startswith(
            f"line {number + 2}, after Reply at 0.600 s: expected SendText, Dispatch with"
        )
        assert "2027" in difference.got

    def test_names_other_actions(self):
        kept = Kept()
        talk(a_session(kept))
        number = next(at for at, record in enumerate(kept.records) if record.get("in") == "StartCall")
        kept.lines[number] = kept.lines[number].replace("StartCall", "CancelCall")
        assert str(replay(kept.lines).difference).endswith("expected SendText, got nothing")

    def test_is_gone_once_the_records_are_made_again(self):
        kept = Kept()
        talk(a_session(kept))
        changed = json.loads("[" + ",".join(kept.lines).replace("2026", "2027") + "]")
        assert replay(replayed_again(changed)).difference is None


class TestAnException:
    def test_of_a_wrong_input_is_none_of_the_replay(self):
        kept = Kept()
        engine = a_session(kept)
        with pytest.raises(ValueError, match="timeout"):
            engine.handle(StartCall(1, "Heartbeat", {}, timeout=-1), 0.0)
        again = replay(kept.lines)
        assert (again.actions, again.difference) == ([], None)

    def test_that_is_no_refusal_any_more_is_a_difference(self):
        kept = Kept()
        engine = a_session(kept)
        with pytest.raises(ValueError, match="timeout"):
            engine.handle(StartCall(1, "Heartbeat", {}, timeout=-1), 0.0)
        mended = [line.replace('"timeout":-1', '"timeout":1') for line in kept.lines]
        assert str(replay(mended).difference).endswith("expected ValueError, got no exception")

    @pytest.mark.parametrize("method", ["reply", "on_call"])
    def test_of_a_fault_is_raised_again_until_the_fault_is_mended(self, method, monkeypatch):
        def fault(*_):
            raise KeyError("planted")

        kept = Kept()
        engine = a_session(kept)
        with monkeypatch.context() as planted:
            planted.setattr(Requests, method, fault)
            with pytest.raises(KeyError, match="planted"):
                talk(engine)
            with pytest.raises(KeyError, match="planted"):
                replay(kept.lines)
        assert replay(kept.lines).difference is None


class TestARecording:
    def test_has_the_beginning_if_it_has_a_limit(self):
        kept = Kept(max_bytes=600)
        engine = a_session(kept)
        for _ in range(20):
            talk(engine)
        assert sum(len(line) + 1 for line in kept.lines[:-1]) <= 600
        assert kept.records[-1] == {"stopped": "the recording has 600 bytes"}
        assert kept.ended == 1
        assert replay(kept.lines).difference is None
        assert engine._recording._drawn.numbers == []  # nothing is kept any more

    def test_ends_with_the_connection(self):
        kept = Kept()
        engine = a_session(kept)
        engine.handle(TransportLost(1006, ""), 1.0)
        drain(engine)
        before = len(kept.lines)
        engine.handle(Reply(1, {}), 2.0)
        drain(engine)
        assert (kept.ended, len(kept.lines)) == (1, before)

    def test_ends_at_an_input_that_cannot_be_recorded(self):
        class Odd:
            def __getattr__(self, name):
                raise RuntimeError("odd")

        kept = Kept()
        engine = a_session(kept)
        odd: Any = Odd()
        with pytest.raises(ValueError, match="expected a call for"):
            engine.handle(StartCall(1, "X", {}, protocol=odd), 1.0)
        assert kept.ended == 1
        assert "cannot be recorded: RuntimeError" in kept.lines[-1]
        assert talk(engine)  # the engine is not affected

    def test_of_something_else_raises(self):
        with pytest.raises(TypeError, match="expected one of ClientEngine"):
            Recorder(object(), Recording(print))

    def test_hides_behind_its_engine(self):
        engine = a_session(Kept())
        assert isinstance(engine, Session)
        assert engine.version is OCPP16
