"""What every host of byte streams owes to its driver: one contract, over each of them."""

import socket

import anyio
import pytest
from anyio.abc import SocketAttribute

from ocpp_core.actions import CloseStream, SendBytes
from ocpp_core.inputs import BytesReceived, Congested
from ocpp_transports._driver._limits import HIGH_WATER
from ocpp_transports._hosts._epoll._connection import EpollConnection
from tests.transports.net import Probe, echo, read_all

pytestmark = pytest.mark.anyio
TOO_MUCH = b"x" * 20_000_000  # more than the buffers of two sockets hold


def raw_socket(host):
    if isinstance(host, EpollConnection):
        return host._socket
    if hasattr(host, "_transport"):
        return host._transport.get_extra_info("socket")
    return host._stream.extra(SocketAttribute.raw_socket)


class TestInput:
    async def test_is_fed_as_it_comes(self, net):
        probe = Probe()
        async with net.pair(probe) as peer:
            await peer.send(b"one")
            await probe.until_received(b"one")
            await peer.send(b"two")
            await probe.until_received(b"onetwo")
        await probe.until_over()

    async def test_comes_with_the_facts_of_the_connection(self, net):
        probe = Probe()
        async with net.pair(probe):
            assert probe.facts.remote_address == net.address
            assert (probe.facts.tls, probe.facts.client_certificate) == (False, None)

    async def test_ends_once_when_the_peer_ends_it(self, net):
        probe = Probe({BytesReceived: echo})
        async with net.pair(probe) as peer:
            await peer.send_eof()
            assert await read_all(peer) == b""
        await net.runtime.aclose()
        assert probe.ends == 1

    async def test_ends_once_when_the_peer_resets_it(self, net):
        probe = Probe({BytesReceived: echo})
        async with net.pair(probe) as peer:
            net.reset(peer)
        await probe.until_over()
        await net.runtime.aclose()
        assert probe.ends == 1

    async def test_ends_once_when_this_side_closes(self, net):
        probe = Probe()
        async with net.pair(probe) as peer:
            probe.do(CloseStream())
            assert await read_all(peer) == b""
        await probe.until_over()
        assert probe.ends == 1

    async def test_is_fed_no_more_once_this_side_closes(self, net):
        probe = Probe({BytesReceived: lambda event: [CloseStream()]})
        async with net.pair(probe) as peer:
            await peer.send(b"one")
            assert await read_all(peer) == b""
            await peer.send(b"two")
        await probe.until_over()
        assert probe.received == b"one"


class TestOutput:
    async def test_of_an_answer_arrives(self, net):
        probe = Probe({BytesReceived: echo})
        async with net.pair(probe) as peer:
            await peer.send(b"hello")
            assert await peer.receive() == b"hello"

    async def test_of_this_side_arrives_while_input_is_awaited(self, net):
        probe = Probe()
        async with net.pair(probe) as peer:
            probe.do(SendBytes(b"hello"), SendBytes(b" there"))
            probe.do(SendBytes(b"!"))
            probe.do(CloseStream())
            assert await read_all(peer) == b"hello there!"

    async def test_is_sent_at_once(self, net):
        """asyncio leaves Nagle's algorithm on for sockets that were made without a protocol number, as ours are."""
        probe = Probe()
        async with net.pair(probe):
            raw = raw_socket(probe.driver.connection)
            assert raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert raw.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)

    async def test_reaches_a_peer_that_has_ended_its_side(self, net):
        probe = Probe()
        async with net.pair(probe) as peer:
            await peer.send_eof()
            await probe.until_over()
            probe.do(SendBytes(b"late answer"))
            probe.do(CloseStream())
            assert await read_all(peer) == b"late answer"

    async def test_after_a_close_is_swallowed(self, net):
        probe = Probe()
        async with net.pair(probe) as peer:
            probe.do(SendBytes(b"one"), CloseStream(), SendBytes(b"two"))
            assert await read_all(peer) == b"one"
        await probe.until_over()
        probe.do(SendBytes(b"three"), CloseStream(), CloseStream(abort=True))

    async def test_to_a_peer_that_is_gone_is_harmless(self, net):
        probe = Probe()
        async with net.pair(probe) as peer:
            net.reset(peer)
        probe.do(*[SendBytes(b"x" * 1000)] * 20)
        await probe.until_over()

    @pytest.mark.usefixtures("patient")
    async def test_keeps_its_order_and_is_whole_when_the_peer_is_slow(self, net):
        blocks = [bytes([n]) * 70_000 for n in range(60)]
        probe = Probe()
        async with net.pair(probe) as peer:
            for block in blocks:
                probe.do(SendBytes(block))
            probe.do(CloseStream())
            assert await read_all(peer) == b"".join(blocks)

    async def test_is_not_cut_by_a_caller_that_is_cancelled(self, net):
        block = b"y" * 5_000_000
        probe = Probe({bytes: lambda block: [SendBytes(block)]})
        async with net.pair(probe) as peer:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(probe.driver.ask, lambda token: block)
                await probe.until(lambda: block in probe.events)
                tasks.cancel_scope.cancel()
            probe.do(CloseStream())
            assert await read_all(peer) == block


class TestCongestion:
    async def test_is_fed_and_pauses_reading_until_output_drains(self, net):
        probe = Probe()
        async with net.pair(probe) as peer:
            probe.do(SendBytes(TOO_MUCH))
            assert probe.congestion == [True]
            with anyio.move_on_after(0.05):  # as much as the sockets take, and none of it is read
                for _ in range(2000):
                    await peer.send(b"y" * 65536)
            assert len(probe.received) <= 65536
            got = 0
            while got < len(TOO_MUCH):
                got += len(await peer.receive())
            await probe.until(lambda: probe.congestion == [True, False])
            await probe.until(lambda: len(probe.received) > 65536)

    async def test_is_not_fed_for_little(self, net):
        probe = Probe()
        async with net.pair(probe) as peer:
            probe.do(SendBytes(b"x" * HIGH_WATER), CloseStream())
            await read_all(peer)
        assert probe.congestion == []

    @pytest.mark.usefixtures("impatient")
    async def test_that_lasts_ends_the_connection(self, net):
        probe = Probe()
        async with net.pair(probe) as peer:
            probe.do(SendBytes(TOO_MUCH))
            await probe.until_over()
            assert probe.congestion == [True]
            assert len(await read_all(peer)) < len(TOO_MUCH)

    async def test_may_come_and_go(self, net):
        probe = Probe({Congested: lambda event: [] if event.on else [SendBytes(b"more")]})
        async with net.pair(probe) as peer:
            for round_ in range(1, 4):
                probe.do(SendBytes(TOO_MUCH))
                got = 0
                while got < len(TOO_MUCH) + len(b"more"):
                    got += len(await peer.receive())
                await probe.until(lambda round_=round_: probe.congestion == [True, False] * round_)


class TestClosing:
    @pytest.mark.usefixtures("impatient")
    async def test_gives_up_on_a_peer_that_does_not_end_its_side(self, net):
        probe = Probe()
        async with net.pair(probe) as peer:
            probe.do(CloseStream())
            await probe.until_over()
            assert await read_all(peer) in {b"", b"<broken>"}

    @pytest.mark.usefixtures("impatient")
    async def test_gives_up_on_a_peer_that_reads_nothing(self, net):
        probe = Probe()
        async with net.pair(probe):
            probe.do(SendBytes(TOO_MUCH), CloseStream())
            await probe.until_over()

    async def test_at_once_waits_for_nothing(self, net):
        probe = Probe()
        async with net.pair(probe) as peer:
            probe.do(SendBytes(TOO_MUCH), CloseStream(abort=True))
            await probe.until_over()
            assert len(await read_all(peer)) < len(TOO_MUCH)

    async def test_at_once_ends_one_that_lingers(self, net):
        probe = Probe()
        async with net.pair(probe):
            probe.do(SendBytes(TOO_MUCH), CloseStream())
            probe.do(CloseStream(abort=True))
            await probe.until_over()

    async def test_does_not_destroy_an_answer_by_unread_input(self, net):
        """A socket closed with unread input is reset, and the reset may overtake what was sent before."""
        probe = Probe({BytesReceived: lambda event: [SendBytes(b"431 too large"), CloseStream()] if event.data else []})
        async with net.pair(probe) as peer:
            await peer.send(b"x" * 200_000)
            assert await read_all(peer) == b"431 too large"


class TestAListener:
    async def test_survives_a_connection_that_cannot_be_served(self, net, caplog):
        served = Probe()
        attempts = iter([ZeroDivisionError])

        def connected(host, facts):
            for error in attempts:
                raise error
            return served.attach(host, facts)

        port = await net.listen(connected)
        async with await net.connect(port) as peer:
            assert await read_all(peer) in {b"", b"<broken>"}
        async with await net.connect(port):
            await served.until(lambda: served.driver)
        assert [record.levelname for record in caplog.records] == ["ERROR"]
        caplog.clear()

    async def test_serves_many_connections_at_a_time(self, net):
        port = await net.listen(lambda host, facts: Probe({BytesReceived: echo}).attach(host, facts))

        async def visit(n):
            async with await net.connect(port) as peer:
                await peer.send(f"visitor {n}".encode())
                assert await peer.receive() == f"visitor {n}".encode()

        with anyio.fail_after(10):
            async with anyio.create_task_group() as visitors:
                for n in range(50):
                    visitors.start_soon(visit, n)

    async def test_a_hosts_clock_and_timers_are_the_event_loops(self, net):
        probe = Probe()
        async with net.pair(probe):
            rung = []
            done = anyio.Event()
            now = probe.driver.runtime.now()
            probe.driver.runtime.call_at(now + 0.02, lambda: (rung.append("third"), done.set()))
            probe.driver.runtime.call_at(now + 0.01, lambda: rung.append("second"))
            probe.driver.runtime.call_at(now - 1, lambda: rung.append("first"))
            cancelled = probe.driver.runtime.call_at(now + 0.015, lambda: rung.append("never"))
            cancelled.cancel()
            cancelled.cancel()
            assert rung == []
            with anyio.fail_after(5):
                await done.wait()
            assert rung == ["first", "second", "third"]
            assert probe.driver.runtime.now() - now >= 0.019
