"""The figures of a server at one time."""

from typing import Any

import anyio
import pytest

from ocpp_transports import OCPPServer, SecurityProfile
from tests.transports.pairs import SECONDS, client_of, serving, station_of

pytestmark = pytest.mark.anyio


class TestStats:
    async def test_count_stations_by_version_and_profile(self):
        async with (
            serving(protocols=["ocpp1.6", "ocpp2.0.1"]) as (server, listener),
            client_of(listener, "CP1") as one,
            client_of(listener, "CP2", protocols=["ocpp2.0.1"]) as two,
        ):
            await one.connect()
            await two.connect()
            await station_of(server, "CP1")
            await station_of(server, "CP2")
            stats = server.stats()
            assert (stats.stations, stats.connections, stats.sockets, stats.listeners) == (2, 2, 2, 1)
            assert stats.by_protocol == {"ocpp1.6": 1, "ocpp2.0.1": 1}
            assert stats.by_security_profile == {SecurityProfile.NONE: 2}

    async def test_count_calls_and_requests_in_both_directions(self):
        async def wait(ctx):
            waiting.append(ctx)
            await ended.wait()
            return {}

        waiting: list[Any] = []
        ended = anyio.Event()
        async with (
            serving() as (server, listener),
            client_of(listener) as client,
            anyio.create_task_group() as tasks,
        ):
            client.handle("ClearCache", wait)
            server.handle("Heartbeat", wait)
            await client.connect()
            station = await station_of(server)
            for _ in range(3):
                tasks.start_soon(station.call, "ClearCache")
            tasks.start_soon(client.call, "Heartbeat")
            with anyio.fail_after(SECONDS):
                while len(waiting) < 2:  # noqa: ASYNC110 - nobody tells of it
                    await anyio.sleep(0.001)
            stats = server.stats()
            assert (stats.outstanding_calls, stats.queued_calls) == (1, 2)
            assert (stats.open_requests, stats.held_requests) == (1, 0)
            ended.set()

    async def test_count_handshakes_that_wait(self):
        async def auth(accept, reject, handshake):
            begun.set()
            await ended.wait()
            accept()

        begun, ended = anyio.Event(), anyio.Event()
        async with (
            serving(auth=auth) as (server, listener),
            client_of(listener) as client,
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(client.connect)
            await begun.wait()
            stats = server.stats()
            assert (stats.handshakes, stats.stations) == (1, 0)
            ended.set()

    async def test_are_zero_before_and_after(self):
        server = OCPPServer(protocols=["ocpp1.6"])
        before = server.stats()
        async with server:
            await server.listen(0, "127.0.0.1")
        assert before == server.stats()
        assert (before.stations, before.sockets, before.listeners) == (0, 0, 0)
