"""A small web server for pages with Python: their files, and whoever takes what they post."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

__all__ = ["Site", "serving"]

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
    """What there is to get, by path, and who takes what is posted, by path."""

    files: dict[str, Path | bytes]
    posts: dict[str, Callable[[Any], Any]]
    policy: str
    """The Content-Security-Policy of the page."""


@contextmanager
def serving(site: Site, port: int = 0) -> Iterator[str]:
    """Serve a site on a loopback port, a free one unless given, from threads; yields its URL. Raises OSError."""
    handler = type("Handler", (_Handler,), {"site": site})
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    site: Site
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        path += "index.html" if path.endswith("/") else ""
        found = self.site.files.get(path)
        if found is None:
            self._answer(404, "text/plain", b"there is no such file")
        else:
            body = found if isinstance(found, bytes) else found.read_bytes()
            self._answer(200, _TYPES[Path(path).suffix], body)

    def do_POST(self) -> None:
        facts = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer(200, _TYPES[".json"], json.dumps(self.site.posts[self.path](facts)).encode())

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", self.site.policy)
        with suppress(ConnectionError):  # the browser went away meanwhile
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay quiet: what matters is posted."""
