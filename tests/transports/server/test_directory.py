"""Where a server looks for its stations: in its own connections, or in a directory of the application's."""

from typing import Any

import anyio
import pytest

from ocpp_transports import ClosedError, ConnectionLostError, OCPPServer, TimeoutError
from tests.transports.pairs import SECONDS, client_of, serving, station_of

pytestmark = pytest.mark.anyio


class Fleet:
    """The stations of several servers in one process, wherever each is connected."""

    def __init__(self, *servers):
        self._directories = [server.directory for server in servers]
        for server in servers:
            server.directory = self

    def get_client(self, identity, /):
        found = (directory.get_client(identity) for directory in self._directories)
        return next((station for station in found if station is not None), None)

    get_caller = get_client

    async def wait_for_caller(self, identity, /):
        return await self.wait_for_client(identity)

    async def wait_for_client(self, identity, /):
        async def wait(directory):
            found.append(await directory.wait_for_client(identity))
            tasks.cancel_scope.cancel()

        found: list[Any] = []
        async with anyio.create_task_group() as tasks:
            for directory in self._directories:
                tasks.start_soon(wait, directory)
        return found[0]


class TestADirectoryOfSeveralServers:
    async def test_finds_the_stations_of_each_for_all(self):
        async with serving() as (one, listener), serving() as (other, _), client_of(listener) as client:
            client.handle("Reset", lambda ctx: {"status": "Accepted"})
            Fleet(one, other)
            await client.connect()
            station = await station_of(other)
            assert station is one.get_client("CP1") is other.get_client("CP1")
            assert await other.call("CP1", "Reset", {"type": "Soft"}) == {"status": "Accepted"}
            assert await other.safe_call("CP1", "Reset", {"type": "Soft"}) == {"status": "Accepted"}
            assert (one.clients, other.clients) == ((station,), ())
            with pytest.raises(ConnectionLostError):
                await other.call("CP2", "Reset")

    async def test_is_waited_for_as_a_server_s_own(self):
        async with serving() as (one, listener), serving() as (other, _), client_of(listener) as client:
            Fleet(one, other)
            with pytest.raises(TimeoutError, match="'CP1' did not connect within"):
                await other.wait_for_client("CP1", timeout=0.01)

            found: list[Any] = []

            async def wait():
                found.append(await other.wait_for_client("CP1"))

            async def wait_in_vain():
                with pytest.raises(ClosedError):
                    await other.wait_for_client("CP2")

            with anyio.fail_after(SECONDS):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(wait)
                    tasks.start_soon(wait_in_vain)
                    await anyio.wait_all_tasks_blocked()
                    await client.connect()
                    while not found:  # noqa: ASYNC110 - nobody tells of it
                        await anyio.sleep(0.001)
                    await other.close()
            assert found == [one.get_client("CP1")]


class Elsewhere:
    """A station of another process: it can be called."""

    def __init__(self):
        self.calls = []

    async def call(self, *args, **options):
        self.calls.append((args, options))
        return {"status": "Accepted"}


class TestADirectoryOfOtherProcesses:
    async def test_passes_calls_on_to_stations_without_a_handle(self):
        class Cluster:
            def __init__(self, local):
                self.get_client = local.get_client
                self.wait_for_client = local.wait_for_client
                self.wait_for_caller = local.wait_for_caller
                self.local = local
                self.elsewhere = Elsewhere()

            def get_caller(self, identity, /):
                return self.local.get_caller(identity) or self.elsewhere

        async with OCPPServer(protocols=["ocpp1.6"]) as server:
            server.directory = cluster = Cluster(server.directory)
            assert server.get_client("CP9") is None
            assert await server.call("CP9", "Reset", {"type": "Soft"}, timeout=5) == {"status": "Accepted"}
            assert cluster.elsewhere.calls == [(("Reset", {"type": "Soft"}), {"timeout": 5})]

    async def test_has_the_methods_of_a_directory(self):
        async with serving() as (server, _):
            before = server.directory
            with pytest.raises(TypeError, match=r"StationDirectory, got dict without get_client\(\)"):
                server.directory = {}
            assert server.directory is before


class TestWaiting:
    @pytest.mark.parametrize("timeout", [-1, float("nan"), "5", None, True])
    async def test_has_a_timeout_in_seconds(self, timeout):
        async with serving() as (server, _):
            with pytest.raises(ValueError, match="timeout >= 0 seconds"):
                await server.wait_for_client("CP1", timeout=timeout)

    async def test_finds_a_station_that_is_connected_already_in_no_time(self):
        async with serving() as (server, listener), client_of(listener) as client:
            await client.connect()
            station = await station_of(server)
            assert await server.wait_for_client("CP1", timeout=0) is station

    async def test_may_be_cancelled_and_leaves_nothing_behind(self):
        async with serving() as (server, _):
            with anyio.move_on_after(0.01) as scope:
                await server.wait_for_client("CP1")
            assert scope.cancelled_caught
            assert not server._waits
            assert not server._registry._waiters
