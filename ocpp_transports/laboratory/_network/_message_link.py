"""A connection that carries whole messages between two engines: without tasks, bytes, pings and windows.

It is faster than bytes. What the WebSocket would do is played: the upgrade request and its answer, and the close
handshake. A connection that is lost in silence stays open, because nothing pings.
"""

from collections import deque
from collections.abc import Sequence
from contextvars import Context
from typing import Any, TypeAlias

from ocpp_core._dataclasses import dataclass
from ocpp_core.client import ClientEngine
from ocpp_core.config import UpgradeTarget
from ocpp_core.errors import UnexpectedHttpResponse
from ocpp_core.inputs import Accept, Reconfigure, Reject, TextReceived, TransportFailed, TransportLost, TransportOpened
from ocpp_core.websocket.close import ABNORMAL_CLOSURE
from ocpp_transports._driver._interfaces import Handle, InputSink, MessageInput
from ocpp_transports._hosts._channel import outcome_of
from ocpp_transports._hosts._failure import failure
from ocpp_transports._hosts._owner import ConnectionOwner

from ._flow import Flow, Segment
from ._link import Link
from ._loop import NetworkLoop

__all__ = ["MessageClientEngine", "MessageEnd", "MessageLink", "UpgradeRequest"]


@dataclass(frozen=True, slots=True)
class UpgradeRequest:
    """The upgrade request of a station."""

    target: UpgradeTarget
    subprotocols: Sequence[str]
    is_tls: bool


@dataclass(frozen=True, slots=True)
class _CloseFrame:
    code: int
    reason: str
    is_answer: bool = False


_MessageItem: TypeAlias = str | Accept | Reject | _CloseFrame | Segment


class MessageClientEngine:
    """The engine of a client whose messages need no WebSocket.

    Args:
        engine: The engine of the stack of the client, or its recorder.
        target: The target of its next upgrade request.
    """

    def __init__(self, engine: ClientEngine, target: UpgradeTarget) -> None:
        self.engine: ClientEngine = engine
        self.target: UpgradeTarget = target
        self.poll = engine.poll

    def __getattr__(self, name: str) -> Any:  # the outbox of a client is that of its engine
        return getattr(self.engine, name)

    @property
    def deadline(self) -> float:
        """Time of its next tick."""
        return self.engine.deadline

    def handle(self, event: Any, now: float) -> None:
        """Process an input; settings of the WebSocket have no effect."""
        if type(event) is Reconfigure and isinstance(event.config, UpgradeTarget):
            self.target = event.config
        elif type(event) is not Reconfigure or isinstance(event.config, type(self.engine.config)):
            self.engine.handle(event, now)


class MessageEnd:
    """One end of a connection of messages; see Connection.

    Args:
        loop: The event loop.
        owner: The runtime of the client or server.
        context: The context in which it feeds its driver.
        attempt: The attempt of a client, 0 on a server.
    """

    driver: InputSink[MessageInput | TransportFailed]

    def __init__(self, loop: NetworkLoop, owner: ConnectionOwner, context: Context, attempt: int = 0) -> None:
        self.is_closing: bool = False
        self.is_over: bool = False
        """True after its end."""
        self.opening: Handle | None = None
        self.context = context
        self._loop = loop
        self._owner = owner
        self._attempt = attempt
        self._link: Link | None = None
        self._output: Flow | None = None
        self._is_open = False
        self._is_reading = True
        self._unread: deque[_MessageItem] = deque()

    def join(self, link: Link, output: Flow, incoming: Flow) -> None:
        """Become the end of this link."""
        self._link, self._output = link, output
        output.sender = incoming.receiver = self

    def opened(self, subprotocol: str | None) -> None:
        """Begin to carry messages."""
        self._is_open = True
        self._owner.streams[self] = None
        self.driver.feed(TransportOpened(subprotocol, self._attempt))

    def failed(self, error: Exception, target: str) -> None:
        """Feed the reason why the dial failed."""
        if not self.is_over:
            self._finish()
            self.driver.feed(outcome_of(failure(error, target), self._attempt))

    # Connection

    def send(self, data: str, /) -> None:
        """Send a text."""
        if self._is_open and not self.is_closing and self._output is not None:
            self._output.post(data, len(data))

    def read(self, on: bool, /) -> None:
        """Start reading, or stop."""
        self._is_reading = on
        if on and self._unread:
            self._loop.call_soon(self._deliver, context=self.context)

    def is_lost(self) -> bool:
        """Return False: each end learns of a loss at once."""
        return False

    def outflow(self) -> int | None:
        """Return None: nothing pings."""
        return None

    def close(self, code: int = 1000, reason: str = "", *, abort: bool = False) -> None:
        """End the connection, or its dial."""
        if not self._is_open or abort:
            if self.opening is not None:
                self.opening.cancel()
            if self._output is not None and not self.is_over:
                self._output.fly(Segment.RESET)
            self._lose(ABNORMAL_CLOSURE, "")
        elif not self.is_closing and self._output is not None:
            self.is_closing = True
            self._output.fly(_CloseFrame(code, reason))

    # FlowEnd

    def take(self, item: _MessageItem) -> None:
        """Take what has arrived; messages for an end that is over bring a reset."""
        if self.is_over:
            if self._output is not None and item is not Segment.RESET:
                self._output.fly(Segment.RESET)
        elif self._unread or not self._is_reading:
            self._unread.append(item)
        else:
            self._handle(item)

    def drained(self) -> None:
        """Do nothing: there is no window."""

    def time_out(self) -> None:
        """Lose the connection, because its messages do not arrive."""
        if self.is_over and self._link is not None:
            self._link.ended(self)
        self._lose(ABNORMAL_CLOSURE, "")

    def drop(self) -> None:
        """Lose the connection in the next turn; the other end does not learn of it here."""
        self._loop.call_soon(self._lose, ABNORMAL_CLOSURE, "", context=self.context)

    def _deliver(self) -> None:
        while self._unread and self._is_reading and not self.is_over:
            self._handle(self._unread.popleft())

    def _handle(self, item: _MessageItem) -> None:
        if type(item) is str:
            self.driver.feed(TextReceived(item, self._attempt))
        elif isinstance(item, _CloseFrame):
            if not item.is_answer and self._output is not None:
                self._output.fly(_CloseFrame(item.code, item.reason, is_answer=True))
            self._lose(item.code, item.reason)
        elif isinstance(item, Accept):
            self.opened(item.subprotocol)
        elif isinstance(item, Reject):
            self.failed(UnexpectedHttpResponse(item.status, tuple(item.headers), item.body), "the server")
        elif self._is_open:
            self._lose(ABNORMAL_CLOSURE, "")
        else:
            self.failed(ConnectionResetError("the connection was reset"), "the server")

    # The end

    def _lose(self, code: int, reason: str) -> None:
        if self.is_over:
            return
        was_open, self._is_open = self._is_open, False
        self._finish()
        if was_open:
            self.driver.feed(TransportLost(code, reason, self._attempt))

    def end_unopened(self) -> None:
        """End without a word: the server has refused the station."""
        self._finish()

    def _finish(self) -> None:
        self.is_closing = self.is_over = True
        self._unread.clear()
        self._owner.streams.pop(self, None)
        self._owner.changed()
        if self._link is not None:
            self._link.ended(self)


class MessageLink(Link):
    """A connection that carries whole messages."""

    request: UpgradeRequest
    station: MessageEnd | None = None
    server: MessageEnd | None = None

    def open(self, end: MessageEnd, request: UpgradeRequest) -> None:
        """Open the end of the station, whose request goes to the server."""
        self.request, self.station = request, end
        end.join(self, self.to_server, self.to_station)
        self._begin(end.context)

    def accept(self, end: MessageEnd) -> None:
        """Open the end of the server."""
        self.server = end
        end.join(self, self.to_station, self.to_server)

    @property
    def is_accepted(self) -> bool:
        """True once the server has accepted it."""
        return self.server is not None

    @property
    def has_ended(self) -> bool:
        """True if each end that there is has ended."""
        return all(end is None or end.is_over for end in (self.station, self.server))

    def _lose_ends(self) -> None:
        """Lose both ends."""
        for end in (self.station, self.server):
            if end is not None:
                end.drop()

    def lose_station(self) -> None:
        """Lose the end of the station; the server learns of it with its next message."""
        if self.station is not None:
            self.station.drop()
