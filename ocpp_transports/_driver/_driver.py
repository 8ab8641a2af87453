"""The effect loop: feed an engine, perform what it asks for, keep its one deadline armed.

The driver is synchronous and knows no event loop. Whatever differs from loop to loop is its `Host`: the clock, one
timer, ordered output, one-shot slots, tasks. Client, server and browser client share this file and differ in the host.

    host ── events ──▶ Driver.feed ── engine.handle, engine.poll ──▶ host (bytes, texts, timers)
                            ▲                                    └──▶ owner (handlers, user events, logs)
    calls of the application ┘ (Driver.ask)
"""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from math import inf
from typing import Any, Final, Protocol

from ocpp_core.actions import (
    Abandon,
    CloseStream,
    CloseTransport,
    Dispatch,
    HttpRequest,
    OpenTransport,
    Reading,
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

__all__ = [
    "BURST",
    "EARLY",
    "SEND_TIMEOUT",
    "SPAN",
    "Completion",
    "Driver",
    "DriverDelegate",
    "Engine",
    "Handle",
    "Host",
]

BURST: Final = 32
"""Requests dispatched at a stretch; then other connections get their turn. What is decoded is the engine's to count."""
SPAN: Final = 0.005
"""Seconds after which no further request of a burst is dispatched in the same turn: plain handlers may be slow."""
SEND_TIMEOUT: Final = 30.0
"""Seconds that congested output may make no progress by default; then the connection is dropped.

The same time as a call waits for its answer.
"""
LOOK: Final = 1.0
"""Seconds between two looks whether a connection that is not read from is still there."""
_FIRST: Final = BURST - 1
"""What is left of a burst behind its first request, which most often is all of it: no clock is asked for that."""
EARLY: Final = 0.001
"""Seconds by which a timer may ring early (uvloop counts milliseconds) and is taken to be in time.

Arming it again for the rest of the millisecond would ring at once, hundreds of times.
"""


class Handle(Protocol):
    """Something under way that can be called off."""

    def cancel(self) -> object:
        """Call it off; idempotent, harmless when it is over, and drops the function it holds."""


class Completion(Protocol):
    """A one-shot result that one task waits for."""

    def set(self, result: Any, error: BaseException | None) -> None:
        """Fill it; filling a full or abandoned one is harmless."""

    async def wait(self) -> Any:
        """Return the result, or raise the error."""


class Engine(Protocol):
    """Any of the sans-IO engines: a stack, or a session for hosts that carry whole messages."""

    @property
    def deadline(self) -> float:
        """When to tick it, in the host's seconds; `inf` when nothing is armed."""

    def handle(self, event: Any, now: float) -> None:
        """Take one event or command; raises only for misuse, and then nothing has changed."""

    def poll(self) -> Any:
        """Give the next action, None when there is none."""


class Host(Protocol):
    """One connection (or, for a client, one connection after the other) as the driver sees it.

    The host feeds `driver` with what happens. For hosts of byte streams that is, for every attempt: one
    `StreamOpened` or `StreamFailed` (clients only), then `BytesReceived`, with `Congested` in between, and the end
    exactly once: `BytesReceived(b"")` where the peer ended the stream in order, `StreamLost` where it broke or this
    side ended it. A dial called off by `close` is not answered.
    """

    driver: "Driver"
    """Whom to feed; the driver puts itself here."""

    def now(self) -> float:
        """Seconds on the event loop's monotonic clock."""

    def call_at(self, when: float, fn: Callable[[], None], /) -> Handle:
        """Call `fn` at `when`, early or late by little; never from within `call_at`."""

    def send(self, data: Any, /) -> None:
        """Append bytes (or one text, on a host of messages) to the output: ordered, never blocks, never raises."""

    def close(self, code: int = 1000, reason: str = "", *, abort: bool = False) -> None:
        """End the connection, or the dial, after what was sent; `abort` does not wait for that. Idempotent.

        `code` and `reason` are for hosts of messages; hosts of byte streams ignore them.
        """

    def read(self, on: bool, /) -> None:  # noqa: FBT001 - a switch
        """Take what arrives and feed it, or leave it where it is: with the kernel, hence with the peer."""

    def is_lost(self) -> bool:
        """Look, without reading, whether the connection broke; its loss is fed then, and what it had sent dropped."""

    def outflow(self) -> int | None:
        """Say how far output has come that has left this process and not reached the peer: 0 if there is none.

        None where that cannot be known, and while output is congested: the engine was told so.
        """

    def next_turn(self, fn: Callable[[], None], /) -> Handle:
        """Call `fn` in a later turn of the event loop, after everything that is ready now."""

    def dial(self, attempt: int, subprotocols: Sequence[str]) -> None:
        """Open a connection and feed the outcome; a new dial ends the one before."""

    def completion(self) -> Completion:
        """Make an empty slot."""

    def spawn(self, coro: Coroutine[Any, Any, None], /) -> Handle:
        """Run a coroutine as a task of the client or server that owns the host."""


class DriverDelegate(Protocol):
    """Whom the driver tells; nothing here may block or raise, and everything may feed the driver again."""

    def dispatched(self, action: Dispatch) -> None:
        """Run the handler of this request."""

    def abandoned(self, request: int) -> None:
        """Nobody waits for the answer to this request any more."""

    def state_changed(self, state: object) -> None:
        """Take note that the engine entered this state."""

    def reported(self, report: Report) -> None:
        """Log it, count it, tell the listeners."""

    def traced(self, trace: Trace) -> None:
        """Take note that a message passed."""

    def upgrade_requested(self, action: UpgradeRequested) -> None:
        """Feed `Accept` or `Reject`, now or later."""

    def http_requested(self, action: HttpRequest) -> None:
        """Feed `Respond`, now or later."""


class Driver:
    """Drives one engine on one host for one owner.

    `owner` may be replaced at any time: admission looks after a connection first, then the peer does. The deadline of
    an engine that is under way is armed at once; its actions wait for the first `feed`.

    What is not worked off is not read. The host is told to stop reading while the rest of a turn's work waits for the
    next one, and while the engine has no room for further requests; TCP tells the peer.
    """

    __slots__ = (
        "_asked",
        "_draining",
        "_due",
        "_is_reading",
        "_look",
        "_now",
        "_outflow",
        "_resume",
        "_slots",
        "_timer",
        "delegate",
        "engine",
        "host",
        "send_timeout",
    )

    def __init__(self, engine: Engine, host: Host, delegate: DriverDelegate) -> None:
        self.engine = engine
        self.host = host
        self.delegate = delegate
        self.send_timeout = SEND_TIMEOUT
        """Seconds that congested output may make no progress, `inf` for ever; for the host."""
        self._now = host.now
        self._asked = 0
        self._slots: dict[int, Completion] | None = {}  # None once stopped
        self._draining = False
        self._timer: Handle | None = None
        self._due = inf
        self._resume: Handle | None = None  # armed while the rest of a turn's work waits
        self._look: Handle | None = None  # armed while the engine wants nothing read
        self._is_reading = True
        self._outflow: int | None = 0  # how far it was at the last tick
        host.driver = self
        self._arm()

    def feed(self, event: Any) -> None:
        """Give the engine one event or command and perform what follows; after `stop` nothing happens.

        Fed from within (by the owner or the host, while actions are performed) the event is only handled: the drain
        further out performs what follows, in order, without recursion. While the rest of a turn's work waits for the
        next turn, too, it is only handled. Raises what the engine raises for misuse.
        """
        if self._slots is None:
            return
        now = self._now()
        self.engine.handle(event, now)
        if not self._draining and self._resume is None:
            self._drain(now)

    async def ask(self, make: Callable[[int], Any]) -> Any:
        """Feed the command that `make` makes of a new token; return what its token settles with, or raise it.

        A cancelled wait gives the command up by `CancelCall`. Raises what the engine raises for misuse, and
        ClosedError after `stop`.
        """
        if self._slots is None:
            raise ClosedError("the connection has been closed")
        self._asked = token = self._asked + 1
        completion = self._slots[token] = self.host.completion()
        try:
            self.feed(make(token))
        except BaseException:
            self._take(token)
            raise
        try:
            return await completion.wait()
        finally:
            if self._take(token) is not None:  # not settled, hence cancelled
                self.feed(CancelCall(token))

    def stop(self) -> None:
        """Disarm the timer and settle what is open by ClosedError: afterwards nothing is held. Idempotent."""
        slots, self._slots = self._slots or {}, None
        for timer in (self._timer, self._resume, self._look):
            if timer is not None:
                timer.cancel()
        self._timer = self._resume = self._look = None
        self._due = inf
        for completion in slots.values():
            completion.set(None, ClosedError("the connection has been closed"))

    def _drain(self, began: float) -> None:
        self._draining = True
        budget = BURST
        poll = self.engine.poll
        try:
            while (action := poll()) is not None:
                kind = type(action)
                if kind is SendBytes:
                    self.host.send(action.data)
                elif kind is Dispatch:
                    self.delegate.dispatched(action)
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
        if self._slots is not None:
            self._resume = self.host.next_turn(self._go_on)
            self._switch_reading()

    def _go_on(self) -> None:
        self._resume = None
        if not self.host.is_lost():
            self._drain(self._now())
            self._switch_reading()

    def reading(self, action: Reading) -> None:
        """Have the host read on, or read nothing and look now and then whether the peer is still there."""
        if self._look is not None:
            self._look.cancel()
            self._look = None
        if not action.on and self._slots is not None:
            self._look_later()
        self._switch_reading()

    def _look_later(self) -> None:
        self._look = self.host.call_at(self._now() + LOOK, self._look_after)

    def _look_after(self) -> None:
        self._look = None
        if not self.host.is_lost():
            self._look_later()

    def _switch_reading(self) -> None:
        is_reading = self._resume is None and self._look is None
        if is_reading is not self._is_reading:
            self._is_reading = is_reading
            self.host.read(is_reading)

    def dial(self, action: OpenTransport) -> None:
        """Open a connection, which is read from the start, whatever became of the one before."""
        if self._look is not None:
            self._look.cancel()
            self._look = None
        self._is_reading = True
        self.host.dial(action.attempt, action.subprotocols)

    # The timer

    def _arm(self) -> None:
        """Arm the one timer, anew only where the deadline got earlier: late ones are cheaper to look at twice."""
        deadline = self.engine.deadline
        if deadline < self._due:
            if self._timer is not None:
                self._timer.cancel()
            if self._slots is not None:
                self._due = deadline
                self._timer = self.host.call_at(deadline, self._fire)
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
        """Tell the engine of output that moves in the kernel: a ping behind it has not arrived, hence has no pong."""
        before, self._outflow = self._outflow, self.host.outflow()
        if self._outflow is not None and self._outflow != before:
            self.engine.handle(Congested(on=False), now)

    def _take(self, token: int) -> Completion | None:
        return self._slots.pop(token, None) if self._slots else None

    def settle(self, action: Settle) -> None:
        """Fill the slot of a token, if anybody still waits."""
        completion = self._take(action.token)
        if completion is not None:
            completion.set(action.result, action.error)


_PERFORM: Final[Mapping[type, Callable[[Driver, Any], None]]] = {
    SendBytes: lambda driver, action: driver.host.send(action.data),
    SendText: lambda driver, action: driver.host.send(action.text),
    CloseStream: lambda driver, action: driver.host.close(abort=action.abort),
    CloseTransport: lambda driver, action: driver.host.close(action.code, action.reason, abort=action.abort),
    OpenTransport: Driver.dial,
    Reading: Driver.reading,
    Dispatch: lambda driver, action: driver.delegate.dispatched(action),
    Abandon: lambda driver, action: driver.delegate.abandoned(action.request),
    Settle: Driver.settle,
    StateChanged: lambda driver, action: driver.delegate.state_changed(action.state),
    Report: lambda driver, action: driver.delegate.reported(action),
    Trace: lambda driver, action: driver.delegate.traced(action),
    UpgradeRequested: lambda driver, action: driver.delegate.upgrade_requested(action),
    HttpRequest: lambda driver, action: driver.delegate.http_requested(action),
}
