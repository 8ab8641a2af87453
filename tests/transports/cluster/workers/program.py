"""A supervisor and its workers as real processes, and stations of a few bytes."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.free_ports import free_port
from tests.transports.pairs import SECONDS, upgrade

ROOT = Path(__file__).parents[4]
APPLICATION = "tests.transports.cluster.workers.csms"


class Program:
    """The command line, whose log is read line by line."""

    def __init__(self, port, process, temporary):
        self.port = port
        self.process = process
        self.temporary = temporary
        """The directory for its temporary files."""
        self.log = ""
        self.workers: dict[int, int] = {}
        """The process of each worker that has served last."""
        self._seen: set[int] = set()

    def until(self, pattern, *, times=1):
        """Read the log until so many further lines match."""
        for line in self.process.stdout:
            self._read(line)
            times -= bool(re.search(pattern, line))
            if not times:
                return line
        raise AssertionError(f"no line matches {pattern}:\n{self.log}")

    def _read(self, line):
        self.log += line
        self._seen |= {int(each) for each in re.findall(r"process (\d+)\b(?!, a worker of an earlier)", line)}
        if served := re.search(r"worker (\d+) serves \(process (\d+)\)", line):
            self.workers[int(served[1])] = int(served[2])

    def kill(self):
        """Kill the supervisor and all workers; one that still starts reports its process when it serves."""
        self.process.kill()
        self._kill_workers()
        for line in self.process.stdout:
            self._read(line)
            self._kill_workers()
        self.process.communicate()

    def _kill_workers(self):
        for pid in self._seen:
            with suppress(OSError):
                if APPLICATION.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGKILL)

    def signal(self, number):
        self.process.send_signal(number)

    def station(self, identity="CP1"):
        """Connect and ask for the upgrade; the answer may take until a worker accepts."""
        connected = socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS)
        connected.sendall(upgrade(f"/ocpp/{identity}"))
        return connected

    def ended(self):
        """Wait for the end of the supervisor; return its exit code and the rest of its log."""
        rest = self.process.stdout.read()
        return self.process.wait(timeout=SECONDS), rest


@contextmanager
def program(*arguments, workers=2, target="make_server", before=None, environment=None, until="workers serve on port"):
    """Run the command on a free port, or on that of another program; yields it when all workers serve.

    Nothing is left of it.
    """
    with (
        free_port() if before is None else nullcontext(before.port) as port,
        TemporaryDirectory() if before is None else nullcontext(before.temporary) as temporary,
    ):
        command = [sys.executable, "-m", "ocpp_transports.cluster", f"{APPLICATION}:{target}", "--host", "127.0.0.1"]
        process = subprocess.Popen(
            [*command, "--port", str(port), "--workers", str(workers), *arguments],
            env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": temporary, **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        running = Program(port, process, temporary)
        try:
            running.until(until)
            yield running
        finally:
            running.kill()


def status(station):
    """Read the status of the answer to the upgrade request; 0 if the connection was lost."""
    head = b""
    with suppress(ConnectionError):
        while b"\r\n\r\n" not in head and (received := station.recv(1)):
            head += received
    return int(head.split(b" ")[1]) if head else 0


def close_code(station):
    """Wait for the close frame, leave, and return its code; no other frame comes before."""
    with station:
        first, _ = station.recv(1), station.recv(1)
        assert first == b"\x88", "a close frame"
        return int.from_bytes(station.recv(2), "big")


def life(station):
    """Return the status of the answer, and the code of the close frame."""
    return status(station), close_code(station)


def until_gone(pid):
    """Wait until a process has ended that is none of ours."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        if Path(f"/proc/{pid}/stat").exists() and Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
            return
        time.sleep(0.01)
    raise AssertionError(f"process {pid} is still there")
