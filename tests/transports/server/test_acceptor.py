"""Letting stations in, or not: every handshake gets its answer."""

import anyio
import anyio.lowlevel
import pytest

from ocpp_transports import (
    OCPPServer,
)
from ocpp_transports.events import UpgradeAbortedEvent
from tests.kinds import mistyped
from tests.transports.pairs import SECONDS, client_of, first, knock, pair, serving, station_of, upgrade

pytestmark = pytest.mark.anyio


class TestRefusals:
    """Every handshake gets an HTTP answer, never silence, never an exception's text."""

    @pytest.mark.parametrize(
        ("request_", "status"),
        [
            (upgrade("/"), 400),
            (upgrade("//["), 400),
            (upgrade("/ocpp/%2e%2e"), 400),
            (upgrade("/ocpp/a%2Fb"), 400),
            (upgrade("/ocpp/CP%E0%A4%A"), 400),
            (upgrade(protocol=None), 400),
            (upgrade(protocol="ocpp0.1"), 400),
            (upgrade(protocol="OCPP1.6"), 400),
            (upgrade(protocol="ocpp1.6, ocpp1.6"), 400),
            (upgrade().replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"short"), 400),
            (upgrade().replace(b"Version: 13", b"Version: 12"), 426),
            (upgrade().replace(b"Upgrade: websocket", b"Upgrade: h2c"), 426),
            (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 426),
            (b"POST /ocpp/CP1 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 405),
            (b"nonsense\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nX: " + b"y" * 20_000 + b"\r\n\r\n", 431),
        ],
    )
    async def test_by_status(self, request_, status):
        async with serving() as (_, listener):
            answered, headers, body = await knock(listener, request_)
            assert answered == status
            assert headers["content-type"].startswith("text/plain")
            assert int(headers["content-length"]) == len(body.encode())
            if status == 426:
                assert headers["upgrade"] == "websocket"

    @pytest.mark.parametrize(
        ("target", "identity"),
        [("/ocpp/CP%20%C3%BC", "CP ü"), ("//CPX", "CPX"), ("/ocpp/CP1/?x=1", "CP1"), ("/ocpp/RDAM|123", "RDAM|123")],
    )
    async def test_not_of_an_odd_identity(self, target, identity):
        async with serving() as (server, listener), await anyio.connect_tcp("127.0.0.1", listener.port) as stream:
            await stream.send(upgrade(target))
            assert (await station_of(server, identity)).identity == identity

    async def test_of_one_that_takes_too_long(self):
        async with serving(handshake_timeout=0.05) as (_, listener):
            assert (await knock(listener, b"GET / HTTP/1.1\r\n"))[0] == 408

    async def test_where_auth_never_decides(self):
        async def auth(accept, reject, handshake):
            try:
                await anyio.sleep_forever()
            finally:
                ended.set()

        ended = anyio.Event()
        async with (
            serving(handshake_timeout=0.4, auth=auth) as (server, listener),
            server.events("upgrade_aborted") as refusals,
        ):
            assert (await knock(listener, upgrade()))[0] == 408
            with anyio.fail_after(SECONDS):
                await ended.wait()
            assert await first(refusals) == UpgradeAbortedEvent("CP1", "127.0.0.1", 408, "handshake timeout")

    async def test_where_auth_raises(self, caplog):
        async def auth(accept, reject, handshake):
            raise RuntimeError("oops secret")

        async with serving(auth=auth) as (server, listener), server.events("error") as errors:
            status, _, body = await knock(listener, upgrade())
            assert status == 500
            assert "secret" not in body
            assert str((await first(errors)).error) == "oops secret"

    async def test_where_an_asynchronous_auth_rejects(self):
        async def auth(accept, reject, handshake):
            reject()

        async with serving(auth=auth) as (_, listener):
            status, headers, body = await knock(listener, upgrade())
            assert (status, body) == (401, "Unauthorized")
            assert headers["www-authenticate"].startswith("Basic")

    async def test_are_told(self):
        async with serving() as (server, listener), server.events("upgrade_aborted") as refusals:
            server.auth(lambda accept, reject, handshake: reject(403, "Blocked"))
            await knock(listener, upgrade())
            await knock(listener, upgrade("/"))
            assert await first(refusals) == UpgradeAbortedEvent("CP1", "127.0.0.1", 403, "Blocked")
            assert (await first(refusals)).identity is None

    async def test_cost_the_other_stations_nothing(self):
        async with serving() as (server, listener), client_of(listener) as client:
            server.handle("Heartbeat", lambda ctx: {})
            await client.connect()
            await knock(listener, b"nonsense\r\n\r\n")
            assert await client.call("Heartbeat") == {}


class TestAuth:
    async def test_may_decorate_and_is_there_once(self):
        server = OCPPServer(protocols=["ocpp1.6"])

        @server.auth
        def auth(accept, reject, handshake):
            accept()

        assert callable(auth)
        with pytest.raises(ValueError, match="cannot register an auth handler: there is one already"):
            server.auth(auth)
        with pytest.raises(TypeError, match="auth as a callable"):
            OCPPServer().auth(mistyped("no"))

    async def test_may_choose_another_protocol_for_one_station(self):
        def auth(accept, reject, handshake):
            accept(protocol="ocpp1.6")

        protocols = ["ocpp2.1", "ocpp1.6"]
        async with pair(server={"auth": auth, "protocols": protocols}, protocols=protocols) as (client, station):
            assert client.protocol == station.protocol == "ocpp1.6"

    async def test_sees_the_whole_handshake(self):
        seen = []

        def auth(accept, reject, handshake):
            seen.append(handshake)
            accept()

        async with serving(auth=auth) as (_, listener), client_of(listener, query={"a": "1"}) as client:
            await client.connect()
        (handshake,) = seen
        assert (handshake.identity, handshake.path, dict(handshake.query)) == ("CP1", "/ocpp/CP1", {"a": "1"})
        assert (handshake.protocols, handshake.password) == (("ocpp1.6",), None)
        assert (handshake.remote_address, handshake.client_certificate) == ("127.0.0.1", None)


class TestOptions:
    async def test_count_for_a_handshake_from_its_request_on(self):
        """Also where its subprotocol is none of the server's any more once `auth` has decided."""

        async def auth(accept, reject, handshake):
            server.reconfigure(protocols=["ocpp2.1"])
            await anyio.lowlevel.checkpoint()
            accept()

        async with serving(auth=auth) as (server, listener), client_of(listener) as client:
            assert await client.connect() == "ocpp1.6"
            assert (await station_of(server)).protocol == "ocpp1.6"
            assert (await knock(listener, upgrade()))[0] == 400


class TestStationsWithoutASubprotocol:
    async def test_may_be_taken_to_speak_a_default_one(self):
        async with (
            serving(default_protocol="ocpp1.6") as (server, listener),
            await anyio.connect_tcp("127.0.0.1", listener.port) as stream,
        ):
            await stream.send(upgrade(protocol=None))
            answer = await stream.receive()
            assert answer.startswith(b"HTTP/1.1 101 ")
            assert b"sec-websocket-protocol" not in answer.lower()
            assert (await station_of(server)).protocol == "ocpp1.6"

    async def test_may_be_upgraded_and_closed_at_once_whatever_they_have_sent(self, caplog):
        caplog.set_level("DEBUG")
        async with (
            serving(unmatched_protocol="upgrade-then-close") as (server, listener),
            await anyio.connect_tcp("127.0.0.1", listener.port) as stream,
        ):
            call = b'[2,"1","Heartbeat",{}]'
            await stream.send(upgrade(protocol="ocpp0.1") + 3 * (bytes((0x81, 0x80 | len(call), 0, 0, 0, 0)) + call))
            data = b""
            while b"\x88" not in data:
                data += await stream.receive()
            head, _, frames = data.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 101 ")
            assert b"sec-websocket-protocol" not in head.lower()
            assert frames[2:4] == (1002).to_bytes(2)
            assert server.clients == ()
        assert [record for record in caplog.records if record.levelname == "ERROR"] == []
