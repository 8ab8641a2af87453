"""What a driver needs of the engine, the event loop, the connection and the library around it, and what it offers them.

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
"""What a connection of bytes feeds; the last two for clients only."""
MessageInput: TypeAlias = TextReceived | BinaryReceived | Congested | TransportOpened | TransportLost
"""What a connection of messages feeds; that of a client also `TransportFailed`."""


# The event loop


class Handle(Protocol):
    """Something in progress that can be cancelled."""

    def cancel(self) -> object:
        """Cancel it and release the function it holds. Idempotent, harmless when it is over."""


CallAt: TypeAlias = Callable[[float, Callable[[], None]], Handle]
"""Calls a function at a time in seconds of the event loop's clock."""


class Completion(Awaitable[T], Protocol[T]):
    """A result that one task awaits and that is set once; an `asyncio.Future` is one.

    Awaiting it returns the result. An error is a result too, for the waiter to raise: asyncio logs an exception that
    no task has retrieved.
    """

    def done(self) -> bool:
        """Return True if it must not be set any more: it has a result, or its waiter was cancelled."""

    def set_result(self, result: T, /) -> None:
        """Set the result and wake the waiter; `done()` must be False."""


def complete(completion: Completion[T], result: T) -> None:
    """Set a result unless there is one already, or the waiter has gone."""
    if not completion.done():
        completion.set_result(result)


class Runtime(Protocol):
    """The event loop as one client or server uses it; owns every task made through it."""

    def now(self) -> float:
        """Return the event loop's monotonic clock, in seconds."""

    def call_at(self, when: float, fn: Callable[[], None], /) -> Handle:
        """Call `fn` at `when`, slightly early or late; never from within `call_at`."""

    def next_turn(self, fn: Callable[[], None], /) -> Handle:
        """Call `fn` in a later turn of the event loop, after everything that is ready now."""

    def completion(self) -> Completion[T]:
        """Make an empty completion."""

    def spawn(self, coro: Coroutine[object, Never, None], /) -> Handle:
        """Run a coroutine as a task with a cancel scope of its own; an exception of it is logged and affects no other.

        After `aclose` it is not run.
        """

    async def aclose(self) -> None:
        """End everything: listeners, connections, tasks; returns when nothing is left.

        Connections that are closing may take `LINGER` seconds for it, all others are dropped. Works from any task;
        called from a task of this runtime it leaves that one alone, to be ended by a second call. A cancelled wait
        drops what lingers, and still ends everything before it lets the cancellation through. A task that does not end
        within `STUBBORN` seconds after it was cancelled is left behind, and logged.
        """


# The engine


class Engine(Protocol[In_contra, Out_co]):
    """Any of the sans-IO engines: a stack, or a session for connections that carry whole messages."""

    @property
    def deadline(self) -> float:
        """When to tick it, in seconds of the event loop's clock; `inf` when nothing is armed."""

    def handle(self, event: In_contra, now: float) -> None:
        """Process one event or command. Raises only for misuse, and then changes nothing."""

    def poll(self) -> Out_co | None:
        """Return the next action, None when there is none."""


class InputSink(Protocol[In_contra]):
    """Where a connection feeds what happens to it; a driver is one."""

    send_timeout: float
    """Seconds that congested output may make no progress before the connection drops itself; `inf` for no limit."""

    def feed(self, event: In_contra) -> None:
        """Process an input and all that follows from it. Callable at any time, also from within itself."""


# The connection


class Closable(Protocol):
    """What can be closed, and knows whether it has begun to."""

    is_closing: bool
    """Set by `close`, or when the connection ended."""

    def close(self, code: int = 1000, reason: str = "", *, abort: bool = False) -> None:
        """End the connection, or its dial, after what was sent; `abort` does not wait for that. Idempotent.

        `code` and `reason` are for connections of messages; those of bytes ignore them.
        """


class Connection(Closable, Protocol[Data_contra]):
    """One connection, from its dial or its acceptance to its end; carries bytes, or whole texts.

    It feeds its driver with what happens, under its own attempt. A connection of bytes feeds one `StreamOpened` or
    `StreamFailed` (clients only), then `BytesReceived`, with `Congested` in between, and the end exactly once:
    `BytesReceived(b"")` if the peer ended the stream in order, `StreamLost` if it broke or this side ended it. A
    connection of messages feeds `TransportOpened` or `TransportFailed`, then messages, then `TransportLost`. After
    `close` during a dial it feeds nothing.
    """

    def send(self, data: Data_contra, /) -> None:
        """Append bytes (or one text) to the output: ordered, never blocks, never raises; ignored after the end."""

    def read(self, on: bool, /) -> None:
        """Feed what arrives, or leave it with the kernel and so with the peer."""

    def is_lost(self) -> bool:
        """Look, without reading, whether the connection broke; its loss is fed then, and what it had sent dropped."""

    def outflow(self) -> int | None:
        """Return how far output has come that has left this process and not reached the peer: 0 if there is none.

        None if that cannot be known, and while output is congested: the engine knows that already.
        """


class Dialer(Protocol[In_co, Data_contra]):
    """Opens the connections of a client, one for each attempt of its engine.

    Every attempt gets a connection object of its own, which feeds under its own number; the driver keeps the newest and
    drops the one before. So an attempt that was given up, or a connection that is still closing, may feed anything: its
    number is stale, and the engine ignores it. A dialer must never wait or raise. What goes wrong, immediately or
    later, is fed as the outcome of the attempt: `StreamFailed` or `TransportFailed`.
    """

    def __call__(
        self, driver: InputSink[In_co], attempt: int, subprotocols: Sequence[str], /
    ) -> Connection[Data_contra]:
        """Begin to open a connection that feeds `driver` under this attempt, and return it.

        `subprotocols` are offered by connections of messages; in a byte stream the engine writes them itself.
        """


# The library around


class HandshakeDelegate(Protocol):
    """Who decides on the handshake of an accepted connection. Must not block or raise; may feed the driver."""

    def upgrade_requested(self, action: UpgradeRequested) -> None:
        """Feed `Accept` or `Reject`, now or later."""

    def http_requested(self, action: HttpRequest) -> None:
        """Feed `Respond`, now or later."""

    def state_changed(self, state: object) -> None:
        """Note that the engine entered this state, before there was a session to serve."""

    def reported(self, report: Report) -> None:
        """Log what happened before there was a session to serve."""


class SessionDelegate(Protocol):
    """Who serves an OCPP session. Must not block or raise; may feed the driver."""

    def dispatched(self, action: Dispatch) -> None:
        """Run the handler of this request."""

    def abandoned(self, request: int) -> None:
        """Note that the response to this request is not awaited any more."""

    def state_changed(self, state: object) -> None:
        """Note that the engine entered this state."""

    def reported(self, report: Report) -> None:
        """Log it, count it, notify the listeners."""

    def traced(self, trace: Trace) -> None:
        """Note a message that was sent or received."""
