"""Recording an engine's inputs and telling them again."""

import json
from enum import Enum
from itertools import count
from math import inf
from random import Random
from types import MappingProxyType
from typing import get_args

import pytest

from ocpp_core import inputs
from ocpp_core.actions import SendBytes, Settle
from ocpp_core.config import ClientConfig, LinkConfig, SessionConfig, UpgradeTarget
from ocpp_core.inputs import (
    Accept,
    BinaryReceived,
    BytesReceived,
    CancelCall,
    Close,
    CloseLink,
    Congested,
    Connect,
    Decline,
    Fail,
    Notify,
    Probe,
    Reconfigure,
    RefuseResult,
    Register,
    Reject,
    Reply,
    Respond,
    SendMessage,
    SendRaw,
    StackInput,
    StartCall,
    StreamFailed,
    StreamLost,
    StreamOpened,
    TextReceived,
    Tick,
    TransportFailed,
    TransportLost,
    TransportOpened,
    UpgradeReceived,
)
from ocpp_core.replay import Recorder, replay
from ocpp_core.server import ServerEngine
from ocpp_core.session import Session
from ocpp_core.stack import ClientStack
from ocpp_core.versions import OCPP16, Version


def a_session():
    numbers = count(1)
    return Session(SessionConfig(), OCPP16, ids=lambda: f"id-{next(numbers)}", numbers=count(1))


def a_stack():
    target = UpgradeTarget("csms.example", "/CP1")
    config = ClientConfig(protocols=("ocpp1.6",), retry_initial_connect=True)
    return ClientStack(config, LinkConfig(), target, random=Random(0), ids=lambda: "id")


def a_server():
    return ServerEngine(SessionConfig(), handshake_timeout=30, ids=lambda: "id", now=0.0, numbers=count(1))


class Heard:
    """Stands in for an engine: keeps what it is told."""

    deadline = inf

    def __init__(self):
        self.events = []

    def handle(self, event: object, now: float) -> None:
        self.events.append(event)

    def poll(self):
        """Ask for nothing."""


MINE = Version(name="x", message_types=frozenset({2, 3}), send_actions=frozenset({"A"}), spelling={"a": "b"})
HEADERS = (("a", "b"), ("c", "d"))
EVERY_INPUT = [
    Tick(),
    Congested(on=True),
    TextReceived("[]", 1),
    BinaryReceived(b"\xff", 2),
    TransportOpened("ocpp1.6", 3),
    TransportFailed(OSError("secret"), retry=False, attempt=4, retry_after=5.0),
    TransportLost(1001, "away", 6),
    StartCall(7, "X", {"$bytes": "eA=="}, 1.0, 2.0, "id", validate=False, protocol="ocpp1.6", urgent=True),
    CancelCall(8),
    Notify(9, "X", {"a": [[1], {}]}, "id", validate=False),
    Reply(10, MappingProxyType({"$dict": {"$error": "x"}})),
    Fail(11, "GenericError", "why", {"a": None}),
    Decline(12),
    RefuseResult("id", "GenericError", "why", {"$version": {}}, "X"),
    Register(),
    Probe(),
    SendRaw("[]", 13, 1.0),
    Close(1001, "away", drain=False, force=True),
    Connect(14),
    StreamOpened(15),
    StreamFailed(OSError("secret"), 16),
    BytesReceived(b"\x00\xff", 17),
    StreamLost(18),
    UpgradeReceived(19, "/CP1", HEADERS, ("ocpp1.6", "x")),
    Accept("x", HEADERS, version=MINE, identity="CP1"),
    Reject(401, HEADERS, "why"),
    Respond(200, HEADERS, b"\xff"),
    SendMessage(b"\xff"),
    SendMessage("text"),
    CloseLink(1001, "away", force=True),
]


class Colour(Enum):
    RED = "red"


def has_error(event):
    return isinstance(event, (TransportFailed, StreamFailed))


def drain(engine):
    return list(iter(engine.poll, None))


class TestReplay:
    def test_a_recorded_conversation_gives_the_same_actions_again(self):
        lines: list[str] = []
        recorder = Recorder(a_session(), lines.append)
        done = []
        for at, event in enumerate([StartCall(1, "Heartbeat", {}), TextReceived('[3,"id-1",{"currentTime":"now"}]')]):
            recorder.handle(event, float(at))
            done += drain(recorder)
        assert isinstance(done[-1], Settle)
        assert replay(lines, a_session()) == done

    def test_bytes_and_errors_survive(self):
        lines: list[str] = []
        recorder = Recorder(a_stack(), lines.append)
        done = []
        failed: list[StackInput] = [Connect(1), StreamFailed(OSError("refused"), 1)]
        for event in failed:
            recorder.handle(event, 0.0)
            done += drain(recorder)
        again = replay(lines, a_stack())
        assert [type(action) for action in again] == [type(action) for action in done]
        lines.clear()
        recorder = Recorder(a_stack(), lines.append)
        opened: list[StackInput] = [Connect(1), StreamOpened(1), BytesReceived(b"\x00\xff", 1)]
        for event in opened:
            recorder.handle(event, 0.0)
            drain(recorder)
        assert {"$bytes": "AP8="} in [json.loads(line).get("data") for line in lines]
        assert any(isinstance(action, SendBytes) for action in replay(lines, a_stack()))

    def test_a_server_that_has_its_websocket_from_others_is_recorded_too(self):
        offer = UpgradeReceived(1, "/CP1", (("host", "h"),), ("x",))
        accept = Accept("x", (("a", "b"),), version=MINE)
        lines: list[str] = []
        recorder = Recorder(a_server(), lines.append)
        done = []
        for event in (offer, accept, TransportOpened("x"), TextReceived('[4,"a","X","",{}]')):
            recorder.handle(event, 0.0)
            done += drain(recorder)
        again = a_server()
        assert replay(lines, again) == done
        assert again.session.version == MINE

    @pytest.mark.parametrize(
        "payload", [{"$bytes": "eA=="}, {"$error": "x", "b": [1, ["c"]]}, {"$dict": {}}, {"v": Colour.RED}]
    )
    def test_no_payload_is_taken_for_something_else(self, payload):
        lines: list[str] = []
        recorder = Recorder(a_session(), lines.append)
        recorder.handle(StartCall(1, "X", payload, timeout=inf), 0.0)
        done = drain(recorder)
        assert replay(lines, a_session()) == done

    def test_every_input_with_every_field_is_told_again(self):
        lines: list[str] = []
        again = Heard()
        recorder = Recorder(Heard(), lines.append)
        for event in EVERY_INPUT:
            recorder.handle(event, 0.0)
        replay(lines, again)
        assert [str(event.error) for event in again.events if has_error(event)] == ["OSError"] * 2  # its kind alone
        assert [event for event in again.events if not has_error(event)] == [e for e in EVERY_INPUT if not has_error(e)]

    def test_there_is_no_input_that_is_not_told_again(self):
        unions = (inputs.SessionInput, inputs.ClientInput, inputs.ServerInput, inputs.StackInput, inputs.LinkInput)
        every = {cls for union in unions for cls in get_args(union)}
        assert {type(event) for event in EVERY_INPUT} == every - {Reconfigure}

    def test_the_deadline_is_the_engines(self):
        recorder = Recorder(a_session(), lambda line: None)
        recorder.handle(StartCall(1, "Heartbeat", {}, timeout=7), 0.0)
        drain(recorder)
        assert recorder.deadline == 7

    def test_settings_are_left_to_whoever_replays(self):
        lines: list[str] = []
        Recorder(a_session(), lines.append).handle(Reconfigure(SessionConfig()), 0.0)
        assert lines == []

    def test_a_misuse_that_raised_then_raises_nothing_now(self):
        lines: list[str] = []
        recorder = Recorder(a_session(), lines.append)
        with pytest.raises(ValueError, match="timeout"):
            recorder.handle(StartCall(1, "Heartbeat", {}, timeout=-1), 0.0)
        assert replay(lines, a_session()) == []

    def test_a_line_that_is_no_record_raises(self):
        with pytest.raises(ValueError, match="expected the name of an input"):
            replay(['{"at":0,"input":"Nonsense"}'], a_session())
