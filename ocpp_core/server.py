"""The engine of one server connection whose WebSocket another library implements.

What it is. This engine is the server's counterpart of `ClientEngine`, for one connection: a handshake on which the
application decides, and the session that follows. Another library implements the WebSocket; the host passes its request
as `UpgradeReceived` and then whole messages. With the WebSocket of this library, `ServerStack` does the same on bytes.

What it guarantees. The request's token settles exactly once, unless the host cancels it: with the decision of the
application, with a refusal after `handshake_timeout` or because the server closes, or with an error because the peer
left. The application is asked only about a well-formed offer. `StateChanged(Closed)` is emitted exactly once, with or
without a session, so a host that counts connections needs no other event. The session does not exist before the
WebSocket is open.

What it must never do. It never accepts a station without a decision: after the timeout it refuses with 408. It never
sends on a WebSocket that the host has not opened yet; a call in between settles with an error instead of waiting. It
does not check identity or credentials.
"""

from collections import deque
from collections.abc import Iterator
from itertools import count
from math import inf
from typing import Final, TypeAlias, assert_never

from ._dataclasses import dataclass
from .actions import Action, Report, ReportKind, Settle, StateChanged, UpgradeRequested
from .config import IdFactory, LinkConfig, SessionConfig
from .errors import ConnectionLostError
from .inbound.answers import AnswerMemory
from .inbound.directions import MakeDirections
from .inputs import (
    Accept,
    BinaryReceived,
    CancelCall,
    Close,
    Congested,
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
    TransportLost,
    TransportOpened,
    UpgradeReceived,
)
from .outbound.call import check_command
from .session import Closed, Session, SessionState
from .versions import version_of
from .websocket.close import ABNORMAL_CLOSURE
from .websocket.headers import (
    HANDSHAKE_TIMEOUT,
    expect_offered,
    expect_refusal_status,
    is_subprotocol_list,
    joined,
)

__all__ = ["Accepted", "Asked", "Ended", "New", "ServerEngine", "ServerState", "refuse_unopened"]

_BAD_OFFER: Final = Reject(400, (), "bad Sec-WebSocket-Protocol")
_TOO_LATE: Final = Reject(408, (), HANDSHAKE_TIMEOUT)
_CLOSING: Final = Reject(503, (), "closing")


@dataclass(frozen=True, slots=True)
class New:
    """No request has arrived yet."""

    until: float


@dataclass(frozen=True, slots=True)
class Asked:
    """A request waits for `Accept` or `Reject`, until `until`.

    `offered` are the subprotocols in it.
    """

    until: float
    request: UpgradeReceived
    offered: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Accepted:
    """The request was accepted, and the host must open the WebSocket until `until`.

    `close` is the command with which it closes as soon as it is open.
    """

    until: float
    accept: Accept
    close: Close | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """The handshake failed or led to a session, which has its own states."""

    until: float = inf


_Handshake: TypeAlias = New | Asked | Accepted | Ended
ServerState: TypeAlias = _Handshake | SessionState
"""A state of the handshake or, once it is open, of the session."""


def refuse_unopened(event: StartCall | Notify | SendRaw, config: SessionConfig, now: float) -> list[Action]:
    """Return the actions that settle a command before the connection is open.

    Raises TypeError or ValueError for bad arguments, as on an open connection.
    """
    check_command(event, config, now)
    if event.token is None:
        return [Report(ReportKind.NOT_SENT, "there is no connection yet", message=event.text)]
    return [Settle(event.token, None, ConnectionLostError("cannot send: the handshake is not finished", sent=False))]


class ServerEngine:
    """The handshake and the session of one connection of a server.

        UpgradeReceived ──▶ UpgradeRequested        the application decides
        Accept or Reject ──▶ Settle(token, …)       the host answers the request
        TransportOpened ──▶ StateChanged(Open)      the session begins

    `StateChanged` reports the states of the session; `Closed` without `Open` before it means that the handshake failed.

    Args:
        session: The config of the session unless `Accept` has another one.
        handshake_timeout: Seconds from `now` within which the handshake must be decided and opened.
        ids: Function that returns message IDs.
        now: The time, in the host's monotonic seconds.
        numbers: Request numbers; all engines of a server share them.
        answers: Stores results; all engines of a server share it. None stores none.
        directions: Makes the directions of the session, see `Session`.
    """

    def __init__(
        self,
        session: SessionConfig,
        *,
        handshake_timeout: float,
        ids: IdFactory,
        now: float,
        numbers: Iterator[int] | None = None,
        answers: AnswerMemory | None = None,
        directions: MakeDirections | None = None,
    ) -> None:
        self.session: Session | None = None
        """The session once the upgrade request is accepted; None before."""
        self._config = session
        self._memory = answers
        self._directions = directions
        self._ids = ids
        self._numbers = count(1) if numbers is None else numbers
        self._handshake: _Handshake = New(now + handshake_timeout)
        self._actions: deque[Action] = deque()
        self._now = now

    @property
    def state(self) -> ServerState:
        """The state of the session, or of the handshake while there is no session."""
        return self._handshake if self.session is None else self.session.state

    @property
    def deadline(self) -> float:
        """Time at which the host must pass `Tick` at the latest.

        `inf` if no deadline is armed.
        """
        return self._handshake.until if self.session is None else self.session.deadline

    def poll(self) -> Action | None:
        """Return the next action, or None if there is nothing to do."""
        if self._actions:
            return self._actions.popleft()
        return None if self.session is None else self.session.poll()

    def handle(self, event: ServerInput, now: float) -> None:
        """Process an input at `now`, the host's monotonic seconds.

        Raises:
            RuntimeError: The input is invalid in this state; nothing changes.
            TypeError: The type of the input or of one of its fields is wrong; nothing changes.
            ValueError: A field of the input has a value that is not allowed; nothing changes.
        """
        if now > self._now:
            self._now = now
        if isinstance(event, (UpgradeReceived, Accept, Reject, TransportOpened)):
            self._handle_handshake(event)
        elif isinstance(event, Reconfigure) and isinstance(event.config, LinkConfig):
            pass  # this engine has no WebSocket
        elif self.session is not None:
            self.session.handle(event, self._now)
        else:
            self._handle_unopened(event)

    def _handle_handshake(self, event: UpgradeReceived | Accept | Reject | TransportOpened) -> None:
        match self._handshake:
            case New(until) if isinstance(event, UpgradeReceived):
                self._ask(event, until)
            case Asked(until, request, offered) if isinstance(event, Accept):
                expect_offered(event.subprotocol, offered)
                self._accept(event, until, request)
            case Asked(_, request, _) if isinstance(event, Reject):
                self._refuse(request, event)
            case Accepted(_, accept, close) if isinstance(event, TransportOpened):
                self._open(accept, close)
            case Ended() if self.session is None:
                pass  # too late: the peer left, or the handshake timed out
            case New() | Asked() | Accepted() | Ended():
                state = type(self._handshake).__name__
                raise RuntimeError(f"cannot handle {type(event).__name__}: the handshake is {state}")
            case _:
                assert_never(self._handshake)

    def _ask(self, request: UpgradeReceived, until: float) -> None:
        """Ask the application for the decision, or refuse an offer that breaks RFC 6455 §4.1."""
        offered = tuple(name for name in request.subprotocols if name)  # RFC 9110 §5.6.1.2: empty ones do not count
        if not is_subprotocol_list(offered):
            self._actions.append(Report(ReportKind.PROTOCOL_ERROR, _BAD_OFFER.body))
            self._refuse(request, _BAD_OFFER)
            return
        self._handshake = Asked(until, request, offered)
        self._actions.append(UpgradeRequested(request.target, joined(request.headers), offered))

    def _accept(self, accept: Accept, until: float, request: UpgradeReceived) -> None:
        self._handshake = Accepted(until, accept)
        self._config = accept.config or self._config
        self._actions.append(Settle(request.token, accept))

    def _refuse(self, request: UpgradeReceived, answer: Reject) -> None:
        expect_refusal_status(answer.status)
        self._actions.append(Settle(request.token, answer))
        self._end_handshake()

    def _end_handshake(self) -> None:
        self._handshake = Ended()
        self._actions.append(StateChanged(Closed(ABNORMAL_CLOSURE, "")))

    def _open(self, accept: Accept, close: Close | None) -> None:
        version = accept.version or version_of(accept.subprotocol or "")
        self.session = Session(
            self._config,
            version,
            ids=self._ids,
            numbers=self._numbers,
            answers=None if self._memory is None else self._memory.of(accept.identity),
            shared=accept.shared,
            directions=self._directions,
        )
        self._handshake = Ended()
        self._actions.append(StateChanged(self.session.state))
        if close is not None:
            self.session.handle(close, self._now)

    def _handle_unopened(self, event: SessionInput) -> None:
        match event:
            case StartCall() | Notify() | SendRaw():
                self._actions += refuse_unopened(event, self._config, self._now)
            case Reconfigure(SessionConfig() as config):
                self._config = config
            case Reconfigure(config):
                raise TypeError(f"expected a SessionConfig or LinkConfig, got {type(config).__name__}")
            case Tick():
                self._tick()
            case Close():
                self._close(event)
            case CancelCall(token):
                self._cancel(token)
            case TransportLost():
                self._lose()
            case TextReceived() | BinaryReceived() | Congested() | Reply() | Fail() | Decline() | RefuseResult():
                pass  # inputs of a session, which does not exist yet
            case Probe() | Register():
                pass  # of a WebSocket and of a session
            case _:
                assert_never(event)

    def _close(self, command: Close) -> None:
        match self._handshake:
            case Accepted(until, accept):
                self._handshake = Accepted(until, accept, command)
            case Asked(_, request, _):
                self._refuse(request, _CLOSING)
            case New():
                self._end_handshake()
            case Ended():
                pass
            case _:
                assert_never(self._handshake)

    def _cancel(self, token: int) -> None:
        """End the handshake if `token` is that of the request, whose host no longer waits."""
        if isinstance(self._handshake, Asked) and self._handshake.request.token == token:
            self._end_handshake()

    def _tick(self) -> None:
        state = self._handshake
        if state.until > self._now:
            return
        if isinstance(state, Asked):
            self._refuse(state.request, _TOO_LATE)
        else:
            self._end_handshake()

    def _lose(self) -> None:
        """End the handshake because the peer left.

        The token of a pending request settles with an error.
        """
        if isinstance(self._handshake, Ended):
            return
        if isinstance(self._handshake, Asked):
            error = ConnectionLostError("the connection ended during the handshake", sent=False)
            self._actions.append(Settle(self._handshake.request.token, None, error))
        self._end_handshake()
