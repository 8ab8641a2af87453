"""The clock of a virtual event loop: it moves to the next timer when nothing is left to do at this instant."""

import asyncio
import gc
import os
import subprocess
import sys
import time
from math import inf, nan
from pathlib import Path

import anyio
import pytest

from ocpp_transports.laboratory import (
    DeadlockError,
    StandstillError,
    VirtualLoop,
    VirtualTimeEndError,
    run,
    virtual_loop,
)
from ocpp_transports.laboratory._time import _loop

ROOT = Path(__file__).parents[3]


def now():
    return asyncio.get_running_loop().time()


def order_of(*delays, **options):
    """The order in which timers with these delays run."""

    async def main():
        rang: list[int] = []
        for number, delay in enumerate(delays):
            asyncio.get_running_loop().call_later(delay, rang.append, number)
        await asyncio.sleep(max(delays) + 1)
        return rang

    return run(main(), **options)


class TestTheClock:
    def test_it_starts_at_0_and_moves_to_exactly_the_next_timer(self):
        async def main():
            seen = [now()]
            for delay in (0.1, 3600.0, 1e-6):
                await asyncio.sleep(delay)
                seen.append(now())
            return seen

        assert run(main()) == [0.0, 0.1, 3600.1, 3600.1 + 1e-6]

    def test_it_stands_while_a_callback_is_ready(self):
        async def main():
            asyncio.get_running_loop().call_later(1, rang.append, "timer")
            for _ in range(1000):
                await asyncio.sleep(0)
            return now(), list(rang)

        rang = []
        assert run(main()) == (0.0, [])

    def test_the_time_limits_of_asyncio_and_anyio_follow_it(self):
        async def main():
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(5):
                    await asyncio.Event().wait()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asyncio.Event().wait(), 7)
            with anyio.move_on_after(11) as scope:
                await anyio.sleep_forever()
            with anyio.fail_after(100):
                await anyio.sleep(13)
            return scope.cancelled_caught, now()

        assert run(main()) == (True, 36.0)

    def test_a_timer_without_end_is_none(self):
        async def main():
            asyncio.get_running_loop().call_at(inf, print)
            await asyncio.Event().wait()

        with pytest.raises(DeadlockError):
            run(main())

    def test_a_time_that_is_no_number_is_refused(self):
        async def main():
            asyncio.get_running_loop().call_later(nan, print)

        with pytest.raises(ValueError, match="expected a time in seconds, got nan"):
            run(main())

    @pytest.mark.skipif(not hasattr(asyncio, "eager_task_factory"), reason="eager tasks came with Python 3.12")
    def test_eager_tasks_and_the_debug_mode_of_asyncio_work(self):
        async def main():
            loop = asyncio.get_running_loop()
            loop.set_debug(True)
            loop.set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined, unused-ignore]  # of 3.12
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(asyncio.sleep(delay, delay)) for delay in (0, 2, 1)]
            return [task.result() for task in tasks], now()

        assert run(main()) == ([0, 2, 1], 2.0)

    @pytest.mark.parametrize("options", [{"end": 0}, {"patience": nan}, {"most_turns": 0}, {"real_io": "allow"}])
    def test_options_that_make_no_sense_are_refused(self, options):
        with pytest.raises(ValueError, match="expected"):
            VirtualLoop(**options)


class TestTheLoopThatRuns:
    def test_a_virtual_one_is_returned(self):
        async def main():
            return virtual_loop() is asyncio.get_running_loop()

        assert run(main())

    def test_another_one_is_refused(self):
        async def main():
            virtual_loop()

        with pytest.raises(RuntimeError, match="expected a loop made by `VirtualLoop`, got asyncio"):
            asyncio.run(main())

    def test_uvloop_is_refused_with_the_reason(self):
        uvloop = pytest.importorskip("uvloop", reason="it does not exist on Windows")

        async def main():
            virtual_loop()

        with (
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
            pytest.raises(RuntimeError, match=r"got uvloop\.Loop; uvloop has no turn that could be replaced"),
        ):
            runner.run(main())


class TestTheOrderOfTimers:
    def test_timers_of_one_instant_run_in_the_order_in_which_they_were_set(self):
        assert order_of(*[5] * 200) == [*range(200)]

    def test_shuffled_they_run_in_an_order_of_the_seed_and_times_still_count(self):
        first, again, other = (order_of(*[5] * 20, *[4] * 20, seed=seed, shuffled=True) for seed in (1, 1, 2))
        assert first == again != other
        assert sorted(first[:20]) == [*range(20, 40)]
        assert first[:20] != [*range(20, 40)]

    def test_cancelled_timers_do_not_pile_up(self):
        loop = VirtualLoop()

        async def main():
            for number in range(10_000):
                asyncio.get_running_loop().call_later(5 + number, print).cancel()
            return len(loop._timers._heap)

        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            assert runner.run(main()) <= 101

    def test_a_timer_cancelled_at_its_own_instant_does_not_run(self):
        async def main():
            loop = asyncio.get_running_loop()
            second: list[asyncio.TimerHandle] = []
            loop.call_later(1, lambda: second[0].cancel())
            second.append(loop.call_later(1, rang.append, "second"))
            await asyncio.sleep(2)

        rang: list[str] = []
        run(main())
        assert rang == []


class TestARunThatCannotGoOn:
    def test_a_deadlock_is_reported_at_once_with_what_each_task_awaits(self):
        async def station(boots):
            await boots.wait()

        async def main():
            async with asyncio.TaskGroup() as group:
                group.create_task(station(asyncio.Event()), name="CP1")
                await asyncio.sleep(30)

        with pytest.raises(DeadlockError) as raised:
            run(main())
        lines = str(raised.value).splitlines()
        assert lines[0].endswith("(virtual time 30 s)")
        assert "main (test_loop_time.py:" in lines[1]
        assert "> TaskGroup.__aexit__" in lines[1]
        assert lines[2].startswith("  task CP1: ")
        assert "station (test_loop_time.py:" in lines[2]
        assert "> Event.wait (locks.py:" in lines[2]

    def test_tasks_may_end_after_a_deadlock(self):
        async def main():
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(10)
                ended.append(now())

        ended: list[float] = []
        with pytest.raises(DeadlockError):
            run(main())
        assert ended == [10.0]

    def test_the_end_stops_pings_that_would_keep_time_moving(self):
        async def pings():
            while True:  # noqa: ASYNC110 - that is the test
                await asyncio.sleep(20)

        async def main():
            asyncio.create_task(pings(), name="pings")  # noqa: RUF006  # the run's end cancels it
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(60)
                ended.append(now())

        ended: list[float] = []
        with pytest.raises(VirtualTimeEndError) as raised:
            run(main(), end=3605)
        assert "the run has reached its end of 3605 s, and the next timer is at 3620 s" in str(raised.value)
        assert "timer at 3620 s: _set_result_unless_cancelled, for task pings" in str(raised.value)
        assert ended == [3660.0]

    def test_a_task_that_spins_is_found(self):
        async def main():
            while True:  # noqa: ASYNC110 - that is the test
                await asyncio.sleep(0)

        with pytest.raises(StandstillError, match="1000 turns without time passing"):
            run(main(), most_turns=1000)

    def test_its_report_lists_callbacks_that_took_real_time(self, monkeypatch):
        async def main():
            time.sleep(0.002)  # noqa: ASYNC251  # as an application may
            await asyncio.Event().wait()

        monkeypatch.setattr(_loop, "SLOW", 0.001)
        with pytest.raises(
            DeadlockError, match=r"\n  slow: task Task-\d+: .*main \(test_loop_time.py:\d+\).* took 0.0"
        ):
            run(main())

    def test_its_report_lists_a_callback_that_cancelled_itself(self, monkeypatch):
        async def main():
            timer: asyncio.TimerHandle
            timer = asyncio.get_running_loop().call_later(1, lambda: (time.sleep(0.002), timer.cancel()))
            await asyncio.Event().wait()

        monkeypatch.setattr(_loop, "SLOW", 0.001)
        with pytest.raises(DeadlockError, match=r"\n  slow: a callback that cancelled itself took 0.0"):
            run(main())


COURSE = """
import asyncio
from ocpp_transports.laboratory import run

async def station(name, course):
    try:
        await asyncio.sleep(1000)
    finally:
        course.append(name)

async def main():
    course = []
    try:
        async with asyncio.TaskGroup() as group:
            for number in range(50):
                group.create_task(station(number, course))
            await asyncio.sleep(1)
            raise ValueError
    except* ValueError:
        pass
    left = [asyncio.create_task(station(number, course)) for number in range(50)]
    await asyncio.sleep(1)
    return course  # before the runner has cancelled what is left

print(run(main(), seed=5))
"""


def test_a_run_has_one_course_in_every_process():
    """A task group cancels its tasks in the order of a set, and so does a runner with those that are left."""
    courses = {
        subprocess.run(
            [sys.executable, "-c", COURSE],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": str(seed)},
        ).stdout
        for seed in (1, 2, 3)
    }
    assert courses == {f"{[*range(50), *range(50)]}\n"}


def test_a_loop_that_has_run_leaves_nothing_behind():
    async def main():
        await asyncio.sleep(1)
        await asyncio.to_thread(int)

    before = loops()
    run(main())
    assert loops() - before == set()


def loops():
    gc.collect()
    return {id(it) for it in gc.get_objects() if isinstance(it, VirtualLoop)}
