"""Programs with a blocking server or client: how they end, are interrupted and forked."""

import signal
import subprocess
import sys
import textwrap
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LOOPS = ["asyncio", "trio"]
SECONDS = 50
"""After which a program that hangs is killed."""

HEAD = """
import os, signal, socket, sys, threading, time
from ocpp_transports import ConnectionLostError, TimeoutError
from ocpp_transports.blocking import BlockingClient, BlockingServer

def pair(**options):
    server = BlockingServer(protocols=["ocpp1.6"], loop=sys.argv[1], **options)
    port = server.listen(0, "127.0.0.1").port
    client = BlockingClient("CP1", f"ws://127.0.0.1:{port}/ocpp", protocols=["ocpp1.6"], loop=sys.argv[1])
    client.connect()
    return server, client

"""


@contextmanager
def program(code, loop):
    """Run a program with every warning as an error; it must end by itself, without a complaint."""
    command = [sys.executable, "-W", "error", "-u", "-c", HEAD + textwrap.dedent(code), loop]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        guard = threading.Timer(SECONDS, process.kill)
        guard.start()
        yield process
        _, errors = process.communicate()
        guard.cancel()
        assert errors == ""
        assert process.returncode == 0


def said(process):
    """Read the next line that the program writes."""
    return process.stdout.readline().strip()


@pytest.mark.parametrize("loop", LOOPS)
def test_what_is_open_at_the_end_of_the_program_is_closed_whatever_its_functions_do(loop):
    code = """
    server, client = pair()
    server.handle("Heartbeat", lambda ctx: time.sleep(1000))            # keeps its thread
    server.on("close", lambda event: print("too late for a thread"))
    client.on("disconnect", lambda event: print("too late for a thread"))  # if the server is closed first
    client.wrapped.on("close", ended := lambda event: print(event.code))  # a function in the event loop
    threading.Thread(target=client.safe_call, args=["Heartbeat"], daemon=True).start()
    while not server.clients:
        time.sleep(0.001)
    """
    with program(code, loop) as process:
        assert process.stdout.read().split() in (["1000"], ["1001"])


def test_a_program_whose_peer_never_answers_the_close_ends_all_the_same():
    code = """
    from ocpp_transports.blocking._threads import _shared
    _shared.AT_EXIT = 0.1
    server, client = pair(close_timeout=1000, ping_interval=0)
    client.wrapped._driver.connection.read(False)  # it reads nothing any more
    print("ends")
    """
    with program(code, "asyncio") as process:
        assert said(process) == "ends"


def test_ctrl_c_interrupts_every_wait_and_the_rest_goes_on():
    code = """
    server, client = pair(handler_grace=0)
    never = threading.Event()
    server.handle("Heartbeat", lambda ctx: never.wait(50) and {})
    server.handle("DataTransfer", lambda ctx: {"status": "Accepted"})
    for wait in (
        lambda: client.call("Heartbeat"), lambda: server.wait_for_client("CP2"), lambda: next(client.events("close"))
    ):
        threading.Timer(0.05, os.kill, [os.getpid(), signal.SIGINT]).start()
        try:
            wait()
        except KeyboardInterrupt:
            print("interrupted")
    never.set()
    print(client.call("DataTransfer", {"vendorId": "x"}))
    client.close()
    server.close()
    """
    with program(code, "asyncio") as process:
        assert [said(process) for _ in range(4)] == 3 * ["interrupted"] + ["{'status': 'Accepted'}"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to receive")
@pytest.mark.parametrize(("loop", "number"), [("asyncio", signal.SIGINT), ("trio", signal.SIGTERM)])
def test_a_served_program_closes_its_connections_at_a_signal(loop, number):
    code = """
    server = BlockingServer(loop=sys.argv[1])
    server.on("closing", lambda event: print("closing", event.code))
    number = int(sys.stdin.readline())

    def interrupt():
        while signal.getsignal(number) is not signal.default_int_handler or not server.wrapped._listeners:
            time.sleep(0.001)
        os.kill(os.getpid(), number)

    signal.signal(signal.SIGINT, lambda *_: print("too early"))
    threading.Thread(target=interrupt).start()
    server.serve_forever(0, "127.0.0.1")
    print("closed")
    """
    with program(code, loop) as process:
        process.stdin.write(f"{int(number)}\n")
        process.stdin.flush()
        assert [said(process), said(process)] == ["closing 1001", "closed"]


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="only POSIX forks")
def test_a_forked_process_is_told_and_may_use_objects_of_its_own():
    code = """
    server, client = pair(handler_grace=0)
    server.handle("Heartbeat", lambda ctx: {"currentTime": "of the parent"})
    if (child := os.fork()) == 0:
        try:
            client.call("Heartbeat")
        except RuntimeError as error:
            print(error)
        server.close()
        try:
            server.listen()
        except RuntimeError as error:
            print(error)
        other_server, other = pair(handler_grace=0)
        other_server.handle("Heartbeat", lambda ctx: {"currentTime": "of the child"})
        print(other.call("Heartbeat"))
        sys.exit()
    assert os.waitpid(child, 0)[1] == 0
    print(client.call("Heartbeat"))
    """
    with program(code, "asyncio") as process:
        for name in ("OCPPClient", "OCPPServer"):
            assert said(process) == (
                f"cannot use the {name}: this process was forked after its event loop had started; "
                "make a new one after the fork"
            )
        assert said(process) == "{'currentTime': 'of the child'}"
        assert said(process) == "{'currentTime': 'of the parent'}"


@pytest.mark.parametrize("loop", LOOPS)
def test_an_event_loop_that_is_ended_from_inside_fails_what_waits_and_is_replaced(loop):
    code = """
    threading.excepthook = lambda arguments: None
    server, client = pair(handler_grace=0)

    async def end(ctx):
        raise SystemExit

    server.handle("Heartbeat", end)
    client.safe_call("Heartbeat")
    while any(thread.name.startswith("ocpp-") for thread in threading.enumerate()):
        time.sleep(0.001)
    try:
        client.connect()
    except RuntimeError as error:
        print(error)
    server.close()
    server, client = pair(handler_grace=0)
    server.handle("DataTransfer", lambda ctx: {"status": "Accepted"})
    print(client.call("DataTransfer", {"vendorId": "x"}))
    """
    with program(code, loop) as process:
        assert said(process) == "cannot use the OCPPClient: its event loop was ended by an exception; make a new one"
        assert said(process) == "{'status': 'Accepted'}"
