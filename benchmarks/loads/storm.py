"""Reconnect storm: all stations lose their connections and reconnect simultaneously."""

import select
import socket
import ssl
import time
from collections.abc import Callable, Sequence

from benchmarks.process import cpu_seconds
from benchmarks.stations import PATIENCE, expect_upgrade, upgrade_request
from benchmarks.traffic import OCPP16_MIX

__all__ = ["storm"]


class _Comer:
    """One connection attempt: TCP, optionally TLS, and the WebSocket handshake unless it is bare."""

    __slots__ = ("_head", "_request", "_step", "is_in", "socket")

    def __init__(self, port: int, request: bytes, tls: ssl.SSLContext | None) -> None:
        self._request = request
        self._head = b""
        self.is_in = False
        self.socket = socket.socket()
        self.socket.settimeout(0)
        self.socket.connect_ex(("127.0.0.1", port))
        self._step: Callable[[], int] = self._ask if tls is None else lambda: self._begin_tls(tls)

    def proceed(self) -> int:
        """Continue when the socket is ready. Returns the events to wait for next."""
        try:
            return self._step()
        except ssl.SSLWantReadError:
            return select.EPOLLIN
        except ssl.SSLWantWriteError:
            return select.EPOLLOUT

    def _begin_tls(self, context: ssl.SSLContext) -> int:
        self.socket = context.wrap_socket(self.socket, do_handshake_on_connect=False)
        self._step = self._shake_hands
        return self._shake_hands()

    def _shake_hands(self) -> int:
        assert isinstance(self.socket, ssl.SSLSocket)
        self.socket.do_handshake()
        return self._ask()

    def _ask(self) -> int:
        if not self._request:
            self.is_in = True
            return 0
        self.socket.send(self._request)
        self._step = self._read
        return select.EPOLLIN

    def _read(self) -> int:
        data = self.socket.recv(4096)
        if not data:
            raise ConnectionError(f"the server closed the connection during the handshake after {self._head!r}")
        self._head += data
        if b"\r\n\r\n" in self._head:
            expect_upgrade(self._head)
            self.is_in = True
        return select.EPOLLIN


def storm(
    port: int, pid: int, stations: int, password: str, settle: float, *, tls: bool, bare: bool
) -> dict[str, float]:
    """Measure the server's cost of a reconnect, including the lost connection, and the total time.

    The server's work in the `settle` seconds after its last response is included.
    """
    context = _context() if tls else None
    requests = [
        b"" if bare else upgrade_request(port, f"CP{number}", OCPP16_MIX.protocol, password=password)
        for number in range(stations)
    ]
    before = _rush(port, requests, context)
    time.sleep(settle)
    server, wall = cpu_seconds(pid), time.monotonic()
    for comer in before:
        comer.socket.close()
    after = _rush(port, requests, context)
    wall = time.monotonic() - wall
    time.sleep(settle)
    server = cpu_seconds(pid) - server
    return {"server_us": server / len(after) * 1e6, "seconds": wall}


def _context() -> ssl.SSLContext:
    """Return a TLS context without verification, whose cost at the stations is not measured."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


def _rush(port: int, requests: Sequence[bytes], tls: ssl.SSLContext | None) -> list[_Comer]:
    """Connect all simultaneously. Returns when all are connected."""
    poller = select.epoll()
    comers = [_Comer(port, request, tls) for request in requests]
    by_descriptor = {comer.socket.fileno(): comer for comer in comers}
    for descriptor in by_descriptor:
        poller.register(descriptor, select.EPOLLOUT)
    outside = len(comers)
    while outside:
        ready = poller.poll(PATIENCE)
        if not ready:
            raise TimeoutError("the server stopped answering")
        for descriptor, _ in ready:
            outside -= _proceed(by_descriptor[descriptor], descriptor, poller)
    return comers


def _proceed(comer: _Comer, descriptor: int, poller: select.epoll) -> bool:
    events = comer.proceed()
    if comer.is_in:
        poller.unregister(descriptor)
    else:
        poller.modify(descriptor, events)
    return comer.is_in
