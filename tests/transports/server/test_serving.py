"""A server as a whole program: run(), serve_forever(), draining(); what signals do."""

import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from ocpp_transports import ClosedError, ConnectionFailedError, OCPPClient, OCPPServer
from ocpp_transports._server._lifecycle import _serving
from ocpp_transports.events import CloseEvent
from tests.transports.pairs import SECONDS, client_of, first, never, serving, station_of

ROOT = Path(__file__).parents[3]
SIGNALS = [signal.SIGINT, signal.SIGTERM]


@contextmanager
def signal_handlers_kept():
    before = [signal.getsignal(number) for number in SIGNALS]
    yield
    assert [signal.getsignal(number) for number in SIGNALS] == before


@pytest.mark.anyio
class TestServeForever:
    @pytest.mark.parametrize("number", SIGNALS)
    async def test_ends_at_a_signal_when_calls_in_flight_are_answered(self, number):
        answered = []
        with signal_handlers_kept():
            async with serving() as (server, listener), client_of(listener, reconnect=False) as client:
                release = anyio.Event()

                @client.handle("Reset")
                async def reset(_):
                    signal.raise_signal(number)
                    await release.wait()
                    return {"status": "Accepted"}

                async def call():
                    answered.append(await (await station_of(server)).call("Reset", {"type": "Soft"}))

                server.on("closing", lambda _: release.set())
                async with client.events("close") as closes, anyio.create_task_group() as tasks:
                    tasks.start_soon(server.serve_forever)
                    await anyio.wait_all_tasks_blocked()
                    await client.connect()
                    tasks.start_soon(call)
                    assert await first(closes) == CloseEvent(1001, "")
        assert answered == [{"status": "Accepted"}]

    async def test_drops_what_is_still_open_at_a_second_signal(self):
        async with serving() as (server, listener), client_of(listener, reconnect=False) as client:
            client.handle("Reset", lambda _: never())
            lost = []

            async def call():
                with suppress(ClosedError):
                    await server.call("CP1", "Reset", {"type": "Soft"})
                lost.append("call")

            with anyio.fail_after(SECONDS):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(server.serve_forever)
                    await anyio.wait_all_tasks_blocked()
                    await client.connect()
                    await station_of(server)
                    tasks.start_soon(call)
                    await anyio.wait_all_tasks_blocked()
                    signal.raise_signal(signal.SIGTERM)
                    await anyio.wait_all_tasks_blocked()
                    assert lost == []
                    signal.raise_signal(signal.SIGTERM)
        assert lost == ["call"]

    async def test_enters_its_own_block_and_ends_with_the_server(self):
        server = OCPPServer(protocols=["ocpp1.6"])
        with anyio.fail_after(SECONDS):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(server.serve_forever, 0, "127.0.0.1")
                while repr(server) != "<OCPPServer, 1 listeners, 0 stations>":  # noqa: ASYNC110 - no event tells
                    await anyio.sleep(0.001)
                await server.close()
        assert repr(server) == "<OCPPServer, 0 listeners, 0 stations>"

    async def test_leaves_the_window_and_the_code_of_a_close_alone(self):
        async with (
            serving() as (server, listener),
            client_of(listener, "CP1", reconnect=False) as one,
            client_of(listener, "CP2", reconnect=False) as two,
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(server.serve_forever)
            for client in (one, two):
                await client.connect()
                await station_of(server, client.identity)
            async with server.events("close") as closes, server.events("closed") as ends:
                tasks.start_soon(partial(server.close, 4001, "gone", window=3600))
                assert (await first(closes)).event == CloseEvent(4001, "gone")
                await anyio.wait_all_tasks_blocked()
                assert len(server.clients) == 1
                await server.close(4002, "now", force=True)
                assert await first(ends) == CloseEvent(4002, "now")

    async def test_needs_something_to_listen_on(self):
        with pytest.raises(RuntimeError, match=r"the server does not listen; pass a port, or call listen\(\) first"):
            await OCPPServer(protocols=["ocpp1.6"]).serve_forever()

    async def test_takes_no_options_of_a_listener_that_it_does_not_open(self):
        async with serving() as (server, _):
            with pytest.raises(ValueError, match="expected a port, fd or systemd with backlog, reuse_port: they apply"):
                await server.serve_forever(backlog=5, reuse_port=True)

    async def test_that_is_cancelled_closes_and_gives_the_signals_back(self):
        with signal_handlers_kept():
            async with serving() as (server, listener), client_of(listener, reconnect=False) as client:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(server.serve_forever)
                    await client.connect()
                    tasks.cancel_scope.cancel()
                assert len(server.clients) == 1, "the block goes on"


@pytest.mark.anyio
class TestDraining:
    async def test_closes_first_then_hands_the_signal_on(self):
        told: list[int | str] = []
        before = signal.signal(signal.SIGTERM, lambda number, _: told.append(number))
        try:
            async with serving() as (server, listener), server.draining():
                server.on("closed", lambda _: told.append("closed"))
                async with client_of(listener, reconnect=False) as client, client.events("close") as closes:
                    await client.connect()
                    await station_of(server)
                    signal.raise_signal(signal.SIGTERM)
                    assert told == []
                    assert await first(closes) == CloseEvent(1001, "")
                    with anyio.fail_after(SECONDS):
                        while len(told) < 2:  # noqa: ASYNC110 - a signal handler has no event to set
                            await anyio.sleep(0.001)
            assert told == ["closed", signal.SIGTERM]
        finally:
            signal.signal(signal.SIGTERM, before)

    async def test_without_a_signal_changes_nothing(self):
        with signal_handlers_kept():
            async with serving() as (server, listener), client_of(listener) as client:
                server.handle("Heartbeat", lambda _: {})
                async with server.draining():
                    await client.connect()
                assert await client.call("Heartbeat") == {}

    async def test_outside_of_the_main_thread_does_nothing(self, anyio_backend):
        name, options = anyio_backend

        async def main():
            async with serving() as (server, _), server.draining():
                assert threading.current_thread() is not threading.main_thread()

        with signal_handlers_kept():
            await anyio.to_thread.run_sync(lambda: anyio.run(main, backend=name, backend_options=options))


class TestRun:
    @pytest.mark.parametrize("loop", ["curio", "", None])
    def test_on_a_loop_that_is_not_known_raises(self, loop):
        with pytest.raises(ValueError, match="expected loop as one of asyncio, uvloop, trio, got "):
            OCPPServer(protocols=["ocpp1.6"]).run(0, loop=loop)

    def test_on_a_loop_that_is_not_installed_names_the_package(self, monkeypatch):
        monkeypatch.setattr(_serving, "find_spec", lambda _: None)
        with pytest.raises(ImportError, match="cannot run on trio: it is not installed; install the package trio"):
            OCPPServer(protocols=["ocpp1.6"]).run(0, loop="trio")

    def test_raises_what_listening_raises(self):
        with pytest.raises(ValueError, match="expected a port from 0 to 65535"):
            OCPPServer(protocols=["ocpp1.6"]).run(70000)


RUN = """
import sys
from ocpp_transports import OCPPServer

server = OCPPServer(protocols=["ocpp1.6"])


@server.on("client")
async def reset(station):
    print(await station.safe_call("Reset", {"type": "Soft"}), flush=True)


server.run(int(sys.argv[1]), "127.0.0.1", loop=sys.argv[2])
print("ended")
"""
UVICORN = """
import sys
import uvicorn
from ocpp_transports import OCPPServer
from ocpp_transports.asgi import OCPPApplication

server = OCPPServer(protocols=["ocpp1.6"])


@server.on("client")
async def reset(station):
    print(await station.safe_call("Reset", {"type": "Soft"}), flush=True)


uvicorn.run(OCPPApplication(server), host="127.0.0.1", port=int(sys.argv[1]), loop=sys.argv[2], log_level="error")
"""


@contextmanager
def program(folder, text, *arguments):
    """Run a program of its own."""
    script = folder / "program.py"
    script.write_text(text, encoding="utf-8")
    command = [sys.executable, str(script), *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    running = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder
    )
    try:
        yield running
    finally:
        running.kill()
        running.communicate()


def station_at(port, identity="CP1"):
    return OCPPClient(identity, f"ws://127.0.0.1:{port}", protocols=["ocpp1.6"], reconnect=False)


async def connected(client):
    """Connect as soon as the program listens."""
    with anyio.fail_after(60):
        while True:
            try:
                return await client.connect()
            except ConnectionFailedError:
                await anyio.sleep(0.05)


async def refused(port):
    """Wait until the server lets nobody in any more."""
    with anyio.fail_after(SECONDS):
        while True:
            with suppress(ConnectionFailedError):  # 503, or its port is closed
                async with station_at(port, "CP2") as late:
                    await late.connect()
                continue
            return


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize(
    ("text", "loop", "number", "code"),
    [
        (RUN, "asyncio", signal.SIGINT, 0),
        (RUN, "asyncio", signal.SIGTERM, 0),
        (RUN, "uvloop", signal.SIGINT, 0),
        (RUN, "uvloop", signal.SIGTERM, 0),
        (RUN, "trio", signal.SIGINT, 0),
        (RUN, "trio", signal.SIGTERM, 0),
        (UVICORN, "asyncio", signal.SIGTERM, -signal.SIGTERM),  # uvicorn's own: it raises the signal again in the end
        (UVICORN, "uvloop", signal.SIGTERM, -signal.SIGTERM),
    ],
    ids=lambda value: value.name if isinstance(value, signal.Signals) else None,
)
async def test_a_program_that_is_stopped_finishes_its_calls_and_says_goodbye(
    tmp_path, reserved_port, anyio_backend, text, loop, number, code
):
    with program(tmp_path, text, reserved_port, loop) as running:
        async with station_at(reserved_port) as client:

            @client.handle("Reset")
            async def reset(_):
                running.send_signal(number)
                await refused(reserved_port)
                return {"status": "Accepted"}

            async with client.events("close") as closes:
                await connected(client)
                assert await first(closes) == CloseEvent(1001, "")
        output, _ = await anyio.to_thread.run_sync(lambda: running.communicate(timeout=SECONDS))
        assert "{'status': 'Accepted'}\n" in output
        assert "Traceback" not in output
        assert running.returncode == code
