"""The clock of a browser, on asyncio alone."""

from datetime import timedelta

import pytest

from ocpp_apps.station.asyncio_clock import AsyncioClock
from tests.apps.station.test_end_to_end import playing, problems, until

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


async def test_it_runs_a_station():
    async with playing("ocpp2.1", make_clock=lambda _: AsyncioClock(), meter_interval=1) as (station, _):
        await station.plug_in(1)
        transaction = await station.begin(1)
        await until(station, lambda: len(transaction.samples) > 1)
        await station.end(1)
        assert problems(station) == []


async def test_it_keeps_time_and_ends_tasks():
    clock, seen = AsyncioClock(), []

    async def tick():
        seen.append("begun")
        await clock.sleep(60)
        seen.append("never")

    before, event = clock.monotonic(), clock.event()
    task = clock.spawn(tick())
    await clock.sleep(0.01)
    task.cancel()
    await clock.sleep(-1)
    event.set()
    await event.wait()
    assert seen == ["begun"]
    assert clock.monotonic() - before >= 0.009
    assert clock.now().utcoffset() == timedelta(0)


async def test_tasks_that_are_cancelled_before_their_first_step_are_forgotten():
    async with playing("ocpp1.6", make_clock=lambda _: AsyncioClock()) as (station, _):
        before = len(station._equipment._jobs)
        for seconds in range(10, 20):
            station.configure("HeartbeatInterval", str(seconds))
        assert len(station._equipment._jobs) == before
