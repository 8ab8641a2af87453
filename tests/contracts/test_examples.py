"""The programs of `examples/` run as their first lines say, over real sockets, and end at Ctrl-C without a complaint.

`examples/test_handlers.py` is collected as it is. The two echoes run in the conformance suite of `tests/interop`.
"""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from tests.contracts.snippets import ROOT, accepts
from tests.free_ports import free_port


class Programs:
    """The processes of one test, which it ends as a user would: the last one first."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self.running: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        errors = self._stack.enter_context((self._folder / f"errors_{len(self.running)}").open("w"))
        command = [sys.executable, "-W", "error", "-u", *arguments]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True)
        self._stack.enter_context(process)
        self._stack.callback(process.kill)
        self.running.append(process)
        return process

    def with_stations(self, monkeypatch: pytest.MonkeyPatch) -> str:
        """Let the next server have a free port for stations; returns the URL for them."""
        port = self._stack.enter_context(free_port())
        monkeypatch.setenv("OCPP_PORT", str(port))
        return f"ws://127.0.0.1:{port}/ocpp"

    def serve(self, *arguments: str, option: str = "--port") -> int:
        """Start a server on a free port, and wait until it listens."""
        port = self._stack.enter_context(free_port())
        process = self.start(*arguments, *([option] if option else []), str(port))
        while not accepts(port):
            assert process.poll() is None, self.errors()
            time.sleep(0.02)
        return port

    def stop(self) -> None:
        """Press Ctrl-C for each; none may complain."""
        while self.running:
            process = self.running.pop()
            process.send_signal(signal.SIGINT)
            process.communicate()
            assert process.returncode == 0, self.errors()
        assert "Traceback" not in self.errors()

    def errors(self) -> str:
        return "\n".join(path.read_text(encoding="utf-8") for path in sorted(self._folder.glob("errors_*")))


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Programs]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a process in the background has it ignored
    with ExitStack() as stack:
        stack.callback(signal.signal, signal.SIGINT, before)
        yield Programs(tmp_path, stack)


def said(process: subprocess.Popen[str], *lines: str) -> None:
    """Read these lines; nothing else may stand between them."""
    assert process.stdout is not None
    assert [process.stdout.readline().strip() for _ in lines] == [*lines]


def request(port: int, method: str, path: str) -> object:
    with urlopen(Request(f"http://127.0.0.1:{port}{path}", method=method)) as response:
        return json.load(response)


def test_the_station_is_accepted_by_the_central_system(programs: Programs) -> None:
    port = programs.serve("examples/csms.py")
    station = programs.start("examples/station.py", "--url", f"ws://127.0.0.1:{port}/ocpp")
    said(station, "boot: Accepted", "connector: Available")
    assert request(port, "GET", "/health") == {"status": "ok"}
    assert request(port, "GET", "/energy") == {}
    programs.stop()


def test_a_route_of_fastapi_has_the_station_charge(programs: Programs) -> None:
    port = programs.serve("-m", "uvicorn", "--app-dir", "examples", "fastapi_app:app")
    station = programs.start("examples/station.py", "--url", f"ws://127.0.0.1:{port}/ocpp", "--identity", "CP007")
    said(station, "boot: Accepted", "connector: Available")
    assert request(port, "POST", "/stations/CP007/start?card=CARD-1") == {"status": "Accepted"}
    said(station, "connector: Charging")
    assert request(port, "GET", "/stations") == [{"identity": "CP007", "transaction": 1}]
    assert request(port, "POST", "/stations/CP007/stop") == {"status": "Accepted"}
    said(station, "connector: Available")
    assert request(port, "GET", "/stations") == [{"identity": "CP007", "transaction": None}]
    programs.stop()


def test_a_route_of_flask_has_the_station_charge(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("flask")
    url = programs.with_stations(monkeypatch)
    port = programs.serve("-m", "flask", "--app", "examples/flask_app.py", "run")
    station = programs.start("examples/station.py", "--url", url)
    said(station, "boot: Accepted", "connector: Available")
    assert request(port, "POST", "/stations/CP001/start?card=CARD-1") == {"status": "Accepted"}
    said(station, "connector: Charging")
    assert request(port, "GET", "/stations") == [{"identity": "CP001", "transaction": 1}]
    programs.stop()


def test_a_view_of_django_has_the_station_charge(
    programs: Programs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("django")
    monkeypatch.setenv("DATABASE", str(tmp_path / "stations.sqlite3"))
    manage = "examples/django_app/manage.py"
    assert programs.start(manage, "migrate", "--run-syncdb", "--verbosity", "0").wait() == 0
    url = programs.with_stations(monkeypatch)
    port = programs.serve(manage, "runserver", "--noreload", option="")
    station = programs.start("examples/station.py", "--url", url)
    said(station, "boot: Accepted", "connector: Available")
    assert request(port, "POST", "/stations/CP001/start?card=CARD-1") == {"status": "Accepted"}
    said(station, "connector: Charging")
    row = {"identity": "CP001", "model": "One", "boots": 1, "connected": True}
    assert request(port, "GET", "/stations") == [row]
    programs.stop()


def test_the_observer_counts_the_messages_of_all_stations(programs: Programs) -> None:
    port = programs.serve("examples/message_rate.py", "--interval", "0.1")
    station = programs.start("examples/station.py", "--url", f"ws://127.0.0.1:{port}/ocpp")
    said(station, "boot: Accepted", "connector: Available")
    server, _ = programs.running
    lines: list[str] = []
    while sum(int(line.split()[2]) for line in lines) < 4:  # the boot, the status and their responses
        assert server.stdout is not None
        lines.append(server.stdout.readline())
    assert lines[-1].startswith("1 stations, ")
    assert ", 0 broken, 0 refused, slowest response " in lines[-1]
    programs.stop()


def test_a_station_that_cannot_connect_says_why(programs: Programs) -> None:
    with free_port() as port:
        station = programs.start("examples/station.py", "--url", f"ws://127.0.0.1:{port}/ocpp")
        assert station.wait() == 1
    assert programs.errors().startswith("cannot connect: ")
