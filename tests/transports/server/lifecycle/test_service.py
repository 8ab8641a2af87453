"""A whole program as a service of systemd: its socket, its start, its stop."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from ocpp_transports import OCPPClient
from ocpp_transports.events import CloseEvent
from tests.transports.pairs import SECONDS, first

ROOT = Path(__file__).parents[4]
SERVICE = """
from ocpp_transports import OCPPServer

server = OCPPServer(protocols=["ocpp1.6"])
server.run(systemd=True)
"""
START = """
import os, sys

os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.executable, [sys.executable, "-c", sys.argv[2]])
"""


def started(fd, notify):
    """Start the program with this socket, as systemd does."""
    command = [sys.executable, "-ISc", START, str(fd), SERVICE]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NOTIFY_SOCKET": notify}
    return subprocess.Popen(command, env=environment, pass_fds=[fd], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_it_serves_a_station_that_came_before_its_start_and_reports_its_start_and_stop(tmp_path, anyio_backend):
    name = str(tmp_path / "notify")
    with (
        closing(socket.create_server(("127.0.0.1", 0))) as port,
        closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as systemd,
    ):
        systemd.bind(name)
        systemd.settimeout(SECONDS)
        url = f"ws://127.0.0.1:{port.getsockname()[1]}"
        async with (
            OCPPClient("CP1", url, protocols=["ocpp1.6"], reconnect=False) as client,
            client.events("close") as ends,
        ):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(client.connect)
                await anyio.wait_all_tasks_blocked()
                service = started(port.fileno(), name)
            assert await anyio.to_thread.run_sync(systemd.recv, 99) == b"READY=1"
            service.send_signal(signal.SIGTERM)
            assert (await anyio.to_thread.run_sync(systemd.recv, 99)).startswith(b"STOPPING=1\nEXTEND_TIMEOUT_USEC=")
            assert await first(ends) == CloseEvent(1001, "")
        output, _ = await anyio.to_thread.run_sync(lambda: service.communicate(timeout=SECONDS))
        assert (service.returncode, output) == (0, b"")
