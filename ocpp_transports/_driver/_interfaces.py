"""What a driver needs from the engine, event loop, connection and library around it, and what it offers them.

    Connection ── inputs ──▶ Driver (an InputSink) ◀──▶ Engine: handle, poll, deadline
                               │ actions
                               ├──▶ Connection: bytes or texts; Dialer: a client's next connection
                               ├──▶ HandshakeDelegate, then SessionDelegate
                               └──▶ Runtime: clock, timers, turns, tasks

To write a transport, implement `Connection`; for a client also `Dialer`, for another event loop `Runtime`.
"""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Never, Protocol, TypeAlias, TypeVar

from ocpp_core.actions import Dispatch, HttpRequest, Report, Trace, UpgradeRequested
from ocpp_core.inputs import (
    BinaryReceived,
    BytesReceived,
    Congested,
    StreamFailed,
    StreamLost,
    StreamOpened,
    TextReceived,
    TransportLost,
    TransportOpened,
)

from ._sources import Sources

__all__ = [
    "CallAt",
    "Closable",
    "Completion",
    "Connection",
    "Dialer",
    "Engine",
    "Handle",
    "HandshakeDelegate",
    "InputSink",
    "MessageInput",
    "Runtime",
    "SessionDelegate",
    "StreamInput",
    "complete",
]

T = TypeVar("T")
In_co = TypeVar("In_co", covariant=True)
In_contra = TypeVar("In_contra", contravariant=True)
Out_co = TypeVar("Out_co", covariant=True)
Data_contra = TypeVar("Data_contra", bytes, str, contravariant=True)

StreamInput: TypeAlias = BytesReceived | Congested | StreamLost | StreamOpened | StreamFailed
"""The inputs of a connection of bytes; the last two for clients only."""
MessageInput: TypeAlias = TextReceived | BinaryReceived | Congested | TransportOpened | TransportLost
"""The inputs of a connection of messages; that of a client also feeds `TransportFailed`."""


# The event loop


class Handle(Protocol):
    """Something in progress that can be cancelled."""

    def cancel(self) -> object:
        """Cancel it and release the function it holds. Idempotent, harmless after the end."""


CallAt: TypeAlias = Callable[[float, Callable[[], None]], Handle]
"""Calls a function at a time in seconds of the event loop's clock."""


class Completion(Awaitable[T], Protocol[T]):
    """A result that one task awaits and that is set once; an `asyncio.Future` is one.

    Awaiting it returns the result. An error is set as a result too, and the waiter raises it: asyncio would log an
    exception that no task retrieved.
    """

    def done(self) -> bool:
        """Return True if it must not be set any more: it has a result, or its waiter was cancelled."""

    def set_result(self, result: T, /) -> None:
        """Set the result and wake the waiter; `done()` must be False."""


def complete(completion: Completion[T], result: T) -> None:
    """Set a result unless there is one already, or the waiter was cancelled."""
    if not completion.done():
        completion.set_result(result)


class Runtime(Protocol):
    """The event loop as one client or server uses it; owns every task made through it."""

    sources: Sources
    """What its engines draw from, and the delays of this library."""

    def now(self) -> float:
        """Return the event loop's monotonic clock, in seconds."""

    def wall(self) -> float:
        """Return the wall-clock time, in seconds since 1970."""

    def call_at(self, when: float, fn: Callable[[], None], /) -> Handle:
        """Call `fn` at `when`, slightly early or late; never from within `call_at`."""

    def next_turn(self, fn: Callable[[], int | None], /) -> Handle:
        """Call `fn` in a later turn of the event loop, after everything that is ready now, and in order.

        It returns its units of work (`ocpp_core.actions.TURN`), so that a turn serves a bounded number; None counts as
        a whole quantum.
        """

    def completion(self) -> Completion[T]:
        """Return an empty completion."""

    def expect_here(self) -> None:
        """Raise RuntimeError unless the caller runs in this event loop: nothing here may be used in other threads."""

    def spawn(self, coro: Coroutine[object, Never, None], /) -> Handle:
        """Run a coroutine as a task with its own cancel scope.

        An exception in it is logged and affects no other task. After `aclose` the coroutine is not run.
        """

    async def aclose(self) -> None:
        """End everything: listeners, connections, tasks; return when nothing is left.

        Closing connections may take `LINGER` seconds, all others are dropped. Works from any task; called from a task
        of this runtime it leaves that task running, and a second call ends it. A cancelled wait drops lingering
        connections, and still ends everything before it raises the cancellation. A task that does not end within
        `STUBBORN` seconds after its cancellation is left behind, and logged.
        """


# The engine


class Engine(Protocol[In_contra, Out_co]):
    """Any of the sans-IO engines: a stack, or a session for connections that carry whole messages."""

    @property
    def deadline(self) -> float:
        """Time of its next tick, in seconds of the event loop's clock; `inf` if none is due."""

    def handle(self, event: In_contra, now: float) -> None:
        """Process one event or command. Raises only for misuse, and then changes nothing."""

    def poll(self) -> Out_co | None:
        """Return the next action, or None if there is none."""


class InputSink(Protocol[In_contra]):
    """The object that a connection feeds with its inputs, for example a driver."""

    send_timeout: float
    """Seconds that congested output may go without progress before the connection drops itself; `inf` for no limit."""
    gave_up: bool
    """Set by the connection before it drops itself for this reason."""

    def feed(self, event: In_contra) -> None:
        """Process an input and everything that follows from it. Callable at any time, also from within itself."""


# The connection


class Closable(Protocol):
    """Something that can be closed, and knows whether closing has begun."""

    is_closing: bool
    """Set by `close`, or when the connection ended."""

    def close(self, code: int = 1000, reason: str = "", *, abort: bool = False) -> None:
        """End the connection, or its dial, after sending the output; `abort` drops the output. Idempotent.

        `code` and `reason` are for connections of messages; connections of bytes ignore them.
        """


class Connection(Closable, Protocol[Data_contra]):
    """One connection, from its dial or its acceptance to its end; carries bytes, or whole texts.

    It feeds its events to its driver, under its own attempt. A connection of bytes feeds one `StreamOpened` or
    `StreamFailed` (clients only), then `BytesReceived`, with `Congested` in between. It feeds the end exactly once:
    `BytesReceived(b"")` if the peer ended the stream in order, `StreamLost` if it broke or this side ended it. A
    connection of messages feeds `TransportOpened` or `TransportFailed`, then messages, then `TransportLost`. After
    `close` during a dial it feeds nothing.
    """

    def send(self, data: Data_contra, /) -> None:
        """Append bytes (or one text) to the output: ordered, never blocks, never raises; ignored after the end."""

    def read(self, on: bool, /) -> None:
        """Start reading, or stop: unread data then stays in the kernel, and the peer has to wait."""

    def is_lost(self) -> bool:
        """Return True if the connection broke, without reading; then the loss is fed, and unread data is dropped."""

    def outflow(self) -> int | None:
        """Return the progress of output that has left this process but not reached the peer: 0 if there is none.

        None if it cannot be known, and while output is congested: the engine knows about that already.
        """


class Dialer(Protocol[In_co, Data_contra]):
    """Opens the connections of a client, one for each attempt of its engine.

    Every attempt gets its own connection object, which feeds under its own number. The driver keeps the newest and
    drops the previous one. An abandoned attempt, or a connection that is still closing, may therefore feed anything:
    its number is stale, and the engine ignores it. A dialer must never wait or raise. Failures, immediate or later, are
    fed as the outcome of the attempt: `StreamFailed` or `TransportFailed`.
    """

    def __call__(
        self, driver: InputSink[In_co], attempt: int, subprotocols: Sequence[str], /
    ) -> Connection[Data_contra]:
        """Begin to open a connection that feeds `driver` under this attempt, and return it.

        Connections of messages offer `subprotocols`; in a byte stream the engine writes them itself.
        """


# The library around


class HandshakeDelegate(Protocol):
    """Decides on the handshake of an accepted connection. Must not block or raise; may feed the driver."""

    def upgrade_requested(self, action: UpgradeRequested) -> None:
        """Feed `Accept` or `Reject`, now or later."""

    def http_requested(self, action: HttpRequest) -> None:
        """Feed `Respond`, now or later."""

    def state_changed(self, state: object) -> None:
        """Handle a state change of the engine before there is a session."""

    def reported(self, report: Report) -> None:
        """Log a report from before there is a session."""


class SessionDelegate(Protocol):
    """Serves an OCPP session. Must not block or raise; may feed the driver."""

    def dispatched(self, action: Dispatch) -> None:
        """Run the handler of this request."""

    def abandoned(self, request: int) -> None:
        """Note that the response to this request is no longer awaited."""

    def state_changed(self, state: object) -> None:
        """Handle a state change of the engine, or a `RegistrationChanged`."""

    def reported(self, report: Report) -> None:
        """Log it, count it, notify the listeners."""

    def traced(self, trace: Trace) -> None:
        """Handle a message that was sent or received."""

    def outbox_changed(self) -> None:
        """Perform the outputs of the client's outbox."""
