"""Bytes in, bytes out: a WebSocket link and the OCPP-J engine behind it as one object to embed.

What it is. A stack has an engine's interface and consists of two engines: a link, which turns bytes into messages, and
behind it a session (server) or a client engine (client). Bytes go in, bytes come out, and a host has one object to
embed. The two layers stay apart because each has its own states: one machine for both would have the product of them.

What it guarantees. All that the contract of an engine says holds for the whole. One order of actions makes it so: the
outputs of the session go to the link before the link decodes another message, so an answer that is made at once leaves
before anything later is read. Congestion of the stream and a full session both stop the decoding in the link, where
bytes are cheap to keep and TCP slows down the peer.

Why there are two ways through it. Nearly every message is a whole text frame on an open connection. For those the stack
passes texts from layer to layer by direct calls, without an object for each step; everything rare goes through `handle`
and `poll` of both. Both ways do the same: whoever changes one changes the other.

What it must never do. It holds no protocol of its own: the layer that owns a frame or a message decides what it means.
It never gives the session a second text while an action waits to be taken.
"""

from collections.abc import Iterator
from itertools import count
from math import inf
from random import Random
from typing import Final, assert_never

from .actions import (
    Action,
    CloseStream,
    CloseTransport,
    LinkAction,
    OpenTransport,
    Reading,
    SendBytes,
    StateChanged,
)
from .client import ClientEngine
from .client_states import Connecting
from .config import ClientConfig, IdFactory, LinkConfig, SessionConfig, UpgradeTarget
from .inbound.answers import AnswerMemory, Answers, answers_of
from .inputs import (
    Accept,
    BinaryReceived,
    BytesReceived,
    CancelCall,
    Close,
    CloseLink,
    Command,
    Congested,
    Connect,
    Decline,
    Fail,
    Notify,
    Reconfigure,
    RefuseResult,
    Reject,
    Reply,
    Respond,
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
)
from .link import ClientLink, ServerLink, Unfinished
from .server import refuse_unopened
from .session import Closed, Session
from .versions import Version, version_of
from .websocket.close import ABNORMAL_CLOSURE

__all__ = ["ClientStack", "ServerStack"]

_FOR_LINK: Final = frozenset({CloseTransport, Reading})


class ServerStack:
    """One accepted stream of a server: handshake, WebSocket and conversation.

    `StateChanged` tells the states of the conversation; `Closed` without `Open` before it is a handshake that ended.
    `session` is what the connection starts with unless `Accept` brings another config. `numbers` makes request
    numbers, `unfinished` counts unfinished messages and `answers` remembers what was answered, all three shared by all
    stacks of a server; `random` makes the ping jitter.
    """

    __slots__ = (
        "_actions",
        "_answers",
        "_config",
        "_ids",
        "_link",
        "_memory",
        "_now",
        "_numbers",
        "_version",
        "session",
    )

    def __init__(
        self,
        link: LinkConfig,
        session: SessionConfig,
        *,
        random: Random,
        ids: IdFactory,
        now: float,
        numbers: Iterator[int] | None = None,
        unfinished: Unfinished | None = None,
        answers: AnswerMemory | None = None,
    ) -> None:
        self.session: Session | None = None
        self._memory = answers
        self._answers: Answers | None = None
        self._link = ServerLink(link, random=random, now=now, unfinished=unfinished)
        self._config = session
        self._version: Version | None = None
        self._ids = ids
        self._numbers = count(1) if numbers is None else numbers
        self._actions: list[Action] = []
        self._now = now

    @property
    def deadline(self) -> float:
        """When `Tick` is wanted at the latest; `inf` when nothing is armed."""
        session, deadline = self.session, self._link.deadline
        if session is not None and session.deadline < deadline:
            return session.deadline
        return deadline

    def handle(self, event: StackInput, now: float) -> None:
        """Take an input. Raises RuntimeError, TypeError or ValueError for a misuse, and then changes nothing."""
        if now > self._now:
            self._now = now
        else:
            now = self._now
        if type(event) is BytesReceived:
            self._link.receive(event, now)
        elif type(event) is Reply and self.session is not None:
            self.session.requests.reply(event, now)
        else:
            self._handle_rare(event, now)

    def _handle_rare(self, event: StackInput, now: float) -> None:  # noqa: C901 - one arm an input, the match is total
        match event:
            case Tick():
                self._tick(event, now)
            case StartCall():
                self._command(event)
            case Congested(on):
                self._link.handle(event, now)  # which keeps messages back, so that the session need not
                if self.session is not None:
                    self.session.congest(on=on)
            case BytesReceived():
                pass  # taken before
            case StreamLost():
                self._link.handle(event, now)
            case Accept():
                self._link.handle(event, now)
                self._config = event.config or self._config
                self._version = event.version
                self._answers = answers_of(self._memory, event.identity)
            case Reject() | Respond():
                self._link.handle(event, now)
            case Reconfigure(LinkConfig()):
                self._link.handle(event, now)
            case StreamOpened() | StreamFailed() | Connect():
                raise RuntimeError("a server's stream is open from the start: there is nothing to connect")
            case CancelCall() | Notify() | Reply() | Fail() | Decline() | RefuseResult() | SendRaw():
                self._command(event)
            case Close() | Reconfigure():
                self._command(event)
            case _:
                assert_never(event)

    def _tick(self, tick: Tick, now: float) -> None:
        """Pass it to whom it concerns: nearly all that an idle station's timer is about is a ping."""
        if self._link.deadline <= now:
            self._link.handle(tick, now)
        if self.session is not None and self.session.deadline <= now:
            self.session.handle(tick, now)

    def _command(self, event: Command) -> None:
        if self.session is not None:
            self.session.handle(event, self._now)
        elif isinstance(event, Close):
            self._link.handle(CloseLink(event.code, event.reason, event.force), self._now)
        elif isinstance(event, Reconfigure):
            self._reconfigure(event.config)
        elif isinstance(event, (StartCall, Notify, SendRaw)):
            self._actions += refuse_unopened(event, self._config, self._now)

    def _reconfigure(self, config: object) -> None:
        """Keep the settings for the session that is to come."""
        if not isinstance(config, SessionConfig):
            raise TypeError(f"expected a SessionConfig or LinkConfig, got {type(config).__name__}")
        self._config = config

    def poll(self) -> Action | None:
        """Take the next action; None when there is nothing to do."""
        actions, link, session = self._actions, self._link, self.session
        while True:
            if actions:
                action = actions.pop(0)
                if type(action) not in _FOR_LINK or self._instruct(action):
                    return action
            elif link.unread and session is not None and (text := link.next_text()) is not None:
                session.receive(text, self._now)
            else:
                inbound = link.poll()
                if inbound is None or type(inbound) is SendBytes:
                    return inbound
                if (news := self._from_link(inbound)) is not None:
                    return news

    def _instruct(self, action: Action) -> bool:
        """Have the link do what the session asks of its transport; tells whether the host has a part in it."""
        if isinstance(action, CloseTransport):
            self._link.handle(CloseLink(action.code, action.reason, action.abort), self._now)
            return False
        if isinstance(action, Reading):
            self._link.hold(not action.on)
        return True

    def _from_link(self, action: LinkAction) -> Action | None:
        """Pass on what is meant for the host; what is meant for the session goes there."""
        if isinstance(action, TransportOpened):
            version = self._version or version_of(action.subprotocol or "")
            self.session = Session(
                self._config,
                version,
                ids=self._ids,
                numbers=self._numbers,
                send=self._link.send_message,
                emit=self._actions.append,
                answers=self._answers,
            )
            return StateChanged(self.session.state)
        if isinstance(action, (TextReceived, BinaryReceived, TransportLost)):
            if self.session is not None:
                self.session.handle(action, self._now)
                return self.session.poll()
            return None
        if type(action) is CloseStream and self.session is None:  # nobody need decide on the handshake any more
            self._actions.append(StateChanged(Closed(ABNORMAL_CLOSURE, "")))
        return None if isinstance(action, TransportFailed) else action


class ClientStack:
    """A client over its streams: dial, handshake, conversation, and all of it again after a loss.

    `target` says what to ask the server for; `random` makes masking keys, nonces and jitter, and must not be
    predictable where the stream is not encrypted (RFC 6455 §10.3: use `random.SystemRandom`). Raises ValueError for a
    target or subprotocols that can stand in no request.
    """

    def __init__(
        self, client: ClientConfig, link: LinkConfig, target: UpgradeTarget, *, random: Random, ids: IdFactory
    ) -> None:
        self.engine = ClientEngine(client, random=random, ids=ids, send=self._send)
        self._link_config = link
        self._target = target
        self._random = random
        self._link: ClientLink | None = None
        self._attempt = 0
        self._now = -inf
        self._check_request(target, client)

    @property
    def session(self) -> Session | None:
        """The conversation of the present connection."""
        return self.engine.session

    @property
    def deadline(self) -> float:
        """When `Tick` is wanted at the latest; `inf` when nothing is armed."""
        link = self._link
        return min(self.engine.deadline, inf if link is None else link.deadline)

    def handle(self, event: StackInput, now: float) -> None:
        """Take an input. Raises RuntimeError, TypeError or ValueError for a misuse, and then changes nothing."""
        if now > self._now:
            self._now = now
        else:
            now = self._now
        if type(event) is BytesReceived:
            if self._link is not None and event.attempt == self._attempt:
                self._link.receive(event, now)
        elif type(event) is StartCall or type(event) is Reply:
            self.engine.handle(event, now)
        else:
            self._handle_rare(event, now)

    def _handle_rare(self, event: StackInput, now: float) -> None:  # noqa: C901 - one arm an input
        match event:
            case Tick() | Congested():
                if self._link is not None:
                    self._link.handle(event, now)
                self.engine.handle(event, now)
            case StreamOpened(attempt):
                self._stream_opened(attempt)
            case StreamLost():
                if self._link is not None:
                    self._link.handle(event, now)
            case StreamFailed(error, attempt):
                self.engine.handle(TransportFailed(error, attempt=attempt), now)
            case Reconfigure(LinkConfig() | UpgradeTarget() as config):
                self._reconfigure(config)
            case Reconfigure(ClientConfig() as config):
                self._check_request(self._target, config)
                self.engine.handle(event, now)
            case Accept() | Reject() | Respond():
                raise RuntimeError(f"{type(event).__name__} answers a client's request: only servers do")
            case CancelCall() | Notify() | Fail() | Decline() | RefuseResult() | SendRaw():
                self.engine.handle(event, now)
            case Connect() | Close() | Reconfigure():
                self.engine.handle(event, now)
            case BytesReceived() | StartCall() | Reply():
                pass  # taken before
            case _:
                assert_never(event)

    def _reconfigure(self, config: LinkConfig | UpgradeTarget) -> None:
        if isinstance(config, UpgradeTarget):
            self._check_request(config, self.engine.config)
            self._target = config
            return
        self._link_config = config
        if self._link is not None:
            self._link.handle(Reconfigure(config), self._now)

    def _stream_opened(self, attempt: int) -> None:
        state = self.engine.state
        if not isinstance(state, Connecting) or state.attempt != attempt or self._link is not None:
            return  # stale news: that attempt was given up
        self._link = self._new_link(self._target, self.engine.config, attempt, self._random)

    def _new_link(self, target: UpgradeTarget, client: ClientConfig, attempt: int, random: Random) -> ClientLink:
        return ClientLink(
            self._link_config,
            host=target.host,
            target=target.target,
            headers=target.headers,
            subprotocols=client.protocols,
            attempt=attempt,
            random=random,
            now=self._now,
        )

    def _check_request(self, target: UpgradeTarget, client: ClientConfig) -> None:
        """Raise ValueError for what can stand in no upgrade request, before any attempt comes to it."""
        self._new_link(target, client, 0, Random(0))

    def poll(self) -> Action | None:
        """Take the next action; None when there is nothing to do."""
        while True:
            outbound = self.engine.poll()
            if outbound is not None:
                if (action := self._from_engine(outbound)) is not None:
                    return action
            elif self._link is None or (inbound := self._link.poll()) is None:
                return None
            elif isinstance(inbound, (TextReceived, BinaryReceived, TransportOpened, TransportFailed, TransportLost)):
                self.engine.handle(inbound, self._now)
            else:
                return inbound

    def _send(self, text: str) -> None:
        if self._link is not None:
            self._link.send_message(text)

    def _from_engine(self, action: Action) -> Action | None:
        if isinstance(action, OpenTransport):
            self._attempt, self._link = action.attempt, None
        elif isinstance(action, CloseTransport):
            if self._link is None:
                return CloseStream(abort=True)  # still dialling: the host gives that up
            self._link.handle(CloseLink(action.code, action.reason, action.abort), self._now)
            return None
        elif isinstance(action, Reading) and self._link is not None:
            self._link.hold(not action.on)
        return action
