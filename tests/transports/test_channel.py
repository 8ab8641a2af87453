"""Channels: a server's connections and a client's over whatever carries whole messages."""

from dataclasses import replace
from functools import partial
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from ocpp_transports import (
    CallDroppedError,
    ConnectionFailedError,
    ConnectionLostError,
    ConnectionState,
    OCPPServer,
    UnexpectedHttpResponse,
    WebsocketUpgradeError,
)
from ocpp_transports._driver._limits import HIGH_WATER
from ocpp_transports.channel import Accept, ChannelClient, ChannelClosed, Reject, UpgradeOffer
from ocpp_transports.events import CloseEvent, ReconnectEvent
from ocpp_transports.memory import memory_channels
from tests.kinds import an
from tests.transports.pairs import SECONDS, first, never

pytestmark = pytest.mark.anyio

OFFER = UpgradeOffer("/ocpp/CP1", [("Host", "csms.example")], ("ocpp1.6",))


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request):
    return request.param


class TestChannel:
    """A channel that a test makes trouble with; `sent` is what it took."""

    __test__ = False

    def __init__(self, *, receive=never, send=None):
        self.receive = receive
        self._send = send
        self.sent, self.closed_with, self.is_aborted = [], None, False

    async def send(self, text):
        if self._send is not None:
            await self._send()
        self.sent.append(text)

    async def close(self, code, reason):
        self.closed_with = code, reason

    def abort(self):
        self.is_aborted = True


class OneChannelClient(ChannelClient):
    """A client that gets this channel, by this function."""

    def __init__(self, open_channel, **options):
        options = {"protocols": ["ocpp1.6"], **options}
        super().__init__("CP1", "ws://csms.example/ocpp", reconnect=False, **options)
        self._open_channel = open_channel

    async def open_channel(self, subprotocols):
        return await self._open_channel()


def giving(channel, subprotocol="ocpp1.6"):
    async def open_channel():
        return channel, subprotocol

    return open_channel


async def raising(error):
    raise error


class TestAnOffer:
    def test_does_not_show_credentials(self):
        assert "Basic" not in repr(replace(OFFER, headers=[("Authorization", "Basic c2VjcmV0")]))


class TestAnIncomingConnection:
    async def test_is_accepted_and_carried_until_it_is_over(self):
        async with OCPPServer(protocols=["ocpp1.6"]) as server, anyio.create_task_group() as tasks:
            incoming = server.incoming(OFFER)
            assert await incoming.decision() == Accept("ocpp1.6")
            ours, theirs = memory_channels()
            tasks.start_soon(incoming.carry, theirs)
            await ours.send('[2,"1","Heartbeat",{}]')
            assert (await ours.receive()).startswith('[4,"1","NotImplemented"')
            await ours.close(4001, "bye")
            with pytest.raises(ChannelClosed):
                await ours.receive()
        assert server.clients == ()

    async def test_is_rejected(self):
        async with OCPPServer(protocols=["ocpp2.1"]) as server:
            answer = await server.incoming(OFFER).decision()
            assert isinstance(answer, Reject)
            assert (answer.status, answer.body) == (400, "No matching subprotocol, expected one of: ocpp2.1")

    async def test_is_rejected_when_the_server_closes_meanwhile(self):
        async def auth(accept, reject, handshake):
            tasks.start_soon(server.close)
            await never()

        async with OCPPServer(protocols=["ocpp1.6"], auth=auth) as server, anyio.create_task_group() as tasks:
            answer = await server.incoming(OFFER).decision()
            assert isinstance(answer, Reject)
            assert (answer.status, answer.body) == (503, "Closing")

    async def test_needs_a_client_certificate_on_profile_3(self):
        async with OCPPServer(protocols=["ocpp1.6"], security_profile=3) as server:
            with pytest.raises(ValueError, match="expected a client certificate"):
                server.incoming(replace(OFFER, tls=True))
            certified = replace(OFFER, tls=True, client_certificate={"subject": ((("commonName", "CP1"),),)})
            assert isinstance(await server.incoming(certified).decision(), Accept)

    async def test_needs_none_where_whoever_speaks_tls_demands_it(self):
        async with OCPPServer(protocols=["ocpp1.6"], security_profile=3, tls_terminated=True) as server:
            assert isinstance(await server.incoming(replace(OFFER, tls=True)).decision(), Accept)

    async def test_is_closed_when_the_server_closes_before_it_is_carried(self):
        async with OCPPServer(protocols=["ocpp1.6"]) as server:
            incoming = server.incoming(OFFER)
            await incoming.decision()
            await server.close()
            channel = TestChannel()
            await incoming.carry(channel)
            assert channel.closed_with == (1001, "going away")
            assert server.clients == ()

    async def test_is_closed_when_it_is_carried_too_late(self):
        """Nobody would answer on it, and nobody would end it."""
        async with OCPPServer(protocols=["ocpp1.6"], handshake_timeout=0.01) as server:
            incoming, channel = server.incoming(OFFER), TestChannel()
            await incoming.decision()
            await anyio.sleep(0.1)
            with anyio.fail_after(SECONDS):
                await incoming.carry(channel)
            assert channel.closed_with == (1013, "handshake timeout")

    async def test_may_have_ended_before_it_is_turned_away(self):
        async def close(code, reason):
            raise ChannelClosed

        async with OCPPServer(protocols=["ocpp1.6"]) as server:
            incoming = server.incoming(OFFER)
            channel: Any = TestChannel()
            channel.close = close
            await incoming.decision()
            await server.close()
            await incoming.carry(channel)
            assert server.clients == ()

    async def test_is_rejected_after_the_server_has_closed(self):
        """Stations come back at once, and whoever accepts their connections may do so for a while."""
        async with OCPPServer(protocols=["ocpp1.6"]) as server:
            assert isinstance(await server.incoming(OFFER).decision(), Accept)
            await server.close()
            assert an(Reject, await server.incoming(OFFER).decision()).status == 503
        assert an(Reject, await server.incoming(OFFER).decision()).status == 503
        async with server:
            assert isinstance(await server.incoming(OFFER).decision(), Accept)

    async def test_is_dropped_with_the_block_of_its_server(self):
        channel = TestChannel()
        async with anyio.create_task_group() as tasks:
            with anyio.CancelScope() as given_up:
                async with OCPPServer(protocols=["ocpp1.6"]) as server:
                    incoming = server.incoming(OFFER)
                    await incoming.decision()
                    tasks.start_soon(incoming.carry, channel)
                    await server.wait_for_client("CP1")
                    given_up.cancel()
                    await never()
            assert channel.is_aborted
            assert server.clients == ()

    @pytest.mark.parametrize("is_before", [True, False])
    async def test_is_closed_when_the_server_closes_around_the_start_of_its_task(self, is_before):
        async with OCPPServer(protocols=["ocpp1.6"]) as server:
            incoming = server.incoming(OFFER)
            await incoming.decision()
            ours, theirs = memory_channels()
            if is_before:
                await server.close()
            incoming.start_carrying(theirs)
            await server.close()
            with anyio.fail_after(SECONDS), pytest.raises(ChannelClosed):
                await ours.receive()

    async def test_has_its_place_from_the_decision_on(self):
        async with OCPPServer(protocols=["ocpp1.6"], max_connections=1) as server:
            assert isinstance(await server.incoming(OFFER).decision(), Accept)
            other = server.incoming(replace(OFFER, target="/ocpp/CP2"))
            assert an(Reject, await other.decision()).body == "Full"

    async def test_leaves_nothing_behind_when_its_peer_has_left(self):
        async with OCPPServer(protocols=["ocpp1.6"], max_connections=1) as server:
            incoming = server.incoming(OFFER)
            await incoming.decision()
            incoming.lost()
            assert isinstance(await server.incoming(OFFER).decision(), Accept)

    async def test_is_given_up_with_the_task_that_waits_for_the_decision(self):
        async with OCPPServer(protocols=["ocpp1.6"], auth=lambda a, r, h: never(), max_connections=1) as server:
            with anyio.move_on_after(0.01):
                await server.incoming(OFFER).decision()
            server.reconfigure(auth=None)
            assert isinstance(await server.incoming(OFFER).decision(), Accept)

    async def test_leaves_its_place_when_it_is_given_up_just_as_it_was_decided_on(self):
        async def auth(accept, reject, handshake):
            accept()
            given_up.cancel()

        async with OCPPServer(protocols=["ocpp1.6"], auth=auth, max_connections=1) as server:
            with anyio.CancelScope() as given_up:
                await server.incoming(OFFER).decision()
            server.reconfigure(auth=None)
            other = server.incoming(replace(OFFER, target="/ocpp/CP2"))
            assert isinstance(await other.decision(), Accept)

    async def test_is_dropped_with_the_task_that_carries_it(self):
        async with OCPPServer(protocols=["ocpp1.6"]) as server:
            incoming, channel = server.incoming(OFFER), TestChannel()
            await incoming.decision()
            with anyio.move_on_after(0.01):
                await incoming.carry(channel)
            assert channel.is_aborted
            assert server.clients == ()


APPROXIMATELY_90: Any = pytest.approx(78.75, abs=11.25)
"""What comes of 90 seconds by jitter, if more was asked for."""


class TestAChannelThatFails:
    async def test_to_open_fails_the_attempt(self):
        async with OneChannelClient(partial(raising, KeyError("a fault"))) as client:
            with pytest.raises(ConnectionFailedError) as failed:
                await client.connect()
            assert isinstance(failed.value.__cause__, KeyError)

    @pytest.mark.parametrize(
        ("error", "name", "expected"),
        [
            (
                UnexpectedHttpResponse(503, (("retry-after", "9000"),)),
                "reconnect",
                ReconnectEvent(1, APPROXIMATELY_90),
            ),
            (WebsocketUpgradeError("a wrong 101"), "close", CloseEvent(1001, "a wrong 101")),
        ],
    )
    async def test_to_open_says_when_to_try_again(self, error, name, expected):
        client = OneChannelClient(partial(raising, error), retry_initial_connect=True, max_retry_after=90)
        async with client, client.events(name) as events:
            with pytest.raises(type(error)):
                await client.connect()
            assert await first(events) == expected

    async def test_to_open_in_time_is_called_off(self):
        async with OneChannelClient(never, connect_timeout=0.05) as client:
            with pytest.raises(ConnectionFailedError, match="no connection within"):
                await client.connect()

    async def test_to_receive_is_lost(self, caplog):
        channel = TestChannel(receive=partial(raising, KeyError("a fault")))
        async with OneChannelClient(giving(channel)) as client, client.events("close") as events:
            await client.connect()
            assert await first(events) == CloseEvent(1006, "")
        assert "a channel failed" in caplog.text
        assert channel.is_aborted

    async def test_to_send_is_lost(self, caplog):
        channel = TestChannel(send=partial(raising, KeyError("a fault")))
        async with OneChannelClient(giving(channel)) as client:
            await client.connect()
            with pytest.raises(ConnectionLostError):
                await client.call("Heartbeat", {})
            assert client.state is ConnectionState.CLOSED
        assert "sending on a channel failed" in caplog.text

    async def test_to_take_what_is_sent_is_dropped(self):
        channel = TestChannel(send=never)
        async with OneChannelClient(giving(channel), send_timeout=0.05) as client:
            await client.connect()
            with pytest.raises(ConnectionLostError):
                await client.call("Heartbeat", {})
            assert channel.is_aborted


class TestCongestion:
    async def test_pauses_reading(self):
        """A peer that sends and does not read must not fill our memory."""
        room, received = anyio.Event(), []
        long = "x" * HIGH_WATER

        async def receive():
            await anyio.lowlevel.checkpoint()
            received.append(1)
            return f'[2,"{len(received)}","DataTransfer",{{}}]'

        channel = TestChannel(receive=receive, send=room.wait)
        async with OneChannelClient(giving(channel)) as client:
            client.handle("DataTransfer", lambda ctx: {"status": "Accepted", "data": long})
            await client.connect()
            await anyio.sleep(0.05)
            assert len(received) == 1
            room.set()
            with anyio.fail_after(SECONDS):
                while len(received) < 2:  # noqa: ASYNC110 - the channel counts by itself
                    await anyio.sleep(0.01)
            await client.close(force=True)

    async def test_bounds_what_is_sent_past_the_window(self):
        room = anyio.Event()
        channel = TestChannel(send=room.wait)
        text = f'[2,"a","DataTransfer",{{"vendorId":"x","data":"{"x" * HIGH_WATER}"}}]'
        async with OneChannelClient(giving(channel), max_queued_bytes=HIGH_WATER) as client:
            await client.connect()
            client.send_raw(text)
            with pytest.raises(CallDroppedError, match="the peer does not read"):
                client.send_raw(text)
            room.set()
            with anyio.fail_after(SECONDS):
                while not channel.sent:  # noqa: ASYNC110 - the channel counts by itself
                    await anyio.sleep(0.01)
            client.send_raw(text)
            await client.close(force=True)

    async def test_makes_notify_wait(self):
        room, done = anyio.Event(), []
        channel = TestChannel(send=room.wait)
        async with OneChannelClient(giving(channel, "ocpp2.1"), protocols=["ocpp2.1"]) as client:
            await client.connect()

            async def notify():
                await client.notify("NotifyPeriodicEventStream", {"data": "x" * HIGH_WATER})
                done.append(len(channel.sent))

            await notify()
            with anyio.fail_after(SECONDS):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(notify)
                    await anyio.wait_all_tasks_blocked()
                    assert done == [0], "the first one has made it full"
                    room.set()
            assert done == [0, 2]
            await client.close(force=True)

    async def test_that_ends_with_the_channel_pauses_it_no_more(self):
        """The end comes after messages that arrived before it, and has to be read like them."""
        refused = anyio.Event()
        inbox = ['[3,"to no call",{}]']

        async def receive():
            await refused.wait()
            if inbox:
                return inbox.pop()
            raise ChannelClosed(1011)

        async def refuse():
            refused.set()
            raise ChannelClosed

        channel = TestChannel(receive=receive, send=refuse)
        async with OneChannelClient(giving(channel)) as client, client.events("close") as events:
            await client.connect()
            with pytest.raises(ConnectionLostError):
                await client.call("DataTransfer", {"vendorId": "x", "data": "x" * HIGH_WATER})
            assert (await first(events)).code == 1011
