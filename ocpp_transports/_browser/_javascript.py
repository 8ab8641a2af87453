"""The page's own `WebSocket` under Pyodide: the one file that touches JavaScript."""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

from ocpp_core.errors import ConnectionFailedError

from ._socket import SocketListener

__all__ = ["JsPage"]

_OPEN: Final = 1

Failed: TypeAlias = Callable[[str, BaseException], None]


class JsPage:
    """The page, or the worker, that this interpreter runs in. Raises RuntimeError anywhere else.

    `failed` is told of faults in what the page calls.
    """

    def __init__(self, failed: Failed) -> None:
        try:
            import js  # there is no such module outside of a browser
            from pyodide import ffi
        except ImportError:
            raise RuntimeError("expected to run in a browser under Pyodide; elsewhere there is OCPPClient") from None
        self._js = js
        self._ffi = ffi
        self._failed = failed

    def open(self, url: str, subprotocols: Sequence[str], listener: SocketListener) -> "JsSocket":
        """Open a socket; see Page."""
        try:
            socket = self._js.WebSocket.new(url, self._ffi.to_js(list(subprotocols)))
        except self._ffi.JsException as error:  # its text may hold the URL, and so the password
            raise ConnectionFailedError(f"the page refuses to open this WebSocket ({error.name})") from None
        return JsSocket(socket, listener, self._ffi.create_proxy, self._failed)


class JsSocket:
    """A socket and its four listeners.

    A proxy that is not destroyed keeps its function, and so the client, alive for ever; one that is destroyed while it
    still listens raises in the page.
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
        """Whether what is sent will be sent."""
        return bool(self._socket.readyState == _OPEN)

    @property
    def buffered(self) -> int:
        """Bytes that are not on their way yet."""
        return int(self._socket.bufferedAmount)

    def send(self, text: str) -> None:
        """Send a text."""
        self._socket.send(text)

    def close(self, code: int, reason: str) -> None:
        """Begin the close handshake."""
        self._socket.close(code, reason)

    def drop(self) -> None:
        """Let it end on its own, and hear no more of it."""
        listeners, self._listeners = self._listeners, {}
        for name, listener in listeners.items():
            self._socket.removeEventListener(name, listener)
            listener.destroy()
        self._socket.close()


def _message(data: Any) -> str | bytes:
    return data if isinstance(data, str) else bytes(data.to_bytes())


def _guarded(listen: Callable[[Any], None], failed: Failed) -> Callable[[Any], None]:
    """Keep exceptions from the page, whose `error` event they would become."""

    def guarded(event: Any) -> None:
        try:
            listen(event)
        except Exception as error:  # whatever it is, it is a fault of ours
            failed("a listener of a WebSocket failed", error)

    return guarded
