"""A client's end: its streams one after the other, and the one conversation that outlives them."""

from math import inf
from random import Random
from typing import assert_never

from ocpp_core._direct import DirectLink, DirectSession
from ocpp_core.actions import Action, CloseStream, CloseTransport, OpenTransport, Reading
from ocpp_core.client import ClientEngine
from ocpp_core.client_states import Connecting
from ocpp_core.config import ClientConfig, IdFactory, LinkConfig, UpgradeTarget
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
    RareStackInput,
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
from ocpp_core.link import ClientLink, expect_request
from ocpp_core.outbound.memory_queue import MemoryQueue
from ocpp_core.outbound.offline_queue import MakeOfflineQueue
from ocpp_core.session import Session

__all__ = ["ClientStack"]


class ClientStack:
    """A client over its streams: dial, handshake, conversation, and all of it again after a loss.

    `target` says what to ask the server for; `random` makes masking keys, nonces and jitter, and must not be
    predictable where the stream is not encrypted (RFC 6455 §10.3: use `random.SystemRandom`). `offline_queue` makes the
    place for calls without a connection. Raises ValueError for a
    target or subprotocols that can stand in no request.
    """

    def __init__(
        self,
        client: ClientConfig,
        link: LinkConfig,
        target: UpgradeTarget,
        *,
        random: Random,
        ids: IdFactory,
        offline_queue: MakeOfflineQueue = MemoryQueue,
    ) -> None:
        self.engine = ClientEngine(client, random=random, ids=ids, offline_queue=offline_queue)
        self._link_config = link
        self._target = target
        self._random = random
        self._link: ClientLink | None = None
        self._attempt = 0
        self._now = -inf
        expect_request(target.host, target.target, client.protocols, target.headers)

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
        elif type(event) is StartCall:
            self.engine.start(event, now)
        elif type(event) is Reply:
            self.engine.reply(event, now)
        else:
            self._handle_rare(event, now)

    def _handle_rare(self, event: RareStackInput, now: float) -> None:  # noqa: C901 - one arm an input
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
            case Accept() | Reject() | Respond():
                raise RuntimeError(f"{type(event).__name__} answers a client's request: only servers do")
            case CancelCall() | Notify() | Fail() | Decline() | RefuseResult() | SendRaw():
                self.engine.handle(event, now)
            case Connect() | Close() | Reconfigure():
                self.engine.handle(event, now)
            case _:
                assert_never(event)

    def _reconfigure(self, config: LinkConfig | UpgradeTarget) -> None:
        if isinstance(config, UpgradeTarget):
            expect_request(config.host, config.target, headers=config.headers)
            self._target = config
            return
        self._link_config = config
        if self._link is not None:
            self._link.handle(Reconfigure(config), self._now)

    def _stream_opened(self, attempt: int) -> None:
        state = self.engine.state
        if not isinstance(state, Connecting) or state.attempt != attempt or self._link is not None:
            return  # stale news: that attempt was given up
        self._link = self._new_link(attempt)
        self.engine.send = self._link.send_message

    def _new_link(self, attempt: int) -> ClientLink:
        target = self._target
        return ClientLink(
            self._link_config,
            host=target.host,
            target=target.target,
            headers=target.headers,
            subprotocols=self.engine.config.protocols,
            attempt=attempt,
            random=self._random,
            now=self._now,
        )

    def poll(self) -> Action | None:
        """Take the next action; None when there is nothing to do."""
        engine = self.engine
        while True:
            outbound = engine.poll()
            if outbound is not None:
                if (action := self._from_engine(outbound)) is not None:
                    return action
            elif (link := self._link) is None:
                return None
            elif link.unread and self._is_text_taken(link, engine.session):
                pass
            elif (inbound := link.poll()) is None:
                return None
            elif isinstance(inbound, (TextReceived, BinaryReceived, TransportOpened, TransportFailed, TransportLost)):
                engine.handle(inbound, self._now)
            else:
                return inbound

    def _is_text_taken(self, link: DirectLink, session: DirectSession | None) -> bool:
        """Pass the next message on as a text, if it is a usual one and there is a session for it."""
        if session is None or (text := link.next_text()) is None:
            return False
        session.receive(text, self._now)
        return True

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
