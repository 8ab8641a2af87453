"""The clock of these tests keeps its promises, so that the others may rely on it."""

import pytest

from tests.apps.station.virtual_clock import VirtualPace


@pytest.fixture
def pace():
    return VirtualPace()


def test_time_passes_only_as_far_as_it_is_told(pace):
    seen = []

    async def tick():
        while True:
            await pace.sleep(10)
            seen.append(pace.monotonic())

    pace.spawn(tick())
    pace.run_for(25)
    assert (seen, pace.monotonic()) == ([10, 20], 25)


def test_a_coroutine_runs_to_its_end_and_gives_its_result(pace):
    async def work():
        await pace.sleep(3)
        return pace.monotonic()

    assert pace.run(work()) == 3


def test_an_event_wakes_whoever_waits(pace):
    event, woken = pace.event(), []

    async def wait():
        await event.wait()
        woken.append(pace.monotonic())

    pace.spawn(wait())
    pace.run_for(1)
    event.set()
    pace.run_for(0)
    assert (woken, event.is_set(), pace.alive) == ([1], True, [])


def test_a_task_ends_where_it_waits_when_it_is_cancelled(pace):
    ended = []

    async def wait():
        try:
            await pace.sleep(100)
        finally:
            ended.append(pace.monotonic())

    task = pace.spawn(wait())
    pace.run_for(5)
    task.cancel()
    pace.run_for(200)
    task.cancel()
    assert (ended, pace.alive) == ([5], [])


def test_a_task_that_fails_fails_the_test(pace):
    async def fail():
        raise ZeroDivisionError

    pace.spawn(fail())
    with pytest.raises(ZeroDivisionError):
        pace.run_for(0)
