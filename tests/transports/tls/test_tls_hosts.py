"""The contract of hosts again, where TLS makes a difference."""

import ssl

import anyio
import pytest

from ocpp_core.actions import CloseStream, OpenTransport, SendBytes
from ocpp_core.errors import ConnectionFailedError
from ocpp_core.inputs import BytesReceived, StreamFailed, StreamOpened
from tests.transports.net import Probe, echo, read_all
from tests.transports.pairs import reset

pytestmark = pytest.mark.anyio
TOO_MUCH = b"x" * 20_000_000


async def connect(net, server, server_ssl, client_ssl, **options):
    """Dial a TLS server by a client's host; returns the client's probe when the dial has its outcome."""
    client = Probe()
    client.dial_with(net.runtime, net.dialer(await net.serve(server, ssl=server_ssl), ssl=client_ssl, **options))
    client.do(OpenTransport(1, ()))
    await client.until(lambda: any(isinstance(event, (StreamOpened, StreamFailed)) for event in client.events))
    return client


class TestBothSides:
    async def test_talk(self, net, tls):
        server = Probe({BytesReceived: echo})
        client = await connect(net, server, tls.server, tls.client)
        client.do(SendBytes(b"hello"))
        await client.until_received(b"hello")
        assert (server.facts.tls, server.facts.client_certificate) == (True, None)
        client.do(CloseStream())
        await client.until_over()
        await server.until_over()

    async def test_the_servers_name_may_differ_from_its_address(self, net, tls):
        client = await connect(net, Probe({BytesReceived: echo}), tls.server, tls.client, server_hostname="localhost")
        assert StreamOpened(1) in client.events

    async def test_a_certificate_for_another_name_is_refused(self, net, tls):
        client = await connect(net, Probe(), tls.server, tls.client, server_hostname="example.org")
        assert_verification_failed(client)

    async def test_a_certificate_of_another_authority_is_refused(self, net, tls):
        assert_verification_failed(await connect(net, Probe(), tls.server, tls.stranger))

    async def test_the_clients_verified_certificate_is_told(self, net, tls):
        server = Probe({BytesReceived: echo})
        client = await connect(net, server, tls.mutual, tls.member)
        client.do(SendBytes(b"hello"))
        await client.until_received(b"hello")
        subject = dict(item for part in server.facts.client_certificate["subject"] for item in part)
        assert subject["commonName"] == "CP1"

    async def test_large_output_is_whole_and_in_order(self, net, tls):
        blocks = b"".join(bytes([n]) * 70_000 for n in range(100))
        server = Probe({BytesReceived: lambda event: [SendBytes(blocks), CloseStream()] if event.data else []})
        client = await connect(net, server, tls.server, tls.client)
        client.do(SendBytes(b"go"))
        await client.until_over()
        assert client.received == blocks
        client.do(CloseStream())
        await server.until_over()


def assert_verification_failed(client):
    (failed,) = [event for event in client.events if isinstance(event, StreamFailed)]
    assert isinstance(failed.error, ConnectionFailedError)
    assert "CERTIFICATE_VERIFY_FAILED" in str(failed.error)


class TestAStuckPeer:
    async def stuck(self, net, tls, probe):
        """Connect a TLS peer that reads nothing."""
        port = await net.serve(probe, ssl=tls.server)
        peer = await anyio.connect_tcp("127.0.0.1", port, ssl_context=tls.client)
        await probe.until(lambda: probe.driver)
        return peer

    @pytest.mark.usefixtures("impatient")
    async def test_is_dropped(self, net, tls):
        probe = Probe()
        peer = await self.stuck(net, tls, probe)
        probe.do(SendBytes(TOO_MUCH))
        await probe.until_over()
        assert probe.congestion == [True]
        await anyio.aclose_forcefully(peer)

    @pytest.mark.usefixtures("impatient")
    async def test_does_not_hold_up_a_close(self, net, tls):
        probe = Probe()
        peer = await self.stuck(net, tls, probe)
        probe.do(SendBytes(TOO_MUCH), CloseStream())
        await probe.until_over()
        await anyio.aclose_forcefully(peer)

    async def test_is_dropped_on_demand(self, net, tls):
        probe = Probe()
        peer = await self.stuck(net, tls, probe)
        probe.do(SendBytes(TOO_MUCH))
        probe.do(CloseStream(abort=True))
        await probe.until_over()
        await anyio.aclose_forcefully(peer)

    async def test_that_reads_again_gets_the_rest(self, net, tls):
        probe = Probe()
        peer = await self.stuck(net, tls, probe)
        probe.do(SendBytes(TOO_MUCH))
        got = 0
        while got < len(TOO_MUCH):
            got += len(await peer.receive())
        await probe.until(lambda: probe.congestion == [True, False])
        await anyio.aclose_forcefully(peer)
        await probe.until_over()


class TestAPeerThatIsGone:
    async def test_is_sent_nothing_more(self, net, tls, caplog):
        """To a transport that has failed asyncio logs each write."""
        probe = Probe()
        port = await net.serve(probe, ssl=tls.server)
        peer = await anyio.connect_tcp("127.0.0.1", port, ssl_context=tls.client)
        await probe.until(lambda: probe.driver)
        reset(peer)
        await anyio.aclose_forcefully(peer)
        probe.do(*[SendBytes(b"x")] * 100)
        await probe.until_over()
        assert caplog.records == []


@pytest.mark.parametrize("net", ["sockets"], indirect=True)
class TestAHandshake:
    """Of sockets alone: streams come with theirs done."""

    @pytest.mark.parametrize("garbage", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01" + b"\xff" * 100, b"\0"])
    async def test_that_is_garbage_ends_and_disturbs_nobody(self, net, tls, garbage):
        server = Probe({BytesReceived: echo})
        port = await net.serve(server, ssl=tls.server)
        async with await anyio.connect_tcp("127.0.0.1", port) as peer:
            await peer.send(garbage)
            await peer.send_eof()
            await read_all(peer)
        assert server.driver is None
        async with await anyio.connect_tcp("127.0.0.1", port, ssl_context=tls.client) as peer:
            await peer.send(b"hello")
            assert await peer.receive() == b"hello"

    async def test_without_the_certificate_that_is_required_ends(self, net, tls):
        server = Probe()
        port = await net.serve(server, ssl=tls.mutual)
        with pytest.raises((ssl.SSLError, anyio.BrokenResourceError, OSError)):
            async with await anyio.connect_tcp("127.0.0.1", port, ssl_context=tls.client) as peer:
                await peer.receive()
        assert server.driver is None

    async def test_that_is_under_way_is_ended_with_its_server(self, net, tls):
        port = await net.serve(Probe(), ssl=tls.server)
        async with await anyio.connect_tcp("127.0.0.1", port) as peer:
            await peer.send(b"\x16\x03\x01")
            await anyio.wait_all_tasks_blocked()
            await net.runtime.aclose()
            assert await read_all(peer) in {b"", b"<broken>"}
