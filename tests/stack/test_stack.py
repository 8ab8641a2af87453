"""What the stacks add to link and engine: who takes which input, and what happens before there is a session."""

from itertools import count
from random import Random

import pytest

from ocpp_core.actions import (
    CloseStream,
    Dispatch,
    OpenTransport,
    Report,
    SendBytes,
    Settle,
    StateChanged,
    UpgradeRequested,
)
from ocpp_core.client_states import Stopped
from ocpp_core.config import ClientConfig, LinkConfig, SessionConfig, UpgradeTarget
from ocpp_core.errors import ConnectionLostError
from ocpp_core.inputs import (
    Accept,
    BytesReceived,
    Close,
    Congested,
    Connect,
    Notify,
    Reconfigure,
    Reject,
    Reply,
    SendRaw,
    StartCall,
    StreamFailed,
    StreamOpened,
    Tick,
)
from ocpp_core.link import ClientLink
from ocpp_core.session import Closed
from ocpp_core.stack import ClientStack, ServerStack
from ocpp_core.versions import OCPP21
from tests.kinds import mistyped
from tests.link.wire import TEXT, frame


def drain(engine):
    return list(iter(engine.poll, None))


def ids():
    numbers = count(1)
    return lambda: f"id-{next(numbers)}"


def server_stack(**session):
    return ServerStack(LinkConfig(), SessionConfig(**session), random=Random(0), ids=ids(), now=0.0)


def client_stack(**config):
    target = UpgradeTarget("csms.example", "/CP1")
    settings = ClientConfig(protocols=("ocpp1.6",), **config)
    return ClientStack(settings, LinkConfig(), target, random=Random(0), ids=ids())


def request(subprotocols=("ocpp1.6",)):
    link = ClientLink(
        LinkConfig(), host="csms.example", target="/CP1", subprotocols=subprotocols, random=Random(1), now=0.0
    )
    return b"".join(action.data for action in drain(link))


def asked(**session):
    """Make a server's stack whose station has asked for the upgrade."""
    stack = server_stack(**session)
    stack.handle(BytesReceived(request()), 0.0)
    (upgrade,) = drain(stack)
    assert isinstance(upgrade, UpgradeRequested)
    return stack


class TestServerBeforeTheHandshakeIsDone:
    @pytest.mark.parametrize(
        "command",
        [
            StartCall(7, "Reset", {"type": "Soft"}),
            Notify(7, "NotifyPeriodicEventStream", {}),
            SendRaw('[2,"1","Reset",{}]', token=7),
        ],
        ids=lambda command: type(command).__name__,
    )
    def test_a_command_settles_as_not_sent(self, command):
        stack = server_stack()
        stack.handle(command, 0.0)
        (settle,) = drain(stack)
        assert isinstance(settle, Settle)
        assert isinstance(settle.error, ConnectionLostError)
        assert (settle.token, settle.error.sent) == (7, False)

    @pytest.mark.parametrize(
        ("command", "error"),
        [
            (StartCall(7, "Reset", mistyped([])), TypeError),
            (SendRaw(mistyped(5)), TypeError),
            (SendRaw("[3]", token=7), ValueError),
            (Reconfigure(mistyped(5)), TypeError),
            (Connect(7), RuntimeError),
            (StreamOpened(), RuntimeError),
            (StreamFailed(OSError()), RuntimeError),
        ],
        ids=lambda value: getattr(value, "__name__", type(value).__name__),
    )
    def test_misuse_raises_and_changes_nothing(self, command, error):
        stack = server_stack()
        with pytest.raises(error):
            stack.handle(command, 0.0)
        assert drain(stack) == []

    def test_new_settings_count_for_the_session_to_come(self):
        stack = asked()
        stack.handle(Reconfigure(SessionConfig(call_timeout=3)), 0.0)
        stack.handle(Accept("ocpp1.6"), 0.0)
        drain(stack)
        stack.handle(StartCall(1, "Reset", {"type": "Soft"}), 0.0)
        drain(stack)
        assert stack.deadline == 3.0

    def test_a_close_is_told_by_http(self):
        stack = asked()
        stack.handle(Close(1001), 0.0)
        sent = b"".join(action.data for action in drain(stack) if isinstance(action, SendBytes))
        assert sent.startswith(b"HTTP/1.1 503 ")

    def test_a_forced_close_drops_the_stream(self):
        stack = asked()
        stack.handle(Close(force=True), 0.0)
        assert drain(stack) == [CloseStream(abort=True), StateChanged(Closed(1006, ""))]

    def test_a_peer_that_leaves_is_told_so_that_nobody_decides_any_more(self):
        stack = asked()
        stack.handle(BytesReceived(b""), 0.0)
        assert drain(stack) == [CloseStream(), StateChanged(Closed(1006, ""))]

    def test_a_handshake_that_takes_too_long_ends_likewise(self):
        stack = asked()
        stack.handle(Tick(), stack.deadline)
        assert drain(stack)[-2:] == [CloseStream(), StateChanged(Closed(1006, ""))]

    def test_the_version_spoken_may_differ_from_what_is_on_the_wire(self):
        stack = server_stack()
        stack.handle(BytesReceived(request(subprotocols=())), 0.0)
        drain(stack)
        stack.handle(Accept(None, version=OCPP21), 0.0)
        drain(stack)
        assert stack.session.version is OCPP21

    def test_a_refusal_needs_a_request(self):
        with pytest.raises(RuntimeError):
            server_stack().handle(Reject(401), 0.0)


class TestClientStreams:
    def test_each_attempt_asks_anew(self):
        stack = client_stack(retry_initial_connect=True)
        stack.handle(Connect(1), 0.0)
        (dial,) = [action for action in drain(stack) if isinstance(action, OpenTransport)]
        stack.handle(StreamFailed(OSError("refused"), dial.attempt), 0.0)
        drain(stack)
        stack.handle(StreamOpened(dial.attempt), 0.1)
        assert drain(stack) == []

    @pytest.mark.parametrize("give_up", ["close", "time out"])
    def test_a_stream_that_opens_after_its_attempt_was_given_up_is_ignored(self, give_up):
        stack = client_stack(connect_timeout=5)
        stack.handle(Connect(1), 0.0)
        drain(stack)
        stack.handle(Close() if give_up == "close" else Tick(), 6.0)
        assert CloseStream(abort=True) in drain(stack)
        stack.handle(StreamOpened(1), 7.0)
        stack.handle(BytesReceived(b"HTTP/1.1 101\r\n\r\n", 1), 7.0)
        assert drain(stack) == []

    @pytest.mark.parametrize(
        "target",
        [
            UpgradeTarget("two hosts", "/CP1"),
            UpgradeTarget("csms.example", "CP1"),
            UpgradeTarget("csms.example", "/CP1", (("X-Bad", "a\r\nb"),)),
        ],
        ids=["host", "path", "header"],
    )
    def test_a_target_that_can_stand_in_no_request_is_refused_when_it_is_given(self, target):
        config = ClientConfig(protocols=("ocpp1.6",))
        with pytest.raises(ValueError, match="expected"):
            ClientStack(config, LinkConfig(), target, random=Random(0), ids=ids())
        with pytest.raises(ValueError, match="expected"):
            client_stack().handle(Reconfigure(target), 0.0)

    @pytest.mark.parametrize("command", [Accept("ocpp1.6"), Reject(401)], ids=["Accept", "Reject"])
    def test_answers_to_requests_are_misuse(self, command):
        with pytest.raises(RuntimeError):
            client_stack().handle(command, 0.0)

    def test_a_close_before_the_stream_is_open_calls_the_dial_off(self):
        stack = client_stack()
        stack.handle(Connect(1), 0.0)
        drain(stack)
        stack.handle(Close(1000, "done"), 0.0)
        done = drain(stack)
        assert done[0] == CloseStream(abort=True)
        assert done[-1] == StateChanged(Stopped(1000, "done"))


class TestCongestion:
    @pytest.mark.parametrize("cut", [0, 3, 30])
    def test_that_the_end_of_the_stream_meets_leaves_every_split_alike(self, cut):
        """The end lifts it: what was kept back is served one CALL after the other, each answered before the next."""
        stack = asked()
        stack.handle(Accept("ocpp1.6"), 0.0)
        drain(stack)
        data = frame(TEXT, b'[2,"a","Heartbeat",{}]') * 2
        actions = []
        inputs = [BytesReceived(data[:cut])] if cut else []
        for event in [*inputs, Congested(on=True), BytesReceived(data[cut:]), BytesReceived(b"")]:
            stack.handle(event, 0.0)
            while (action := stack.poll()) is not None:
                actions.append(type(action))
                if isinstance(action, Dispatch):
                    stack.handle(Reply(action.request, {}), 0.0)
        assert actions == [Dispatch, SendBytes, Dispatch, SendBytes, CloseStream, StateChanged]

    def test_bounds_what_is_sent_past_the_window(self):
        stack = asked(max_queued_bytes=30)
        stack.handle(Accept("ocpp1.6"), 0.0)
        drain(stack)
        raw = SendRaw('[2,"a","Heartbeat",{}]')
        kinds = []
        for event in [Congested(on=True), raw, raw, Congested(on=False), raw, raw]:
            stack.handle(event, 0.0)
            kinds.append([type(action) for action in drain(stack)])
        assert kinds == [[], [SendBytes], [Report], [], [SendBytes], [SendBytes]]
