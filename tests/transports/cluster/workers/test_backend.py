"""The registry and the frames of the workers of one supervisor, in one process."""

import asyncio
import logging
import socket
from contextlib import AsyncExitStack, suppress

import anyio
import pytest

from ocpp_core.cluster.records import ClusterOwner, Found, NodeId
from ocpp_transports.cluster._carrier import NotSentError
from ocpp_transports.cluster._store import StoreUnavailableError
from ocpp_transports.cluster._workers._registry._backend import WorkersBackend
from ocpp_transports.cluster._workers._registry._hub import Hub
from ocpp_transports.cluster._workers._registry._link import SupervisorLink
from tests.transports.pairs import SECONDS

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("anyio_backend", ["asyncio"])]
ONE, TWO = NodeId("worker-1.1111111111111111"), NodeId("worker-2.2222222222222222")


class Node:
    """A worker with an open store and carrier, what its carrier received, and its stream's task in the supervisor."""

    def __init__(self, hub, timeout):
        theirs, ours = socket.socketpair()
        for each in (theirs, ours):
            each.setblocking(False)
        self.served: asyncio.Task[None] | None = asyncio.create_task(hub.serve(theirs)) if hub is not None else None
        self.theirs = theirs
        self.ours = ours
        self.orphaned, self.followed = asyncio.Event(), asyncio.Event()
        self._offered: asyncio.Queue[socket.socket] = asyncio.Queue()
        link = SupervisorLink(ours, self._connect_to_next)
        self.running = asyncio.create_task(link.run())
        self._backend = WorkersBackend(link)
        self.store = self._backend.new_store(9, timeout)
        self.frames: asyncio.Queue[tuple[NodeId, bytes]] = asyncio.Queue()
        self.lost: asyncio.Queue[NodeId] = asyncio.Queue()

    async def opened(self, node):
        await self.store.open(node, f"unix:///{node}")
        self.carrier = self._backend.new_carrier(node, lambda *each: self.frames.put_nowait(each), self.lost.put_nowait)
        return self

    async def _connect_to_next(self):
        self.orphaned.set()
        stream = await self._offered.get()
        self.followed.set()
        return stream

    async def lose(self):
        """Have the supervisor end, and wait until the worker has noticed."""
        assert self.served is not None
        self.served.cancel()
        await self.orphaned.wait()

    def follow(self, hub):
        """Connect the worker to the next supervisor."""
        self.ours, theirs = socket.socketpair()
        for each in (theirs, self.ours):
            each.setblocking(False)
        self.served = asyncio.create_task(hub.serve(theirs))
        self._offered.put_nowait(self.ours)

    async def end(self):
        for each in (self.running, self.served):
            if each is not None:
                each.cancel()
                with suppress(asyncio.CancelledError):
                    await each
        self.ours.close()


@pytest.fixture
async def nodes():
    hub = Hub(logging.getLogger("ocpp_ws_io.workers"))
    with anyio.fail_after(SECONDS):
        async with AsyncExitStack() as exits:
            made = [await Node(hub, SECONDS).opened(node) for node in (ONE, TWO)]
            for each in made:
                exits.push_async_callback(each.end)
            yield made


class TestTheRegistry:
    async def test_gives_a_station_to_the_newest_claim_and_counts_the_loss_of_the_other(self, nodes):
        one, two = nodes
        first = await one.store.claim("CP1")
        second = await two.store.claim("CP1")
        assert (first.previous, second.previous) == (None, ClusterOwner(ONE, first.fence))
        assert second.fence > first.fence
        assert sum((await one.store.renew()).losses) == 1
        assert not await one.store.release("CP1", first.fence), "a late goodbye removes no newer entry"
        assert await one.store.find("CP1") == Found(ClusterOwner(TWO, second.fence), f"unix:///{TWO}", True)
        assert await one.store.check(["CP1", "CP2"]) == [ClusterOwner(TWO, second.fence), None]

    async def test_lists_the_stations_and_knows_who_waits(self, nodes):
        one, two = nodes
        assert await one.store.watch("CP1") is None
        claimed = await two.store.claim("CP1")
        assert claimed.waiters == (ONE,)
        there = Found(ClusterOwner(TWO, claimed.fence), f"unix:///{TWO}", True)
        assert await one.store.watch("CP1") == there
        assert await one.store.stations_of(range(one.store.buckets)) == {"CP1": there}

    async def test_forgets_the_stations_of_a_node_whose_stream_ends(self, nodes):
        one, two = nodes
        await one.store.claim("CP1")
        await one.end()
        assert await two.lost.get() == ONE
        assert await two.store.find("CP1") is None

    async def test_of_a_supervisor_that_is_stopped_does_not_answer(self):
        node = Node(None, 0.01)
        with pytest.raises(StoreUnavailableError, match="the supervisor of the workers does not answer"):
            await node.store.claim("CP1")
        await node.end()
        node.theirs.close()

    async def test_of_a_supervisor_that_was_killed_is_kept_by_each_node_alone(self, nodes):
        one, two = nodes
        kept, lost = await one.store.claim("CP1"), await one.store.renew()
        for each in nodes:
            await each.lose()
        assert (await one.store.renew()).generations != lost.generations, "the node restores what it has"
        assert (await one.store.restore("CP1", kept.fence)).is_ours
        assert (await two.store.claim("CP2")).previous is None
        assert await one.store.find("CP2") is await one.store.watch("CP2") is None
        with pytest.raises(StoreUnavailableError, match="the supervisor of the workers has ended"):
            await one.store.stations_of([0])
        await one.store.aclose()

    async def test_of_the_next_supervisor_has_one_owner_for_each_station(self, nodes):
        one, two = nodes
        for each in nodes:
            await each.lose()
        alone = [await each.store.claim("CP1") for each in nodes]
        hub = Hub(logging.getLogger("ocpp_ws_io.workers"))
        for each in nodes:
            each.follow(hub)
        for each in nodes:
            await each.followed.wait()
        newest = await two.store.restore("CP1", alone[1].fence)
        assert newest.is_ours
        assert newest.generation != alone[1].generation, "so each node restores what it has claimed alone"
        older = await one.store.restore("CP1", alone[0].fence)
        assert (older.is_ours, older.current) == (False, ClusterOwner(TWO, alone[1].fence))
        await one.carrier.send(TWO, None, b"frame")
        assert await two.frames.get() == (ONE, b"frame")


class TestTheCarrier:
    async def test_passes_frames_with_any_bytes_in_their_order(self, nodes):
        one, two = nodes
        frames = [b"", b"\n\0\xff", b"x" * 100_000]
        for each in frames:
            await one.carrier.send(TWO, None, each)
        assert [await two.frames.get() for _ in frames] == [(ONE, each) for each in frames]

    async def test_sends_nothing_to_a_node_that_has_ended(self, nodes):
        one, two = nodes
        await two.end()
        assert await one.lost.get() == TWO
        with pytest.raises(NotSentError, match="the node has ended"):
            await one.carrier.send(TWO, None, b"frame")

    async def test_sends_nothing_that_is_too_long_and_nothing_without_a_supervisor(self, nodes):
        one, _ = nodes
        with pytest.raises(NotSentError, match="expected a packet of at most 16777216 bytes"):
            await one.carrier.send(TWO, None, bytes(16 * 1024 * 1024))
        await one.lose()
        with pytest.raises(NotSentError, match="the supervisor of the workers has ended"):
            await one.carrier.send(TWO, None, b"frame")
