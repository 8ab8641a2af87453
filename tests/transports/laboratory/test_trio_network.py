"""Clients and servers of an application on trio, on a virtual network and in virtual time."""

import pytest
import trio
import trio.testing

from ocpp_core.errors import ConnectionFailedError
from ocpp_transports import OCPPClient, OCPPServer
from ocpp_transports.laboratory import trio_network

HEARTBEAT = {"currentTime": "2026-01-01T00:00:00Z"}


def play(story, **options):
    """Run a story with a network and a server on it, and return what it returns."""

    async def main():
        async with trio_network(seed=7) as network, OCPPServer(protocols=["ocpp1.6"]) as server:

            @server.handle("Heartbeat")
            async def heartbeat(ctx):
                await trio.sleep(5)
                return HEARTBEAT

            await server.listen(9000)
            return await story(network, server)

    return trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0), **options)


def client(**options):
    return OCPPClient("CP1", "ws://csms:9000/ocpp", protocols=["ocpp1.6"], **options)


def test_a_call_takes_virtual_time_both_ways():
    async def story(network, server):
        async with client() as station:
            await station.connect()
            before = trio.current_time()
            answers = [await station.call("Heartbeat") for _ in range(100)]
            station.handle("Reset", lambda ctx: {"status": "Accepted"})
            reset = await server.call("CP1", "Reset", {"type": "Soft"})
            return answers[-1], reset, trio.current_time() - before > 500, network.counts.connections

    assert play(story) == (HEARTBEAT, {"status": "Accepted"}, True, 1)


def test_a_large_message_passes_a_slow_reader():
    async def story(network, server):
        async with client() as station:
            network.set("CP1", "server", {"slow": 20_000})
            await station.connect()
            before = trio.current_time()
            server.handle("DataTransfer", lambda ctx: {"status": "Accepted"})
            await station.call("DataTransfer", {"vendorId": "v", "data": "x" * 200_000}, timeout=100)
            return trio.current_time() - before

    assert 9 < play(story) < 20


def test_a_cut_connection_is_opened_again():
    async def story(network, server):
        async with client() as station:
            await station.connect()
            network.cut("CP1")
            await trio.sleep(600)
            return await station.call("Heartbeat"), network.counts.connections

    assert play(story) == (HEARTBEAT, 2)


def test_a_partition_is_noticed_and_ends():
    async def story(network, server):
        async with client(ping_interval=30) as station:
            await station.connect()
            network.partition("CP1")
            await trio.sleep(3600)
            away = [station.identity for station in server.clients]
            network.heal()
            await trio.sleep(600)
            return away, await station.call("Heartbeat")

    assert play(story) == ([], HEARTBEAT)


def test_a_port_that_nothing_listens_on_refuses():
    async def story(network, server):
        async with OCPPClient("CP1", "ws://csms:9001/ocpp", protocols=["ocpp1.6"], reconnect=False) as station:
            with pytest.raises(ConnectionFailedError, match="refused"):
                await station.connect()

    play(story)


def test_another_clock_is_refused():
    async def main():
        async with trio_network():
            pytest.fail("it was accepted")

    with pytest.raises(RuntimeError, match=r"expected trio with the clock MockClock\(autojump_threshold=0\)"):
        trio.run(main)


def test_what_the_block_raises_leaves_it_unchanged():
    async def story(network, server):
        raise LookupError("of the test")

    with pytest.raises(LookupError, match="of the test"):
        play(story)


def test_nothing_is_left_of_it():
    async def story(network, server):
        async with client() as station:
            await station.connect()
        await server.close()
        await trio.sleep(10)
        return network.links

    assert play(story) == {}
