"""A small web server for pages with Python: their files, and handlers of POST requests."""

import json
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from re import compile as regex
from threading import Lock, Thread
from time import monotonic
from typing import Any, Final

from ocpp_apps.origins import is_of_this_machine

__all__ = ["Site", "serving"]

MOST_CONNECTIONS: Final = 64
"""Connections at a time, each with a thread. A browser opens six to a host."""
READ_TIME: Final = 10.0
"""Seconds from the connection to the last byte of the request."""
LONGEST_BODY: Final = 1 << 20
"""Most bytes of a request body."""
_LENGTH: Final = regex(r"[0-9]{1,9}")
_WRITE_TIME: Final = 60.0
"""Seconds for the client to receive a response."""
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript",
    ".json": "application/json",
    ".mjs": "text/javascript",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".whl": "application/zip",
    ".zip": "application/zip",
}


@dataclass(frozen=True)
class Site:
    """Files by path, and handlers of POST requests by path."""

    files: dict[str, Path | bytes]
    posts: dict[str, Callable[[Any], Any]]
    policy: str
    """The Content-Security-Policy of the page."""


@contextmanager
def serving(site: Site, port: int = 0) -> Iterator[str]:
    """Serve a site with threads on a loopback port, by default a free one. Yields its URL.

    Raises OSError if the port is not available.
    """
    handler = type("Handler", (_Handler,), {"site": site})
    with _Server(("127.0.0.1", port), handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    """Runs each connection in a thread, up to a limit, and closes those without a timely request."""

    request_queue_size = MOST_CONNECTIONS

    def __init__(self, *arguments: Any) -> None:
        self._lock = Lock()
        self._due: dict[Any, float] = {}
        """Deadline of the request, by connection."""
        super().__init__(*arguments)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            has_room = len(self._due) < MOST_CONNECTIONS
            if has_room:
                self._due[request] = monotonic() + READ_TIME
        if has_room:
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def has_arrived(self, request: Any) -> None:
        """Remove the deadline of a connection, whose request has arrived."""
        with self._lock:
            self._due[request] = float("inf")

    def service_actions(self) -> None:
        with self._lock:
            late = [request for request, due in self._due.items() if due < monotonic()]
        for request in late:
            with suppress(OSError):  # its thread may have closed it
                request.shutdown(socket.SHUT_RDWR)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._due.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report errors, except lost connections."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """Handles one request per connection."""

    site: Site
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = _WRITE_TIME
    _body: bytes | None = None

    def parse_request(self) -> bool:
        """Read the body for any method: a response may be lost if the body is not read."""
        if not super().parse_request():
            return False
        self._body = self._read_body()
        self.server.has_arrived(self.connection)
        return True

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        path += "index.html" if path.endswith("/") else ""
        found = self.site.files.get(path)
        if self._is_foreign():
            self.send_error(403)
        elif found is None:
            self.send_error(404)
        else:
            self._answer(200, _TYPES[Path(path).suffix], found if isinstance(found, bytes) else found.read_bytes())

    def do_POST(self) -> None:
        take = self.site.posts.get(self.path)
        if take is None:
            self.send_error(405)
        elif self._is_foreign():
            self.send_error(403)
        elif self._body is None:
            self.send_error(413)
        else:
            self._take(take, self._body)

    def _take(self, take: Callable[[Any], Any], body: bytes) -> None:
        try:
            facts = json.loads(body)
        except (ValueError, RecursionError):  # not JSON, or nested too deeply
            self.send_error(400)
        else:
            self._answer(200, _TYPES[".json"], json.dumps(take(facts)).encode())

    def _read_body(self) -> bytes | None:
        """Read the body, or return None if its length is too large or invalid."""
        length = self.headers.get("Content-Length", "0")
        is_length = _LENGTH.fullmatch(length) is not None and int(length) <= LONGEST_BODY
        return self.rfile.read(int(length)) if is_length else None

    def _is_foreign(self) -> bool:
        return not all(map(is_of_this_machine, self.headers.get_all("Origin", ())))

    def send_error(
        self, code: int, message: str | None = None, explain: str | None = None
    ) -> None:  # the base class sends a page
        """Reject a request. An unknown method gets 405 instead of the base class's 501."""
        status = HTTPStatus.METHOD_NOT_ALLOWED if code == HTTPStatus.NOT_IMPLEMENTED else HTTPStatus(code)
        self._answer(status, "text/plain", f"{status.phrase}\n".encode())

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", self.site.policy)
        self.send_header("Connection", "close")
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET")
        with suppress(OSError):  # the browser has disconnected
            self.end_headers()
            if self.command != "HEAD":  # RFC 9110 §9.3.2: a response to HEAD has no body
                self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing: results arrive with POST."""
