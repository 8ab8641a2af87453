"""TLS that breaks at every point, over real sockets: the right error, and nothing hangs or stays."""

import socket
import ssl
import struct
from typing import Any

import anyio
import pytest
import trustme
from anyio.abc import SocketAttribute

from ocpp_transports import ConnectionFailedError, ConnectionState, OCPPClient, TLSOptions
from tests.interop.raw import connected, hello, playing
from tests.link.wire import TEXT, frame
from tests.transports.pairs import SECONDS, client_of, first, serving, station_of

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("nothing_left")]

AUTHORITY = trustme.CA()
ISSUED = AUTHORITY.issue_cert("127.0.0.1")
SERVER = TLSOptions(cert=ISSUED.cert_chain_pems[0].bytes(), key=ISSUED.private_key_pem.bytes())
TRUSTING = TLSOptions(ca=AUTHORITY.cert_pem.bytes())
CLIENT_HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(32)
ALERT = b"\x15\x03\x03\x00\x02\x02\x28"  # handshake failure


@pytest.fixture(scope="module")
async def csms(anyio_backend):
    """A server with TLS that lives through all that the tests of this module do to it."""
    async with serving(tls=SERVER) as (server, listener):
        await serves_a_good_station(server, listener)
        yield server, listener


async def serves_a_good_station(server, listener):
    async with client_of(listener, "good", scheme="wss", tls=TRUSTING) as client:
        await client.connect()
        await station_of(server, "good")


async def silence(raw):
    await raw.begins()
    await raw.drained()


async def an_end(raw):
    await raw.begins()


async def a_reset(raw):
    await raw.begins()
    await raw.reset()


def saying(data):
    async def script(raw):
        await raw.begins()
        await raw.send(data)
        await raw.drained()

    return script


class TestAClient:
    @pytest.mark.parametrize(
        "script",
        [
            pytest.param(an_end, id="an end"),
            pytest.param(a_reset, id="a reset"),
            pytest.param(saying(ALERT), id="an alert"),
            pytest.param(saying(b"HTTP/1.1 400 Bad Request\r\n\r\n"), id="plain HTTP"),
            pytest.param(saying(CLIENT_HELLO), id="its own words"),
            pytest.param(saying(b"\x16\x03\x03\x40\x00"), id="a record that never comes"),
            pytest.param(silence, id="nothing"),
        ],
    )
    async def test_whose_hello_is_answered_badly_fails_in_time_and_may_try_again(self, script):
        async with playing(script) as port, self.client(port) as client:
            for _ in range(2):
                with anyio.fail_after(SECONDS), pytest.raises(ConnectionFailedError):
                    await client.connect()
                assert client.state is ConnectionState.CLOSED

    async def test_may_be_closed_during_the_handshake(self):
        begun = anyio.Event()

        async def script(raw):
            await raw.begins()
            begun.set()
            await raw.drained()

        async def connect(client):
            with pytest.raises(Exception, match="closed before"):
                await client.connect()

        async with playing(script) as port, self.client(port) as client, anyio.create_task_group() as tasks:
            tasks.start_soon(connect, client)
            with anyio.fail_after(SECONDS):
                await begun.wait()
                await client.close()

    def client(self, port):
        options: dict[str, Any] = {"protocols": ["ocpp1.6"], "connect_timeout": 0.15, "close_timeout": 0.1}
        return OCPPClient("CP1", f"wss://127.0.0.1:{port}/ocpp", tls=TRUSTING, **options)


class TestAServer:
    @pytest.mark.parametrize(
        "data", [b"", CLIENT_HELLO, hello(), ALERT], ids=["nothing", "half a hello", "plain HTTP", "an alert"]
    )
    @pytest.mark.parametrize("leave", ["end", "reset"])
    async def test_survives_what_is_no_handshake(self, csms, data, leave):
        server, listener = csms
        async with connected(listener.port) as raw:
            if data:
                await raw.send(data)
            if leave == "reset":
                await raw.reset()
            else:
                await raw.half_close()
                await raw.drained()
        await serves_a_good_station(server, listener)

    @pytest.mark.parametrize("begun", [b"", frame(TEXT, b'[2,"1","X",{}]')[:5]], ids=["idle", "within a frame"])
    @pytest.mark.parametrize("leave", ["reset", "end"])
    async def test_notices_a_station_that_leaves_without_goodbye(self, csms, begun, leave):
        server, listener = csms
        context = ssl.create_default_context()
        AUTHORITY.configure_trust(context)
        stream = await anyio.connect_tcp("127.0.0.1", listener.port, ssl_context=context, tls_standard_compatible=False)
        async with stream:
            await stream.send(hello() + begun)
            handle = await station_of(server)
            async with handle.events("close") as ends:
                raw_socket = stream.extra(SocketAttribute.raw_socket)
                if leave == "reset":
                    raw_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                await anyio.aclose_forcefully(stream)
                assert (await first(ends)).code == 1006
        await serves_a_good_station(server, listener)

    async def test_that_closes_ends_handshakes_that_have_not(self):
        async with serving(tls=SERVER) as (server, listener), connected(listener.port) as raw:
            await raw.send(CLIENT_HELLO)
            await serves_a_good_station(server, listener)
            with anyio.fail_after(SECONDS):
                await server.close()
            await raw.drained()
