"""The stack of a server: one accepted stream with its handshake, its WebSocket and its session."""

from collections.abc import Iterator
from itertools import count
from random import Random
from typing import Final, assert_never

from ocpp_core._direct import Outlets
from ocpp_core.actions import (
    Action,
    CloseStream,
    CloseTransport,
    LinkAction,
    Reading,
    SendBytes,
    StateChanged,
)
from ocpp_core.config import IdFactory, LinkConfig, SessionConfig
from ocpp_core.inbound.answers import AnswerMemory, Answers
from ocpp_core.inbound.directions import MakeDirections
from ocpp_core.inputs import (
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
from ocpp_core.limits import Bucket
from ocpp_core.link import ServerLink, Unfinished
from ocpp_core.server import refuse_unopened
from ocpp_core.session import Closed, Open, Session
from ocpp_core.versions import Version, version_of
from ocpp_core.websocket.close import ABNORMAL_CLOSURE

__all__ = ["ServerStack"]

_FOR_LINK: Final = frozenset({CloseTransport, Reading})


class ServerStack:
    """One accepted stream of a server with its handshake, WebSocket and session.

    `StateChanged` reports the states of the session; `Closed` without `Open` before it means that the handshake failed.

    Args:
        link: The settings of the WebSocket.
        session: The config of the session unless `Accept` has another one.
        random: Makes the jitter of pings.
        ids: Function that returns message IDs.
        now: The time, in the host's monotonic seconds.
        numbers: Request numbers; all stacks of a server share them.
        unfinished: Counts the bytes of unfinished messages; all stacks of a server share it.
        answers: Stores results; all stacks of a server share it. None stores none.
        directions: Makes the directions of the session, see `Session`.
    """

    __slots__ = (
        "_actions",
        "_answers",
        "_config",
        "_directions",
        "_ids",
        "_link",
        "_memory",
        "_now",
        "_numbers",
        "_shared",
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
        directions: MakeDirections | None = None,
    ) -> None:
        self.session: Session | None = None
        """The session once the upgrade request is accepted; None before."""
        self._memory = answers
        self._directions = directions
        self._answers: Answers | None = None
        self._shared: Bucket | None = None
        self._link = ServerLink(link, random=random, now=now, unfinished=unfinished)
        self._config = session
        self._version: Version | None = None
        self._ids = ids
        self._numbers = count(1) if numbers is None else numbers
        self._actions: list[Action] = []
        self._now = now

    @property
    def deadline(self) -> float:
        """Time at which the host must pass `Tick` at the latest.

        `inf` if no deadline is armed.
        """
        session, deadline = self.session, self._link.deadline
        if session is not None and session.deadline < deadline:
            return session.deadline
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
            self._link.receive(event, now)
        elif type(event) is Reply and self.session is not None:
            self.session.requests.reply(event, now)
        else:
            self._handle_rare(event, now)

    def _handle_rare(  # noqa: C901 - one arm an input, the match is total
        self, event: StartCall | Reply | RareStackInput, now: float
    ) -> None:
        match event:
            case Tick():
                self._tick(event, now)
            case StartCall():
                if self.session is not None and type(self.session.state) is Open:
                    self.session.calls.start(event, now)
                else:
                    self._command(event)
            case Congested(on):
                self._link.handle(event, now)  # the link stops decoding, so the session need not
                if self.session is not None:
                    self.session.congest(on=on)
            case StreamLost():
                self._link.handle(event, now)
            case Accept():
                self._link.answer(event, now)
                self._config = event.config or self._config
                self._version = event.version
                self._answers = None if self._memory is None else self._memory.of(event.identity)
                self._shared = event.shared
            case Reject() | Respond():
                self._link.answer(event, now)
            case Reconfigure(LinkConfig()) | Probe():
                self._link.handle(event, now)
            case StreamOpened() | StreamFailed() | Connect():
                raise RuntimeError(f"cannot handle {type(event).__name__}: a server's stream is open from the start")
            case CancelCall() | Notify() | Reply() | Fail() | Decline() | RefuseResult() | SendRaw() | Register():
                self._command(event)
            case Close() | Reconfigure():
                self._command(event)
            case _:
                assert_never(event)

    def _tick(self, tick: Tick, now: float) -> None:
        """Pass a tick to the layers that have a deadline: for an idle station it is nearly always a ping."""
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
        """Store the settings for the future session."""
        if not isinstance(config, SessionConfig):
            raise TypeError(f"expected a SessionConfig or LinkConfig, got {type(config).__name__}")
        self._config = config

    def poll(self) -> Action | None:
        """Return the next action, or None if there is nothing to do."""
        actions = self._actions
        link, session = self._link, self.session
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
                if (outward := self._from_link(inbound)) is not None:
                    return outward

    def _instruct(self, action: Action) -> bool:
        """Pass an action of the session to the link.

        Return True if the host must see it too.
        """
        if isinstance(action, CloseTransport):
            self._link.handle(CloseLink(action.code, action.reason, action.abort), self._now)
            return False
        if isinstance(action, Reading):
            self._link.hold(not action.on)
        return True

    def _from_link(self, action: LinkAction) -> Action | None:
        """Pass an action of the link to the session, or return it for the host."""
        if isinstance(action, TransportOpened):
            version = self._version or version_of(action.subprotocol or "")
            self.session = Session(
                self._config,
                version,
                ids=self._ids,
                numbers=self._numbers,
                outlets=Outlets(self._link.send_message, self._actions.append),
                answers=self._answers,
                shared=self._shared,
                directions=self._directions,
            )
            return StateChanged(self.session.state)
        if isinstance(action, (TextReceived, BinaryReceived, TransportLost)):
            if self.session is not None:
                self.session.handle(action, self._now)
                self.session.decode_next()
            return None
        if type(action) is CloseStream and self.session is None:  # the handshake failed
            self._actions.append(StateChanged(Closed(ABNORMAL_CLOSURE, "")))
        return None if isinstance(action, TransportFailed) else action
