"""One WebSocket of a page, from its dial to its end: its events become inputs, under this attempt.

A page's WebSocket calls back and cannot be asked: nothing stops it from delivering, and no event says that output has
drained. So `BrowserInbox` keeps what is beyond the work of a turn, up to a limit, and `Patience` looks at
`bufferedAmount` from time to time.

It guarantees that messages are fed in order, that the end is fed after the last of them, and that nothing is fed after
the end: once it is over, the socket is dropped together with its listeners, so a late event reaches nothing.

It must never call the page with what the page refuses: a close code outside 1000 and 3000 to 4999, or a text on a
socket that is not open, raises or is lost silently. It knows no JavaScript: the page is behind `Page`. The rules of
WHATWG WebSockets are quoted where they are obeyed.
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
        """Whether its `readyState` is OPEN: else what is sent gets lost."""

    @property
    def buffered(self) -> int:
        """Bytes that were sent and are not on their way yet (`bufferedAmount`)."""

    def send(self, text: str) -> None:
        """Send a text."""

    def close(self, code: int, reason: str) -> None:
        """Begin the close handshake."""

    def drop(self) -> None:
        """Let it end on its own, and hear no more of it. Idempotent."""


class SocketListener(Protocol):
    """Who is told what happens to a `PageSocket`."""

    def opened(self, subprotocol: str) -> None:
        """Learn that it is open; the subprotocol is empty if the server chose none."""

    def on_message(self, message: str | bytes) -> None:
        """Take a message."""

    def failed(self) -> None:
        """Learn of the `error` event, which tells nothing more."""

    def closed(self, code: int, reason: str) -> None:
        """Learn of the `close` event."""


class Page(Protocol):
    """What makes the sockets."""

    def open(self, url: str, subprotocols: Sequence[str], listener: SocketListener) -> PageSocket:
        """Open a socket, with its listeners in place before anything can happen.

        Raises ConnectionFailedError where the page refuses to try (a wrong URL, `ws:` on a page that came by https).
        """


def code_for_pages(code: int) -> int:
    """Return the code that a page may close with for this one: 1000 and 3000 to 4999 as they are, else 3000 more.

    `WebSocket.close` raises InvalidAccessError for all others; as 4001 to 4014 they still say that it is no normal end.
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
        self._timer: Handle | None = None  # while the server's end is awaited
        self._patience: Patience | None = None  # while our output is congested
        self._given = 0  # bytes, since it is
        self._inbox = BrowserInbox(self._feed, runtime.next_turn)

    def dial(self, page: Page, subprotocols: Sequence[str]) -> Self:
        """Begin to connect; returns itself."""
        try:
            self._socket = page.open(self._options.secret_url, subprotocols, self)
        except ConnectionFailedError as error:  # the next attempt would be refused too
            self.is_closing = True
            self._driver.feed(TransportFailed(error, retry=False, attempt=self._attempt))
        return self

    # Connection

    def send(self, data: str, /) -> None:
        """Send a text. One that the server's close has overtaken is lost; its call is told so by the loss."""
        if self._socket is None:
            return
        if self._socket.is_open:
            self._socket.send(data)
            if self._patience is not None:
                self._given += len(data.encode())
            elif self._socket.buffered > HIGH_WATER:
                self._begin_patience()
        else:  # a page would drop it, and complain in its console
            self._expect_end()

    def close(self, code: int = 1000, reason: str = "", *, abort: bool = False) -> None:
        """End the connection or its dial; what is not closed in order is reported as 1006."""
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
        """Hand over what the page brings, or keep it."""
        self._inbox.hold(not on)

    def is_lost(self) -> bool:
        """Nothing is to be looked for: a page tells by itself."""
        return False

    def outflow(self) -> int | None:
        """Say nothing: the browser sends the pings, if any are sent."""
        return None

    # SocketListener

    def opened(self, subprotocol: str) -> None:
        """Tell that it is open."""
        self._is_dialling = False
        self._driver.feed(TransportOpened(subprotocol or None, self._attempt))

    def on_message(self, message: str | bytes) -> None:
        """Hand over a message, in its turn; end a connection that brings far more than is worked off."""
        if not self._inbox.add(message):
            self.close(TRY_AGAIN_LATER, "too many messages at a time")
            self._lose(TRY_AGAIN_LATER, "too many messages at a time")

    def _feed(self, message: str | bytes) -> None:
        if isinstance(message, str):
            self._driver.feed(TextReceived(message, self._attempt))
        else:
            self._driver.feed(BinaryReceived(message, self._attempt))

    def failed(self) -> None:
        """Take an error as the end of a dial: a socket that the page forbids has no `close` event. Else one follows."""
        if self._is_dialling:
            self._fail()

    def closed(self, code: int, reason: str) -> None:
        """Tell the end."""
        if self._is_dialling:
            self._fail()
        elif code == ABNORMAL_CLOSURE:  # a lost connection is gone at once, with what waits
            self._lose(code, reason)
        else:
            self._inbox.end(lambda: self._lose(code, reason))

    # The end

    def _fail(self) -> None:
        self.is_closing = True
        self._let_go()
        error = ConnectionFailedError(
            f"no connection to {self._options.address.url}, and a browser does not tell why: nobody listens there, "
            "the network is down, the server refused the handshake (identity, password, subprotocol), or the page "
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

    # What a page is not told

    def _expect_end(self) -> None:
        """Wait for the end of what the server closes, no longer than for that of what we close."""
        if self._timer is None:
            until = self._runtime.now() + self._options.close_timeout
            self._timer = self._runtime.call_at(until, lambda: self._lose(ABNORMAL_CLOSURE, ""))

    def _begin_patience(self) -> None:
        """Drop a connection whose output does not move: a page is not told when it drains, so look now and then."""
        self._given = 0
        self._patience = Patience(
            self._runtime,
            self._driver.send_timeout,
            mark=self._progress,
            give_up=lambda: self._lose(ABNORMAL_CLOSURE, ""),
        )

    def _progress(self) -> int | None:
        """Say how far the output has come; None when it has drained, which ends the watch."""
        buffered = 0 if self._socket is None else self._socket.buffered
        if buffered >= HIGH_WATER // 4:
            return self._given - buffered
        self._patience = None
        return None
