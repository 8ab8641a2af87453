"""Clients and servers on the `websockets` library: what is their own beside the contract of every host."""

import asyncio
import gc
import json
import weakref
from contextlib import nullcontext, suppress
from typing import Any

import anyio
import pytest
import trustme
import websockets
from websockets import Subprotocol
from websockets.asyncio.server import serve as serve_websockets

from ocpp_transports import (
    ConnectionFailedError,
    OCPPClient,
    OCPPServer,
    TLSOptions,
    UnexpectedHttpResponse,
    WebsocketUpgradeError,
    wslib,
)
from ocpp_transports._hosts import _websockets_channel
from ocpp_transports._hosts._websockets_channel import PatientConnection
from ocpp_transports.events import DisconnectEvent
from ocpp_transports.wslib import WebsocketsOCPPClient, serve
from tests.kinds import mistyped
from tests.transports.pairs import SECONDS, first, staying

OCPP16 = Subprotocol("ocpp1.6")

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


def port_of(listening):
    return listening.sockets[0].getsockname()[1]


class TestTheServer:
    @pytest.mark.parametrize(
        "given",
        [
            {"defer_pings_on_activity": True},
            {"max_tls_handshakes": 5},
            {"max_sockets": 5},
            {"max_sockets_per_address": 5},
            {"require_connection_header": False},
            {"message_timeout": 5},
            {"min_message_rate": 5},
            {"max_unfinished_size": 5},
        ],
        ids=lambda given: next(iter(given)),
    )
    async def test_refuses_options_that_websockets_cannot_obey(self, given):
        with pytest.raises(ValueError, match=f"^expected no {next(iter(given))} for a server on websockets: "):
            async with serve(OCPPServer(protocols=["ocpp1.6"], **given), "127.0.0.1", 0):
                pytest.fail("it serves")

    async def test_speaks_tls_by_the_option_of_the_server(self):
        authority = trustme.CA()
        certificate = authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.bytes()
        server = OCPPServer(protocols=["ocpp1.6"], tls=TLSOptions(cert=certificate))
        trusting = TLSOptions(ca=authority.cert_pem.bytes())
        async with (
            serve(server, "127.0.0.1", 0) as listening,
            OCPPClient("CP1", f"wss://127.0.0.1:{port_of(listening)}", protocols=["ocpp1.6"], tls=trusting) as client,
        ):
            assert await client.connect() == "ocpp1.6"

    async def test_gives_a_handshake_the_time_of_the_server(self, monkeypatch):
        given = {}
        monkeypatch.setattr(wslib, "serve_websockets", lambda *_, **options: given.update(options) or nullcontext())
        async with serve(OCPPServer(protocols=["ocpp1.6"], handshake_timeout=3), "127.0.0.1", 0):
            assert given["open_timeout"] == 6  # for TLS, and again for the rest
        async with serve(OCPPServer(protocols=["ocpp1.6"], handshake_timeout=0), "127.0.0.1", 0):
            assert given["open_timeout"] is None

    async def test_challenges_who_comes_without_credentials(self):
        server = OCPPServer(protocols=["ocpp1.6"], security_profile=1, credentials={"CP1": "secret"})
        async with serve(server, "127.0.0.1", 0) as listening:
            with pytest.raises(websockets.InvalidStatus) as refused:
                await websockets.connect(f"ws://127.0.0.1:{port_of(listening)}/CP1", subprotocols=[OCPP16])
        assert refused.value.response.headers["www-authenticate"] == 'Basic realm="ocpp", charset="UTF-8"'

    async def test_keeps_no_connection_that_has_ended(self, monkeypatch):
        held: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()
        monkeypatch.setattr(wslib, "WeakKeyDictionary", lambda: held)
        async with (
            serve(OCPPServer(protocols=["ocpp1.6"]), "127.0.0.1", 0) as listening,
            OCPPClient("CP1", f"ws://127.0.0.1:{port_of(listening)}", protocols=["ocpp1.6"]) as client,
        ):
            await client.connect()
        gc.collect()
        assert list(held) == []

    async def test_refuses_by_any_status(self):
        server = OCPPServer(protocols=["ocpp1.6"], auth=lambda accept, reject, handshake: reject(499, "Odd"))
        async with serve(server, "127.0.0.1", 0) as listening:
            with pytest.raises(websockets.InvalidStatus) as refused:
                await websockets.connect(f"ws://127.0.0.1:{port_of(listening)}/CP1", subprotocols=[OCPP16])
        assert (refused.value.response.status_code, refused.value.response.body) == (499, b"Odd")

    async def test_answers_a_request_with_two_upgrades(self, caplog):
        """A fault of the peer is none of ours, and no traceback for the log."""
        request = b"GET /CP1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"
        async with (
            serve(OCPPServer(protocols=["ocpp1.6"]), "127.0.0.1", 0) as listening,
            await anyio.connect_tcp("127.0.0.1", port_of(listening)) as stream,
        ):
            await stream.send(request)
            assert (await stream.receive()).startswith(b"HTTP/1.1 400")
        assert "Traceback" not in caplog.text

    async def test_may_be_opened_again(self):
        server = OCPPServer(protocols=["ocpp1.6"])
        for _ in range(2):
            async with (
                serve(server, "127.0.0.1", 0) as listening,
                OCPPClient("CP1", f"ws://127.0.0.1:{port_of(listening)}", protocols=["ocpp1.6"]) as client,
            ):
                assert await client.connect() == "ocpp1.6"
        assert server._runtime is None

    async def test_carries_a_stranger(self):
        server = OCPPServer(protocols=["ocpp1.6"])
        server.handle("Heartbeat", lambda ctx: {"currentTime": "x"})
        async with serve(server, "127.0.0.1", 0) as listening:
            url = f"ws://127.0.0.1:{port_of(listening)}/CP1"
            async with websockets.connect(url, subprotocols=[Subprotocol("ocpp2.0.1"), OCPP16]) as stranger:
                assert stranger.subprotocol == "ocpp1.6"
                await stranger.send('[2,"1","Heartbeat",{}]')
                assert json.loads(await stranger.recv()) == [3, "1", {"currentTime": "x"}]
        assert stranger.close_code == 1000


class TestTheClient:
    async def test_calls_a_stranger(self):
        async def csms(connection):
            message = json.loads(await connection.recv())
            await connection.send(json.dumps([3, message[1], {"currentTime": "x"}]))
            await connection.close(4001, "bye")

        async with serve_websockets(csms, "127.0.0.1", 0, subprotocols=[OCPP16]) as listening:
            client = WebsocketsOCPPClient(
                "CP1", f"ws://127.0.0.1:{port_of(listening)}", protocols=["ocpp1.6"], reconnect=False
            )
            async with client, client.events("disconnect") as events:
                await client.connect()
                assert await client.call("Heartbeat", {}) == {"currentTime": "x"}
                assert await first(events) == DisconnectEvent(4001, "bye")

    @pytest.mark.parametrize("limit", [1e4, float("inf")])
    async def test_takes_limits_as_floats(self, limit):
        async with serve(OCPPServer(protocols=["ocpp1.6"]), "127.0.0.1", 0) as listening:
            url = f"ws://127.0.0.1:{port_of(listening)}"
            options: Any = {"max_message_size": limit, "compression": True}
            async with WebsocketsOCPPClient("CP1", url, protocols=["ocpp1.6"], **options) as client:
                assert await client.connect() == "ocpp1.6"

    async def test_refuses_a_server_without_a_subprotocol(self):
        async def csms(connection):
            await connection.wait_closed()

        async with serve_websockets(csms, "127.0.0.1", 0) as listening:
            client = WebsocketsOCPPClient("CP1", f"ws://127.0.0.1:{port_of(listening)}", protocols=["ocpp1.6"])
            async with client:
                with pytest.raises(WebsocketUpgradeError):
                    await client.connect()

    async def test_may_meet_a_server_that_ends_the_handshake(self):
        """That may heal, unlike a wrong 101."""
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
        async with listener, anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, anyio.aclose_forcefully)
            url = f"ws://127.0.0.1:{listener.extra(anyio.abc.SocketAttribute.local_port)}"
            async with WebsocketsOCPPClient("CP1", url, protocols=["ocpp1.6"]) as client:
                with pytest.raises(ConnectionFailedError) as failed:
                    await client.connect()
            assert not isinstance(failed.value, WebsocketUpgradeError)
            tasks.cancel_scope.cancel()

    async def test_comes_back_though_the_old_stream_does_not_end(self):
        async with staying() as server:
            options: Any = {"backoff_min": 0.01, "backoff_max": 0.02, "close_timeout": 10 * SECONDS}
            url = f"ws://127.0.0.1:{server.port}"
            client = WebsocketsOCPPClient("CP1", url, protocols=["ocpp1.6"], **options)
            async with client, client.events("disconnect") as events:
                await client.connect()
                assert await first(events) == DisconnectEvent(1012, "restart")
                assert await first(events) == DisconnectEvent(1012, "restart")
                server.leave()

    async def test_follows_no_redirect(self):
        """Credentials are for the endpoint alone."""
        visitors = []

        async def elsewhere(connection):
            visitors.append(connection.request.headers)

        def redirect(connection, _):
            response = connection.respond(302, "")
            response.headers["Location"] = f"ws://127.0.0.1:{port_of(other)}/CP1"
            return response

        async with (
            serve_websockets(elsewhere, "127.0.0.1", 0, subprotocols=[OCPP16]) as other,
            serve_websockets(elsewhere, "127.0.0.1", 0, process_request=redirect) as listening,
        ):
            url = f"ws://127.0.0.1:{port_of(listening)}"
            async with WebsocketsOCPPClient("CP1", url, protocols=["ocpp1.6"], headers={"X-Token": "t"}) as client:
                with pytest.raises(UnexpectedHttpResponse) as refused:
                    await client.connect()
        assert refused.value.status == 302
        assert visitors == []

    async def test_reads_its_certificates_at_once(self):
        tls = TLSOptions(cert="/nowhere/cert.pem", key="/nowhere/key.pem")
        with pytest.raises(FileNotFoundError):
            WebsocketsOCPPClient("CP1", "wss://csms.example", protocols=["ocpp1.6"], tls=tls)
        client = WebsocketsOCPPClient("CP1", "wss://csms.example", protocols=["ocpp1.6"])
        context = client._tls
        with pytest.raises(FileNotFoundError):
            client.reconfigure(tls=tls)
        client.reconfigure(call_timeout=5)
        assert client._tls is context

    async def test_is_not_answered_by_a_closed_port(self):
        async with WebsocketsOCPPClient("CP1", "ws://127.0.0.1:1", protocols=["ocpp1.6"]) as client:
            with pytest.raises(ConnectionFailedError):
                await client.connect()

    async def test_is_reconfigured_for_its_next_connection(self):
        async with (
            serve(OCPPServer(protocols=["ocpp1.6"]), "127.0.0.1", 0) as listening,
            WebsocketsOCPPClient("CP1", "ws://127.0.0.1:1", protocols=["ocpp2.1"]) as client,
        ):
            client.reconfigure(endpoint=f"ws://127.0.0.1:{port_of(listening)}", protocols=["ocpp1.6"])
            assert await client.connect() == "ocpp1.6"


@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_trio_is_refused_clearly(anyio_backend):
    async with WebsocketsOCPPClient("CP1", "ws://127.0.0.1:1", protocols=["ocpp1.6"]) as client:
        with pytest.raises(ConnectionFailedError, match="expected asyncio"):
            await client.connect()


class TestTheLog:
    async def test_of_websockets_shows_no_credentials(self, caplog):
        server = OCPPServer(protocols=["ocpp1.6"], security_profile=1, credentials={"CP1": "secret"})
        with caplog.at_level("DEBUG"):
            async with serve(server, "127.0.0.1", 0) as listening:
                options: Any = {"protocols": ["ocpp1.6"], "security_profile": 1, "password": "secret"}
                async with WebsocketsOCPPClient("CP1", f"ws://127.0.0.1:{port_of(listening)}", **options) as client:
                    await client.connect()
        assert caplog.text.count("Authorization: ***") == 2  # as it was sent, and as it was received
        assert "Basic Q1" not in caplog.text

    async def test_of_websockets_shows_no_query_no_other_field_and_no_message(self, caplog):
        server = OCPPServer(protocols=["ocpp1.6"])
        with caplog.at_level("DEBUG"):
            async with serve(server, "127.0.0.1", 0) as listening:
                endpoint = f"ws://127.0.0.1:{port_of(listening)}/ocpp"
                async with WebsocketsOCPPClient(
                    "CP1", endpoint, protocols=["ocpp1.6"], query={"q": "s3cr3t"}, headers={"X-Key": "s3cr3t"}
                ) as client:
                    client.handle("ChangeConfiguration")(lambda context: {"status": "Accepted"})
                    await client.connect()
                    setting = {"key": "AuthorizationKey", "value": "s3cr3t"}
                    await server.call("CP1", "ChangeConfiguration", setting)
        assert "s3cr3t" not in caplog.text
        assert "GET /ocpp/CP1?***" in caplog.text
        assert "X-Key: ***" in caplog.text
        assert "Sec-WebSocket-Protocol: ocpp1.6" in caplog.text
        assert "> TEXT [" in caplog.text
        assert "> CLOSE 1" in caplog.text


class TestAPeerThatAnswersNoPing:
    async def test_is_dropped(self):
        server = OCPPServer(protocols=["ocpp1.6"], ping_interval=0.02, pong_timeout=0.05)
        async with (
            serve(server, "127.0.0.1", 0) as listening,
            await anyio.connect_tcp("127.0.0.1", port_of(listening)) as station,
        ):
            await station.send(
                b"GET /CP1 HTTP/1.1\r\nHost: csms\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDAwMDAwMDAwMDAwMDAwMA==\r\n"
                b"Sec-WebSocket-Protocol: ocpp1.6\r\n\r\n"
            )
            with anyio.fail_after(SECONDS), suppress(anyio.BrokenResourceError):
                async for _ in station:
                    pass

    @pytest.mark.parametrize(
        ("outflows", "reads", "looks"),
        [
            pytest.param([0], [True], 1, id="idle"),
            pytest.param([None], [True], 1, id="on a system that does not tell"),
            pytest.param([1000, 2000, 2000], [True] * 3, 3, id="behind a message that stops"),
            pytest.param([1000, 0, 0], [True] * 3, 3, id="behind a message that has arrived"),
            pytest.param([0], [False, False, True], 3, id="while nothing is read"),
        ],
    )
    async def test_is_given_up_when_nothing_moves(self, monkeypatch, outflows, reads, looks):
        looked = []

        class Transport:
            def is_reading(self):
                looked.append(True)
                return reads.pop(0)

            def get_extra_info(self, name):
                return name

        connection = PatientConnection.__new__(PatientConnection)
        connection.transport = mistyped(Transport())
        monkeypatch.setattr(_websockets_channel, "unconfirmed", lambda raw_socket: outflows.pop(0))
        pong = asyncio.get_running_loop().create_future()
        assert not await connection._has_come(pong, 0.001)
        assert len(looked) == looks
        pong.set_result(0.5)
        assert await connection._has_come(pong, 0.001)
