"""The ASGI application: what is its own beside the contract of every host."""

import ssl

import anyio
import anyio.lowlevel
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute

from ocpp_transports import OCPPClient, OCPPServer
from ocpp_transports.asgi import OCPPApplication
from ocpp_transports.events import BadMessageEvent, CloseEvent
from tests.kinds import mistyped
from tests.transports.carriers import uvicorn_running
from tests.transports.pairs import SECONDS, first, station_of

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


def csms(**options):
    server = OCPPServer(protocols=["ocpp1.6"], **options)
    server.handle("Heartbeat", lambda ctx: {"currentTime": "2026-01-01T00:00:00Z"})
    return server


async def heartbeat(port, path, identity="CP1", **options):
    """Connect, make one call, and close."""
    url = f"ws://127.0.0.1:{port}{path}"
    async with OCPPClient(identity, url, protocols=["ocpp1.6"], reconnect=False, **options) as client:
        await client.connect()
        return await client.call("Heartbeat", {})


async def answer_to(port, request):
    """Send a request and read the answer until its end."""
    with anyio.fail_after(SECONDS):
        async with await anyio.connect_tcp("127.0.0.1", port) as stream:
            await stream.send(request)
            return b"".join([chunk async for chunk in stream]).decode()


class Played:
    """An ASGI server that says what the test says; `sent` is what the application sent."""

    def __init__(self, *messages):
        self.messages, self.sent = list(messages), []
        self.arrived = anyio.Event()

    def put(self, message):
        self.messages.append(message)
        self.arrived.set()

    async def receive(self):
        while not self.messages:
            self.arrived = anyio.Event()
            await self.arrived.wait()
        return self.messages.pop(0)

    async def send(self, message):
        self.sent.append(message)


def scope(**more):
    headers = [(b"host", b"csms.example"), (b"sec-websocket-protocol", b"ocpp1.6")]
    return {"type": "websocket", "path": "/ocpp/CP1", "headers": headers, "subprotocols": ["ocpp1.6"], **more}


class TestBesideOtherRoutes:
    async def test_of_fastapi(self):
        server = csms()
        app = FastAPI()

        @app.get("/status")
        def status():
            return {"stations": [station.identity for station in server.clients]}

        app.mount("/ocpp", OCPPApplication(server))
        async with uvicorn_running(app) as port:
            assert await heartbeat(port, "/ocpp")
            assert await heartbeat(port, "/ocpp/site/7", "CP 2")
            request = b"GET /status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            assert '{"stations":[]}' in await answer_to(port, request)
            await server.close()

    async def test_of_starlette_as_a_websocket_route(self):
        server = csms()
        app = Starlette(routes=[WebSocketRoute("/stations/{identity}", OCPPApplication(server))])
        async with uvicorn_running(app) as port:
            assert await heartbeat(port, "/stations")
            await server.close()


class TestTheTlsExtension:
    """Of ASGI; its `client_cert_name` is a name by RFC 4514."""

    @pytest.mark.parametrize(
        ("tls", "status"),
        [
            ({"client_cert_name": "CN=CP1,O=CPO,C=NL"}, None),
            ({"client_cert_name": "O=CPO+cn=CP1"}, None),
            ({"client_cert_name": "2.5.4.3=CP1"}, None),
            ({"client_cert_name": "O=CPO, CN=CP1 "}, None),
            ({"client_cert_name": "CN=\\43P1"}, None),
            ({"client_cert_name": "CN=CP2,O=CPO"}, 401),
            ({"client_cert_name": "O=x\\,CN=CP1,CN=CP2"}, 401),
            ({"client_cert_name": "CN=CP1\\ "}, 401),
            ({"client_cert_name": "O=CP1,CN=CP2"}, 401),
        ],
    )
    async def test_hands_on_the_cn_which_has_to_be_the_identity(self, tls, status):
        async with csms(security_profile=3, auth=lambda accept, reject, handshake: reject(418)) as server:
            asgi = Played({"type": "websocket.connect"})
            extensions = {"tls": tls, "websocket.http.response": {}}
            await OCPPApplication(server)(scope(scheme="wss", extensions=extensions), asgi.receive, asgi.send)
            assert asgi.sent[0]["status"] == (status or 418)

    @pytest.mark.parametrize(
        "tls",
        [
            {},
            {"client_cert_name": None},
            {"client_cert_name": ""},
            {"client_cert_name": "O=CPO"},
            {"client_cert_name": "CN=#0C03435031"},
            {"client_cert_name": "CN=CP1", "client_cert_error": "EXPIRED"},
            {"client_cert_name": 'O="x,CN=CP1,OU=y"'},
            {"client_cert_name": "CN=CP1,broken"},
        ],
    )
    async def test_without_a_verified_certificate_lets_nobody_in_on_profile_3(self, tls):
        async with csms(security_profile=3) as server:
            asgi = Played({"type": "websocket.connect"})
            with pytest.raises(ValueError, match="expected a client certificate"):
                await OCPPApplication(server)(scope(scheme="wss", extensions={"tls": tls}), asgi.receive, asgi.send)


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

    async def test_after_the_server_has_closed_get_503(self):
        server, asgi = csms(http=True), Played()
        async with server:
            pass
        await OCPPApplication(server)(scope(type="http", method="GET", path="/health"), asgi.receive, asgi.send)
        assert asgi.sent[0]["status"] == 503

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


class TestTheRequest:
    async def test_may_come_without_its_raw_path(self):
        server, seen = csms(), []
        server.auth(lambda accept, reject, handshake: (seen.append(handshake), reject(403)))
        asgi = Played({"type": "websocket.connect"})
        await OCPPApplication(server)(scope(path="/ocpp/CP ü%41", query_string=b"a=b"), asgi.receive, asgi.send)
        assert (seen[0].identity, seen[0].path, seen[0].query) == ("CP ü%41", "/ocpp/CP%20%C3%BC%2541", {"a": "b"})
        assert seen[0].remote_address is None
        await server.close()

    async def test_is_refused_by_a_close_where_the_asgi_server_knows_no_other_way(self):
        server = csms(auth=lambda accept, reject, handshake: reject(403, "Not today"))
        asgi = Played({"type": "websocket.connect"})
        await OCPPApplication(server)(scope(), asgi.receive, asgi.send)
        assert asgi.sent == [{"type": "websocket.close", "code": 1008, "reason": "Not today"}]
        await server.close()

    async def test_is_decided_on_no_more_when_the_station_leaves(self):
        """It must not take the place of the connection with which the station has come back since."""
        ended = []

        async def auth(accept, reject, handshake):
            try:
                await anyio.sleep_forever()
            finally:
                ended.append(handshake.identity)

        server = csms(auth=auth)
        asgi = Played({"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1006})
        with anyio.fail_after(SECONDS):
            await OCPPApplication(server)(scope(), asgi.receive, asgi.send)
            while not ended:
                await anyio.lowlevel.checkpoint()
        assert asgi.sent == []
        await server.close()

    async def test_that_was_given_up_leaves_no_station_behind(self):
        server = csms()
        asgi = Played({"type": "websocket.connect"})

        async def gone(message):
            raise OSError("the client has disconnected")

        await OCPPApplication(server)(scope(), asgi.receive, gone)
        assert server.clients == ()
        await server.close()

    async def test_that_cannot_be_answered_leaves_its_place(self):
        server = csms(max_connections=1)

        async def broken(message):
            raise RuntimeError("a fault of the ASGI server")

        for path in ("/ocpp/CP1", "/ocpp/CP2"):
            asgi = Played({"type": "websocket.connect"})
            with pytest.raises(RuntimeError, match="a fault"):
                await OCPPApplication(server)(scope(path=path), asgi.receive, broken)
        assert not server._acceptor.places.is_full("CP3")
        await server.close()

    async def test_over_plain_http_does_not_meet_a_profile_with_tls(self):
        server = csms(security_profile=2, credentials={"CP1": "secret"})
        asgi = Played({"type": "websocket.connect"})
        with pytest.raises(ValueError, match="TLS"):
            await OCPPApplication(server)(scope(), asgi.receive, asgi.send)
        await OCPPApplication(server)(scope(scheme="wss"), Played({}).receive, asgi.send)
        assert asgi.sent[-1]["code"] == 1008  # no credentials, but that is another matter
        await server.close()


class TestTheLifespan:
    async def test_opens_the_server_and_ends_its_connections(self):
        server = csms()
        async with uvicorn_running(OCPPApplication(server)) as port:
            client = OCPPClient("CP1", f"ws://127.0.0.1:{port}", protocols=["ocpp1.6"], reconnect=False)
            losses = client.events("disconnect")
            await client.connect()
            await station_of(server)
        assert (await first(losses)).code == 1012  # service restart, by uvicorn
        await losses.aclose()
        await client.close()
        assert server.clients == ()

    async def test_of_another_kind_is_refused(self):
        with pytest.raises(ValueError, match="expected a scope of type websocket, http or lifespan, got 'smtp'"):
            await OCPPApplication(csms())({"type": "smtp"}, mistyped(None), mistyped(None))

    async def test_does_not_begin_if_nobody_decides_on_passwords(self):
        server, sent = csms(security_profile=1), []

        async def receive():
            return {"type": "lifespan.startup"}

        async def send(message):
            sent.append(message)

        await OCPPApplication(server)({"type": "lifespan"}, receive, send)
        assert [message["type"] for message in sent] == ["lifespan.startup.failed"]
        assert sent[0]["message"].startswith("expected credentials or an auth handler with security profile 1")

    async def test_outlives_the_server(self):
        server = csms()
        async with uvicorn_running(OCPPApplication(server)) as port:
            client = OCPPClient("CP1", f"ws://127.0.0.1:{port}", protocols=["ocpp1.6"], reconnect=False)
            async with client.events("disconnect") as events:
                await client.connect()
                await station_of(server)
                await server.close(1012)
                assert (await first(events)).code == 1012
            await client.close()
        assert server.clients == ()


class TestTheOptionsOfTheServer:
    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ({"ping_interval": 5}, "ping_interval .*uvicorn: --ws-ping-interval"),
            ({"ping_interval": 0}, "ping_interval "),
            ({"pong_timeout": 5}, "pong_timeout .*uvicorn: --ws-ping-timeout"),
            ({"defer_pings_on_activity": True}, "defer_pings_on_activity "),
            ({"compression": True}, "compression .*uvicorn: --ws-per-message-deflate"),
            ({"tls": ssl.create_default_context()}, "tls .*uvicorn: --ssl-certfile"),
            ({"max_tls_handshakes": 5}, "max_tls_handshakes "),
            ({"max_sockets": 5}, "max_sockets .*uvicorn: --limit-concurrency"),
            ({"max_sockets_per_address": 5}, "max_sockets_per_address "),
            ({"require_connection_header": False}, "require_connection_header "),
            ({"message_timeout": 5}, "message_timeout "),
            ({"min_message_rate": 5}, "min_message_rate "),
            ({"max_unfinished_size": 5}, "max_unfinished_size .*uvicorn: --ws-max-size"),
        ],
    )
    async def test_that_are_another_s_are_refused(self, given, expected):
        with pytest.raises(ValueError, match=f"^expected no {expected}"):
            OCPPApplication(csms(**given))

    @pytest.mark.parametrize(
        ("message", "fits"),
        [
            ({"text": "x" * 1000}, True),
            ({"text": "x" * 1001}, False),
            ({"text": "é" * 500}, True),
            ({"text": "é" * 501}, False),
            ({"text": "\N{ELECTRIC PLUG}" * 250}, True),
            ({"text": "\N{ELECTRIC PLUG}" * 251}, False),
            ({"text": "x" * 3_000_000}, False),
            ({"bytes": b"x" * 1000}, True),
            ({"bytes": b"x" * 1001}, False),
        ],
    )
    async def test_bound_the_size_of_a_message(self, message, fits):
        played = Played({"type": "websocket.connect"})
        async with csms(max_message_size=1000) as server:
            application = OCPPApplication(server)
            async with anyio.create_task_group() as tasks, server.events("client") as arrivals:
                tasks.start_soon(application, scope(), played.receive, played.send)
                station = await first(arrivals)
                async with station.events("bad_message", "close") as events:
                    played.put({"type": "websocket.receive", **message})
                    event = await first(events)
                    assert isinstance(event, BadMessageEvent if fits else CloseEvent)
                played.put({"type": "websocket.disconnect", "code": 1000})
        assert [sent["code"] for sent in played.sent if sent["type"] == "websocket.close"] == ([] if fits else [1009])
