"""The ASGI application: what is its own beside the contract of every host."""

import hashlib
import ssl

import anyio
import anyio.lowlevel
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute

from ocpp_transports import OCPPClient
from ocpp_transports.asgi import OCPPApplication
from ocpp_transports.events import BadMessageEvent, CloseEvent
from tests.kinds import mistyped
from tests.transports.asgi_player import Played, answer_to, csms, scope
from tests.transports.carriers import uvicorn_running
from tests.transports.pairs import SECONDS, first, station_of

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


async def heartbeat(port, path, identity="CP1", **options):
    """Connect, make one call, and close."""
    url = f"ws://127.0.0.1:{port}{path}"
    async with OCPPClient(identity, url, protocols=["ocpp1.6"], reconnect=False, **options) as client:
        await client.connect()
        return await client.call("Heartbeat", {})


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


PEM = ssl.DER_cert_to_PEM_cert(b"a certificate")
PIN = hashlib.sha256(b"a certificate").hexdigest()


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
        ("chain", "rule", "status"),
        [
            ([PEM], {"certificate_pins": {"CP1": PIN}}, None),
            ([PEM], {"certificate_pins": {"CP1": "0" * 64}}, 401),
            (["junk"], {"certificate_pins": {"CP1": PIN}}, 401),
            ([], {"certificate_pins": {"CP1": PIN}}, 401),
            ([], {"certificate_organization": "CPO"}, None),
            ([], {"certificate_organization": "CP1"}, 401),
        ],
    )
    async def test_hands_on_organization_and_certificate(self, chain, rule, status):
        async with csms(security_profile=3, **rule, auth=lambda accept, reject, handshake: reject(418)) as server:
            asgi = Played({"type": "websocket.connect"})
            tls = {"client_cert_name": "CN=CP1,O=CPO", "client_cert_chain": chain}
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

    @pytest.mark.parametrize(
        ("options", "reason"),
        [
            ({"security_profile": 1}, "expected credentials, verify or an auth handler with security profile 1"),
            ({"ping_interval": 5}, "expected no ping_interval for a server in an ASGI application"),
        ],
    )
    async def test_does_not_begin_with_routes_that_cannot_be_served(self, options, reason):
        server, sent = csms(), []
        app = OCPPApplication(server)
        server.route("/{identity}", **options)

        async def receive():
            return {"type": "lifespan.startup"}

        async def send(message):
            sent.append(message)

        await app({"type": "lifespan"}, receive, send)
        assert [message["type"] for message in sent] == ["lifespan.startup.failed"]
        assert sent[0]["message"].startswith(reason)

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

    async def test_about_proxies_need_the_addresses_of_the_peers(self):
        """An ASGI server that reads the fields of proxies itself hands on addresses that a station may have chosen."""
        given = {"trusted_proxies": ["10.0.0.1"], "forwarded_header": "x-forwarded-for"}
        with pytest.raises(ValueError, match=r"^expected no trusted_proxies .*uvicorn: --no-proxy-headers"):
            OCPPApplication(csms(**given))
        async with csms(**given) as server:
            server.auth(lambda accept, reject, handshake: reject(403, handshake.remote_address))
            played = Played({"type": "websocket.connect"})
            station = scope(client=("10.0.0.1", 4711), extensions={"websocket.http.response": {}})
            station["headers"] = [*station["headers"], (b"x-forwarded-for", b"192.0.2.7")]
            await OCPPApplication(server, shows_peers=True)(station, played.receive, played.send)
        assert played.sent[-1]["body"] == b"192.0.2.7"

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
