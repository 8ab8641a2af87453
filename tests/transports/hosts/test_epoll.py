"""What the epoll of trio does for many connections and many runs; what one connection owes is in `test_hosts`."""

import os
import select
import socket
from collections.abc import Callable
from contextlib import closing, suppress
from contextvars import ContextVar
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import anyio
import pytest
import trio
import trio.testing

from ocpp_core.actions import Action, CloseStream, OpenTransport, SendBytes
from ocpp_core.inputs import BytesReceived, Congested, StreamLost, StreamOpened
from ocpp_transports._hosts._epoll._connection import EpollConnection
from ocpp_transports._hosts._epoll._poller import Poller
from ocpp_transports._logging._log import LOGGER, Log
from ocpp_transports._runtime._current import current_runtime
from tests.transports.net import Net, Probe, echo, read_all

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(not hasattr(select, "epoll"), reason="select.epoll exists on Linux only"),
]


@pytest.fixture(scope="module", params=[pytest.param(("trio", {}), id="trio")])
def anyio_backend(request):
    return request.param


@pytest.fixture
async def net(caplog):
    """The epoll host of this run; no descriptor may be left, and no error logged."""
    before = descriptors()
    async with anyio.create_task_group() as tasks:
        net = Net("sockets", tasks)
        yield net
        await net.runtime.aclose()
    assert net.is_empty
    assert descriptors() == before
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def descriptors():
    """List what the process has open, by number."""
    found = {}
    for each in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the list's own
            found[each.name] = str(each.readlink())
    return found


def epolls():
    return list(descriptors().values()).count("anon_inode:[eventpoll]")


async def is_at_rest():
    """Wait until no task runs: none is woken again and again."""
    with anyio.fail_after(5):
        await trio.testing.wait_all_tasks_blocked(0.01)


class TestThePoller:
    async def test_exists_once_for_all_clients_and_servers_until_their_last_connection_ends(self, net):
        other = Net("sockets", None)
        before = epolls()
        probes = [Probe(), Probe()]
        async with net.pair(probes[0]):
            assert epolls() == before + 1
            async with other.pair(probes[1]):
                assert epolls() == before + 1
            probes[1].do(CloseStream())
            await other.runtime.aclose()
            assert epolls() == before + 1
        probes[0].do(CloseStream())
        await probes[0].until_over()
        assert epolls() == before
        async with net.pair(probe := Probe({BytesReceived: echo})) as peer:
            await peer.send(b"again")
            await probe.until_received(b"again")
            assert epolls() == before + 1

    async def test_calls_no_connection_that_was_removed_in_the_same_turn(self):
        pairs = [socket.socketpair() for _ in range(3)]
        poller, called = Poller(), []

        class Selfish:
            """Removes the others and closes their descriptors."""

            def ready(self, events):
                called.append(self)
                for each, (end, _) in watched.items():
                    poller.remove(end.fileno())
                    if each is not self:
                        end.close()

            def abandon(self):
                raise AssertionError

        watched = {Selfish(): pair for pair in pairs}
        for each, (end, peer) in watched.items():
            poller.add(end.fileno(), select.EPOLLIN, each)
            peer.send(b"x")
        await is_at_rest()
        assert len(called) == 1
        assert poller.has_ended
        for end, peer in pairs:
            end.close()
            peer.close()

    async def test_drops_the_connections_that_are_left_when_the_run_ends(self):
        probe = Probe()

        async def main():
            net = Net("sockets", None)
            port = await net.serve(probe)
            peer = socket.create_connection(("127.0.0.1", port))
            await probe.until(lambda: probe.driver)
            return net, peer

        before = descriptors()
        net, peer = await anyio.to_thread.run_sync(trio.run, main)
        with closing(peer):
            assert peer.recv(1) == b""
        assert (probe.ends, net.runtime.streams) == (1, {})
        for listener in list(net.runtime._listeners):
            for each in listener.sockets:
                each._trio_socket.close()
        assert descriptors() == before

    async def test_works_in_a_run_that_is_a_guest(self):
        """In guest mode a thread waits for the events of trio."""
        outcomes: list[Any] = []
        callbacks: SimpleQueue[Callable[[], object]] = SimpleQueue()

        async def main():
            probe = Probe({BytesReceived: echo})
            net = Net("sockets", None)
            async with net.pair(probe) as peer:
                await peer.send(b"hello")
                answer = await peer.receive()
            await net.runtime.aclose()
            return answer

        def host():
            trio.lowlevel.start_guest_run(main, run_sync_soon_threadsafe=callbacks.put, done_callback=outcomes.append)
            while not outcomes:
                callbacks.get(timeout=5)()

        await anyio.to_thread.run_sync(host)
        assert outcomes[0].unwrap() == b"hello"


class TestAConnection:
    async def test_that_fails_is_reported_and_dropped_and_the_others_go_on(self, net, caplog):
        def fail(event: BytesReceived) -> list[Action]:
            if event.data:
                raise ZeroDivisionError
            return []

        broken, sound = Probe({BytesReceived: fail}), Probe({BytesReceived: echo})
        async with net.pair(broken) as peer, net.pair(sound) as other:
            await peer.send(b"x")
            assert await read_all(peer) == b""
            await other.send(b"hello")
            assert await other.receive() == b"hello"
        (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
        assert record.exc_info[0] is ZeroDivisionError
        assert broken.ends == 1
        caplog.clear()

    async def test_keeps_the_context_variables_of_its_handlers_to_itself(self, net):
        station = ContextVar("station", default="")
        seen = []

        def note(event):
            seen.append(station.get())
            station.set(event.data.decode())
            return [SendBytes(b"ok")]

        async with net.pair(Probe({BytesReceived: note})) as one, net.pair(Probe({BytesReceived: note})) as other:
            for peer, name in ((one, b"CP1"), (other, b"CP2"), (one, b"CP3")):
                await peer.send(name)
                assert await peer.receive() == b"ok"
            assert seen == ["", "", "CP1"]

    async def test_that_is_not_read_notices_a_reset_at_once(self, net):
        probe = Probe()
        async with net.pair(probe) as peer:
            probe.driver.connection.read(False)
            await peer.send(b"unread")
            net.reset(peer)
        await probe.until_over()
        assert (probe.received, probe.ends) == (b"", 1)

    async def test_that_another_one_of_the_same_turn_stops_reading_reads_nothing_more(self, net):
        probes: list[Probe] = []

        def stop_all(_: BytesReceived) -> list[Action]:
            for each in probes:
                each.driver.connection.read(False)
            return []

        probes += [Probe({BytesReceived: stop_all}), Probe({BytesReceived: stop_all})]
        async with net.pair(probes[0]) as one, net.pair(probes[1]) as other:
            for peer in (one, other):
                peer.extra(anyio.abc.SocketAttribute.raw_socket).send(b"x")
            await is_at_rest()
            assert sorted(probe.received for probe in probes) == [b"", b"x"]
            for probe in probes:
                probe.driver.connection.close(abort=True)

    async def test_of_which_a_forked_process_has_a_copy_leaves_nothing_ready(self, net):
        probe, idle = Probe(), Probe()
        async with net.pair(idle), net.pair(probe) as peer:
            copy = os.dup(probe.driver.connection._socket.fileno())
            probe.do(CloseStream(abort=True))
            await probe.until_over()
            await peer.send(b"x")
            await is_at_rest()
            os.close(copy)

    async def test_is_at_rest_after_the_end_of_its_peer_until_it_is_closed(self, net):
        probe = Probe()
        async with net.pair(probe) as peer:
            await peer.send_eof()
            await probe.until_over()
            await is_at_rest()
            probe.do(SendBytes(b"late"), CloseStream())
            assert await read_all(peer) == b"late"

    async def test_is_at_rest_while_its_output_is_not_read(self, net):
        probe = Probe()
        async with net.pair(probe) as peer:
            probe.do(SendBytes(b"x" * 20_000_000))
            await peer.send(b"y")
            await is_at_rest()
            assert probe.congestion == [True]
            assert probe.received == b""

    async def test_that_ends_during_its_output_ends_once(self, net):
        probe = Probe({Congested: lambda _: [CloseStream(abort=True)]})
        async with net.pair(probe):
            probe.do(SendBytes(b"x" * 20_000_000), SendBytes(b"y"))
            await probe.until_over()
            assert probe.events.count(StreamLost(0)) == probe.ends == 1

    async def test_of_a_client_is_of_this_kind_too(self, net):
        server, client = Probe({BytesReceived: echo}), Probe()
        client.dial_with(net.runtime, net.dialer(await net.serve(server)))
        client.do(OpenTransport(1, ()))
        await client.until(lambda: StreamOpened(1) in client.events)
        assert type(client.driver.connection) is type(server.driver.connection) is EpollConnection


class TestWithoutAnEpoll:
    async def test_streams_serve_all_connections(self, monkeypatch):
        monkeypatch.delattr(select, "epoll")
        runtime = current_runtime("Test", in_block=True, log=Log(LOGGER, "Test"))
        assert type(runtime).__name__ == "TrioRuntime"
        net = Net("sockets", None)
        server, client = Probe({BytesReceived: echo}), Probe()
        client.dial_with(net.runtime, net.dialer(await net.serve(server)))
        client.do(OpenTransport(1, ()))
        await client.until(lambda: StreamOpened(1) in client.events)
        client.do(SendBytes(b"hello"))
        await client.until_received(b"hello")
        await net.runtime.aclose()
        await runtime.aclose()
