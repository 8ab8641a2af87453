"""What an asynchronous client or server says to code in another thread or event loop, and the ways that work."""

import asyncio
from contextlib import suppress

import anyio
import pytest
from anyio import from_thread, to_thread

from ocpp_transports import NOREPLY
from tests.transports.pairs import SECONDS, pair

pytestmark = pytest.mark.anyio

ADVICE = (
    r"cannot use this client or server: it belongs to the event loop of another thread; call it with "
    r"anyio\.from_thread\.run or asyncio\.run_coroutine_threadsafe, or use ocpp_transports\.blocking"
)


def elsewhere(function, *args):
    """Run a coroutine function in an event loop of this thread."""

    async def run():
        with anyio.fail_after(SECONDS):
            return await function(*args)

    return asyncio.run(run())


async def test_what_waits_raises_in_another_event_loop_and_changes_nothing():
    async with pair() as (client, station):
        waits = [client.connect, client.close, station.close]
        for wait in waits:
            with pytest.raises(RuntimeError, match=ADVICE):
                await to_thread.run_sync(elsewhere, wait)
        assert client.state is station.state


async def test_a_call_raises_when_it_has_to_wait_for_its_response():
    async with pair() as (client, station):
        client.handle("ClearCache", lambda ctx: NOREPLY)
        with pytest.raises(RuntimeError, match=ADVICE):
            await to_thread.run_sync(elsewhere, station.call, "ClearCache", {})
        with pytest.raises(RuntimeError, match=ADVICE):
            await to_thread.run_sync(station.send_raw, '[2,"1","Reset",{"type":"Hard"}]')


async def test_a_late_response_from_a_thread_raises_in_that_thread():
    async with pair() as (client, station):
        contexts, arrived = [], anyio.Event()
        client.handle("ClearCache", lambda ctx: contexts.append(ctx) or arrived.set() or NOREPLY)

        async def answer():
            await arrived.wait()
            with pytest.raises(RuntimeError, match=ADVICE):
                await to_thread.run_sync(contexts[0].reply, {"status": "Accepted"})
            await to_thread.run_sync(from_thread.run_sync, contexts[0].reply, {"status": "Accepted"})

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(answer)
            assert await station.call("ClearCache", {}) == {"status": "Accepted"}


async def test_the_ways_from_a_thread_that_the_error_names_work():
    async with pair() as (client, station):
        client.handle("ClearCache", lambda ctx: {"status": "Accepted"})
        answers = [await to_thread.run_sync(from_thread.run, station.call, "ClearCache", {})]
        with suppress(RuntimeError):  # trio has no asyncio loop
            loop = asyncio.get_running_loop()
            call = asyncio.run_coroutine_threadsafe
            answers.append(await to_thread.run_sync(lambda: call(station.call("ClearCache", {}), loop).result(SECONDS)))
        assert all(answer == {"status": "Accepted"} for answer in answers)
