"""What every host of a client owes to its driver: attempts, each with one outcome."""

import gc
import socket

import anyio
import pytest

from ocpp_core.actions import CloseStream, OpenTransport, SendBytes
from ocpp_core.errors import ConnectionFailedError
from ocpp_core.inputs import BytesReceived, StreamFailed, StreamOpened
from tests.transports.net import Probe, echo

pytestmark = pytest.mark.anyio


@pytest.fixture
async def line(net):
    """A server's probe on a port, and the client's probe that dials it."""
    server, client = Probe({BytesReceived: echo}), Probe()
    client.dial_with(net.runtime, net.dialer(await net.serve(server)))
    return server, client


@pytest.fixture
async def silent_port(net):
    """A port that accepts and then says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def dial(probe, attempt=1):
    probe.do(OpenTransport(attempt, ("ocpp1.6",)))


def outcome(probe):
    return [event for event in probe.events if isinstance(event, (StreamOpened, StreamFailed))]


async def dialled(probe, attempt=1):
    dial(probe, attempt)
    await probe.until(lambda: any(event.attempt == attempt for event in outcome(probe)))


class TestADial:
    async def test_that_succeeds_opens_the_stream_of_its_attempt(self, line):
        _, client = line
        await dialled(client, 7)
        assert outcome(client) == [StreamOpened(7)]
        client.do(SendBytes(b"hello"))
        await client.until(lambda: BytesReceived(b"hello", 7) in client.events)

    async def test_may_send_from_within_its_opening(self, line):
        _, client = line
        client.on[StreamOpened] = lambda _: [SendBytes(b"request")]
        dial(client)
        await client.until_received(b"request")

    async def test_may_be_dropped_from_within_its_opening(self, net, line):
        """No socket may be left: uvloop closes its file descriptor, whose number may soon be that of another one."""
        _, client = line
        client.on[StreamOpened] = lambda _: [CloseStream(abort=True)]
        dial(client)
        await client.until_over()
        await net.runtime.aclose()
        gc.collect()

    async def test_that_is_refused_fails_with_its_cause(self, net, reserved_port):
        client = Probe()
        client.dial_with(net.runtime, net.dialer(reserved_port))
        await dialled(client, 3)
        (failed,) = outcome(client)
        assert failed.attempt == 3
        assert isinstance(failed.error, ConnectionFailedError)
        assert isinstance(failed.error.__cause__, Exception)
        assert "refused" in str(failed.error) or "failed" in str(failed.error)

    async def test_of_a_host_that_cannot_exist_fails(self, net):
        client = Probe()
        client.dial_with(net.runtime, net.dialer(1, host="a" * 64 + ".invalid"))
        await dialled(client)
        assert isinstance(outcome(client)[0].error, ConnectionFailedError)

    async def test_that_is_called_off_is_not_answered(self, net, silent_port, tls):
        client = Probe()
        client.dial_with(net.runtime, net.dialer(silent_port, ssl=tls.client))
        dial(client)
        await anyio.lowlevel.checkpoint()
        client.do(CloseStream(abort=True))
        await net.runtime.aclose()
        assert outcome(client) == []
        assert client.ends == 0

    async def test_whose_address_cannot_be_told_fails(self, net):
        def where():
            raise ValueError("expected an endpoint")

        client = Probe()
        client.dial_with(net.runtime, net.dialer(where))
        await dialled(client)
        assert "expected an endpoint" in str(outcome(client)[0].error)

    async def test_before_any_other_has_nothing_to_close_or_send_on(self, line):
        _, client = line
        client.do(SendBytes(b"x"), CloseStream(), CloseStream(abort=True))
        await dialled(client)
        assert outcome(client) == [StreamOpened(1)]


class TestANewDial:
    async def test_ends_the_connection_of_the_one_before(self, line):
        server, client = line
        await dialled(client, 1)
        await dialled(client, 2)
        await server.until_over()
        await client.until_over()
        assert client.has_ended(1)
        assert not client.has_ended(2)

    async def test_calls_off_the_one_before(self, net, silent_port, tls):
        client = Probe()
        port = await net.listen(Probe({BytesReceived: echo}).attach, ssl=tls.server)
        ports = iter([silent_port, port])
        client.dial_with(net.runtime, net.dialer(lambda: next(ports), ssl=tls.client))
        dial(client, 1)
        await anyio.lowlevel.checkpoint()
        await dialled(client, 2)
        assert outcome(client) == [StreamOpened(2)]

    async def test_leaves_the_one_before_to_its_closing(self, line):
        server, client = line
        await dialled(client, 1)
        client.do(SendBytes(b"last words"), CloseStream())
        await dialled(client, 2)
        await server.until_received(b"last words")
        await client.until(lambda: client.has_ended(1))

    async def test_follows_a_connection_that_was_lost(self, line):
        server, client = line
        await dialled(client, 1)
        await server.until(lambda: server.driver)
        server.do(CloseStream(abort=True))
        await client.until(lambda: client.ends == 1)
        await dialled(client, 2)
        client.do(SendBytes(b"again"))
        await client.until(lambda: BytesReceived(b"again", 2) in client.events)


class TestClosing:
    async def test_sends_what_was_said_before(self, line):
        server, client = line
        await dialled(client)
        client.do(SendBytes(b"goodbye"), CloseStream())
        await client.until_over()
        assert server.received == b"goodbye"
        assert client.ends == 1
