"""Plain HTTP requests on a server's port: who is answered by what, and what an application's function cannot do."""

import json
from math import nan

import anyio
import anyio.lowlevel
import pytest

from ocpp_transports import OCPPServer, PlainRequest
from ocpp_transports._server._plain._http_handlers import plain_request
from ocpp_transports.events import ErrorEvent
from tests.transports.pairs import SECONDS, client_of, first, knock, never, reset, serving, upgrade

pytestmark = pytest.mark.anyio


def get(target="/health", method="GET", *headers):
    return "\r\n".join([f"{method} {target} HTTP/1.1", "Host: csms.example", *headers, "", ""]).encode()


class TestHealth:
    async def test_is_served_by_option(self):
        async with serving(http=True) as (_, listener):
            status, headers, body = await knock(listener, get())
            assert (status, json.loads(body)) == (200, {"status": "ok"})
            assert headers["content-type"] == "application/json"
            assert headers["connection"] == "close"

    async def test_of_head_has_the_same_head_alone(self):
        async with serving(http=True) as (_, listener):
            status, headers, body = await knock(listener, get(method="HEAD"))
            assert (status, headers["content-length"], body) == (200, "15", "")

    async def test_is_not_served_unless_it_is_asked_for(self):
        async with serving() as (server, listener):
            assert (await knock(listener, get()))[0] == 426
            server.reconfigure(http=True)
            assert (await knock(listener, get()))[0] == 200
            assert (await knock(listener, get("/other")))[0] == 426

    async def test_may_be_a_function_of_the_application_s(self):
        async with serving(http=True) as (server, listener):
            server.http("/health")(lambda request: (503, {"Retry-After": "5"}, {"status": "no database"}))
            status, headers, _ = await knock(listener, get())
            assert (status, headers["retry-after"]) == (503, "5")

    async def test_is_no_reason_to_refuse_a_station_of_that_name(self):
        async with serving(http=True) as (_, listener), client_of(listener, "health") as client:
            assert await client.connect() == "ocpp1.6"


class TestAFunction:
    async def test_gets_the_request(self):
        async with serving() as (server, listener):
            seen = []

            @server.http("/stations/A%2FB")
            async def stations(request):
                await anyio.lowlevel.checkpoint()
                seen.append(request)
                return 200, {}, [request.query["q"]]

            answer = await knock(listener, get("/stations/A%2FB?q=%C3%BC&q=2", "GET", "X-Y: 1", "x-y: 2"))
            assert answer[::2] == (200, '["ü"]')
            (request,) = seen
            assert (request.method, request.path) == ("GET", "/stations/A%2FB")
            assert (request.headers["x-y"], request.remote_address) == ("1, 2", "127.0.0.1")

    @pytest.mark.parametrize(
        ("answer", "status", "body", "kind"),
        [
            ((200, {}, b"\x00\xc3\xbc"), 200, "\x00ü", "text/plain; charset=utf-8"),
            ((200, {"Content-Type": "text/css"}, b"a{}"), 200, "a{}", "text/css"),
            ((404, {}, None), 404, "", "text/plain; charset=utf-8"),
            ((200, {"content-type": "application/problem+json"}, {"a": 1}), 200, '{"a":1}', "application/problem+json"),
            ((200, {}, "text is JSON"), 200, '"text is JSON"', "application/json"),
        ],
    )
    async def test_returns_status_fields_and_body(self, answer, status, body, kind):
        async with serving() as (server, listener):
            server.http("/x")(lambda request: answer)
            got, headers, text = await knock(listener, get("/x"))
            assert (got, headers["content-type"], text) == (status, kind, body)

    async def test_may_be_an_object_that_is_empty(self):
        class Pages(dict[str, str]):
            def __call__(self, request):
                return 200, {}, dict(self)

        async with serving() as (server, listener):
            server.http("/x")(Pages())
            assert (await knock(listener, get("/x")))[0] == 200

    @pytest.mark.parametrize("method", ["POST", "DELETE", "OPTIONS"])
    async def test_answers_get_and_head_alone(self, method):
        async with serving() as (server, listener):
            server.http("/x")(lambda request: (200, {}, None))
            status, headers, _ = await knock(listener, get("/x", method, "Content-Length: 0"))
            assert (status, headers["allow"]) == (405, "GET, HEAD")

    @pytest.mark.parametrize("path", ["", "x", "/x?y", "/x#y", "/ü", "/a b", "/\n", 5, None])
    async def test_is_for_a_path_that_can_be_asked_for(self, path):
        with pytest.raises(ValueError, match="expected a path as it is requested"):
            OCPPServer().http(path)(lambda request: (200, {}, None))

    @pytest.mark.parametrize("handler", ["x", None, lambda: None, lambda one, two: None])
    async def test_takes_the_request(self, handler):
        with pytest.raises(TypeError, match="expected a function"):
            OCPPServer().http("/x")(handler)

    async def test_is_the_only_one_of_its_path(self):
        server = OCPPServer()
        server.http("/x")(lambda request: (200, {}, None))
        with pytest.raises(ValueError, match="cannot register a function for /x: there is one already"):
            server.http("/x")(lambda request: (200, {}, None))


def raising(error):
    def function(request):
        raise error

    return function


def later(function):
    async def answer(request):
        await anyio.lowlevel.checkpoint()
        return function(request)

    return answer


class Unreadable:
    """An answer that raises when its type is looked at."""

    def __getattribute__(self, name):
        raise RuntimeError("s3cr3t")


class Strange(dict[str, str]):
    def items(self):
        raise BaseExceptionGroup("s3cr3t", [GeneratorExit()])


class TestWhateverAFunctionDoes:
    """500 without any text of it, and an `error` event."""

    @pytest.mark.parametrize("wrap", [lambda function: function, later], ids=["plain", "coroutine"])
    @pytest.mark.parametrize(
        "function",
        [
            raising(ValueError("s3cr3t")),
            raising(BaseExceptionGroup("s3cr3t", [GeneratorExit()])),
            lambda request: None,
            lambda request: (200, {}),
            lambda request: [200, {}, b""],
            lambda request: (True, {}, b""),
            lambda request: (101, {}, b""),
            lambda request: (600, {}, b""),
            lambda request: (204, {}, b"x"),
            lambda request: (200, None, b""),
            lambda request: (200, {"a": 5}, b""),
            lambda request: (200, {"a b": "c"}, b""),
            lambda request: (200, {"a": "b\r\nc: d"}, b""),
            lambda request: (200, {"Content-Length": "5"}, b""),
            lambda request: (200, {"Connection": "keep-alive"}, b""),
            lambda request: (200, Strange(), b""),
            lambda request: Unreadable(),
            lambda request: (200, {}, object()),
            lambda request: (200, {}, nan),
            lambda request: (200, {}, "\ud800"),
            lambda request: (200, {}, b"x" * 20_000),
        ],
    )
    async def test_the_peer_gets_500(self, function, wrap):
        async with serving(max_outgoing_size=16384, logging=False) as (server, listener):
            server.http("/x")(wrap(function))
            async with server.events("error") as errors:
                status, _, body = await knock(listener, get("/x"))
                assert (status, body) == (500, "Internal Server Error")
                assert isinstance(await first(errors), ErrorEvent)

    @pytest.mark.parametrize(("limit", "expected"), [("handler_timeout", 500), ("handshake_timeout", 408)])
    async def test_it_is_cancelled_at_the_end_of_its_time(self, limit, expected):
        async with serving(logging=False, **{limit: 0.05}) as (server, listener):
            ended = anyio.Event()

            @server.http("/x")
            async def slow(request):
                try:
                    await never()
                finally:
                    ended.set()

            async with server.events("error") as errors:
                assert (await knock(listener, get("/x")))[0] == expected
                assert isinstance((await first(errors)).error, TimeoutError)
            with anyio.fail_after(SECONDS):
                await ended.wait()

    async def test_it_is_cancelled_when_the_peer_breaks_off(self):
        async with serving() as (server, listener):
            begun, ended = anyio.Event(), anyio.Event()

            @server.http("/x")
            async def slow(request):
                begun.set()
                try:
                    await never()
                finally:
                    ended.set()

            with anyio.fail_after(SECONDS):
                async with await anyio.connect_tcp("127.0.0.1", listener.port) as stream:
                    await stream.send(get("/x"))
                    await begun.wait()
                    reset(stream)
                await ended.wait()

    async def test_it_is_ended_by_503_when_the_server_closes(self):
        async with serving() as (server, listener), anyio.create_task_group() as tasks:
            begun = anyio.Event()

            @server.http("/x")
            async def slow(request):
                begun.set()
                await never()

            async def ask():
                assert (await knock(listener, get("/x")))[0] == 503

            tasks.start_soon(ask)
            with anyio.fail_after(SECONDS):
                await begun.wait()
                await server.close()


def slow_until(go, begun):
    """Make a function that notes each request and answers once `go` is set."""

    async def slow(request):
        begun.append(request)
        await go.wait()
        return 200, {}, None

    return slow


class TestWhatClosesItsOwnServer:
    @pytest.mark.parametrize("request_line", [get("/x"), upgrade()], ids=["http", "auth"])
    async def test_is_refused_and_not_interrupted(self, request_line):
        async with serving() as (server, listener):
            closed = anyio.Event()

            async def close(*_):
                await server.close()
                closed.set()

            server.auth(close)
            server.http("/x")(close)
            with anyio.fail_after(SECONDS):
                assert (await knock(listener, request_line))[0] == 503
                await closed.wait()
            await server.listen(0, "127.0.0.1")


class TestAFlood:
    @pytest.mark.parametrize("wrap", [lambda function: function, lambda function: lambda request: function(request)])
    async def test_counts_like_handshakes_that_wait(self, wrap):
        async with (
            serving(max_handshakes=2, max_handshakes_per_address=2) as (server, listener),
            server.events("security") as incidents,
        ):
            begun: list[PlainRequest] = []
            go = anyio.Event()
            server.http("/x")(wrap(slow_until(go, begun)))
            statuses = []

            async def ask():
                statuses.append((await knock(listener, get("/x")))[0])

            async with anyio.create_task_group() as tasks:
                for _ in range(3):
                    tasks.start_soon(ask)
                with anyio.fail_after(SECONDS):
                    while not statuses:
                        await anyio.lowlevel.checkpoint()
                assert (statuses, len(begun)) == ([503], 2)
                assert (await first(incidents)).kind == "busy"
                go.set()
            assert sorted(statuses) == [200, 200, 503]
            statuses.clear()
            await ask()
            assert statuses == [200]

    async def test_does_not_hide_that_the_event_loop_runs(self):
        """A load balancer would take a server away that has as many handshakes as it can bear."""
        async with serving(http=True, max_handshakes=1) as (server, listener), anyio.create_task_group() as tasks:
            begun: list[PlainRequest] = []
            go = anyio.Event()
            server.http("/x")(slow_until(go, begun))
            tasks.start_soon(knock, listener, get("/x"))
            with anyio.fail_after(SECONDS):
                while not begun:
                    await anyio.lowlevel.checkpoint()
            assert (await knock(listener, get("/x")))[0] == 503
            assert (await knock(listener, get("/health")))[0] == 200
            go.set()


class TestTheTarget:
    @pytest.mark.parametrize(
        ("target", "path", "query"),
        [
            ("/health", "/health", {}),
            ("http://csms.example:9000/health?a=1", "/health", {"a": "1"}),
            ("http://csms.example", "/", {}),
            ("/a//b/?x&x=2&y=%zz", "/a//b/", {"x": "", "y": "%zz"}),
            ("*", "*", {}),
        ],
    )
    async def test_is_read_as_it_was_sent(self, target, path, query):
        request = plain_request("GET", target, {})
        assert (request.path, request.query) == (path, query)
        assert "a=1" not in repr(request)
