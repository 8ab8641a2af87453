"""The machines of the golden tables: how each gets into each situation, and what each row of a table feeds it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import EnumType
from itertools import count
from math import inf
from random import Random
from typing import Any, Protocol, TypeVar, get_args

from ocpp_core import OCPP21, ClientConfig, ClientEngine, ExponentialBackoff, LinkConfig, Session, SessionConfig
from ocpp_core.client_states import ClientState
from ocpp_core.inputs import (
    Accept,
    BinaryReceived,
    CancelCall,
    ClientInput,
    Close,
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
    SendRaw,
    ServerInput,
    SessionInput,
    StartCall,
    TextReceived,
    Tick,
    TransportFailed,
    TransportLost,
    TransportOpened,
    UpgradeReceived,
)
from ocpp_core.server import ServerEngine, ServerState
from ocpp_core.session import SessionState


class Engine(Protocol):
    def handle(self, event: Any, now: float) -> None: ...
    def poll(self) -> Any: ...


E = TypeVar("E", bound=Engine)
NOW = 1000.0
CLOSE, DRAIN, CALL, CONNECT = 5.0, 20.0, 60.0, 30.0
"""Seconds, all different, so that a row can say which of them is over."""


@dataclass(frozen=True)
class Row:
    """What one row feeds: an event made for the engine at hand, `later` seconds after it got into its situation."""

    event: Callable[[Any], Any]
    later: float = 0.0
    options: Mapping[str, Any] = field(default_factory=dict)
    """Settings that differ from the ordinary ones."""


@dataclass(frozen=True)
class Machine:
    """One golden table's engine: a maker for each of its columns, a feed for each of its rows."""

    inputs: Any
    states: Any
    situations: Mapping[str, Callable[..., Any]]
    rows: Mapping[str, Row]
    state: Callable[[Any], str] = lambda engine: type(engine.state).__name__
    """The name of the state that an engine is in."""

    def state_names(self) -> set[str]:
        """Every state there is."""
        if isinstance(self.states, EnumType):
            return {name.capitalize() for name in self.states.__members__}
        return {cls.__name__ for cls in get_args(self.states)}


def drain(engine: Engine) -> list[Any]:
    """Everything the engine has to say."""
    return list(iter(engine.poll, None))


def feed(engine: E, *events: Any) -> E:
    """Bring an engine further; what it says on the way is of no interest."""
    for event in events:
        engine.handle(event, NOW)
        drain(engine)
    return engine


def always(event: Any, later: float = 0.0, **options: Any) -> Row:
    """Feed the same event in every situation."""
    return Row(lambda _: event, later, options)


# Session

CALL_TEXT = '[2,"theirs","Heartbeat",{}]'
BUSY = (
    StartCall(1, "Heartbeat", {}, message_id="ours"),
    StartCall(2, "Heartbeat", {}, message_id="waiting"),
    TextReceived('[2,"open","Heartbeat",{}]'),
)


FULL = (TextReceived('[2,"open","Heartbeat",{}]'), TextReceived('[2,"held","Heartbeat",{}]'))


def session(**options: Any) -> Session:
    config = SessionConfig(close_timeout=CLOSE, drain_timeout=DRAIN, call_timeout=CALL, **options)
    ids = count(1)
    return Session(config, OCPP21, ids=lambda: f"id-{next(ids)}", numbers=count(1))


SESSIONS: dict[str, Callable[..., Session]] = {
    "Open": session,
    "Open (busy)": lambda **options: feed(session(**options), *BUSY),
    "Open (full)": lambda **options: feed(session(max_inbound=1, max_held=1, **options), *FULL),
    "Draining": lambda **options: feed(session(**options), *BUSY, Close()),
    "Draining (handling)": lambda **options: feed(session(**options), BUSY[2], Close()),
    "Closing": lambda **options: feed(session(**options), Close()),
    "Closed": lambda **options: feed(session(**options), TransportLost()),
}
SESSION_ROWS: dict[str, Row] = {
    "TextReceived: a CALL": always(TextReceived(CALL_TEXT)),
    "TextReceived: another CALL with the id of an open one": always(TextReceived('[2,"open","Heartbeat",{"n":1}]')),
    "TextReceived: a copy of an open CALL": always(TextReceived('[2,"open","Heartbeat",{}]')),
    "TextReceived: a CALLRESULT to the CALL in flight": always(TextReceived('[3,"ours",{}]')),
    "TextReceived: a CALLERROR to the CALL in flight": always(TextReceived('[4,"ours","GenericError","",{}]')),
    "TextReceived: a response without a CALL": always(TextReceived('[3,"nobody",{}]')),
    "TextReceived: a CALLRESULTERROR": always(TextReceived('[5,"ours","GenericError","",{}]')),
    "TextReceived: a SEND": always(TextReceived('[6,"x","NotifyPeriodicEventStream",{}]')),
    "TextReceived: of an unknown message type": always(TextReceived('[7,"x"]')),
    "TextReceived: not a message": always(TextReceived("[2,")),
    "TextReceived: not a message, the last one of max_bad_messages": always(TextReceived("[2,"), max_bad_messages=1),
    "TextReceived: empty": always(TextReceived("")),
    "BinaryReceived": always(BinaryReceived(b"[]")),
    "TransportLost": always(TransportLost()),
    "Congested: on": always(Congested(on=True)),
    "Congested: off": always(Congested(on=False)),
    "Tick: early": always(Tick()),
    "Tick: past `until`": always(Tick(), DRAIN),
    "Tick: past the timeout of the CALL": always(Tick(), CALL),
    "StartCall": always(StartCall(7, "Heartbeat", {})),
    "StartCall: with the id of the CALL in flight": always(StartCall(7, "Heartbeat", {}, message_id="ours")),
    "StartCall: meant for another version": always(StartCall(7, "Heartbeat", {}, protocol="ocpp1.6")),
    "StartCall: a payload that is not a JSON object": always(StartCall(7, "Heartbeat", [])),  # type: ignore[arg-type]  # the misuse itself
    "CancelCall: the CALL in flight": always(CancelCall(1)),
    "CancelCall: a call that waits": always(CancelCall(2)),
    "CancelCall: a settled or unknown token": always(CancelCall(99)),
    "Notify": always(Notify(7, "NotifyPeriodicEventStream", {})),
    "Notify: an action that is not a SEND": always(Notify(7, "Heartbeat", {})),
    "Reply": always(Reply(1, {})),
    "Reply: a payload that is not a JSON object": always(Reply(1, [])),  # type: ignore[arg-type]  # a handler's mistake
    "Reply: an unknown or answered request": always(Reply(99, {})),
    "Fail": always(Fail(1, "InternalError")),
    "Fail: an unknown or answered request": always(Fail(99, "InternalError")),
    "Decline": always(Decline(1)),
    "Decline: an unknown or answered request": always(Decline(99)),
    "RefuseResult": always(RefuseResult("ours", "FormatViolation")),
    "RefuseResult: details that are not JSON": always(RefuseResult("ours", "X", "", {"x": object()})),
    "SendRaw": always(SendRaw("anything")),
    "SendRaw: with a token, a CALL": always(SendRaw('[2,"raw","Heartbeat",{}]', token=7)),
    "SendRaw: with a token, not a CALL": always(SendRaw("anything", token=7)),
    "Close": always(Close()),
    "Close: drain=False": always(Close(drain=False)),
    "Close: force=True": always(Close(force=True)),
    "Reconfigure: a SessionConfig with a wider window": always(Reconfigure(SessionConfig(call_concurrency=9))),
    "Reconfigure: the config of another layer": always(Reconfigure(ClientConfig(protocols=("ocpp1.6",)))),
    "Probe": always(Probe()),
    "Register": always(Register()),
}


# Client


def client(**options: Any) -> ClientEngine:
    talk = SessionConfig(close_timeout=CLOSE, drain_timeout=DRAIN, call_timeout=CALL)
    backoff = ExponentialBackoff(minimum=CONNECT, maximum=CONNECT)
    ordinary = {"protocols": ("ocpp2.1",), "session": talk, "connect_timeout": CONNECT, "backoff": backoff}
    ids = count(1)
    return ClientEngine(ClientConfig(**{**ordinary, **options}), random=Random(1), ids=lambda: f"id-{next(ids)}")


def connecting(**options: Any) -> ClientEngine:
    return feed(client(**options), Connect(100))


def online(**options: Any) -> ClientEngine:
    return feed(connecting(**options), TransportOpened("ocpp2.1", attempt=1))


def busy(**options: Any) -> ClientEngine:
    call, waiting, received = BUSY
    return feed(online(**options), call, waiting, TextReceived(received.text, attempt=1))


def waiting(**options: Any) -> ClientEngine:
    engine = online(**{**options, "reconnect": True, "max_reconnects": inf})
    feed(engine, TransportLost(attempt=1))
    return feed(engine, Reconfigure(client(**options).config))


def connecting_again(**options: Any) -> ClientEngine:
    engine = waiting(**options)
    engine.handle(Tick(), engine.deadline)
    drain(engine)
    return engine


CLIENTS: dict[str, Callable[..., ClientEngine]] = {
    "Idle": client,
    "Connecting": connecting,
    "Connecting (again)": connecting_again,
    "Online": online,
    "Online (busy)": busy,
    "Waiting": waiting,
    "ClientClosing": lambda **options: feed(online(**options), Close()),
    "ClientClosing (draining)": lambda **options: feed(busy(**options), Close()),
    "Stopped": lambda **options: feed(client(**options), Close()),
}


def current(event: Callable[..., Any], *fields: Any, **options: Any) -> Row:
    """News of the attempt under way."""
    return Row(lambda engine: event(*fields, attempt=engine._attempt), options=options)


def stale(event: Callable[..., Any], *fields: Any) -> Row:
    """News of an attempt that was given up."""
    return Row(lambda engine: event(*fields, attempt=engine._attempt - 1))


REFUSED = ConnectionRefusedError("refused")
CLIENT_ROWS: dict[str, Row] = {
    "Connect": always(Connect(7)),
    "TransportOpened: with an offered subprotocol": current(TransportOpened, "ocpp2.1"),
    "TransportOpened: with another subprotocol or none": current(TransportOpened, None),
    "TransportOpened: of an earlier attempt": stale(TransportOpened, "ocpp2.1"),
    "TransportFailed": current(TransportFailed, REFUSED),
    "TransportFailed: retry_initial_connect": current(TransportFailed, REFUSED, retry_initial_connect=True),
    "TransportFailed: after the last of max_reconnects": current(TransportFailed, REFUSED, max_reconnects=1),
    "TransportFailed: not retryable": current(TransportFailed, REFUSED, False),
    "TransportFailed: of an earlier attempt": stale(TransportFailed, REFUSED),
    "TransportLost": current(TransportLost, 1006, ""),
    "TransportLost: reconnect=False": current(TransportLost, 1006, "", reconnect=False),
    "TransportLost: offline_queue": current(TransportLost, 1006, "", offline_queue=True),
    "TransportLost: of an earlier attempt": stale(TransportLost, 1006, ""),
    "TextReceived: a CALL": current(TextReceived, CALL_TEXT),
    "TextReceived: a CALLRESULT to the CALL in flight": current(TextReceived, '[3,"ours",{}]'),
    "TextReceived: of an earlier attempt": stale(TextReceived, CALL_TEXT),
    "BinaryReceived": current(BinaryReceived, b"[]"),
    "BinaryReceived: of an earlier attempt": stale(BinaryReceived, b"[]"),
    "Congested: on": SESSION_ROWS["Congested: on"],
    "Tick: early": SESSION_ROWS["Tick: early"],
    "Tick: past `until`": always(Tick(), CONNECT),
    "Tick: past the timeout of the CALL": SESSION_ROWS["Tick: past the timeout of the CALL"],
    "StartCall": SESSION_ROWS["StartCall"],
    "StartCall: offline_queue": always(StartCall(7, "Heartbeat", {}), offline_queue=True),
    "StartCall: a payload that is not a JSON object": SESSION_ROWS["StartCall: a payload that is not a JSON object"],
    "CancelCall: the CALL in flight": SESSION_ROWS["CancelCall: the CALL in flight"],
    "CancelCall: a settled or unknown token": SESSION_ROWS["CancelCall: a settled or unknown token"],
    "Notify": SESSION_ROWS["Notify"],
    "Notify: a payload that is not a JSON object": always(Notify(7, "NotifyPeriodicEventStream", [])),  # type: ignore[arg-type]  # the misuse itself
    "Reply": SESSION_ROWS["Reply"],
    "Fail": SESSION_ROWS["Fail"],
    "Decline": SESSION_ROWS["Decline"],
    "RefuseResult": SESSION_ROWS["RefuseResult"],
    "SendRaw": SESSION_ROWS["SendRaw"],
    "SendRaw: with a token, a CALL": SESSION_ROWS["SendRaw: with a token, a CALL"],
    "SendRaw: with a token, not a CALL": SESSION_ROWS["SendRaw: with a token, not a CALL"],
    "Close": SESSION_ROWS["Close"],
    "Close: drain=False": SESSION_ROWS["Close: drain=False"],
    "Close: force=True": SESSION_ROWS["Close: force=True"],
    "Reconfigure: a ClientConfig": always(Reconfigure(ClientConfig(protocols=("ocpp1.6",)))),
    "Reconfigure: a SessionConfig": always(Reconfigure(SessionConfig(call_concurrency=9))),
    "Reconfigure: the config of another layer": always(Reconfigure(LinkConfig())),
    "Probe": SESSION_ROWS["Probe"],
    "Register": SESSION_ROWS["Register"],
}


# Server

UPGRADE = UpgradeReceived(100, "/ocpp/CP1", (), ("ocpp2.1",))
SERVER_ACCEPTS = Accept("ocpp2.1")


def server(**options: Any) -> ServerEngine:
    config = SessionConfig(close_timeout=CLOSE, drain_timeout=DRAIN, call_timeout=CALL, **options)
    ids = count(1)
    return ServerEngine(config, handshake_timeout=CONNECT, ids=lambda: f"id-{next(ids)}", now=NOW)


def talking(**options: Any) -> ServerEngine:
    return feed(server(**options), UPGRADE, SERVER_ACCEPTS, TransportOpened("ocpp2.1"))


SERVERS: dict[str, Callable[..., ServerEngine]] = {
    "New": server,
    "Asked": lambda **options: feed(server(**options), UPGRADE),
    "Accepted": lambda **options: feed(server(**options), UPGRADE, SERVER_ACCEPTS),
    "Ended": lambda **options: feed(server(**options), UPGRADE, Reject(403)),
    "Open": talking,
    "Draining": lambda **options: feed(talking(**options), *BUSY, Close()),
    "Closing": lambda **options: feed(talking(**options), Close()),
    "Closed": lambda **options: feed(talking(**options), TransportLost()),
}
SERVER_ROWS: dict[str, Row] = {
    "UpgradeReceived": always(UPGRADE),
    "UpgradeReceived: a subprotocol offered twice": always(UpgradeReceived(100, "/ocpp/CP1", (), ("a", "a"))),
    "Accept: an offered subprotocol": always(SERVER_ACCEPTS),
    "Accept: a subprotocol that was not offered": always(Accept("ocpp1.6")),
    "Reject": always(Reject(403)),
    "Reject: a status that is not an error": always(Reject(200)),
    "TransportOpened": always(TransportOpened("ocpp2.1")),
    "TransportLost": always(TransportLost()),
    "TextReceived: a CALL": SESSION_ROWS["TextReceived: a CALL"],
    "BinaryReceived": SESSION_ROWS["BinaryReceived"],
    "Congested: on": SESSION_ROWS["Congested: on"],
    "Tick: early": SESSION_ROWS["Tick: early"],
    "Tick: past handshake_timeout": always(Tick(), CONNECT),
    "StartCall": SESSION_ROWS["StartCall"],
    "StartCall: a payload that is not a JSON object": SESSION_ROWS["StartCall: a payload that is not a JSON object"],
    "CancelCall: the token of the request": always(CancelCall(100)),
    "CancelCall: a settled or unknown token": SESSION_ROWS["CancelCall: a settled or unknown token"],
    "Notify": SESSION_ROWS["Notify"],
    "Reply": SESSION_ROWS["Reply"],
    "Fail": SESSION_ROWS["Fail"],
    "Decline": SESSION_ROWS["Decline"],
    "RefuseResult": SESSION_ROWS["RefuseResult"],
    "SendRaw": SESSION_ROWS["SendRaw"],
    "SendRaw: with a token, a CALL": SESSION_ROWS["SendRaw: with a token, a CALL"],
    "Close": SESSION_ROWS["Close"],
    "Close: force=True": SESSION_ROWS["Close: force=True"],
    "Reconfigure: a SessionConfig": always(Reconfigure(SessionConfig(call_concurrency=9))),
    "Reconfigure: a LinkConfig": always(Reconfigure(LinkConfig())),
    "Reconfigure: the config of another layer": SESSION_ROWS["Reconfigure: the config of another layer"],
    "Probe": SESSION_ROWS["Probe"],
    "Register": SESSION_ROWS["Register"],
}

ENGINES: dict[str, Machine] = {
    "Session": Machine(SessionInput, SessionState, SESSIONS, SESSION_ROWS),
    "ClientEngine": Machine(ClientInput, ClientState, CLIENTS, CLIENT_ROWS),
    "ServerEngine": Machine(ServerInput, ServerState, SERVERS, SERVER_ROWS),
}
