"""What a client or server has under way, and how it ends."""

import asyncio
import errno
import socket
import subprocess
import sys
from functools import partial
from typing import Any

import anyio
import pytest

from ocpp_core.actions import CloseStream, OpenTransport, SendBytes
from ocpp_core.inputs import BytesReceived, StreamOpened
from ocpp_transports._driver._accepting import AcceptRules
from ocpp_transports._driver._interfaces import complete
from ocpp_transports._logging._log import LOGGER, Log
from ocpp_transports._runtime._base import Address
from ocpp_transports._runtime._current import current_runtime
from tests.kinds import an
from tests.transports.net import Probe, echo, read_all

pytestmark = pytest.mark.anyio


@pytest.fixture
async def runtime(anyio_backend):
    """A runtime that must leave nothing behind."""
    runtime: Any = current_runtime("Test", in_block=True, log=Log(LOGGER, "Test"))
    yield runtime
    await runtime.aclose()
    left = [runtime.streams, runtime._tasks, runtime._listeners, runtime._watchers]
    assert not any(left)


async def for_ever():
    await anyio.sleep_forever()


class Witness:
    """A task that says how far it came."""

    def __init__(self):
        self.began, self.ended = anyio.Event(), anyio.Event()
        self.result = None

    async def run(self, work=for_ever):
        self.began.set()
        try:
            self.result = await work()
        finally:
            self.ended.set()

    async def runs(self, runtime, work=for_ever):
        """Spawn it and wait until it began; returns its handle."""
        handle = runtime.spawn(self.run(work))
        with anyio.fail_after(5):
            await self.began.wait()
        return handle


class TestATask:
    async def test_runs_beside_its_caller(self, runtime):
        witness = Witness()
        await witness.runs(runtime)
        assert not witness.ended.is_set()

    async def test_is_not_cancelled_with_its_caller(self, runtime):
        witness = Witness()
        with anyio.CancelScope() as supervisor:
            await witness.runs(runtime)
            supervisor.cancel()
            await anyio.lowlevel.checkpoint()
        await anyio.wait_all_tasks_blocked()
        assert not witness.ended.is_set()

    async def test_is_cancelled_alone(self, runtime):
        one, other = Witness(), Witness()
        handle = await one.runs(runtime)
        await other.runs(runtime)
        handle.cancel()
        handle.cancel()
        with anyio.fail_after(5):
            await one.ended.wait()
        handle.cancel()
        assert not other.ended.is_set()

    async def test_that_fails_is_logged_and_hurts_nobody(self, runtime, caplog):
        async def fail():
            raise ZeroDivisionError

        one, other = Witness(), Witness()
        await other.runs(runtime)
        await one.runs(runtime, fail)
        await anyio.wait_all_tasks_blocked()
        assert not other.ended.is_set()
        assert [record.exc_info[0] for record in caplog.records] == [ZeroDivisionError]

    async def test_is_not_run_after_the_end(self, runtime):
        await runtime.aclose()
        witness = Witness()
        runtime.spawn(witness.run()).cancel()
        await anyio.wait_all_tasks_blocked()
        assert not witness.began.is_set()

    async def test_cancelled_before_it_began_leaves_nothing(self, runtime):
        runtime.spawn(Witness().run()).cancel()


class TestACompletion:
    async def test_gives_its_waiter_the_result(self, runtime):
        completion = runtime.completion()
        witness = Witness()
        await witness.runs(runtime, partial(result_of, completion))
        assert not completion.done()
        complete(completion, "result")
        await witness.ended.wait()
        assert (witness.result, completion.done()) == ("result", True)

    async def test_keeps_the_first_result_for_who_waits_later(self, runtime):
        completion = runtime.completion()
        complete(completion, "first")
        complete(completion, "second")
        assert await completion == "first"

    async def test_may_be_completed_when_its_waiter_was_cancelled(self, runtime):
        completion = runtime.completion()
        with anyio.move_on_after(0):
            await completion
        complete(completion, "too late")


async def result_of(completion):
    return await completion


class TestTheEnd:
    async def test_cancels_the_tasks_and_waits_for_them(self, runtime):
        witnesses = [Witness() for _ in range(3)]
        for witness in witnesses:
            await witness.runs(runtime)
        await runtime.aclose()
        assert all(witness.ended.is_set() for witness in witnesses)

    async def test_may_come_twice_and_from_several_tasks(self, runtime):
        witness = Witness()
        await witness.runs(runtime)
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(runtime.aclose)
        assert witness.ended.is_set()

    async def test_may_come_from_a_task_of_its_own(self, runtime):
        closer, other = Witness(), Witness()
        await other.runs(runtime)
        await closer.runs(runtime, runtime.aclose)
        with anyio.fail_after(5):
            await closer.ended.wait()
        assert other.ended.is_set()

    async def test_may_come_again_from_a_task_that_it_cancels(self, runtime):
        async def close_in_the_end():
            try:
                await for_ever()
            finally:
                await runtime.aclose()

        closers = [Witness(), Witness()]
        await closers[0].runs(runtime, close_in_the_end)
        await closers[1].runs(runtime, runtime.aclose)
        with anyio.fail_after(5):
            for closer in closers:
                await closer.ended.wait()

    async def test_may_come_from_a_child_of_a_task_of_its_own(self, runtime):
        async def nested():
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(runtime.aclose)

        closer = Witness()
        await closer.runs(runtime, nested)
        with anyio.fail_after(5):
            await closer.ended.wait()

    async def test_is_waited_for_by_the_block_though_a_task_began_it(self, runtime):
        async def linger():
            await runtime.aclose()
            with anyio.CancelScope(shield=True):
                await anyio.lowlevel.checkpoint()
                await anyio.lowlevel.checkpoint()
            return "done"

        closer = Witness()
        await closer.runs(runtime, linger)
        await runtime.aclose()
        assert closer.ended.is_set()

    async def test_that_is_cancelled_still_ends_everything(self, runtime):
        witness = Witness()
        peer = Probe()
        await open_pair(runtime, peer, Probe({BytesReceived: echo}))
        peer.do(SendBytes(b"x" * 20_000_000), CloseStream())
        await witness.runs(runtime)
        with anyio.move_on_after(0) as supervisor:
            await runtime.aclose()
        assert supervisor.cancelled_caught
        assert witness.ended.is_set()
        assert not runtime.streams

    async def test_drops_connections_and_lets_closing_ones_finish(self, runtime):
        dropped, finishing = Probe(), Probe()
        await open_pair(runtime, dropped, Probe({BytesReceived: echo}))
        server = Probe({BytesReceived: echo})
        await open_pair(runtime, finishing, server)
        finishing.do(SendBytes(b"last words"), CloseStream())
        await server.until_received(b"last words")
        await runtime.aclose()
        assert (dropped.ends, finishing.ends) == (1, 1)

    async def test_may_come_in_the_moment_a_connection_is_accepted(self, runtime):
        async with anyio.create_task_group() as tasks:
            listener = await runtime.listen(
                0, "127.0.0.1", connected=lambda *made: (Probe().attach(*made), tasks.start_soon(runtime.aclose))[0]
            )
            with anyio.fail_after(5):
                async with await anyio.connect_tcp("127.0.0.1", listener.port) as peer:
                    await read_all(peer)

    async def test_may_come_in_the_moment_a_connection_is_made(self, runtime):
        listener = await runtime.listen(0, "127.0.0.1", connected=Probe({BytesReceived: echo}).attach)
        client = Probe()
        client.dial_with(runtime, runtime.dialer(lambda: Address("127.0.0.1", listener.port)))
        async with anyio.create_task_group() as tasks:
            client.on[StreamOpened] = lambda _: [tasks.start_soon(runtime.aclose)][:0]
            client.do(OpenTransport(1, ()))
            with anyio.fail_after(5):
                await client.until_over()

    async def test_calls_off_dials(self, runtime, tls):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            probe = Probe()
            address = silent.getsockname()
            probe.dial_with(runtime, runtime.stream_dialer(lambda: anyio.connect_tcp(*address, ssl_context=tls.client)))
            probe.do(OpenTransport(1, ()))
            await anyio.wait_all_tasks_blocked()
            with anyio.fail_after(5):
                await runtime.aclose()
            assert [type(event) for event in probe.events] == [type(None)]

    async def test_refuses_what_comes_later(self, runtime):
        probe = Probe()
        await runtime.aclose()
        probe.dial_with(runtime, runtime.stream_dialer(lambda: anyio.connect_tcp("127.0.0.1", 1)))
        probe.do(OpenTransport(1, ()))
        await runtime.aclose()


async def open_pair(runtime, client, server):
    """Connect two probes over hosts of this runtime."""
    listener = await runtime.listen(0, "127.0.0.1", connected=server.attach)
    client.dial_with(runtime, runtime.stream_dialer(lambda: anyio.connect_tcp(listener.host, listener.port)))
    client.do(OpenTransport(1, ()))
    await client.until(lambda: StreamOpened(1) in client.events)
    await server.until(lambda: server.driver)


class TestAListener:
    async def test_tells_its_address(self, runtime):
        listener = await runtime.listen(0, "127.0.0.1", connected=Probe().attach)
        assert listener.host == "127.0.0.1"
        assert 0 < listener.port < 65536

    async def test_stands_beside_others(self, runtime):
        listeners = [await runtime.listen(0, "127.0.0.1", connected=Probe().attach) for _ in range(3)]
        assert len({listener.port for listener in listeners}) == 3

    async def test_accepts_on_all_addresses_by_default(self, runtime):
        probe = Probe()
        listener = await runtime.listen(0, connected=probe.attach)
        async with await anyio.connect_tcp("127.0.0.1", listener.port):
            await probe.until(lambda: probe.driver)

    async def test_closes_alone_and_leaves_its_connections(self, runtime):
        probe = Probe({BytesReceived: echo})
        listener = await runtime.listen(0, "127.0.0.1", connected=probe.attach)
        async with await anyio.connect_tcp("127.0.0.1", listener.port) as peer:
            await probe.until(lambda: probe.driver)
            await listener.aclose()
            await listener.aclose()
            await peer.send(b"still there")
            assert await peer.receive() == b"still there"
        with pytest.raises(OSError, match="failed"):
            await anyio.connect_tcp("127.0.0.1", listener.port)

    async def test_goes_on_after_a_failure_to_accept(self, runtime, monkeypatch):
        accept = socket.socket.accept
        failures = [OSError(errno.EMFILE, "Too many open files")]

        def fail_once(listening):
            if failures:
                raise failures.pop()
            return accept(listening)

        monkeypatch.setattr(socket.socket, "accept", fail_once)
        probe, told = Probe(), []
        rules = AcceptRules(failed=lambda *failure: told.append(failure))
        listener = await runtime.listen(0, "127.0.0.1", connected=probe.attach, rules=rules)
        async with await anyio.connect_tcp("127.0.0.1", listener.port):
            await probe.until(lambda: probe.driver)
        assert failures == []
        assert [(kind, event.remote_address, event.reason) for kind, event in told] == [
            ("accepting a connection failed", None, "[Errno 24] Too many open files")
        ]

    async def test_frees_its_port(self, runtime):
        listener = await runtime.listen(0, "127.0.0.1", connected=Probe().attach)
        await listener.aclose()
        await runtime.listen(listener.port, "127.0.0.1", connected=Probe().attach)

    async def test_cannot_have_a_port_that_is_taken(self, runtime):
        listener = await runtime.listen(0, "127.0.0.1", connected=Probe().attach)
        with pytest.raises(OSError, match="in use"):
            await runtime.listen(listener.port, "127.0.0.1", connected=Probe().attach)


class TestWhichRuntime:
    async def test_outside_a_block_trio_has_none(self, anyio_backend_name):
        if anyio_backend_name == "trio":
            with pytest.raises(RuntimeError, match=r"async with OCPPClient\("):
                current_runtime("OCPPClient", in_block=False, log=Log(LOGGER, "OCPPClient"))
        else:
            runtime = current_runtime("OCPPClient", in_block=False, log=Log(LOGGER, "OCPPClient"))
            await runtime.aclose()

    async def test_is_that_of_the_running_loop(self, anyio_backend_name):
        runtime = current_runtime("OCPPClient", in_block=True, log=Log(LOGGER, "OCPPClient"))
        assert type(runtime).__name__ == {"asyncio": "AsyncioRuntime", "trio": "EpollRuntime"}[anyio_backend_name]
        before = anyio.current_time()
        assert before <= runtime.now() <= anyio.current_time()


def test_there_is_none_without_an_event_loop():
    with pytest.raises(RuntimeError, match="expected a running asyncio or trio event loop"):
        current_runtime("OCPPClient", in_block=True, log=Log(LOGGER, "OCPPClient"))


def test_asyncio_does_not_load_trio():
    code = """
import asyncio, sys
from ocpp_transports._logging._log import LOGGER, Log
from ocpp_transports._runtime._current import current_runtime
async def main():
    await current_runtime("OCPPClient", in_block=False, log=Log(LOGGER, "OCPPClient")).aclose()
asyncio.run(main())
print("trio" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_a_block_lets_the_exception_of_its_body_through_as_it_is():
    async def main():
        runtime = current_runtime("Test", in_block=True, log=Log(LOGGER, "Test"))
        try:
            runtime.spawn(for_ever())
            await anyio.lowlevel.checkpoint()
            raise LookupError("as it is")
        finally:
            await runtime.aclose()

    for backend in ("asyncio", "trio"):
        with pytest.raises(LookupError, match="as it is"):
            anyio.run(main, backend=backend)


def test_asyncio_may_be_interrupted():
    """Runner cancels the main task; the runtime still ends everything."""
    witness = []

    async def task():
        try:
            await for_ever()
        finally:
            witness.append("ended")

    async def main():
        runtime = current_runtime("Test", in_block=True, log=Log(LOGGER, "Test"))
        runtime.spawn(task())
        await asyncio.sleep(0)
        an(asyncio.Task, asyncio.current_task()).cancel()
        try:
            await asyncio.sleep(0)
        finally:
            await runtime.aclose()

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())
    assert witness == ["ended"]
