"""The stack of a client: its successive streams, and the client engine that outlives them."""

from math import inf
from random import Random
from typing import assert_never

from ocpp_core._direct import DirectLink, DirectSession
from ocpp_core.actions import Action, CloseStream, CloseTransport, OpenTransport, Reading, SendBytes, Settle
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
    Probe,
    RareStackInput,
    Reconfigure,
    RefuseResult,
    Register,
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
    """A client with its streams, handshakes and sessions, which reconnects after a loss.

    Args:
        client: The settings of the client and its sessions.
        link: The settings of each WebSocket.
        target: The host and resource of the upgrade request.
        random: Makes masking keys, nonces and jitter. It must be unpredictable unless the stream is encrypted (RFC 6455
            §10.3): use `random.SystemRandom`.
        ids: Function that returns message IDs.
        offline_queue: Makes the queue for calls without a connection.

    Raises:
        ValueError: The target or the subprotocols must not be in a request.
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
        self.engine: ClientEngine = self._make_engine(client, random=random, ids=ids, offline_queue=offline_queue)
        """The client engine, which holds the state and the queue."""
        self._link_config = link
        self._target = target
        self._random = random
        self._link: ClientLink | None = None
        self._attempt = 0
        self._now = -inf
        expect_request(target.host, target.target, client.protocols, target.headers)

    def _make_engine(
        self, client: ClientConfig, *, random: Random, ids: IdFactory, offline_queue: MakeOfflineQueue
    ) -> ClientEngine:
        return ClientEngine(client, random=random, ids=ids, offline_queue=offline_queue)

    @property
    def target(self) -> UpgradeTarget:
        """The host and resource of the next upgrade request, and its headers."""
        return self._target

    @property
    def session(self) -> Session | None:
        """Session of the current connection, None without one."""
        return self.engine.session

    @property
    def deadline(self) -> float:
        """Time at which the host must pass `Tick` at the latest.

        `inf` if no deadline is armed.
        """
        deadline, link = self.engine.deadline, self._link
        if link is not None and (at := link.deadline) < deadline:
            return at
        return deadline

    def handle(self, event: StackInput, now: float) -> None:
        """Process an input at `now`, the host's monotonic seconds.

        Raises:
            RuntimeError: The input is invalid in this state; nothing changes.
            TypeError: The type of the input or of one of its fields is wrong; nothing changes.
            ValueError: A field of the input has a value that is not allowed; nothing changes.
        """
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
            case Probe():
                if self._link is not None:
                    self._link.handle(event, now)
            case Reconfigure(LinkConfig() | UpgradeTarget() as config):
                self._reconfigure(config)
            case Accept() | Reject() | Respond():
                raise RuntimeError(f"cannot handle {type(event).__name__}: only servers answer requests")
            case CancelCall() | Notify() | Fail() | Decline() | RefuseResult() | SendRaw() | Register():
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
            return  # stale: that attempt was abandoned
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
        """Return the next action, or None if there is nothing to do."""
        engine = self.engine
        while True:
            outbound = engine.poll()
            if outbound is not None:
                if type(outbound) is Settle:  # the most frequent one
                    return outbound
                if (action := self._from_engine(outbound)) is not None:
                    return action
            elif (link := self._link) is None:
                return None
            elif link.unread and self._is_text_taken(link, engine.session):
                pass
            elif (inbound := link.poll()) is None or type(inbound) is SendBytes:  # the most frequent ones
                return inbound
            elif isinstance(inbound, (TextReceived, BinaryReceived, TransportOpened, TransportFailed, TransportLost)):
                engine.handle(inbound, self._now)
            else:
                return inbound

    def _is_text_taken(self, link: DirectLink, session: DirectSession | None) -> bool:
        """Pass the next message to the session if it is one whole text frame.

        Return False if it is not.
        """
        if session is None or (text := link.next_text()) is None:
            return False
        session.receive(text, self._now)
        return True

    def _from_engine(self, action: Action) -> Action | None:
        if isinstance(action, OpenTransport):
            self._attempt, self._link = action.attempt, None
        elif isinstance(action, CloseTransport):
            if self._link is None:
                return CloseStream(abort=True)  # the stream is not open yet: the host abandons the attempt
            self._link.handle(CloseLink(action.code, action.reason, action.abort), self._now)
            return None
        elif isinstance(action, Reading) and self._link is not None:
            self._link.hold(not action.on)
        return action
