"""The page's own `WebSocket` under Pyodide: the only file that touches JavaScript."""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

from ocpp_core.errors import ConnectionFailedError

from ._socket import SocketListener

__all__ = ["JsPage"]

_OPEN: Final = 1

Failed: TypeAlias = Callable[[str, BaseException], None]


class JsPage:
    """The page, or the worker, in which this interpreter runs. Raises RuntimeError outside a browser.

    `failed` is called for faults in the functions that the page calls.
    """

    def __init__(self, failed: Failed) -> None:
        try:
            import js  # exists only in a browser
            from pyodide import ffi
        except ImportError:
            raise RuntimeError("expected a browser with Pyodide, got another Python: use OCPPClient") from None
        self._js = js
        self._ffi = ffi
        self._failed = failed

    def open(self, url: str, subprotocols: Sequence[str], listener: SocketListener) -> "JsSocket":
        """Open a socket; see Page."""
        try:
            socket = self._js.WebSocket.new(url, self._ffi.to_js(list(subprotocols)))
        except self._ffi.JsException as error:  # its text may contain the URL with the password
            raise ConnectionFailedError(f"the page refuses to open this WebSocket ({error.name})") from None
        return JsSocket(socket, listener, self._ffi.create_proxy, self._failed)


class JsSocket:
    """A socket and its four listeners.

    A proxy that is not destroyed keeps its function, and so the client, alive indefinitely. A proxy that is destroyed
    while it still listens raises in the page.
    """

    def __init__(
        self,
        socket: Any,
        listener: SocketListener,
        create_proxy: Callable[[Callable[[Any], None]], Any],
        failed: Failed,
    ) -> None:
        def proxy(listen: Callable[[Any], None]) -> Any:
            return create_proxy(_guarded(listen, failed))

        socket.binaryType = "arraybuffer"
        self._socket = socket
        self._listeners = {
            "open": proxy(lambda _: listener.opened(socket.protocol)),
            "message": proxy(lambda event: listener.on_message(_message(event.data))),
            "error": proxy(lambda _: listener.failed()),
            "close": proxy(lambda event: listener.closed(event.code, event.reason)),
        }
        for name, listen in self._listeners.items():
            socket.addEventListener(name, listen)

    @property
    def is_open(self) -> bool:
        """True if a text can be sent; otherwise it would be lost."""
        return bool(self._socket.readyState == _OPEN)

    @property
    def buffered(self) -> int:
        """The number of bytes not sent to the network yet."""
        return int(self._socket.bufferedAmount)

    def send(self, text: str) -> None:
        """Send a text."""
        self._socket.send(text)

    def close(self, code: int, reason: str) -> None:
        """Begin the close handshake."""
        self._socket.close(code, reason)

    def drop(self) -> None:
        """Let the socket end on its own, and ignore its further events."""
        listeners, self._listeners = self._listeners, {}
        for name, listener in listeners.items():
            self._socket.removeEventListener(name, listener)
            listener.destroy()
        self._socket.close()


def _message(data: Any) -> str | bytes:
    return data if isinstance(data, str) else bytes(data.to_bytes())


def _guarded(listen: Callable[[Any], None], failed: Failed) -> Callable[[Any], None]:
    """Return a function that keeps exceptions from the page, where they would become `error` events."""

    def guarded(event: Any) -> None:
        try:
            listen(event)
        except Exception as error:  # every exception here is a fault of the library
            failed("a listener of a WebSocket failed", error)

    return guarded
