"""Plain HTTP requests to the ASGI application."""

import anyio
import pytest

from ocpp_transports.asgi import OCPPApplication
from tests.transports.asgi_player import Played, answer_to, csms, scope
from tests.transports.carriers import uvicorn_running
from tests.transports.pairs import SECONDS

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


class TestPlainRequests:
    async def test_are_told_to_upgrade(self):
        async with uvicorn_running(OCPPApplication(csms())) as port:
            answer = await answer_to(port, b"GET /ocpp/CP1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert answer.startswith("HTTP/1.1 426")
        assert "upgrade: websocket" in answer
        assert answer.endswith("Upgrade Required")

    async def test_have_functions_as_on_sockets_of_our_own(self):
        server = csms(http=True)
        server.http("/teapot")(lambda request: (418, {"X-Kind": "pot"}, request.query["q"]))
        async with uvicorn_running(OCPPApplication(server)) as port:
            health = await answer_to(port, b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            pot = await answer_to(port, b"GET /teapot?q=%31 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert health.startswith("HTTP/1.1 200")
        assert health.endswith('\r\n\r\n{"status":"ok"}')
        assert pot.startswith("HTTP/1.1 418")
        assert "x-kind: pot" in pot
        assert pot.endswith('\r\n\r\n"1"')

    async def test_have_the_address_that_a_trusted_proxy_reports(self):
        async with csms(trusted_proxies=["10.0.0.1"], forwarded_header="x-forwarded-for") as server:
            server.http("/who")(lambda request: (200, {}, request.remote_address))
            asgi = Played({"type": "http.request"})
            request = scope(type="http", method="GET", path="/who", client=("10.0.0.1", 4711))
            request["headers"] = [(b"x-forwarded-for", b"192.0.2.7")]
            await OCPPApplication(server, shows_peers=True)(request, asgi.receive, asgi.send)
        assert asgi.sent[1]["body"] == b'"192.0.2.7"'

    async def test_by_head_get_the_same_head_alone(self):
        async with uvicorn_running(OCPPApplication(csms(http=True))) as port:
            answer = await answer_to(port, b"HEAD /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert "content-length: 15" in answer
        assert answer.endswith("\r\n\r\n")

    @pytest.mark.parametrize("method", ["POST", "DELETE"])
    async def test_by_another_method_get_405(self, method):
        async with csms(http=True) as server:
            asgi = Played()
            await OCPPApplication(server)(scope(type="http", method=method, path="/health"), asgi.receive, asgi.send)
        assert asgi.sent[0]["status"] == 405
        assert (b"allow", b"GET, HEAD") in asgi.sent[0]["headers"]

    @pytest.mark.parametrize(
        ("path", "root"), [("/ocpp/health", "/ocpp"), ("/health", "/ocpp"), ("/ü/health", "/ü"), ("/health", "")]
    )
    async def test_are_read_below_the_mount_point(self, path, root):
        """Servers and frameworks do not agree whether the path of a scope has the mount point in it."""
        async with csms(http=True) as server:
            asgi = Played()
            request = scope(type="http", method="GET", path=path, root_path=root)
            await OCPPApplication(server)(request, asgi.receive, asgi.send)
        assert asgi.sent[0]["status"] == 200

    async def test_show_the_metrics(self):
        async with csms(http=True, metrics=True) as server:
            asgi = Played()
            await OCPPApplication(server)(scope(type="http", method="GET", path="/metrics"), asgi.receive, asgi.send)
        assert asgi.sent[0]["status"] == 200
        assert b"ocpp_stations" in asgi.sent[1]["body"]

    @pytest.mark.parametrize(("path", "status"), [("/health", 200), ("/ready", 503), ("/own", 503)])
    async def test_after_the_server_has_closed(self, path, status):
        server, asgi = csms(http=True), Played()
        server.http("/own")(lambda request: (200, {}, None))
        async with server:
            pass
        await OCPPApplication(server)(scope(type="http", method="GET", path=path), asgi.receive, asgi.send)
        assert asgi.sent[0]["status"] == status

    async def test_of_a_peer_that_leaves_end_their_function(self):
        async with csms() as server:
            ended = anyio.Event()

            @server.http("/slow")
            async def slow(request):
                try:
                    await anyio.sleep_forever()
                finally:
                    ended.set()

            body = {"type": "http.request", "body": b"x", "more_body": True}
            asgi = Played(body, body, {"type": "http.disconnect"})
            with anyio.fail_after(SECONDS):
                await OCPPApplication(server)(scope(type="http", method="GET", path="/slow"), asgi.receive, asgi.send)
                await ended.wait()
            assert asgi.sent == []

    async def test_whose_answer_has_no_reader_any_more_are_over(self):
        async def send(message):
            raise BrokenPipeError

        async with csms(http=True) as server:
            await OCPPApplication(server)(scope(type="http", method="GET", path="/health"), Played().receive, send)

    async def test_that_are_cancelled_end_their_function(self):
        async with csms() as server:
            begun, ended = anyio.Event(), anyio.Event()

            @server.http("/slow")
            async def slow(request):
                begun.set()
                try:
                    await anyio.sleep_forever()
                finally:
                    ended.set()

            asgi = Played()
            request = scope(type="http", method="GET", path="/slow")
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(OCPPApplication(server), request, asgi.receive, asgi.send)
                with anyio.fail_after(SECONDS):
                    await begun.wait()
                    tasks.cancel_scope.cancel()
            with anyio.fail_after(SECONDS):
                await ended.wait()
        assert asgi.sent == []
