"""A real `redis-server` of its own in a temporary directory, on the loopback interface."""

import shutil
import signal
import socket
import subprocess
import time
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO

import pytest

from tests.free_ports import free_port

__all__ = ["RedisServer", "coredis_leaves_streams_open", "needs_redis", "redis_server"]

PROGRAM = shutil.which("redis-server", path="/usr/bin:/usr/sbin:/usr/local/bin:/opt/homebrew/bin")
SECONDS = 20
"""How long it may take to start and to end: only a hanging one takes that long."""

needs_redis = pytest.mark.skipif(PROGRAM is None, reason="redis-server is not installed")

coredis_leaves_streams_open = pytest.mark.filterwarnings("ignore:Unclosed <MemoryObject:ResourceWarning")
"""After a connection that could not be made; see the fixture `collected` for those that are collected later."""


class RedisServer:
    """The process, its address, and what a test does to it. It keeps nothing on disk."""

    def __init__(self, folder: Path, port: int, *options: str, password: str = "") -> None:
        self.port = port
        self._password = password
        self.url = f"redis://127.0.0.1:{port}"
        self._command = [
            *(PROGRAM or "", "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder)),
            *("--save", "", "--appendonly", "no", "--logfile", f"{port}.log", *options),
        ]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, without any data, and wait until it answers."""
        self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        until = time.monotonic() + SECONDS
        while not self._answers():
            assert self._process.poll() is None, "redis-server has ended"
            assert time.monotonic() < until, "redis-server does not answer"
            time.sleep(0.005)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), SECONDS) as connection:
                connection.sendall(b"PING\r\n")
                return bool(connection.recv(64))
        except OSError:
            return False

    def stop(self) -> None:
        """Let it stand still: it accepts connections, and answers nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once; its data is lost."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(SECONDS)
            self._process = None

    def __call__(self, *words: str | bytes) -> bytes:
        """Execute one command on a connection of its own, and return the first line of the answer, or its text."""
        return self.lines(*words, most=1)[0]

    def lines(self, *words: str | bytes, most: int = 0) -> list[bytes]:
        """Return the first lines or texts of the answer: all elements of an array of texts, unless `most` says."""
        with (
            socket.create_connection(("127.0.0.1", self.port), SECONDS) as connection,
            connection.makefile("rb") as file,
        ):
            if self._password:
                connection.sendall(_command("AUTH", self._password))
                assert _line(file) == b"+OK"
            connection.sendall(_command(*words))
            first = _line(file)
            count = 0 if most or first[:1] != b"*" else int(first[1:])
            return [first, *(_line(file) for _ in range(count))]


def _command(*words: str | bytes) -> bytes:
    parts = [word.encode() if isinstance(word, str) else word for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


def _line(file: IO[bytes]) -> bytes:
    line: bytes = file.readline().rstrip()
    return file.read(int(line[1:]) + 2)[:-2] if line[:1] == b"$" and line != b"$-1" else line


@contextmanager
def _running(folder: Path, *options: str):
    with free_port() as port:
        server = RedisServer(folder, port, *options)
        try:
            server.start()
            yield server
        finally:
            server.kill()


def redis_server(folder: Path, *options: str) -> AbstractContextManager[RedisServer]:
    """Run a server for the block, with further options of its command line."""
    return _running(folder, *options)
