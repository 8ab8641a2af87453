"""A `redis-server` of its own for the measurements, on the loopback interface, which keeps nothing on disk."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from benchmarks.process import pinned_to

__all__ = ["RunningRedis", "free_port", "missing", "redis_server", "used_memory"]

_START_TIMEOUT: Final = 20.0
"""Seconds it may take to answer."""


@dataclass(frozen=True, slots=True)
class RunningRedis:
    """A server that answers."""

    port: int
    pid: int

    @property
    def url(self) -> str:
        """Its address for the library."""
        return f"redis://127.0.0.1:{self.port}"


def missing() -> str | None:
    """Return why the cluster cannot be measured on this machine, or None if it can."""
    if shutil.which("redis-server") is None:
        return "redis-server is not installed"
    return None if find_spec("coredis") else "coredis is not installed (pip install 'ocpp-ws-io[cluster]')"


@contextmanager
def redis_server(cpus: Sequence[int], folder: Path) -> Iterator[RunningRedis]:
    """Run an empty server on these processors during a `with` block. Raises RuntimeError if it does not answer."""
    port = free_port()
    command = ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder)]
    command += ["--save", "", "--appendonly", "no", "--logfile", str(folder / "redis.log")]
    with pinned_to(cpus):
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        _wait(process, port)
        yield RunningRedis(port, process.pid)
    finally:
        process.kill()
        process.wait()


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + _START_TIMEOUT
    while process.poll() is None and time.monotonic() < until:
        try:
            if _ask(port, b"PING").startswith(b"+PONG"):
                return
        except ConnectionRefusedError:
            time.sleep(0.02)
    raise RuntimeError("expected redis-server to answer, it does not")


def used_memory(port: int) -> int:
    """Return the bytes of memory that the server has allocated."""
    for line in _ask(port, b"INFO memory").splitlines():
        if line.startswith(b"used_memory:"):
            return int(line.partition(b":")[2])
    raise RuntimeError("expected used_memory in the answer of redis-server, it is missing")


def _ask(port: int, command: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), _START_TIMEOUT) as connection:
        connection.sendall(command + b"\r\nQUIT\r\n")
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def free_port() -> int:
    """Return a port of the loopback interface on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
