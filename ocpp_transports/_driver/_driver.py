"""The effect loop: feed an engine, perform its actions, keep its one deadline armed.

    connection ── inputs ──▶ Driver.feed ── engine.handle, engine.poll ──▶ connection (bytes, texts), dialer
                                  ▲                                    └──▶ delegates (handlers, user events, logs)
    calls of the application ─────┘ (Driver.ask)

The driver is the only place where an engine meets time, sockets and tasks. It is synchronous and knows no event loop:
the protocols of `_interfaces` hide the differences, so client, server and browser client share it.

It guarantees that inputs are handled one at a time in the order they are fed, that actions are performed in the order
the engine returns them, and that one flat loop performs them. An action may feed the driver again, for example a
handler that responds at once. That does not start a second loop inside the first: the input is handled, and the
running loop performs the actions that follow. A nested loop would send the second message before the first.

One turn of the event loop does a bounded amount of work for one connection. The rest waits in the runtime's queue, and
until then nothing more is read. A connection that has caught up stays in the queue for one more round, so that a peer
that floods is served in its turns only. One timer serves all deadlines of the engine. It is armed anew only if the
deadline gets earlier; an early tick is harmless.

The driver must never wait, read a clock other than the runtime's, decide anything about the protocol, or store
incoming data. The engine reports how much it has room for, and the connection stops reading: that is flow control.
"""

from collections.abc import Callable, Mapping
from math import inf
from typing import Any, Final, Generic, TypeAlias, TypeVar

from ocpp_core.actions import (
    TURN,
    Abandon,
    Action,
    CloseStream,
    CloseTransport,
    Dispatch,
    HttpRequest,
    OpenTransport,
    OutboxChanged,
    Reading,
    RegistrationChanged,
    Report,
    SendBytes,
    SendText,
    Settle,
    StateChanged,
    Trace,
    UpgradeRequested,
    Yield,
)
from ocpp_core.errors import ClosedError
from ocpp_core.inputs import CancelCall, Congested, Tick

from ._absent import NO_SESSION, NOT_CONNECTED, cannot_dial
from ._interfaces import (
    Completion,
    Connection,
    Dialer,
    Engine,
    Handle,
    HandshakeDelegate,
    Runtime,
    SessionDelegate,
    complete,
)
from ._limits import BURST, EARLY, LOOK, SEND_TIMEOUT, SPAN

__all__ = ["Driver"]

_CLOSED: Final = "the connection has been closed"
_FIRST: Final = BURST - 1
"""Requests left in a burst after its first one, which is usually the only one: the clock is not read for it."""


In_contra = TypeVar("In_contra", contravariant=True)
_OwnInput: TypeAlias = Tick | Congested | CancelCall


class Driver(Generic[In_contra]):
    """Drives one engine: on the connections that `dialer` opens for a client, or on one accepted `connection`.

    `session` serves the requests that the engine dispatches. For an accepted connection `handshake` comes first: it
    receives state changes and reports until `serve` replaces it. If the engine is in progress already, its deadline is
    armed at once; its actions wait for the first `feed`.
    """

    __slots__ = (
        "_asked",
        "_completions",
        "_dialer",
        "_draining",
        "_due",
        "_is_behind",
        "_is_reading",
        "_look",
        "_now",
        "_outflow",
        "_resume",
        "_timer",
        "connection",
        "delegate",
        "engine",
        "gave_up",
        "handshake",
        "runtime",
        "send_timeout",
        "session",
    )

    def __init__(
        self,
        engine: Engine[In_contra | _OwnInput, Action],
        runtime: Runtime,
        session: SessionDelegate = NO_SESSION,
        *,
        handshake: HandshakeDelegate | None = None,
        connection: Connection[bytes] | Connection[str] = NOT_CONNECTED,
        dialer: Dialer[In_contra, bytes] | Dialer[In_contra, str] = cannot_dial,
    ) -> None:
        self.engine: Engine[In_contra | _OwnInput, Action] = engine
        self.runtime: Runtime = runtime
        self.connection = connection
        """The current connection; of a client the last one that was dialled."""
        self.send_timeout: float = SEND_TIMEOUT
        """Seconds that congested output may go without progress, `inf` for no limit; the connection enforces it."""
        self.gave_up: bool = False
        """Set by the connection when output made no progress for that long, and it drops itself."""
        self.session: SessionDelegate = session
        self.handshake = handshake
        self.delegate: HandshakeDelegate | SessionDelegate = handshake or session
        """The delegate that receives state changes and reports."""
        self._dialer = dialer
        self._now = runtime.now
        self._asked = 0
        self._completions: dict[int, Completion[Settle]] | None = {}  # None once stopped
        self._draining = False
        self._timer: Handle | None = None
        self._due = inf
        self._resume: Handle | None = None  # its place in the runtime's queue
        self._is_behind = False  # work waits for that place
        self._look: Handle | None = None  # armed while the engine has paused reading
        self._is_reading = True
        self._outflow: int | None = 0  # its progress at the last tick
        self._arm()

    def serve(self, session: SessionDelegate) -> None:
        """Hand the connection over from the handshake's delegate to that of a session."""
        self.session = self.delegate = session
        self.handshake = None

    def feed(self, event: In_contra | _OwnInput) -> None:
        """Handle one input and perform the actions that follow; after `stop` do nothing.

        Called while actions are performed, it only lets the engine handle the input: the outer loop performs what
        follows. The same applies while this connection waits for its turn. Raises the engine's errors for misuse.
        """
        if self._completions is None:
            return
        now = self._now()
        self.engine.handle(event, now)
        if self._draining:
            return
        if self._resume is None:
            self._drain(now)
        elif not self._is_behind:
            self._is_behind = True
            self._switch_reading()

    def feed_late(self, event: In_contra) -> None:
        """Handle an input that may follow `stop`, from a handler that outlived its connection: report its mistakes."""
        if self._completions is not None:
            self.feed(event)
            return
        self.engine.handle(event, self._now())
        while (action := self.engine.poll()) is not None:
            if isinstance(action, Report):
                self.delegate.reported(action)

    async def ask(self, make: Callable[[int], In_contra]) -> Any:
        """Feed the command that `make` makes of a new token; return or raise what the token settles with.

        If the wait is cancelled, the command is abandoned with `CancelCall`. Raises the engine's errors for misuse,
        ClosedError after `stop`, and RuntimeError in another event loop than the runtime's.
        """
        if self._completions is None:
            raise ClosedError(_CLOSED)
        self._asked = token = self._asked + 1
        completion = self._completions[token] = self.runtime.completion()
        try:
            self.feed(make(token))
        except BaseException as error:
            self._take(token)
            if isinstance(error, RuntimeError):
                self.runtime.expect_here()
            raise
        try:
            settled = await completion
        except BaseException as error:
            if self._take(token) is not None:  # not settled, so it was cancelled
                self.feed(CancelCall(token))
            if isinstance(error, RuntimeError):  # of an event loop that cannot wait for another one
                self.runtime.expect_here()
            raise
        if settled.error is not None:
            raise settled.error
        return settled.result

    def stop(self) -> None:
        """Disarm the timer and settle open commands with ClosedError; afterwards nothing is held. Idempotent."""
        completions, self._completions = self._completions or {}, None
        for timer in (self._timer, self._resume, self._look):
            if timer is not None:
                timer.cancel()
        self._timer = self._resume = self._look = None
        self._due = inf
        for token, completion in completions.items():
            complete(completion, Settle(token, None, ClosedError(_CLOSED)))

    def _drain(self, began: float) -> None:
        self._draining = True
        budget = BURST
        poll: Callable[[], Any] = self.engine.poll  # each action's type is read once, which type checkers cannot follow
        try:
            while (action := poll()) is not None:
                kind = type(action)
                if kind is SendBytes:
                    self.connection.send(action.data)
                elif kind is Dispatch:
                    self.session.dispatched(action)
                    budget -= 1
                    if not budget or (budget < _FIRST and self._now() - began > SPAN):
                        self._end_turn()
                        break
                elif kind is Yield:
                    self._end_turn()
                    break
                else:
                    _PERFORM[kind](self, action)
        finally:
            self._draining = False
        self._arm()

    # Turns

    def _end_turn(self) -> None:
        if self._completions is not None:
            self._is_behind = True
            self._resume = self.runtime.next_turn(self._go_on)
            self._switch_reading()

    def _go_on(self) -> int:
        """Do the work that waits, and return its units; without any, leave the runtime's queue."""
        was_behind, self._is_behind, self._resume = self._is_behind, False, None
        if self.connection.is_lost():
            return 0
        self._drain(self._now())
        if not (was_behind or self._is_behind):
            return 0
        self._stay_in_queue()  # a method of its own: type checkers, and mypyc, take `_resume` for None here
        self._switch_reading()
        return TURN

    def _stay_in_queue(self) -> None:
        if self._resume is None and self._completions is not None:
            self._resume = self.runtime.next_turn(self._go_on)

    def reading(self, action: Reading) -> None:
        """Let the connection read, or pause reading and check now and then whether the peer is still there."""
        if self._look is not None:
            self._look.cancel()
            self._look = None
        if not action.on and self._completions is not None:
            self._look_later()
        self._switch_reading()

    def _look_later(self) -> None:
        self._look = self.runtime.call_at(self._now() + LOOK, self._look_after)

    def _look_after(self) -> None:
        self._look = None
        if not self.connection.is_lost():
            self._look_later()

    def _switch_reading(self) -> None:
        is_reading = not self._is_behind and self._look is None
        if is_reading is not self._is_reading:
            self._is_reading = is_reading
            self.connection.read(is_reading)

    def dial(self, action: OpenTransport) -> None:
        """Open a connection in place of the previous one, which may finish closing; it reads from the start."""
        if self._look is not None:
            self._look.cancel()
            self._look = None
        self._is_reading = True
        if not self.connection.is_closing:
            self.connection.close(abort=True)
        self.connection = self._dialer(self, action.attempt, action.subprotocols)

    # The timer

    def _arm(self) -> None:
        """Arm the one timer, anew only if the deadline got earlier: checking a late one twice is cheaper."""
        deadline = self.engine.deadline
        if deadline < self._due:
            if self._timer is not None:
                self._timer.cancel()
            if self._completions is not None:
                self._due = deadline
                self._timer = self.runtime.call_at(deadline, self._fire)
        elif deadline == inf and self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._due = inf

    def _fire(self) -> None:
        self._timer = None
        self._due = inf
        now, deadline = self._now(), self.engine.deadline
        if deadline > now + EARLY:
            self._arm()
            return
        self._see_outflow(now)
        self.engine.handle(Tick(), max(now, deadline))
        if self._resume is None:
            self._drain(now)

    def _see_outflow(self, now: float) -> None:
        """Report output that moves in the kernel to the engine: a ping behind it has not arrived, so it has no pong."""
        before, self._outflow = self._outflow, self.connection.outflow()
        if self._outflow is not None and self._outflow != before:
            self.engine.handle(Congested(on=False), now)

    def _take(self, token: int) -> Completion[Settle] | None:
        return self._completions.pop(token, None) if self._completions else None

    def settle(self, action: Settle) -> None:
        """Complete the result for this token, if a task still awaits it."""
        completion = self._take(action.token)
        if completion is not None and not completion.done():
            completion.set_result(action)

    def upgrade_requested(self, action: UpgradeRequested) -> None:
        """Pass the handshake on for a decision."""
        if self.handshake is not None:
            self.handshake.upgrade_requested(action)

    def http_requested(self, action: HttpRequest) -> None:
        """Pass a plain request on for a response."""
        if self.handshake is not None:
            self.handshake.http_requested(action)


_PERFORM: Final[Mapping[type[Action], Callable[[Driver[Any], Any], None]]] = {
    SendBytes: lambda driver, action: driver.connection.send(action.data),
    SendText: lambda driver, action: driver.connection.send(action.text),
    CloseStream: lambda driver, action: driver.connection.close(abort=action.abort),
    CloseTransport: lambda driver, action: driver.connection.close(action.code, action.reason, abort=action.abort),
    OpenTransport: Driver.dial,
    Reading: Driver.reading,
    Dispatch: lambda driver, action: driver.session.dispatched(action),
    Abandon: lambda driver, action: driver.session.abandoned(action.request),
    Settle: Driver.settle,
    StateChanged: lambda driver, action: driver.delegate.state_changed(action.state),
    RegistrationChanged: lambda driver, action: driver.delegate.state_changed(action),
    Report: lambda driver, action: driver.delegate.reported(action),
    Trace: lambda driver, action: driver.session.traced(action),
    OutboxChanged: lambda driver, _: driver.session.outbox_changed(),
    UpgradeRequested: Driver.upgrade_requested,
    HttpRequest: Driver.http_requested,
}
