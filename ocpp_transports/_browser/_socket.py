"""One WebSocket of a page, from its dial to its end: its events become inputs, under one attempt.

A page's WebSocket only calls back: nothing stops it from delivering, and no event reports that output has drained. So
`BrowserInbox` keeps the messages beyond one turn's work, up to a limit, and `Patience` checks `bufferedAmount` from
time to time.

It guarantees that messages are fed in order, that the end is fed after the last of them, and that nothing is fed after
the end. At the end the socket is dropped together with its listeners, so a late event has no effect.

It must never make a call that the page rejects: a close code outside 1000 and 3000 to 4999 raises, and a text on a
socket that is not open is lost silently. It knows no JavaScript: the page is behind `Page`. The rules of WHATWG
WebSockets are quoted where they apply.
"""

from collections.abc import Sequence
from typing import Protocol, Self

from ocpp_core.errors import ConnectionFailedError
from ocpp_core.inputs import BinaryReceived, TextReceived, TransportFailed, TransportLost, TransportOpened
from ocpp_core.websocket.close import ABNORMAL_CLOSURE, NORMAL_CLOSURE, PRIVATE_CODES, TRY_AGAIN_LATER
from ocpp_transports._driver._interfaces import Handle, InputSink, MessageInput, Runtime
from ocpp_transports._driver._limits import HIGH_WATER
from ocpp_transports._hosts._patience import Patience
from ocpp_transports._options._browser import BrowserOptions

from ._inbox import BrowserInbox

__all__ = ["BrowserSocket", "Page", "PageSocket", "SocketListener", "code_for_pages"]


class PageSocket(Protocol):
    """A `WebSocket` object of the page."""

    @property
    def is_open(self) -> bool:
        """True if its `readyState` is OPEN; otherwise a sent text is lost."""

    @property
    def buffered(self) -> int:
        """The number of sent bytes that are not on the network yet (`bufferedAmount`)."""

    def send(self, text: str) -> None:
        """Send a text."""

    def close(self, code: int, reason: str) -> None:
        """Begin the close handshake."""

    def drop(self) -> None:
        """Let the socket end on its own, and ignore its further events. Idempotent."""


class SocketListener(Protocol):
    """Receives the events of a `PageSocket`."""

    def opened(self, subprotocol: str) -> None:
        """Handle the open event; the subprotocol is empty if the server chose none."""

    def on_message(self, message: str | bytes) -> None:
        """Handle a message."""

    def failed(self) -> None:
        """Handle the `error` event, which carries no details."""

    def closed(self, code: int, reason: str) -> None:
        """Handle the `close` event."""


class Page(Protocol):
    """Opens sockets."""

    def open(self, url: str, subprotocols: Sequence[str], listener: SocketListener) -> PageSocket:
        """Open a socket, with its listeners in place before any event.

        Raises ConnectionFailedError if the page refuses to try (an invalid URL, `ws:` on a page loaded over https).
        """


def code_for_pages(code: int) -> int:
    """Return the code that a page may close with for this one: 1000 and 3000 to 4999 unchanged, else 3000 more.

    `WebSocket.close` raises InvalidAccessError for all others; 4001 to 4014 still show that the close is not a normal
    one.
    """
    return code if code == NORMAL_CLOSURE or code >= PRIVATE_CODES else code + PRIVATE_CODES


class BrowserSocket:
    """A `Connection` of texts, for one attempt of a client."""

    def __init__(
        self,
        driver: InputSink[MessageInput | TransportFailed],
        attempt: int,
        runtime: Runtime,
        options: BrowserOptions,
    ) -> None:
        self.is_closing = False
        self._driver = driver
        self._attempt = attempt
        self._runtime = runtime
        self._options = options
        self._socket: PageSocket | None = None
        self._is_dialling = True
        self._timer: Handle | None = None  # while the server's close is awaited
        self._patience: Patience | None = None  # while output is congested
        self._given = 0  # bytes, since the congestion began
        self._inbox = BrowserInbox(self._feed, runtime.next_turn)

    def dial(self, page: Page, subprotocols: Sequence[str]) -> Self:
        """Begin to connect; return itself."""
        try:
            self._socket = page.open(self._options.secret_url, subprotocols, self)
        except ConnectionFailedError as error:  # the next attempt would fail too
            self.is_closing = True
            self._driver.feed(TransportFailed(error, retry=False, attempt=self._attempt))
        return self

    # Connection

    def send(self, data: str, /) -> None:
        """Send a text. If the server's close has overtaken it, it is lost, and its call fails with the connection."""
        if self._socket is None:
            return
        if self._socket.is_open:
            self._socket.send(data)
            if self._patience is not None:
                self._given += len(data.encode())
            elif self._socket.buffered > HIGH_WATER:
                self._begin_patience()
        else:  # a page would drop it, and log that in its console
            self._expect_end()

    def close(self, code: int = 1000, reason: str = "", *, abort: bool = False) -> None:
        """End the connection or its dial; an end that is not orderly is reported as 1006."""
        if self._socket is None:
            return
        self.is_closing = True
        if self._is_dialling:
            self._let_go()
        elif abort:
            self._lose(ABNORMAL_CLOSURE, "")
        else:
            self._socket.close(code_for_pages(code), reason)

    def read(self, on: bool, /) -> None:
        """Feed messages from the page, or keep them."""
        self._inbox.hold(not on)

    def is_lost(self) -> bool:
        """Return False: a page reports a loss by itself."""
        return False

    def outflow(self) -> int | None:
        """Return None: the browser sends the pings, if any."""
        return None

    # SocketListener

    def opened(self, subprotocol: str) -> None:
        """Feed that the socket is open."""
        self._is_dialling = False
        self._driver.feed(TransportOpened(subprotocol or None, self._attempt))

    def on_message(self, message: str | bytes) -> None:
        """Feed a message in its turn; end a connection that delivers far more than is handled."""
        if not self._inbox.add(message):
            self.close(TRY_AGAIN_LATER, "too many messages at a time")
            self._lose(TRY_AGAIN_LATER, "too many messages at a time")

    def _feed(self, message: str | bytes) -> None:
        if isinstance(message, str):
            self._driver.feed(TextReceived(message, self._attempt))
        else:
            self._driver.feed(BinaryReceived(message, self._attempt))

    def failed(self) -> None:
        """End the dial: a socket that the page forbids has no `close` event. After the open, a close event follows."""
        if self._is_dialling:
            self._fail()

    def closed(self, code: int, reason: str) -> None:
        """Feed the end."""
        if self._is_dialling:
            self._fail()
        elif code == ABNORMAL_CLOSURE:  # a lost connection ends at once, and waiting messages are dropped
            self._lose(code, reason)
        else:
            self._inbox.end(lambda: self._lose(code, reason))

    # The end

    def _fail(self) -> None:
        self.is_closing = True
        self._let_go()
        error = ConnectionFailedError(
            f"no connection to {self._options.address.url}, and a browser does not report why: no server is listening, "
            "the network is down, the server rejected the handshake (identity, password, subprotocol), or the page "
            "forbids this address"
        )
        self._driver.feed(TransportFailed(error, attempt=self._attempt))

    def _lose(self, code: int, reason: str) -> None:
        self.is_closing = True
        self._let_go()
        self._driver.feed(TransportLost(code, reason, self._attempt))

    def _let_go(self) -> None:
        socket, self._socket = self._socket, None
        if socket is not None:
            socket.drop()
        self._inbox.drop()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    # Events that a page does not get

    def _expect_end(self) -> None:
        """Wait for the end after a close by the server, no longer than after one by this side."""
        if self._timer is None:
            until = self._runtime.now() + self._options.close_timeout
            self._timer = self._runtime.call_at(until, lambda: self._lose(ABNORMAL_CLOSURE, ""))

    def _begin_patience(self) -> None:
        """Drop a connection whose output makes no progress: no event reports draining, so check regularly."""
        self._given = 0
        self._patience = Patience(
            self._runtime,
            self._driver.send_timeout,
            mark=self._progress,
            give_up=lambda: self._lose(ABNORMAL_CLOSURE, ""),
        )

    def _progress(self) -> int | None:
        """Return the progress of the output; None when it has drained, which ends the watch."""
        buffered = 0 if self._socket is None else self._socket.buffered
        if buffered >= HIGH_WATER // 4:
            return self._given - buffered
        self._patience = None
        return None
