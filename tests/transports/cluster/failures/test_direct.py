"""What a caller is told in each row of the failure table of docs/cluster.md, in the column for direct streams.

Both servers are in this process. The registry is in memory, and its carrier takes no frame, so every frame that
arrives went over a stream. The rows in which a process dies or stands still are in `test_processes.py`.
"""

from contextlib import asynccontextmanager

import anyio
import pytest

from ocpp_transports import ConnectionLostError, OCPPServer
from ocpp_transports.cluster import Cluster, ClusterClient, MemoryCluster
from ocpp_transports.cluster._registry_host import RegistryHost
from tests.transports.cluster.certificates import certificates
from tests.transports.cluster.servers import ACCEPTED, RESET, connected
from tests.transports.pairs import SECONDS, first

pytestmark = pytest.mark.anyio
ANY_PORT = "tcp://127.0.0.1:0"


def server_in(shared, name, advertise=ANY_PORT, **options):
    cluster = Cluster(shared, name, lease=60, advertise=advertise, **options)
    return OCPPServer(protocols=["ocpp1.6"], cluster=cluster)


def without_its_carrier(shared):
    """Have the registry carry no frames from now on."""
    shared._receivers.clear()


@pytest.fixture
async def servers():
    shared = MemoryCluster()
    async with server_in(shared, "one") as one, server_in(shared, "two") as two:
        without_its_carrier(shared)
        yield shared, one, two


def direct_carrier(server):
    return server._cluster._node._calls._carrier._direct


@asynccontextmanager
async def one_call(caller, station, *, ends, **options):
    """Run the block while the station works on a call, which then ends with a lost connection or a result."""
    reached, may_answer = anyio.Event(), anyio.Event()

    async def work(ctx):
        reached.set()
        await may_answer.wait()
        return ACCEPTED

    async def call():
        if ends == "answered":
            assert await caller.call("CP1", "ClearCache", **options) == ACCEPTED
            return
        with pytest.raises(ConnectionLostError) as raised:
            await caller.call("CP1", "ClearCache", **options)
        assert raised.value.sent is (ends == "unknown")

    station.handle("ClearCache", work)
    with anyio.fail_after(SECONDS):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(call)
            await reached.wait()
            yield
            if ends == "answered":
                may_answer.set()
    may_answer.set()


async def not_sent(caller):
    with pytest.raises(ConnectionLostError) as raised:
        await caller.call("CP1", *RESET)
    assert raised.value.sent is False


class TestACallIsAnswered:
    @pytest.mark.parametrize("scheme", ["tcp", "tls", "unix"])
    async def test_over_a_stream_of_a_caller_that_does_not_listen(self, scheme, tmp_path):
        shared, tls = MemoryCluster(), certificates() if scheme == "tls" else None
        address = f"unix://{tmp_path}/one" if scheme == "unix" else f"{scheme}://127.0.0.1:0"
        async with (
            server_in(shared, "one", address, tls=tls) as one,
            ClusterClient(Cluster(shared, lease=60, tls=tls)) as caller,
            connected(one),
        ):
            without_its_carrier(shared)
            assert await caller.call("CP1", *RESET) == ACCEPTED

    async def test_over_the_carrier_of_the_backend_if_the_caller_cannot_dial_the_address(self):
        shared = MemoryCluster()
        async with (
            server_in(shared, "one", "tls://127.0.0.1:0", tls=certificates()) as one,
            ClusterClient(Cluster(shared, lease=60)) as caller,
            connected(one),
        ):
            assert await caller.call("CP1", *RESET) == ACCEPTED

    async def test_by_the_node_to_which_the_station_moved_which_the_old_one_learns_over_a_stream(self, servers):
        shared, one, two = servers
        async with ClusterClient(Cluster(shared, lease=60)) as caller, connected(one) as old:
            assert await caller.call("CP1", *RESET) == ACCEPTED
            assert await two.call("CP1", *RESET) == ACCEPTED  # it has a stream to one
            ends = old.events("close")
            async with connected(two):
                assert (await first(ends)).code == 4000
                assert await caller.call("CP1", *RESET) == ACCEPTED

    async def test_while_the_registry_is_away_if_the_owner_is_known(self, servers):
        shared, one, two = servers
        async with connected(one):
            assert await two.call("CP1", *RESET) == ACCEPTED
            shared.is_available = False
            assert await two.call("CP1", *RESET) == ACCEPTED

    async def test_if_the_lease_of_the_owner_is_missing_while_its_stream_is_open(self, servers):
        _, one, two = servers
        async with connected(one) as station, one_call(two, station, ends="answered"):
            two._cluster._node._calls._carrier._lost_by_backend(one._cluster._node.id)


class TestACallIsNotSent:
    async def test_if_the_registry_is_away_and_the_owner_is_not_known(self, servers):
        shared, one, two = servers
        async with connected(one):
            shared.is_available = False
            await not_sent(two)

    async def test_if_the_owner_no_longer_believes_in_its_claim(self, servers, monkeypatch):
        _, one, two = servers
        async with connected(one):
            monkeypatch.setattr(RegistryHost, "believes", lambda *_: None)
            await not_sent(two)

    async def test_if_the_owner_has_ended_although_its_lease_has_not(self, servers):
        _, one, two = servers
        async with connected(one):
            await direct_carrier(one).aclose()
            await not_sent(two)


class TestTheOutcomeIsUnknown:
    async def test_at_once_if_the_owner_ends(self, servers):
        _, one, two = servers
        async with connected(one) as station, one_call(two, station, ends="unknown"):
            await direct_carrier(one).aclose()

    async def test_at_once_if_the_station_drops(self, servers):
        _, one, two = servers
        async with connected(one, drain_timeout=0.01) as station, one_call(two, station, ends="unknown"):
            await one.get_client("CP1").close(force=True)
