"""The hooks with which an ASGI server lets the OCPP server close first."""

import signal
from contextlib import asynccontextmanager

import anyio
import pytest
import uvicorn

from ocpp_transports import OCPPClient, OCPPServer, UnexpectedHttpResponse
from ocpp_transports.asgi import OCPPApplication, until_drained, uvicorn_server
from ocpp_transports.events import CloseEvent
from tests.transports.pairs import SECONDS, client_of, first, never, serving, station_of

pytestmark = pytest.mark.anyio


class TestUntilDrained:
    async def test_returns_when_the_servers_have_closed_after_a_signal(self):
        async with serving() as (one, listener), serving() as (two, _), client_of(listener, reconnect=False) as client:
            await client.connect()
            await station_of(one)
            drained = anyio.Event()

            async def trigger():
                await until_drained(one, two)
                drained.set()

            async with client.events("close") as closes, anyio.create_task_group() as tasks:
                tasks.start_soon(trigger)
                await anyio.wait_all_tasks_blocked()
                assert not drained.is_set()
                signal.raise_signal(signal.SIGTERM)
                assert await first(closes) == CloseEvent(1001, "")
            assert drained.is_set()
            assert one.is_draining
            assert two.is_draining

    async def test_drops_what_is_still_open_at_a_second_signal(self):
        async with serving() as (server, listener), client_of(listener, reconnect=False) as client:
            begun = anyio.Event()

            @server.handle("Heartbeat")
            async def heartbeat(_):
                begun.set()
                await never()

            await client.connect()
            with anyio.fail_after(SECONDS):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(client.safe_call, "Heartbeat")
                    await begun.wait()
                    tasks.start_soon(until_drained, server)
                    await anyio.wait_all_tasks_blocked()
                    signal.raise_signal(signal.SIGTERM)
                    await anyio.wait_all_tasks_blocked()
                    assert client.state.name == "OPEN"
                    signal.raise_signal(signal.SIGTERM)


@asynccontextmanager
async def uvicorn_with(server):
    """Run a server of uvicorn that drains this one; yields it and the address of a station, and waits for its end."""
    config = uvicorn.Config(OCPPApplication(server), port=0, log_level="error", lifespan="on")
    running = uvicorn_server(config, server)
    with anyio.fail_after(SECONDS):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(running._serve)  # `serve` would take the signals too
            while not running.started:  # noqa: ASYNC110 - uvicorn has no event for it
                await anyio.sleep(0.005)
            yield running, f"ws://127.0.0.1:{running.servers[0].sockets[0].getsockname()[1]}"


def station_at(url, identity="CP1"):
    return OCPPClient(identity, url, protocols=["ocpp1.6"], reconnect=False)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
class TestAServerOfUvicorn:
    async def test_that_ends_by_itself_answers_calls_and_says_goodbye_first(self, anyio_backend):
        server, release, begun, answers = OCPPServer(protocols=["ocpp1.6"]), anyio.Event(), anyio.Event(), []

        @server.handle("Heartbeat")
        async def heartbeat(_):
            begun.set()
            await release.wait()
            return {"currentTime": "2026-01-01T00:00:00Z"}

        async with uvicorn_with(server) as (running, url), station_at(url) as client, client.events("close") as closes:
            await client.connect()
            async with anyio.create_task_group() as tasks:

                async def call():
                    answers.append(await client.call("Heartbeat"))

                tasks.start_soon(call)
                await begun.wait()
                running.should_exit = True
                while not server.is_draining:  # noqa: ASYNC110 - uvicorn looks at its flags now and then
                    await anyio.sleep(0.005)
                async with station_at(url, "CP2") as late:
                    with pytest.raises(UnexpectedHttpResponse) as refused:
                        await late.connect()
                assert refused.value.status == 503
                release.set()
                assert await first(closes) == CloseEvent(1001, "")
        assert answers == [{"currentTime": "2026-01-01T00:00:00Z"}]

    async def test_that_is_forced_to_end_drops_what_is_still_open(self, anyio_backend):
        server, begun = OCPPServer(protocols=["ocpp1.6"]), anyio.Event()

        @server.handle("Heartbeat")
        async def heartbeat(_):
            begun.set()
            await never()

        async with uvicorn_with(server) as (running, url), station_at(url) as client, client.events("close") as closes:
            await client.connect()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(client.safe_call, "Heartbeat")
                await begun.wait()
                running.should_exit = running.force_exit = True
                assert (await first(closes)).code in {1001, 1006}
