"""Tells a peer with an alert why its TLS handshake failed.

OpenSSL writes an alert, but asyncio, uvloop and anyio drop the connection without sending it, and the peer would see
only the end of the stream. The object that does the handshake sends the alert on the socket itself.
"""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, Final

__all__ = ["sending_alerts"]

_socket: ContextVar[socket.socket | None] = ContextVar("ocpp_transports_socket", default=None)
"""The socket of the handshake that begins in this task."""

_PLAIN_HTTP: Final = (
    b"HTTP/1.1 400 Bad Request\r\nUpgrade: TLS/1.2, HTTP/1.1\r\nConnection: Upgrade, close\r\n"  # RFC 2817 §4.2
    b"Content-Type: text/plain\r\nContent-Length: 33\r\n\r\nThis port speaks TLS: use wss://\n"
)


class _AlertingObject(ssl.SSLObject):
    """Does a handshake as usual; if it fails, sends the alert that OpenSSL has written."""

    _wire: tuple[ssl.MemoryBIO, socket.socket] | None = None

    @classmethod
    def _create(cls, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, *args: Any, **options: Any) -> ssl.SSLObject:
        made: _AlertingObject = super()._create(incoming, outgoing, *args, **options)  # type: ignore[misc]  # a hook of ssl that typeshed does not know
        raw = _socket.get()
        made._wire = None if raw is None else (outgoing, raw)
        return made

    def do_handshake(self) -> None:
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError as error:
            self._emit(error)
            raise
        self._wire = None

    def _emit(self, error: ssl.SSLError) -> None:
        wire, self._wire = self._wire, None
        if wire is None:
            return
        outgoing, raw = wire
        text = _PLAIN_HTTP if self.server_side and error.reason == "HTTP_REQUEST" else outgoing.read()
        with suppress(OSError):  # one try: do not wait for a peer that does not read
            raw.send(text)


@contextmanager
def sending_alerts(context: ssl.SSLContext, raw: socket.socket | None) -> Iterator[None]:
    """Let a handshake of this context that begins in this block and task send its alert on this socket.

    With None, or a context that makes another kind of objects, nothing is sent.
    """
    if context.sslobject_class is ssl.SSLObject:
        context.sslobject_class = _AlertingObject
    token = _socket.set(raw)
    try:
        yield
    finally:
        _socket.reset(token)
