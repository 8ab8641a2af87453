"""Random histories of one engine: what its peer, its host and its application do to it, and what must always hold."""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import count
from random import Random
from typing import Any

from hypothesis import strategies as st

from ocpp_core.actions import Dispatch, OpenTransport, SendText, Settle
from ocpp_core.client import ClientEngine
from ocpp_core.client_states import Connecting, Waiting
from ocpp_core.config import ClientConfig, SessionConfig
from ocpp_core.errors import ConnectionFailedError
from ocpp_core.inputs import (
    BinaryReceived,
    CancelCall,
    Close,
    Congested,
    Connect,
    Decline,
    Fail,
    Notify,
    Probe,
    Reconfigure,
    Register,
    Reply,
    SendRaw,
    StartCall,
    TextReceived,
    Tick,
    TransportFailed,
    TransportLost,
    TransportOpened,
)
from ocpp_core.messages import Leniency
from ocpp_core.session import Session
from ocpp_core.versions import OCPP16, OCPP21, OCPP201
from tests.core.player import STEADY, Strict, counting_ids

ALL = 10**6
MISUSE = (TypeError, ValueError, RuntimeError)
VERSIONS = st.sampled_from([OCPP16, OCPP201, OCPP21])

# What a peer may send

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=40)  # lone surrogates too
MESSAGE_IDS = st.sampled_from(["a", "b", "id-1", "id-2", "", "-1", "i" * 37, "\ud800", "⚡", 5, None])
ACTIONS = st.sampled_from(["Heartbeat", "NotifyPeriodicEventStream", "NoSuch", "", "\udfff", 7])
PAYLOADS: st.SearchStrategy[Any] = st.sampled_from([{}, {"bad": 1}, None, []]) | JSON
FRAMES = st.one_of(
    st.tuples(st.sampled_from([2, 6]), MESSAGE_IDS, ACTIONS, PAYLOADS),
    st.tuples(st.just(3), MESSAGE_IDS, PAYLOADS),
    st.tuples(st.sampled_from([4, 5]), MESSAGE_IDS, ACTIONS, st.just(""), PAYLOADS),
    st.lists(JSON, max_size=6),
)


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """Draw the text of a frame with a piece of it cut out or put in."""
    text = json.dumps(draw(FRAMES), ensure_ascii=draw(st.booleans()))
    start = draw(st.integers(0, len(text)))
    return text[:start] + draw(ANY_TEXT) + text[start + draw(st.integers(0, 5)) :]


TEXTS = st.one_of(
    FRAMES.map(json.dumps),
    FRAMES.map(lambda frame: json.dumps(frame, ensure_ascii=False)),
    damaged(),
    ANY_TEXT,
    st.sampled_from(["", "[" * 200, "[2," * 2000, '[2,"a","X",{"x":1e999}]', '[3,"id-1",' + "9" * 5000 + "]"]),
)
LENIENCIES = st.builds(Leniency, **{name: st.booleans() for name in Leniency.__slots__})

ANSWERS = (
    '[3,"%s",{}]',
    '[3,"%s",{"bad":1}]',
    '[3,"%s",null]',
    '[3,"%s"]',
    '[3,"%s",{"x":',
    '[4,"%s","GenericError","",{}]',
    '[4,"%s","Bogus"]',
    '[4,"%s',
)
"""A good answer, and the ways to spoil one."""


class World:
    """An engine, and all that its surroundings remember of it.

    As it goes it checks what must hold at every moment: that nothing but a command is ever a misuse, that what leaves
    is Unicode, that at most `window` CALLs are outstanding, and that a client that was closed does not dial.
    """

    def __init__(self, engine: Any, window: float = 1) -> None:
        self.engine = engine
        self.window = window
        self.now = 0.0
        self.log: list[str] = []
        self.tokens = count(1)
        self.started: list[int] = []
        self.settled: Counter[int] = Counter()
        self.written: list[str] = []
        self.outstanding: dict[str, float] = {}
        self.heard = ""
        self.requests: list[tuple[int, int]] = []
        self.attempt = 0
        self.wanted = False

    def feed(self, event: Any) -> bool:
        """Feed an input; False if it was a misuse, which only a command can be."""
        try:
            self.engine.handle(event, self.now)
        except MISUSE:
            if not isinstance(event, (StartCall, Notify, SendRaw, Fail, Reconfigure, Connect)):
                raise
            return False
        if isinstance(event, (Close, Connect)):
            self.wanted = isinstance(event, Connect)
        return True

    def drain(self, limit: int = ALL) -> list[Any]:
        taken: list[Any] = []
        while len(taken) < limit and (action := self.engine.poll()) is not None:
            self._note(action)
            taken.append(action)
        if len(taken) < limit:
            assert self.wanted or not isinstance(self.engine.state, (Connecting, Waiting)), "a closed client stays away"
        return taken

    def _note(self, action: Any) -> None:
        self.log.append(repr(action))
        if type(action) is Settle:
            self.settled[action.token] += 1
        elif type(action) is Dispatch:
            self.requests.append((action.request, self.attempt))
        elif type(action) is OpenTransport:
            self.attempt = action.attempt
            self.outstanding.clear()
        elif type(action) is SendText:
            self._note_text(action.text)

    def _note_text(self, text: str) -> None:
        text.encode()
        frame = json.loads(text) if text.startswith("[2,") else None
        if frame is not None and frame[3].get("raw") != "untracked":
            self.written.append(frame[1])
            self.outstanding[frame[1]] = self.now + 10
            # as far as can be told from here, every mention of an id by the peer may be an answer
            assert sum(message_id not in self.heard for message_id in self.outstanding) <= self.window

    def start(self, make: Callable[[int], Any]) -> None:
        token = next(self.tokens)
        if self.feed(make(token)):
            self.started.append(token)

    def hear(self, text: str) -> None:
        self.heard += text
        self.feed(TextReceived(text, self.attempt))

    def answer(self, which: int, text: str) -> None:
        """Answer a CALL that was written, for the first time or again."""
        if self.written:
            message_id = self.written[which % len(self.written)]
            self.hear(text % message_id)

    def tick(self) -> None:
        self.feed(Tick())
        self.outstanding = {key: until for key, until in self.outstanding.items() if until > self.now}

    def pass_time(self, seconds: float) -> None:
        """Let time pass without any tick. No host is so slow that it takes its actions in another second."""
        self.drain()
        self.now += seconds

    def wait(self, seconds: float) -> None:
        """Let time pass, with a tick at every deadline on the way."""
        self.drain()
        until = self.now + seconds
        while self.engine.deadline <= until:
            self.now = max(self.now, self.engine.deadline)
            self.tick()
            self.drain()
        self.now = until


# What happens to any engine: one function of the world each, and how many actions are taken after it


def _call(which: int, message_id: str | None, ttl: float | None, urgent: bool, protocol: str | None) -> Any:
    return lambda world: world.start(
        lambda token: StartCall(token, "Heartbeat", {"n": which}, 10.0, ttl, message_id, True, protocol, urgent)
    )


def _of_token(make: Callable[[int], Any], which: int) -> Any:
    return lambda world: world.feed(make(world.started[which % len(world.started)])) if world.started else None


def _of_request(make: Callable[[int], Any], which: int) -> Any:
    return lambda world: world.feed(make(world.requests[which % len(world.requests)][0])) if world.requests else None


NUMBERS = st.integers(0, 20)
CALLS = st.builds(
    _call,
    NUMBERS,
    st.sampled_from([None, None, None, "id-2", "id-3", "id-5"]),  # some of them the factory will make too
    st.sampled_from([None, None, 3.0]),
    st.booleans(),
    st.sampled_from([None, None, "ocpp2.1"]),
)
ANSWERED = st.builds(lambda which, text: lambda world: world.answer(which, text), NUMBERS, st.sampled_from(ANSWERS))
CANCELS = st.builds(_of_token, st.just(CancelCall), NUMBERS)
HEARD = st.builds(lambda text: lambda world: world.hear(text), TEXTS)
CALLED = st.builds(lambda n: lambda world: world.hear(f'[2,"{n % 3}","Heartbeat",{{"n":{n}}}]'), NUMBERS)
BINARY = st.builds(lambda data: lambda world: world.feed(BinaryReceived(data, world.attempt)), st.binary(max_size=9))
REPLIES = st.builds(
    _of_request,
    st.sampled_from(
        [
            lambda number: Reply(number, {}),
            lambda number: Reply(number, {"bad": 1}),
            lambda number: Reply(number, None),  # type: ignore[arg-type]  # a handler's mistake
            lambda number: Fail(number, "InternalError", "why"),
            lambda number: Fail(number, None),  # type: ignore[arg-type]  # a misuse
            Decline,
        ]
    ),
    NUMBERS,
)
RAW_TEXTS = st.sampled_from(['[2,"raw","Heartbeat",{"raw":"untracked"}]', '[3,"0",{}]', "hello", "\ud800"])
RAWS = st.builds(lambda text: lambda world: world.feed(SendRaw(text)), RAW_TEXTS)
RAW_CALLS = st.builds(
    lambda n: lambda world: world.start(lambda token: SendRaw(f'[2,"raw-{n}","X",{{}}]', token, 10.0)), NUMBERS
)
NOTIFIES = st.builds(
    lambda payload: lambda world: world.start(lambda token: Notify(token, "NotifyPeriodicEventStream", payload)),
    st.sampled_from([{}, {"bad": 1}, None]),
)
WAITS = st.builds(lambda seconds: lambda world: world.wait(seconds), st.sampled_from([0.0, 1.0, 4.0, 9.5, 30.0]))
LATE = st.builds(lambda seconds: lambda world: world.pass_time(seconds), st.sampled_from([0.5, 4.0, 12.0]))
TICKS = st.just(World.tick)
CONGESTION = st.builds(lambda on: lambda world: world.feed(Congested(on)), st.sampled_from([False, False, True]))
CLOSES = st.builds(
    lambda drain, force: lambda world: world.feed(Close(1000, "", drain, force)), st.booleans(), st.booleans()
)
LOSSES = st.builds(lambda code: lambda world: world.feed(TransportLost(code, "", world.attempt)), st.just(1006))


def _settings(window: int, size: int) -> Any:
    def change(world: World) -> None:
        world.window = max(world.window, window)  # CALLs written under a wider window are outstanding still
        world.feed(Reconfigure(replace(TALK, call_concurrency=window, max_queued=size)))

    return change


SETTINGS = st.builds(_settings, st.integers(1, 3), st.integers(0, 4))
BUSY = [CALLS, CALLS, CALLS, ANSWERED, ANSWERED, CANCELS, CALLED, CALLED, REPLIES, REPLIES, HEARD, WAITS]
PROBES = st.just(lambda world: world.feed(Probe()))
RARE = [PROBES, BINARY, RAWS, RAW_CALLS, NOTIFIES, TICKS, LATE, CONGESTION]

# What happens to a client only


def _news(make: Callable[[int], Any], stale: int) -> Any:
    return lambda world: world.feed(make(world.attempt - stale))


STALE = st.sampled_from([0, 0, 0, 1])
CONNECTS = st.just(lambda world: world.start(Connect))
OPENED = st.builds(
    lambda subprotocol, stale: _news(lambda attempt: TransportOpened(subprotocol, attempt), stale),
    st.sampled_from(["ocpp1.6", "ocpp2.1", "ocpp2.1", None]),
    STALE,
)
FAILED = st.builds(
    lambda retry, stale: _news(lambda n: TransportFailed(ConnectionFailedError("no"), retry, n, 2.0), stale),
    st.sampled_from([True, True, False]),
    STALE,
)
STALE_LOSSES = st.builds(lambda stale: _news(lambda attempt: TransportLost(1006, "", attempt), stale), STALE)


def _reconnect(world: World) -> None:
    """The connection is lost, and the next attempt succeeds."""
    world.feed(TransportLost(1006, "", world.attempt))
    world.drain()
    if isinstance(world.engine.state, Waiting):
        world.now = world.engine.state.until
        world.tick()
        world.drain()
    world.feed(TransportOpened("ocpp2.1", world.attempt))


RECONNECTS = st.just(_reconnect)
QUEUES = st.builds(
    lambda on, size: lambda world: world.feed(Reconfigure(a_client_config(offline_queue=on, offline_queue_size=size))),
    st.booleans(),
    st.integers(1, 5),
)

# Histories

TAKEN = st.sampled_from([ALL, ALL, ALL, 0, 1])
"""How many actions the host takes after a step: mostly all of them, as it should."""


def steps(*kinds: Any) -> Any:
    """Draw some steps; what does not matter for a failure shrinks to a step that does nothing."""
    nothing = st.just(lambda _: None)
    return st.lists(st.tuples(st.one_of(nothing, *kinds), TAKEN), min_size=10, max_size=25)


def then(*parts: Any) -> Any:
    """Draw one part after the other: what ends things comes late, or there would be little to end."""
    return st.tuples(*parts).map(lambda drawn: [step for part in drawn for step in part])


BOOTS = st.builds(lambda n: lambda world: world.hear(f'[2,"boot-{n}","BootNotification",{{}}]'), NUMBERS)
BOOT_REPLIES = st.builds(
    lambda status, which: _of_request(lambda number: Reply(number, {"status": status, "interval": 5}), which),
    st.sampled_from(["Accepted", "Accepted", "Pending", "Rejected", None]),
    NUMBERS,
)
TRIGGERS = st.just(
    lambda world: world.start(
        lambda token: StartCall(token, "TriggerMessage", {"requestedMessage": "Heartbeat"}, timeout=10.0)
    )
)
REGISTERED = st.just(lambda world: world.feed(Register()))
GATE = [BOOTS, BOOTS, BOOT_REPLIES, BOOT_REPLIES, TRIGGERS, REGISTERED]
GATED_SESSION_STEPS = then(steps(*BUSY, *RARE, *GATE, SETTINGS), steps(*BUSY, *GATE, CLOSES, LOSSES))
OPEN_SESSION_STEPS = steps(*BUSY, *RARE, SETTINGS)
SESSION_STEPS = then(OPEN_SESSION_STEPS, steps(*BUSY, CLOSES, LOSSES))
NEWS = [OPENED, FAILED, STALE_LOSSES, RECONNECTS, QUEUES]
CLIENT_STEPS = then(steps(*BUSY, *RARE, RECONNECTS, QUEUES), steps(*BUSY, *NEWS, CONNECTS, CLOSES))
CONNECTIONS = steps(CALLED, REPLIES, RECONNECTS)


TALK = SessionConfig(call_timeout=10, close_timeout=2, drain_timeout=5, validator=Strict())


def a_world(version: Any, *, keep_unsent: bool = False, **settings: Any) -> World:
    config = replace(TALK, **settings)
    session = Session(config, version, ids=counting_ids(), numbers=count(1), keep_unsent=keep_unsent)
    return World(session, config.call_concurrency)


def a_client_config(**settings: Any) -> ClientConfig:
    return ClientConfig(protocols=("ocpp2.1", "ocpp1.6"), session=TALK, backoff=STEADY, **settings)


def a_client_world(**settings: Any) -> World:
    world = World(ClientEngine(a_client_config(**settings), random=Random(1), ids=counting_ids()))
    world.start(Connect)
    world.drain()
    world.feed(TransportOpened("ocpp2.1", 1))
    world.drain()
    return world


def play(world: World, history: Iterable[tuple[Callable[[World], Any], int]]) -> World:
    for step, taken in history:
        step(world)
        world.drain(taken)
    world.drain()
    return world
