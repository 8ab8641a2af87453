"""Waiting for a station that may connect to any node: without polling, and whatever is lost."""

from typing import Any

import anyio
import anyio.lowlevel
import pytest

from ocpp_core.cluster.calls.frames import OpenedFrame, read_frame
from ocpp_core.identity import StationKey
from ocpp_transports import ClosedError, ConnectionLostError, OCPPServer, TimeoutError, UnexpectedHttpResponse
from ocpp_transports.blocking import BlockingServer
from ocpp_transports.cluster import Cluster, ClusterClient, ClusterStation, MemoryCluster
from ocpp_transports.laboratory import World
from tests.transports.cluster.everywhere.stub_nodes import stub_nodes
from tests.transports.cluster.servers import ACCEPTED, RESET, connected, server_in
from tests.transports.pairs import SECONDS

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture
def shared():
    return MemoryCluster()


@pytest.fixture
def lab():
    with World(seed=7) as lab:
        yield lab


@pytest.mark.anyio
class TestAWait:
    async def test_returns_the_handle_of_a_station_that_connects_here(self, shared):
        async def wait():
            found.append(await server.wait_for_client("CP1", everywhere=True))
            done.set()

        found: list[Any] = []
        done = anyio.Event()
        async with server_in(shared) as server, anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            async with connected(server):
                with anyio.fail_after(SECONDS):
                    await done.wait()
                assert found == [server.get_client("CP1")]

    async def test_returns_what_calls_a_station_that_is_elsewhere(self, shared):
        async with server_in(shared, "one") as one, server_in(shared, "two") as two, connected(two):
            with anyio.fail_after(SECONDS):
                station = await one.wait_for_client("CP1", everywhere=True)
            assert isinstance(station, ClusterStation)
            assert (station.identity, station.key, station.node) == ("CP1", StationKey("", "CP1"), "two")
            assert repr(station) == "<ClusterStation 'CP1'>"
            assert await station.call(*RESET) == await station.safe_call(*RESET) == ACCEPTED

    async def test_of_a_process_without_stations_ends_with_the_connection(self, shared):
        async def wait():
            station = await cluster.wait_for_client("CP1")
            answers.append(await station.call(*RESET))
            if len(answers) == 2:
                done.set()

        answers: list[Any] = []
        done = anyio.Event()
        web = Cluster(shared, "web", lease=60)
        async with server_in(shared) as server, ClusterClient(web) as cluster, anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            tasks.start_soon(wait)
            await self.entered(shared)
            async with connected(server):
                with anyio.fail_after(SECONDS):
                    await done.wait()
        assert answers == [ACCEPTED, ACCEPTED]

    async def entered(self, shared):
        """Wait until the registry knows that a node waits for CP1."""
        with anyio.fail_after(SECONDS):
            while not shared._table._bucket("CP1").waiters:
                await anyio.lowlevel.checkpoint()

    async def test_has_a_limit(self, shared):
        async with server_in(shared) as server, ClusterClient(Cluster(shared, "web", lease=60)) as cluster:
            for wait in (cluster.wait_for_client("CP1", timeout=0), server.wait_for_client("CP1", timeout=0)):
                with pytest.raises(TimeoutError, match="'CP1' did not connect within 0 s"):
                    await wait
            with pytest.raises(ValueError, match="expected timeout"):
                await cluster.wait_for_client("CP1", timeout=-1)

    async def test_ends_with_the_block(self, shared):
        async def wait():
            with pytest.raises(ClosedError):
                await client.wait_for_client("CP1")

        web = Cluster(shared, "web", lease=60)
        async with anyio.create_task_group() as tasks, ClusterClient(web) as client:
            tasks.start_soon(wait)
            await self.entered(shared)

    async def test_of_a_server_without_a_cluster_is_a_local_one(self):
        async with OCPPServer(protocols=["ocpp1.6"]) as server, connected(server):
            assert await server.wait_for_client("CP1", everywhere=True) is server.get_client("CP1")


class Elsewhere:
    """A directory of one station of another process."""

    def get_client(self, identity, /):
        return None

    def get_caller(self, identity, /):
        return self

    async def wait_for_client(self, identity, /):
        await anyio.sleep_forever()

    async def wait_for_caller(self, identity, /):
        return self


def test_threads_learn_that_a_station_is_elsewhere():
    with BlockingServer(protocols=["ocpp1.6"]) as server:
        server.directory = Elsewhere()
        assert server.wait_for_client("CP1", everywhere=True) is None


class TestALoss:
    """A look follows each third of the lease: 3 s."""

    def wait_during(self, lab, shared, story):
        """Let a process without stations wait for CP1 while a story is played; return how long it took."""

        async def whole():
            async def play():
                await anyio.sleep(0.5)
                await story(node)

            async with ClusterClient(Cluster(shared, "web")) as cluster, stub_nodes(shared, [[]]) as [(node, _)]:
                begin = anyio.current_time()
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(play)
                    await cluster.wait_for_client("CP1", timeout=60)
                    return anyio.current_time() - begin

        return lab.play(whole())

    def test_of_no_frame_costs_no_look(self, lab, shared):
        async def story(node):
            await node.claim("CP1", 1)
            node.opened("CP1")

        assert self.wait_during(lab, shared, story) < 0.6

    def test_of_the_report_costs_one_look(self, lab, shared):
        async def story(node):
            receivers = dict(shared._receivers)
            shared._receivers.clear()
            await node.claim("CP1", 1)
            node.opened("CP1")
            await anyio.sleep(0.1)
            shared._receivers.update(receivers)

        assert 3 <= self.wait_during(lab, shared, story) < 3.1

    def test_of_the_registry_costs_the_looks_until_it_answers(self, lab, shared):
        async def story(node):
            await node.claim("CP1", 1)
            shared.is_available = False
            await anyio.sleep(4)
            shared.is_available = True

        assert 6 <= self.wait_during(lab, shared, story) < 6.1

    def test_of_the_handshake_after_its_claim_does_not_end_the_wait(self, lab, shared):
        """The first claim takes the waiters away, and reports nothing; the next look enters them again."""

        async def story(node):
            await node.claim("CP1", 1)
            node.end("CP1", 1)
            await anyio.sleep(5)
            await node.claim("CP1", 2)
            node.opened("CP1")

        assert 5.5 <= self.wait_during(lab, shared, story) < 5.6


class TestAHandshakeInProgress:
    def test_is_no_connection_yet(self, lab, shared):
        """Who asks during the handshake is told when the station opens, not before."""

        async def story():
            sent = []
            server = OCPPServer(protocols=["ocpp1.6"], cluster=Cluster(shared, "one"))

            @server.connection_middleware
            async def slow(ctx, proceed):
                await proceed()
                await anyio.sleep(1)
                if ctx.handshake.identity == "CP2":
                    ctx.reject(403, "Not today")

            await lab.server(server)
            async with ClusterClient(Cluster(shared, "web")) as cluster, anyio.create_task_group() as tasks:
                (web,) = (node for node in shared._receivers if node.startswith("web."))
                receive = shared._receivers[web]
                shared._receivers[web] = lambda node, frame: (
                    sent.append((anyio.current_time(), read_frame(frame))),
                    receive(node, frame),
                )
                begin = anyio.current_time()
                tasks.start_soon(self.connect, lab)
                await anyio.sleep(0.5)
                assert await cluster.is_connected("CP1")
                station = await cluster.wait_for_client("CP1")
                assert anyio.current_time() - begin >= 1
                assert [frame for _, frame in sent] == [OpenedFrame("CP1")]
                with pytest.raises(ConnectionLostError):
                    await cluster.call("CP2", *RESET)
                assert station.node == "one"

        lab.play(story())

    async def connect(self, lab):
        await lab.station("CP1", reconnect=False)
        with pytest.raises(UnexpectedHttpResponse):
            await lab.station("CP2", reconnect=False)
