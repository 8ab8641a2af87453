"""`python -m ocpp_apps.station`, as a user runs it."""

import json
import re
import signal
import subprocess
import sys
from io import TextIOBase
from threading import Event, Thread
from typing import Any

import pytest
from websockets.sync.server import serve
from websockets.typing import Subprotocol

from ocpp_apps.station import __main__ as command_line
from tests.apps.station.laboratory import VERSIONS
from tests.kinds import an

COMMAND = [sys.executable, "-W", "error", "-m", "ocpp_apps.station"]
PASSWORD = "sixteen-letters!"
ACCEPTED = {"status": "Accepted"}
ANSWERS = {
    "BootNotification": {**ACCEPTED, "currentTime": "2026-01-01T00:00:00Z", "interval": 300},
    "Authorize": {"idTagInfo": ACCEPTED},
    "StartTransaction": {"idTagInfo": ACCEPTED, "transactionId": 7},
}


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the program in this process; what a process of its own adds, the tests of signals and of limits show."""

    def run(*arguments, **environment):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        code = command_line.main([*arguments])
        return subprocess.CompletedProcess(arguments, code, *capsys.readouterr())

    return run


def run_until(words, command):
    """Run a process until its output has these words, then end it by Ctrl-C."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert any(words in line for line in an(TextIOBase, process.stdout)), an(TextIOBase, process.stderr).read()
            process.send_signal(signal.SIGINT)
            output, complaints = process.communicate(timeout=50)
        finally:
            process.kill()
    return subprocess.CompletedProcess(command, process.returncode, output, complaints)


def table(text):
    return dict(re.findall(r"^(\w[\w ]*?) {2,}(\S.*)$", text, re.MULTILINE))


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
class TestAFleet:
    def test_works_at_once(self, run, backend):
        done = run("--count", "5", "--duration", "1.5", "--charge", "0.4", "--strict", "--backend", backend,
                   OCPP_PASSWORD=PASSWORD)  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        rows = table(done.stdout)
        assert (rows["stations"], rows["booted"], rows["failed"], rows["errors"]) == ("5", "5", "0", "0")
        assert rows["broken messages"] == "0"
        assert int(rows["messages sent"]) >= 5 * 3, "each has booted and told of two connectors at the least"
        assert rows["call latency"].startswith("p50 ")
        assert "5/5 connected, 5 booted" in done.stdout
        assert PASSWORD not in done.stdout

    @pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is no signal there")
    def test_ends_well_by_ctrl_c(self, backend):
        done = run_until("1 booted", [*COMMAND, "--backend", backend])
        assert (done.returncode, done.stderr) == (0, "")
        assert table(done.stdout)["stations"] == "1"

    def test_without_a_central_system_fails(self, run, backend):
        done = run("--url", "ws://127.0.0.1:1", "--count", "12", "--backend", backend)
        assert done.returncode == 1
        complaints = done.stderr.splitlines()
        assert complaints[0].startswith("CP1: no connection to 127.0.0.1:1: ")
        assert "--wait SECONDS" in complaints[0]
        assert (len(complaints), complaints[-1]) == (11, "and 2 more")
        assert table(done.stdout)["failed"] == "12"

    def test_that_was_waited_for_in_vain_fails_without_the_advice_to_wait(self, run, backend):
        done = run("--url", "ws://127.0.0.1:1", "--wait", "0.1", "--backend", backend)
        assert done.returncode == 1
        assert done.stderr.startswith("CP1: no connection to 127.0.0.1:1: ")
        assert "--wait" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="sockets are not counted there")
class TestALimitOfOpenFiles:
    """Many systems allow 256 or 1024 at first, and more on request."""

    @staticmethod
    def run(soft, hard, count):
        limited = ["sh", "-c", f'ulimit -Sn {soft}; ulimit -Hn {hard}; exec "$@"', "sh"]
        return run_until(f"{count}/{count} connected, {count} booted", [*limited, *COMMAND, "--count", str(count)])

    def test_is_raised_as_far_as_it_must(self):
        done = self.run(40, 400, 50)
        assert (done.returncode, done.stderr) == (0, "")
        assert table(done.stdout)["booted"] == "50"

    def test_that_cannot_be_raised_is_told(self):
        done = self.run(60, 60, 2)
        assert done.returncode == 0
        assert done.stderr == "2 stations may need 104 open files, the system allows 60: see ulimit -n\n"


@pytest.mark.parametrize("protocol", VERSIONS)
def test_every_version_is_spoken(run, protocol):
    done = run("--duration", "1", "--protocol", protocol, "--connectors", "2", "--charge", "0.2")
    assert done.returncode == 0
    assert f"1 station of {protocol}" in done.stdout
    assert ("StartTransaction" in done.stdout) is (protocol == "ocpp1.6")


def careless(connection):
    """Answer a station: everything wrongly that may be wrong while the station is accepted."""
    wrong = {"status": "Accepted", "currentTime": "yesterday", "interval": "300"}
    for text in connection:
        _, number, action, _ = json.loads(text)
        connection.send(json.dumps([3, number, wrong if action == "BootNotification" else {}]))


class TestACsmsThatBreaksTheProtocol:
    def test_is_told_so_and_the_exit_code_tells(self, run):
        with serve(careless, "127.0.0.1", 0, subprotocols=[Subprotocol("ocpp1.6")]) as csms:
            Thread(target=csms.serve_forever).start()
            url = f"ws://127.0.0.1:{csms.socket.getsockname()[1]}"
            done = run("--url", url, "--duration", "1")
            csms.shutdown()
        assert done.returncode == command_line.BROKEN_PROTOCOL == 3
        rules = "payload.currentTime violates format: date-time; payload.interval violates type: integer"
        wrong = f"answer to BootNotification: {rules}"
        assert f"\n       1  {wrong}\n" in done.stdout
        assert done.stderr == f"CP1: the central system broke the protocol: {wrong}\n"


class TestAStore:
    @pytest.mark.skipif(sys.platform == "win32", reason="a process is not killed there")
    def test_has_the_messages_of_a_station_that_was_killed(self, tmp_path):
        """The CSMS never responds to the first StopTransaction."""
        stops: list[Any] = []
        is_stopped = Event()

        def central(connection):
            for text in connection:
                _, number, action, params = json.loads(text)
                if action == "StopTransaction":
                    stops.append(params)
                    is_stopped.set()
                if action != "StopTransaction" or len(stops) > 1:
                    connection.send(json.dumps([3, number, ANSWERS.get(action, {})]))

        with serve(central, "127.0.0.1", 0, subprotocols=[Subprotocol("ocpp1.6")]) as csms:
            Thread(target=csms.serve_forever).start()
            url = f"ws://127.0.0.1:{csms.socket.getsockname()[1]}"
            arguments = ["--url", url, "--store", str(tmp_path / "{identity}.db")]
            with subprocess.Popen([*COMMAND, *arguments, "--charge", "0.1"], stdout=subprocess.DEVNULL) as process:
                try:
                    assert is_stopped.wait(50)
                finally:
                    process.kill()
            done = run_until("1 booted", [*COMMAND, *arguments])
            csms.shutdown()
        assert (done.returncode, done.stderr) == (0, "")
        assert stops == [stops[0]] * 2
        assert stops[0]["transactionId"] == 7
        assert (tmp_path / "CP1.db").exists()

    def test_that_cannot_be_opened_is_a_failure_of_its_station(self, run, tmp_path):
        done = run("--store", str(tmp_path))
        assert done.returncode == 1
        assert done.stderr.startswith("CP1: ")
        assert str(tmp_path) in done.stderr


class TestAWrongCommandLine:
    @pytest.mark.parametrize(
        ("arguments", "complaint"),
        [
            (["--count", "2", "--identity", "CP"], "expected --identity with {n} for 2 stations"),
            (["--identity", "{x}"], "expected --identity with {n} for the number"),
            (["--count", "0"], "expected --count"),
            (["--ramp", "-1"], "expected --ramp"),
            (["--wait", "inf"], "expected --wait"),
            (["--duration", "nan"], "expected --duration"),
            (["--connectors", "0"], "expected connectors"),
            (["--count", "2", "--store", "station.db"], "expected --store with {identity} for 2 stations"),
            (["--url", "http://127.0.0.1"], "expected an endpoint"),
            (["--url", "wss://127.0.0.1", "--ca", "missing.pem"], "missing.pem"),
            (["--protocol", "ocpp1.5"], "ocpp1.5"),
        ],
    )
    def test_is_explained(self, capsys, arguments, complaint):
        with pytest.raises(SystemExit) as ended:
            command_line.main(arguments)
        assert ended.value.code == 2
        assert complaint in capsys.readouterr().err

    def test_has_a_help(self, capsys):
        with pytest.raises(SystemExit) as ended:
            command_line.main(["--help"])
        assert ended.value.code == 0
        assert "--charge" in capsys.readouterr().out

    def test_never_shows_the_password(self, capsys):
        with pytest.raises(SystemExit):
            command_line.main(["--password", PASSWORD, "--url", "http://127.0.0.1"])
        assert PASSWORD not in "".join(capsys.readouterr())


def test_identities_are_numbered(capsys):
    assert command_line._identities("CP{n:03}", 2) == ["CP001", "CP002"]
