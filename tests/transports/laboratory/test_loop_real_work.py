"""Threads and subprocesses of a virtual event loop: while one works, time stands still.

Each piece of work here takes real time, and a virtual timer waits beside it. If time did not stand still, the timer
would ring first, whatever the speed of the machine: it has no real time to wait for.
"""

import asyncio
import datetime as dt
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial

import anyio
import pytest

from ocpp_transports.laboratory import (
    PatienceError,
    RealIOError,
    UncountedThreadWarning,
    VirtualLoop,
    WallClock,
    real_work,
    run,
)
from ocpp_transports.laboratory._time import _wall_clock


def work():
    """Work that is long against everything that a loop does without waiting."""
    time.sleep(0.01)
    return "done"


def now():
    return asyncio.get_running_loop().time()


async def with_a_limit(start):
    """The result of an awaitable that has a second of virtual time, and the time when it came."""
    async with asyncio.timeout(1):
        return await start(), now()


async def in_own_executor():
    with ThreadPoolExecutor(1) as executor:
        return await asyncio.get_running_loop().run_in_executor(executor, work)


async def in_a_thread_of_one_s_own():
    loop, done = asyncio.get_running_loop(), asyncio.Event()
    with real_work():
        threading.Thread(target=lambda: (work(), loop.call_soon_threadsafe(done.set))).start()
        await done.wait()
    return "done"


@pytest.mark.parametrize(
    "start",
    [
        partial(asyncio.to_thread, work),
        partial(anyio.to_thread.run_sync, work),
        in_own_executor,
        in_a_thread_of_one_s_own,
    ],
    ids=["asyncio.to_thread", "anyio.to_thread", "executor", "real_work"],
)
def test_time_stands_still_while_a_thread_works(start):
    async def main():
        return await with_a_limit(start), await with_a_limit(start)  # anyio's second time has an idle thread

    assert run(main()) == (("done", 0.0), ("done", 0.0))


def test_many_threads_work_at_one_instant():
    async def main():
        async with asyncio.timeout(1):
            await asyncio.gather(*(asyncio.to_thread(work) for _ in range(20)), anyio.to_thread.run_sync(work))
        await asyncio.sleep(5)
        return now()

    assert run(main()) == 5.0


def test_a_thread_counts_until_it_has_ended_also_if_no_task_waits_any_more():
    async def main():
        loop, release, ended = asyncio.get_running_loop(), threading.Event(), []
        task = asyncio.create_task(asyncio.to_thread(release.wait))
        await asyncio.sleep(0)
        task.cancel()
        threading.Timer(0.02, lambda: (ended.append(loop.time()), release.set())).start()
        await asyncio.sleep(100)
        return ended, now()

    assert run(main()) == ([0.0], 100.0)


def test_an_executor_that_is_shut_down_is_waited_for():
    """The helper thread that shuts the default executor down works too; the limit of the runner must not pass."""

    async def main():
        executor = ThreadPoolExecutor(1)
        asyncio.get_running_loop().set_default_executor(executor)
        executor.submit(work)  # not by the loop, which counts the shutdown alone

    run(main())


def test_a_process_pool_counts_as_threads_do():
    async def main():
        with ProcessPoolExecutor(1) as pool:
            return await with_a_limit(partial(asyncio.get_running_loop().run_in_executor, pool, abs, -7))

    assert run(main()) == (7, 0.0)


def test_a_function_that_an_executor_refuses_is_not_counted():
    async def main():
        executor = ThreadPoolExecutor(1)
        executor.shutdown()
        with pytest.raises(RuntimeError, match="shutdown"):
            asyncio.get_running_loop().run_in_executor(executor, work)
        await asyncio.sleep(1)
        return now()

    assert run(main(), patience=5) == 1.0


def ask(coroutine, *args):
    """Run a coroutine on the loop from a thread of anyio."""
    return anyio.from_thread.run(coroutine, *args)


def ask_with_asyncio(loop, coroutine, *args):
    """Run a coroutine on a loop from another thread, and work a little before waiting for it."""
    future = asyncio.run_coroutine_threadsafe(coroutine(*args), loop)
    work()
    return future.result()


async def later():
    await asyncio.sleep(5)
    return now()


@pytest.mark.parametrize("others", [0, 1], ids=["alone", "beside one that works"])
def test_a_thread_that_waits_for_the_loop_does_not_work(others):
    async def main():
        loop = asyncio.get_running_loop()
        return await asyncio.gather(
            anyio.to_thread.run_sync(ask, later),
            asyncio.to_thread(ask_with_asyncio, loop, later),
            *(asyncio.to_thread(lambda: (work(), loop.time())) for _ in range(others)),
        )

    assert run(main(), patience=5) == [5.0, 5.0, *[("done", 0.0)] * others]


def test_a_thread_works_again_once_the_loop_has_answered():
    async def main():
        def function():
            asked = ask(later)
            work()
            return asked, loop.time()

        loop = asyncio.get_running_loop()
        waiting = asyncio.create_task(asyncio.sleep(5.5))
        result = await anyio.to_thread.run_sync(function)
        await waiting
        return result, now()

    assert run(main(), patience=5) == ((5.0, 5.0), 5.5)


def test_timers_of_this_instant_run_while_a_thread_works():
    async def main():
        done = threading.Event()
        asyncio.get_running_loop().call_later(0, done.set)
        await asyncio.to_thread(done.wait)
        return now()

    assert run(main(), patience=5) == 0.0


def test_a_task_may_spin_while_a_thread_works_but_not_for_ever():
    async def main():
        asyncio.get_running_loop().run_in_executor(None, release.wait)
        while True:  # noqa: ASYNC110 - that is the test
            await asyncio.sleep(0)

    release = threading.Event()
    runner = asyncio.Runner(loop_factory=partial(VirtualLoop, most_turns=1000, patience=0.02))
    with pytest.raises(PatienceError):
        runner.run(main())
    release.set()
    runner.close()


def test_a_thread_that_never_ends_is_named_with_its_line():
    async def main():
        await asyncio.to_thread(release.wait)

    release = threading.Event()
    runner = asyncio.Runner(loop_factory=partial(VirtualLoop, patience=0.05))
    with pytest.raises(PatienceError) as raised:
        runner.run(main())
    release.set()
    runner.close()
    assert "real work has not ended within 0.05 real seconds (virtual time 0 s)" in str(raised.value)
    assert "real work: function Event.wait in an executor" in str(raised.value)
    assert "thread asyncio_0: Condition.wait (threading.py:" in str(raised.value)


def test_a_thread_that_is_not_counted_is_reported():
    async def main():
        loop, done = asyncio.get_running_loop(), asyncio.Event()
        thread = threading.Thread(target=loop.call_soon_threadsafe, args=[done.set], name="driver of a meter")
        thread.start()
        thread.join()
        await done.wait()
        await asyncio.sleep(1)

    with pytest.warns(UncountedThreadWarning, match=r"driver of a meter called into the loop.*with real_work\(\):"):
        run(main())


def test_real_work_is_nothing_on_other_loops():
    async def main():
        with real_work():
            return await asyncio.to_thread(work)

    assert asyncio.run(main()) == "done"


class TestAiosqlite:
    def test_its_thread_is_counted(self, tmp_path):
        aiosqlite = pytest.importorskip("aiosqlite", reason="the adapter is for programs that use it")

        async def main():
            async with asyncio.timeout(1), aiosqlite.connect(tmp_path / "a.db") as database:
                await database.create_function("slow", 0, work)
                await database.execute("create table stations (id)")
                for _ in range(5):
                    await database.execute("insert into stations values (slow())")
                await database.commit()
                async with database.execute("select * from stations") as rows:
                    return len([row async for row in rows]), now()

        assert run(main()) == (5, 0.0)


class TestWhatIsReal:
    @pytest.mark.parametrize(
        ("open_it", "verb"),
        [
            (lambda: asyncio.open_connection("127.0.0.1", 1), "open a connection"),
            (lambda: asyncio.start_server(print, "127.0.0.1", 0), "listen"),
            (lambda: asyncio.create_subprocess_exec(sys.executable), "start a subprocess"),
            (lambda: asyncio.get_running_loop().getaddrinfo("localhost", 1), "resolve a host name"),
        ],
    )
    def test_it_is_refused_where_it_is_opened(self, open_it, verb):
        async def main():
            await open_it()

        with pytest.raises(RealIOError, match=f"cannot {verb}: the event loop has virtual time"):
            run(main())

    def test_sockets_of_anyio_are_refused_too(self):
        async def main():
            await anyio.connect_tcp("127.0.0.1", 1)

        with pytest.raises(ExceptionGroup) as raised:
            run(main())
        assert raised.group_contains(RealIOError)

    @pytest.mark.skipif(sys.platform == "win32", reason="its selector loop has no subprocesses")
    def test_time_stands_still_for_a_subprocess_on_request(self):
        async def main():
            async def process():
                child = await asyncio.create_subprocess_exec(
                    sys.executable, "-S", "-c", "print('written')", stdout=asyncio.subprocess.PIPE
                )
                return (await child.communicate())[0].strip()

            return await with_a_limit(process)

        assert run(main(), real_io="wait") == (b"written", 0.0)

    def test_sockets_get_a_moment_before_each_step_on_request(self):
        async def main():
            async def answer(reader, writer):
                writer.write(await reader.readexactly(4))
                writer.close()

            async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
                reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
                writer.write(b"ping")
                answered = await reader.read()
                writer.close()
                await asyncio.sleep(3600)
            return answered, now() >= 3600

        assert run(main(), real_io="wait") == (b"ping", True)

    @pytest.mark.skipif(sys.platform == "win32", reason="its loops have no signal handlers")
    def test_a_signal_is_handled(self):
        import signal

        async def main():
            got = asyncio.Event()
            asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, got.set)
            signal.raise_signal(signal.SIGUSR1)
            await got.wait()

        run(main())


class TestTheWallClock:
    START = dt.datetime(2026, 3, 29, 0, 30, tzinfo=dt.UTC)

    def test_it_shows_the_virtual_time_since_its_start(self):
        async def main():
            clock = WallClock(asyncio.get_running_loop().time, self.START)
            await asyncio.sleep(3600)
            clock.step(-60)
            return clock.now(), now()

        assert run(main()) == (dt.datetime(2026, 3, 29, 1, 29, tzinfo=dt.UTC), 3600.0)

    def test_a_start_without_a_time_zone_is_refused(self):
        with pytest.raises(ValueError, match="expected a start with a time zone"):
            WallClock(float, dt.datetime(2026, 3, 29))  # noqa: DTZ001 - that is the test

    def test_the_clocks_of_an_application_show_it_also_in_threads(self):
        pytest.importorskip("time_machine", reason="the extra `test` installs it")

        def seen():
            return dt.datetime.now(dt.UTC), time.time()

        async def main():
            clock = WallClock(asyncio.get_running_loop().time, self.START)
            with clock.patched():
                await asyncio.sleep(1800.5)
                return seen(), await asyncio.to_thread(seen)

        at = self.START + dt.timedelta(seconds=1800.5)
        before = dt.datetime.now(dt.UTC)
        assert run(main()) == ((at, at.timestamp()), (at, at.timestamp()))
        assert dt.datetime.now(dt.UTC) >= before

    def test_freezegun_is_refused(self, monkeypatch):
        class Frozen:
            datetime = type("FakeDatetime", (), {})

        async def main():
            await asyncio.sleep(1)

        monkeypatch.setitem(sys.modules, "freezegun", object())
        coroutine = main()
        monkeypatch.setattr(_wall_clock, "dt", Frozen)
        with pytest.raises(RuntimeError, match="freezegun is active"):
            run(coroutine)
        coroutine.close()
