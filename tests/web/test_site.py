"""The web server of the development tools: what it answers, and what it does not let happen to itself."""

import http.client
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest

from tools.web import site
from tools.web.site import Site, serving

PATIENCE = 20.0


@pytest.fixture
def address(capfd: pytest.CaptureFixture[str]) -> Iterator[tuple[str, int]]:
    """Serve a file and an echo; nothing may be written, a traceback least of all."""
    posts = {"/echo": lambda facts: {"got": facts}}
    with serving(Site({"/index.html": b"<p>hello</p>"}, posts, "default-src 'none'")) as url:
        parts = urlsplit(url)
        assert parts.hostname
        assert parts.port
        yield parts.hostname, parts.port
    assert capfd.readouterr() == ("", "")


def ask(address: tuple[str, int], method: str, path: str = "/", body: bytes | None = None, **headers: str) -> Any:
    """Give status, headers and body of an answer."""
    connection = http.client.HTTPConnection(*address, timeout=PATIENCE)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def talk(address: tuple[str, int], *parts: bytes) -> bytes:
    """Send these bytes, and give all that comes until the other end closes."""
    with socket.create_connection(address, timeout=PATIENCE) as connection:
        for part in parts:
            connection.sendall(part)
        return rest_of(connection)


def rest_of(connection: socket.socket) -> bytes:
    received = b""
    try:
        while chunk := connection.recv(4096):
            received += chunk
    except ConnectionError:  # it was ended in the midst of what we said
        pass
    return received


class TestAnAnswer:
    def test_has_the_file_and_the_policy(self, address: tuple[str, int]) -> None:
        status, headers, body = ask(address, "GET", "/?query")
        assert (status, body, headers["Content-Security-Policy"]) == (200, b"<p>hello</p>", "default-src 'none'")

    def test_of_a_path_without_a_file_does_not_repeat_it(self, address: tuple[str, int]) -> None:
        status, headers, body = ask(address, "GET", "/<script>")
        assert (status, headers["Content-Type"]) == (404, "text/plain")
        assert b"script" not in body

    def test_to_what_is_posted_is_that_of_whoever_takes_it(self, address: tuple[str, int]) -> None:
        assert ask(address, "POST", "/echo", b'{"a": 1}')[::2] == (200, b'{"got": {"a": 1}}')

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW"])
    @pytest.mark.parametrize("body", [None, b"{}", b"x" * 200_000])
    def test_to_another_method_is_405(self, address: tuple[str, int], method: str, body: bytes | None) -> None:
        status, headers, answer = ask(address, method, "/index.html", body)
        assert (status, headers["Allow"], answer) == (405, "GET", b"Method Not Allowed\n")

    def test_to_head_has_no_body(self, address: tuple[str, int]) -> None:
        head, _, body = talk(address, b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n").partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 405 ")
        assert body == b""

    @pytest.mark.parametrize(
        ("body", "headers", "status"),
        [
            (b"{nonsense", {}, 400),
            (b"", {}, 400),
            pytest.param(b"[" * 200_000, {}, 400, id="nested too deep"),
            (b"{}", {"Content-Length": "-1"}, 413),
            (b"{}", {"Content-Length": "9" * 5000}, 413),
            (b"{}", {"Content-Length": str(site.LONGEST_BODY + 1)}, 413),
        ],
    )
    def test_to_a_body_that_is_none_is_a_refusal(
        self, address: tuple[str, int], body: bytes, headers: dict[str, str], status: int
    ) -> None:
        assert ask(address, "POST", "/echo", body, **headers)[0] == status

    @pytest.mark.parametrize("request_line", [b"GET / HTTP/9.9", b"GET", b"\x16\x03\x01"])
    def test_to_what_is_no_request_is_none_or_a_refusal(self, address: tuple[str, int], request_line: bytes) -> None:
        assert b" 200 " not in talk(address, request_line + b"\r\n\r\n")
        assert ask(address, "GET")[0] == 200


class TestTheOrigin:
    @pytest.mark.parametrize("method_and_path", [("GET", "/"), ("POST", "/echo")])
    @pytest.mark.parametrize(
        ("origin", "status"),
        [
            ("http://127.0.0.1:8000", 200),
            ("http://localhost", 200),
            ("https://[::1]:1", 200),
            ("https://evil.example", 403),
            ("http://localhost.evil.example", 403),
            ("http://127.0.0.1:8000, https://evil.example", 403),
            ("null", 403),
        ],
    )
    def test_of_this_machine_is_let_in_and_no_other(
        self, address: tuple[str, int], method_and_path: tuple[str, str], origin: str, status: int
    ) -> None:
        assert ask(address, *method_and_path, body=b"{}", Origin=origin)[0] == status


class TestAHostileClient:
    def test_that_sends_its_request_bit_by_bit_is_ended(
        self, address: tuple[str, int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(site, "READ_TIME", 0.1)
        head = b"POST /echo HTTP/1.1\r\nContent-Length: 9\r\n"
        for parts in ([], [head[:9]], [head, b"X: 1"], [head, b"\r\n{}"]):
            assert b" 200 " not in talk(address, *parts)

    def test_that_opens_many_connections_gets_no_more_threads(
        self, address: tuple[str, int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(site, "MOST_CONNECTIONS", 3)
        with ExitStack() as stack:
            for _ in range(3):
                stack.enter_context(socket.create_connection(address, timeout=PATIENCE))
            for _ in range(5):
                assert talk(address) == b""
        while not talk(address, b"GET / HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 200 "):
            pass  # until the threads have seen that their connections have ended

    def test_that_goes_away_at_once_is_not_worth_a_word(self, address: tuple[str, int]) -> None:
        for _ in range(5):
            with socket.create_connection(address) as connection:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # ends it by a reset
                connection.sendall(b"GET / HTTP/1.1\r\n")
        assert ask(address, "GET")[0] == 200
