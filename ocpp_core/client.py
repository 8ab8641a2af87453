"""A client that outlives its connections, with a new session for each of them.

What it is. The engine connects, waits after a failure, connects again, and makes a new session for each connection.
Calls that are made in between wait in the offline queue. A session ends with its connection; the engine does not. All
transitions of the state machine are in this file; `docs/design/states.md` shows them as a table.

What it guarantees. `Connect` settles exactly once, with the first connection or the first failure, even if the client
retries after that. After the loss of an open connection the client reconnects, unless it was closed or `max_reconnects`
is reached. Before each attempt it waits as long as the backoff requires, so that a thousand stations do not reconnect
in the same second. A call that was never written may be sent on the next connection. A call that was written is never
repeated by the engine: the peer may have acted on it.

Why stale events do no harm. Each attempt has a number, and each event of a transport carries the number of its attempt.
An event of an abandoned attempt is ignored, so a host need not cancel events that are already queued. States carry
their own data: a backoff deadline is a field of `Waiting` and of no other state. It can neither survive the state nor
be forgotten when another one is entered.

What it must never do. It never has two connections, and never connects while it closes: `Close` takes effect
immediately, even if a loss is about to be reported. It never sends a response of one session on another. It knows
nothing of bytes, sockets or TLS; a stack, or a host with a WebSocket library, handles them.
"""

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from math import inf
from random import Random
from typing import TypeAlias, assert_never

from ._direct import Outlets
from .actions import Action, CloseTransport, OpenTransport, Report, ReportKind, SendText, Settle, StateChanged
from .backoff import retry_after_delay
from .client_states import ClientClosing, ClientState, Connecting, Idle, Online, Stopped, Waiting
from .config import ClientConfig, IdFactory, SessionConfig
from .errors import ClosedError, ConnectionFailedError, ConnectionLostError, WebsocketUpgradeError
from .inbound.answers import AnswerMemory
from .inputs import (
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
    RareCommand,
    Reconfigure,
    RefuseResult,
    Register,
    Reply,
    SendRaw,
    SessionInput,
    StartCall,
    TextReceived,
    Tick,
    TransportFailed,
    TransportLost,
    TransportOpened,
)
from .outbound.call import OutboundCall, check_command, not_online, prepare_call
from .outbound.calls import Calls, CallsParts
from .outbound.memory_queue import MemoryQueue
from .outbound.offline_queue import MakeOfflineQueue
from .session import Closed, Open, Session, SessionState
from .versions import version_of
from .websocket.close import GOING_AWAY, PROTOCOL_ERROR

__all__ = ["ClientEngine"]

_Rare: TypeAlias = (
    BinaryReceived | TransportLost | Congested | Tick | RareCommand | TransportOpened | TransportFailed | Connect
)


class ClientEngine:
    """A client that connects, reconnects and queues, with one `Session` per connection.

    `random` is the source of jitter, `ids` makes message IDs, and `offline_queue` makes the queue for calls that are
    made without a connection.
    """

    def __init__(
        self,
        config: ClientConfig,
        *,
        random: Random,
        ids: IdFactory,
        offline_queue: MakeOfflineQueue = MemoryQueue,
    ) -> None:
        self.state: ClientState = Idle()
        """The state of the client."""
        self.session: Session | None = None
        """The session of the open connection; None without one."""
        self._last: Session | None = None
        self._config = config
        self._random = random
        self._ids = ids
        self.send: Callable[[str], None] | None = None
        """Function that sends the texts of later sessions, for a stack; None makes them `SendText` actions."""
        self._numbers = count(1)
        self._actions: list[Action] = []
        self._emit: Callable[[Action], None] = self._actions.append
        self._memory = AnswerMemory()
        self._offline = offline_queue(config, self._emit)
        self._attempt = 0
        self._connect: int | None = None
        self._now = -inf

    @property
    def deadline(self) -> float:
        """Time at which the host must pass `Tick` at the latest; `inf` if no deadline is armed."""
        deadline = self._offline.deadline  # without `min`, because it is read after every input
        state, session = self.state, self.session
        if session is not None and (at := session.deadline) < deadline:
            deadline = at
        if type(state) is not Online and isinstance(state, (Connecting, Waiting)) and state.until < deadline:
            deadline = state.until
        return deadline

    @property
    def config(self) -> ClientConfig:
        """The settings in force."""
        return self._config

    @property
    def queued(self) -> int:
        """Number of calls in the offline queue."""
        return len(self._offline)

    def poll(self) -> Action | None:
        """Return the next action, or None if there is nothing to do."""
        actions = self._actions
        while not actions:
            if self.session is None or not self.session.unread or not self.session.decode_next():
                return None
        return actions.pop(0)

    def handle(self, event: ClientInput, now: float) -> None:
        """Process an input at `now` (monotonic seconds). An input that raises changes nothing.

        Raises:
            RuntimeError: The input is invalid in this state.
            ValueError: An argument is wrong; TypeError for a wrong type.
        """
        if now > self._now:
            self._now = now
        if type(event) is TextReceived:
            self._received(event)
        elif type(event) is StartCall:
            self.start(event, self._now)
        elif type(event) is Reply:
            self.reply(event, self._now)
        else:
            self._handle_rare(event)

    def start(self, event: StartCall, now: float) -> None:
        """Start a call as `handle` does, at a time that never goes back; see `_direct`."""
        self._now = now
        session = self.session
        if session is not None and type(self.state) is Online and type(session.state) is Open:
            session.calls.start(event, now)
        else:
            self._keep_or_refuse(prepare_call(event, self._config.session, now))

    def reply(self, event: Reply, now: float) -> None:
        """Respond to a request as `handle` does, at a time that never goes back; see `_direct`."""
        self._now = now
        session = self.session or self._last  # without a connection, it is a late reply to a request of the last one
        if session is not None:
            session.requests.reply(event, now)

    def _handle_rare(self, event: _Rare) -> None:
        match event:
            case Tick():
                self._tick(event)
            case BinaryReceived():
                self._received(event)
            case TransportOpened() | TransportFailed() | TransportLost():
                self._transport(event)
            case Connect(token):
                self._begin(token)
            case Close():
                self._close(event)
            case Reconfigure(config):
                self._reconfigure(config)
            case CancelCall(token):
                self._offline.cancel(token)
                self._pass_on(event)
            case SendRaw() | Notify():
                self._send(event)
            case Congested() | Fail() | Decline() | RefuseResult() | Register() | Probe():
                self._pass_on(event)
            case _:
                assert_never(event)

    def _pass_on(self, event: SessionInput) -> None:
        """Pass an input to the session, or a late `Fail` to the last one."""
        if self.session is not None:
            self.session.handle(event, self._now)
        elif isinstance(event, Fail) and self._last is not None:
            self._last.handle(event, self._now)

    # Commands

    def _begin(self, token: int) -> None:
        if not isinstance(self.state, (Idle, Stopped)):
            raise RuntimeError(f"cannot connect: the client is {type(self.state).__name__}; close it first")
        self._connect = token
        self._dial(tries=0)

    def _keep_or_refuse(self, call: OutboundCall) -> None:
        if self._config.offline_queue and not isinstance(self.state, (ClientClosing, Stopped)):
            self._offline.add(call)
            if isinstance(self.state, Idle) and len(self._offline) == 1:
                self._emit(Report(ReportKind.WAITS_FOR_CONNECT, call.action))
        elif call.token is not None:
            self._emit(Settle(call.token, None, not_online(self.state, call.action)))

    def _keep(self, call: OutboundCall) -> None:
        """Queue an unsent call again; settle it with an error if the host's queue raises."""
        try:
            self._offline.add(call)
        except Exception as error:  # e.g. a full disk: the client must reconnect anyway
            if call.token is not None:
                reason = f"{call.action} was not sent and cannot be kept: {error}"
                self._emit(Settle(call.token, None, ConnectionLostError(reason, sent=False)))

    def _send(self, event: SendRaw | Notify) -> None:
        if self.session is not None and isinstance(self.state, (Online, ClientClosing)):
            self.session.handle(event, self._now)
            return
        check_command(event, self._config.session, self._now)
        if event.token is not None:
            what = event.action if isinstance(event, Notify) else "the raw CALL"
            self._emit(Settle(event.token, None, not_online(self.state, what)))
        elif isinstance(event, SendRaw):
            self._emit(Report(ReportKind.NOT_SENT, "there is no connection", message=event.text))

    def _reconfigure(self, config: object) -> None:
        if isinstance(config, SessionConfig):
            config = replace(self._config, session=config)
        if isinstance(config, ClientConfig):
            self._config = config
            self._offline.configure(config)
            if self.session is not None:
                self.session.keep_unsent = config.offline_queue
            if isinstance(self.state, Online):
                self._pass_on(Reconfigure(self._config.session_in(self.state.subprotocol)))
        else:
            raise TypeError(f"expected a ClientConfig or SessionConfig, got {type(config).__name__}")

    def _close(self, event: Close) -> None:
        state = self.state
        if isinstance(state, (Online, ClientClosing)) and self.session is not None:
            if isinstance(state, Online):  # before the session ends: a pending loss must not cause a reconnect
                self._enter_closing(state, event.code, event.reason)
            self.session.handle(event, self._now)
        elif not isinstance(state, Stopped):
            if isinstance(state, Connecting):
                self._emit(CloseTransport(event.code, event.reason, abort=True))
            self._settle_connect(ClosedError("closed before the connection was open"))
            self._stop(event.code, event.reason)

    # Events

    def _received(self, event: TextReceived | BinaryReceived) -> None:
        state = self.state
        if isinstance(state, (Online, ClientClosing)) and state.attempt == event.attempt:
            self._pass_on(event)

    def _transport(self, event: TransportOpened | TransportFailed | TransportLost) -> None:
        state = self.state
        if not isinstance(state, (Connecting, Online, ClientClosing)) or state.attempt != event.attempt:
            return
        if not isinstance(state, Connecting):
            if isinstance(event, TransportLost):
                self._pass_on(event)
        elif isinstance(event, TransportOpened):
            self._opened(state, event.subprotocol)
        elif isinstance(event, TransportFailed):
            self._failed(state, event.error, retry=event.retry, least=event.retry_after)
        else:
            self._failed(state, ConnectionFailedError(f"the connection ended during the handshake ({event.code})"))

    def _tick(self, event: Tick) -> None:
        self._offline.expire(self._now)
        self._pass_on(event)
        state = self.state
        if isinstance(state, Waiting) and state.until <= self._now:
            self._dial(state.tries)
        elif isinstance(state, Connecting) and state.until <= self._now:
            self._emit(CloseTransport(abort=True))
            self._failed(state, ConnectionFailedError(f"no connection within {self._config.connect_timeout:.15g} s"))

    # Transitions

    def _enter(self, state: ClientState) -> None:
        self.state = state
        self._emit(StateChanged(state))

    def _dial(self, tries: int) -> None:
        self._attempt += 1
        self._enter(Connecting(self._attempt, self._now + self._config.connect_timeout, tries))
        self._emit(OpenTransport(self._attempt, self._config.protocols))

    def _opened(self, state: Connecting, subprotocol: str | None) -> None:
        """Begin a session, or fail the connection without an offered subprotocol (RFC 6455 §4.1, OCPP-J §3.2)."""
        if subprotocol not in self._config.protocols:
            self._emit(CloseTransport(PROTOCOL_ERROR, "subprotocol not offered"))
            offered = ", ".join(self._config.protocols)
            error = WebsocketUpgradeError(f"expected one of {offered} as subprotocol, got {subprotocol!r}")
            self._failed(state, error, retry=False)
            return
        version = version_of(subprotocol, self._config.versions)
        self.session = Session(
            self._config.session_in(subprotocol),
            version,
            ids=self._ids,
            numbers=self._numbers,
            keep_unsent=self._config.offline_queue,
            outlets=Outlets(self.send or self._emit_text, self._emit, self._session_entered),
            answers=self._memory.of(""),  # a client has only one server
            make_calls=self._make_calls,
        )
        self._enter(Online(state.attempt, subprotocol, self._now, state.tries))
        self._settle_connect(None, subprotocol)
        self.session.calls.fill_window(self._now)

    def _make_calls(self, *parts: *CallsParts) -> Calls:
        return Calls(*parts, self._offline)

    def _failed(self, state: Connecting, error: Exception, *, retry: bool = True, least: float = 0.0) -> None:
        """Schedule the next attempt, or stop.

        `retry` is False for an error that looks like a wrong setting. It ends only a first attempt: behind a load
        balancer a single wrong 101 may be an accident, and a client that was connected must reconnect.
        """
        self._emit(Report(ReportKind.CONNECT_FAILED, str(error), error=error))
        is_first = self._connect is not None
        self._settle_connect(error)
        if is_first and not self._config.retry_initial_connect:
            self._enter(Idle())
        elif is_first and not retry:
            self._stop(GOING_AWAY, str(error))
        elif state.tries >= self._config.max_reconnects:
            self._stop(GOING_AWAY, "Giving up")
        else:
            self._wait(state.tries + 1, None, least)

    def _wait(self, tries: int, lost: tuple[int, str] | None, least: float = 0.0) -> None:
        asked = retry_after_delay(least, self._config.max_retry_after, self._random) if least else 0.0
        delay = max(self._config.backoff.delay(tries, self._random), asked)
        self._enter(Waiting(self._now + delay, tries, delay, lost))

    def _stop(self, code: int, reason: str, *, lost: bool = False) -> None:
        self._offline.close()
        self._enter(Stopped(code, reason, lost))

    def _settle_connect(self, error: Exception | None, subprotocol: str | None = None) -> None:
        token, self._connect = self._connect, None
        if token is not None:
            self._emit(Settle(token, subprotocol, error))

    def _emit_text(self, text: str) -> None:
        self._emit(SendText(text))

    def _session_entered(self, state: SessionState) -> None:
        """Handle the end of the session, which counts as a loss unless the client is closing."""
        if isinstance(state, Closed):
            self._session_closed(state)

    def _enter_closing(self, state: Online, code: int, reason: str) -> None:
        self._offline.close()
        self._enter(ClientClosing(state.attempt, code, reason))

    def _session_closed(self, end: Closed) -> None:
        unsent = self.session.take_unsent() if self.session is not None else []
        self._last, self.session = self.session, None
        for call in unsent:
            self._keep(call)
        state = self.state
        if not isinstance(state, Online):
            self._stop(end.code, end.reason)
            return
        lasted = self._now - state.since
        tries = 1 if lasted >= self._config.backoff.reset_after else state.tries + 1
        if self._config.reconnect and tries <= self._config.max_reconnects:
            self._wait(tries, (end.code, end.reason))
        else:
            self._stop(end.code, end.reason, lost=True)
