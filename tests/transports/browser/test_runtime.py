"""The runtime of a browser, on asyncio's own loop: what it adds to a loop it must also do there."""

import asyncio
import logging
import time

import pytest

from ocpp_transports._browser._runtime import LATE, BrowserRuntime
from ocpp_transports._logging._log import LOGGER, Log

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


class TestTimers:
    async def test_ring_in_their_order_and_not_before_their_time(self):
        runtime, rung = BrowserRuntime(Log(LOGGER, "CP1")), []
        start = runtime.now()
        runtime.call_at(start + 0.02, lambda: rung.append(("two", runtime.now())))
        runtime.call_at(start + 0.01, lambda: rung.append(("one", runtime.now())))
        await asyncio.sleep(0.05)
        assert [name for name, _ in rung] == ["one", "two"]
        assert all(when >= start + 0.009 for _, when in rung)

    async def test_take_a_time_that_has_passed(self):
        """Pyodide's loop raises for it."""
        runtime, rung = BrowserRuntime(Log(LOGGER, "CP1")), asyncio.Event()
        runtime.call_at(runtime.now() - 5, rung.set)
        assert not rung.is_set()
        await asyncio.wait_for(rung.wait(), 5)

    async def test_that_are_late_let_pass_what_came_meanwhile(self):
        """A busy page: the answer arrived while nothing could run, and was queued behind the timer."""
        runtime, seen = BrowserRuntime(Log(LOGGER, "CP1")), []
        runtime.call_at(runtime.now(), lambda: seen.append("time-out"))
        time.sleep(LATE * 1.5)  # noqa: ASYNC251 - the page is busy
        asyncio.get_running_loop().call_later(0, seen.append, "answer")
        await asyncio.sleep(0.05)
        assert seen == ["answer", "time-out"]

    async def test_may_be_cancelled_also_while_they_let_something_pass(self):
        runtime, rung = BrowserRuntime(Log(LOGGER, "CP1")), []
        timer = runtime.call_at(runtime.now(), lambda: rung.append(1))
        time.sleep(LATE * 1.5)  # noqa: ASYNC251 - the page is busy
        asyncio.get_running_loop().call_later(0, timer.cancel)
        await asyncio.sleep(0.05)
        assert rung == []
        timer.cancel()


class TestTasks:
    async def test_end_with_the_runtime(self):
        runtime, ended = BrowserRuntime(Log(LOGGER, "CP1")), []

        async def wait():
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(1)

        runtime.spawn(wait())
        runtime.spawn(wait())
        await asyncio.sleep(0)
        await runtime.aclose()
        assert ended == [1, 1]

    async def test_that_end_the_runtime_are_left_alone(self):
        runtime, ended = BrowserRuntime(Log(LOGGER, "CP1")), asyncio.Event()

        async def close():
            await runtime.aclose()
            ended.set()

        runtime.spawn(close())
        await asyncio.wait_for(ended.wait(), 5)

    async def test_are_not_begun_any_more_when_it_has_ended(self):
        runtime = BrowserRuntime(Log(LOGGER, "CP1"))
        await runtime.aclose()

        async def never():
            raise AssertionError

        runtime.spawn(never()).cancel()

    async def test_that_fail_are_logged(self, caplog):
        runtime = BrowserRuntime(Log(LOGGER, "CP1"))

        async def fail():
            raise ValueError("a fault")

        with caplog.at_level(logging.ERROR):
            runtime.spawn(fail())
            await asyncio.sleep(0.01)
        assert [record.exc_info[1].args for record in caplog.records] == [("a fault",)]
