"""The clock of these tests keeps its promises, so that the others may rely on it."""

import pytest

from tests.apps.station.virtual_clock import VirtualClock


@pytest.fixture
def clock():
    return VirtualClock()


def test_time_passes_only_as_far_as_it_is_told(clock):
    seen = []

    async def tick():
        while True:
            await clock.sleep(10)
            seen.append(clock.monotonic())

    clock.spawn(tick())
    clock.run_for(25)
    assert (seen, clock.monotonic()) == ([10, 20], 25)


def test_a_coroutine_runs_to_its_end_and_gives_its_result(clock):
    async def work():
        await clock.sleep(3)
        return clock.monotonic()

    assert clock.run(work()) == 3


def test_an_event_wakes_whoever_waits(clock):
    event, woken = clock.event(), []

    async def wait():
        await event.wait()
        woken.append(clock.monotonic())

    clock.spawn(wait())
    clock.run_for(1)
    event.set()
    clock.run_for(0)
    assert (woken, event.is_set(), clock.alive) == ([1], True, [])


def test_a_task_ends_where_it_waits_when_it_is_cancelled(clock):
    ended = []

    async def wait():
        try:
            await clock.sleep(100)
        finally:
            ended.append(clock.monotonic())

    task = clock.spawn(wait())
    clock.run_for(5)
    task.cancel()
    clock.run_for(200)
    task.cancel()
    assert (ended, clock.alive) == ([5], [])


def test_a_task_that_fails_fails_the_test(clock):
    async def fail():
        raise ZeroDivisionError

    clock.spawn(fail())
    with pytest.raises(ZeroDivisionError):
        clock.run_for(0)
