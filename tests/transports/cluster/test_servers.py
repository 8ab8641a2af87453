"""Two servers and one registry: a station has one connection among both, and each server can call it."""

import subprocess
import sys
from contextlib import suppress
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from ocpp_transports import (
    ClosedError,
    ConnectionLostError,
    OCPPError,
    OCPPServer,
    RPCError,
    TimeoutError,
    UnexpectedHttpResponse,
)
from ocpp_transports.cluster import Cluster, ClusterClient, MemoryCluster, StoreUnavailableError
from ocpp_transports.cluster._memory import MemoryRegistryStore
from tests.transports.cluster.servers import ACCEPTED, RESET, connected, server_in
from tests.transports.pairs import SECONDS, first

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def quiet(caplog):
    """No test may leave an error in the log: the engines would go on as if the registry were away."""
    yield
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


@pytest.fixture
def shared():
    return MemoryCluster()


@pytest.fixture
async def servers(shared):
    async with server_in(shared, "one") as one, server_in(shared, "two") as two:
        yield one, two


async def cancel_when_queued(scope, server):
    """Cancel a scope once a call waits for its turn."""
    with anyio.fail_after(SECONDS):
        while not server.stats().queued_calls:
            await anyio.lowlevel.checkpoint()
    scope.cancel()


class TestTheNewestConnection:
    async def test_replaces_one_on_another_node_which_closes_with_4000(self, servers):
        one, two = servers
        incidents = one.events("security")
        async with connected(one) as old:
            ends = old.events("close")
            async with connected(two) as new:
                end = await first(ends)
                assert (end.code, end.reason) == (4000, "replaced by a newer connection")
                assert (await first(incidents)).kind == "replaced"
                assert await one.call("CP1", *RESET) == await two.call("CP1", *RESET) == ACCEPTED
                assert new.state.name == "OPEN"
                assert (one.get_client("CP1"), len(two.clients)) == (None, 1)

    async def test_comes_back_to_the_first_node(self, servers):
        one, two = servers
        async with connected(one), connected(two) as second:
            ends = second.events("close")
            async with connected(one):
                assert (await first(ends)).code == 4000
                assert await two.call("CP1", *RESET) == ACCEPTED

    async def test_on_the_same_node_keeps_the_station_when_the_old_one_has_ended(self, servers):
        one, two = servers
        async with connected(one) as old:
            ends = old.events("close")
            async with connected(one):
                assert (await first(ends)).code == 4000
                assert await two.call("CP1", *RESET) == ACCEPTED


class TestACall:
    async def test_gets_the_same_result_and_errors_from_each_node(self, servers):
        one, _ = servers

        def refuse(ctx):
            raise RPCError("GenericError", "busy", {"until": "noon"})

        async with connected(one) as station:
            station.handle("ClearCache", refuse)
            for server in servers:
                with pytest.raises(RPCError) as raised:
                    await server.call("CP1", "ClearCache")
                error = raised.value
                assert (error.code, error.description, error.details, error.remote) == (
                    "GenericError", "busy", {"until": "noon"}, True,
                )  # fmt: skip
                assert await server.safe_call("CP1", "ClearCache") is None

    async def test_of_an_unknown_station_is_not_sent(self, servers):
        one, _ = servers
        async with connected(one):
            pass
        for server in servers:
            with pytest.raises(ConnectionLostError, match=r"'CP1'.*not connected") as raised:
                await server.call("CP1", *RESET)
            assert raised.value.sent is False

    async def test_of_many_stations_reaches_those_of_each_node(self, servers):
        one, two = servers
        async with connected(one), connected(two, "CP2"):
            for server in servers:
                outcomes = await server.call_many("Reset", {"CP1": RESET[1], "CP2": RESET[1]})
                assert [outcome.result for outcome in outcomes] == [ACCEPTED, ACCEPTED]

    async def test_carries_its_options(self, servers):
        one, two = servers
        async with connected(one, drain_timeout=0.01) as station:
            station.handle("ClearCache", lambda ctx: anyio.sleep_forever())
            with pytest.raises(TimeoutError) as raised:
                await two.call("CP1", "ClearCache", timeout=0.01, message_id="chosen")
            assert (raised.value.sent, raised.value.message_id) == (True, "chosen")

    async def test_with_bad_arguments_is_refused_before_it_is_sent(self, servers):
        _, two = servers
        with pytest.raises(ValueError, match="Heartbeat"):
            await two.call("CP1", "Heartbeat")
        with pytest.raises(TypeError, match="unknown option"):
            await two.call("CP1", *RESET, mode="Soft")

    async def test_that_is_cancelled_leaves_the_queue_on_the_other_node(self, servers):
        one, two = servers
        async with connected(one, drain_timeout=0.01) as station, anyio.create_task_group() as tasks:
            station.handle("ClearCache", lambda ctx: anyio.sleep_forever())
            tasks.start_soon(one.safe_call, "CP1", "ClearCache")
            with anyio.CancelScope() as scope:
                tasks.start_soon(cancel_when_queued, scope, one)
                await two.call("CP1", *RESET)
            with anyio.fail_after(SECONDS):
                while one.stats().queued_calls:
                    await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()

    async def test_in_progress_fails_as_sent_when_its_node_ends(self, shared):
        async with (
            server_in(shared, "two") as two,
            server_in(shared, "one") as one,
            connected(one, drain_timeout=0.01) as station,
        ):
            reached = anyio.Event()

            async def wait(ctx):
                reached.set()
                await anyio.sleep_forever()

            async def call():
                with pytest.raises(ConnectionLostError) as raised:
                    await two.call("CP1", "ClearCache")
                assert raised.value.sent is True

            station.handle("ClearCache", wait)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(call)
                with anyio.fail_after(SECONDS):
                    await reached.wait()
                await one.close(force=True)

    async def test_in_progress_fails_when_the_calling_node_closes(self, shared, servers):
        one, _ = servers
        async with server_in(shared, "three") as three, connected(one, drain_timeout=0.01) as station:
            reached = anyio.Event()

            async def wait(ctx):
                reached.set()
                await anyio.sleep_forever()

            async def call():
                with pytest.raises(ClosedError) as raised:
                    await three.call("CP1", "ClearCache")
                assert raised.value.sent is True

            station.handle("ClearCache", wait)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(call)
                with anyio.fail_after(SECONDS):
                    await reached.wait()
                    await three.close()

    async def test_comes_from_a_process_without_stations_too(self, shared, servers):
        async with connected(servers[0]), ClusterClient(Cluster(shared, "web", lease=60)) as cluster:
            assert await cluster.call("CP1", *RESET) == ACCEPTED
            with pytest.raises(ConnectionLostError):
                await cluster.call("CP2", *RESET)
            with pytest.raises(RuntimeError, match="another one has begun"):
                await cluster.__aenter__()
            assert await cluster.is_connected("CP1")
        with pytest.raises(RuntimeError, match="async with"):
            await cluster.call("CP1", *RESET)


class TestANodeThatEnds:
    async def test_leaves_its_stations_to_the_others(self, shared, servers):
        _, two = servers
        async with server_in(shared, "three") as three, connected(three) as station:
            ends = station.events("close")
            await three.close()
            assert (await first(ends)).code == 1001
            async with connected(two):
                assert await two.call("CP1", *RESET) == ACCEPTED


class TestARegistryThatDoesNotAnswer:
    async def test_refuses_new_stations_and_keeps_the_connected_ones(self, shared, servers):
        one, two = servers
        incidents = one.events("security")
        async with connected(one):
            shared.is_available = False
            with pytest.raises(UnexpectedHttpResponse) as raised:
                async with connected(one, "CP2"):
                    pass
            assert (raised.value.status, raised.value.reason) == (503, "Registry Unavailable")
            assert (await first(incidents)).kind == "registry_unavailable"
            assert await one.call("CP1", *RESET) == ACCEPTED
            with pytest.raises(ConnectionLostError) as lost:
                await two.call("CP1", *RESET)
            assert lost.value.sent is False
            shared.is_available = True
            async with connected(one, "CP2"):
                assert await two.call("CP2", *RESET) == ACCEPTED

    async def test_lets_no_server_start(self, shared):
        shared.is_available = False
        with pytest.raises(StoreUnavailableError):
            async with server_in(shared):
                pass

    async def test_refuses_a_station_of_a_server_that_has_not_opened_it(self, shared, anyio_backend_name):
        if anyio_backend_name == "trio":
            pytest.skip("on trio every server has a block")
        server = server_in(shared)
        with pytest.raises(UnexpectedHttpResponse):
            async with connected(server):
                pass
        await server.close()


class TestAHandshake:
    async def test_that_is_refused_after_its_claim_releases_the_station(self, shared):
        server = server_in(shared)

        @server.connection_middleware
        async def refuse(ctx, proceed):
            await proceed()
            ctx.reject(403, "Not today")

        async with server, server_in(shared, "two") as two:
            with pytest.raises(UnexpectedHttpResponse):
                async with connected(server):
                    pass
            with pytest.raises(ConnectionLostError):
                await two.call("CP1", *RESET)
        assert shared.stations == 0


class SlowStore(MemoryRegistryStore):
    """The store of a `SlowCluster`."""

    def __init__(self, slow, table):
        super().__init__(slow, table)
        self._slow = slow

    async def claim(self, identity):
        answer = await super().claim(identity)
        self._slow.claimed.set()
        await self._slow.may_answer.wait()
        return answer


class SlowCluster(MemoryCluster):
    """One whose registry takes a claim at once and answers it when it is told to."""

    def __init__(self):
        super().__init__()
        self.claimed = anyio.Event()
        self.may_answer = anyio.Event()

    def new_store(self, lease, timeout):
        return SlowStore(self, super().new_store(lease, timeout)._table)


class TestAHandshakeWithAClaimInProgress:
    @pytest.fixture
    async def shared(self):
        return SlowCluster()

    async def connect(self, server):
        with suppress(OCPPError):
            async with connected(server):
                pass

    async def released(self, shared):
        with anyio.fail_after(SECONDS):
            while shared.stations:
                await anyio.lowlevel.checkpoint()

    async def test_that_is_abandoned_releases_the_station(self, shared):
        async with server_in(shared) as server:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self.connect, server)
                await shared.claimed.wait()
                tasks.cancel_scope.cancel()
            assert shared.stations == 1
            shared.may_answer.set()
            await self.released(shared)

    async def test_is_refused_when_the_server_closes_which_releases_the_station(self, shared):
        async with server_in(shared) as server, anyio.create_task_group() as tasks:
            refused = server.events("upgrade_aborted")
            tasks.start_soon(self.connect, server)
            await shared.claimed.wait()
            tasks.start_soon(server.close)
            assert ((event := await first(refused)).status, event.reason) == (503, "Closing")
            shared.may_answer.set()
            await self.released(shared)

    async def test_is_refused_when_the_registry_does_not_answer_in_time(self, shared):
        server = OCPPServer(protocols=["ocpp1.6"], cluster=Cluster(shared, timeout=0.05))
        async with server:
            with pytest.raises(UnexpectedHttpResponse) as raised:
                async with connected(server):
                    pass
            assert (raised.value.status, raised.value.reason) == (503, "Registry Unavailable")
            shared.may_answer.set()
            await self.released(shared)

    async def test_closes_at_once_if_another_node_took_the_station(self, shared):
        async with server_in(shared, "one") as one, server_in(shared, "two") as two:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self.connect, one)
                await shared.claimed.wait()
                shared.claimed = anyio.Event()
                tasks.start_soon(self.connect, two)
                await shared.claimed.wait()
                shared.may_answer.set()
            await self.released(shared)
            assert one.clients == two.clients == ()


class TestTheOption:
    def test_is_the_url_of_redis_or_a_cluster(self):
        wrong: Any
        for wrong in (True, 7, MemoryCluster()):
            with pytest.raises(TypeError, match="expected cluster as the URL of Redis or a Cluster"):
                OCPPServer(protocols=["ocpp1.6"], cluster=wrong)
        with pytest.raises(ValueError, match="redis"):
            OCPPServer(protocols=["ocpp1.6"], cluster="http://127.0.0.1")

    def test_loads_nothing_if_it_is_not_used(self):
        code = (
            "import sys; from ocpp_transports import OCPPServer; OCPPServer(protocols=['ocpp1.6']); print(*sys.modules)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        loaded = {name for name in done.stdout.split() if "cluster" in name.lower()}
        assert {name.rpartition(".")[0] for name in loaded} == {"ocpp_transports._options._stations"}

    def test_cannot_change(self):
        server = server_in(MemoryCluster())
        with pytest.raises(ValueError, match="cannot change cluster"):
            server.reconfigure(cluster=None)
        with pytest.raises(ValueError, match="cannot change ignore_identity_case"):
            server.reconfigure(ignore_identity_case=True)

    def test_checks_its_values(self):
        for wrong in ({"lease": 0.5}, {"timeout": 0}, {"name": "a" * 65}, {"name": "é"}):
            with pytest.raises(ValueError, match=f"expected {next(iter(wrong))}"):
                Cluster(MemoryCluster(), **wrong)
        with pytest.raises(ValueError, match="expected timeout below"):
            Cluster(MemoryCluster(), lease=2)
        with pytest.raises(TypeError, match="MemoryCluster"):
            Cluster(object())  # type: ignore[arg-type]  # that is the test

    def test_names_the_extra_that_redis_needs(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "ocpp_transports.cluster.redis", None)
        with pytest.raises(ImportError, match=r"pip install 'ocpp-ws-io\[cluster\]'"):
            Cluster("redis://127.0.0.1")

    def test_shows_no_password(self):
        assert "secret" not in repr(Cluster("redis://user:secret@127.0.0.1"))
