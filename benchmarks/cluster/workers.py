"""Workers that answer Heartbeats, run by the supervisor of the library."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.cluster.redis import free_port
from benchmarks.contestants import RunningServer
from benchmarks.servers.lifeline import HEARTBEAT_ANSWER
from ocpp_transports import OCPPServer

__all__ = ["make_server", "serving"]


def make_server() -> OCPPServer:
    """Return the server of a worker."""
    server = OCPPServer(protocols=["ocpp1.6"], strict_mode=True)
    server.handle("Heartbeat", lambda _: HEARTBEAT_ANSWER)
    return server


@contextmanager
def serving(workers: int) -> Iterator[RunningServer]:
    """Run a supervisor with so many workers during a `with` block, on any processor."""
    port = free_port()
    command = [sys.executable, "-m", "ocpp_transports.cluster", "benchmarks.cluster.workers:make_server"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", str(workers)]
    root = str(Path(__file__).parents[2])
    with TemporaryDirectory(prefix="benchmarks-") as folder:
        environment = {**os.environ, "PYTHONPATH": root, "TMPDIR": folder}
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
        try:
            assert process.stderr is not None
            log = ""
            for line in process.stderr:
                log += line
                if f"on port {port}" in line:
                    break
            else:
                raise RuntimeError(f"expected the workers to serve, got {log}")
            yield RunningServer(port, process.pid)
        finally:
            process.terminate()
            process.communicate(timeout=30)
