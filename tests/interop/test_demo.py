"""The demo as a user runs it: by its command line, in processes of its own, over real sockets."""

import io
import os
import re
import signal
import socket
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from ocpp_apps.demo import __main__ as command_line
from ocpp_apps.demo import conductor
from ocpp_apps.demo.log import Printer, Record, read_record
from ocpp_apps.demo.outcome import STEPS
from ocpp_apps.demo.summary import gist

COMMAND = [sys.executable, "-W", "error", "-m", "ocpp_apps.demo"]
PASSWORD = "sixteen-letters!"
ORIGINS = {"https://evil.example": 403, "null": 403, "http://localhost:8000": 101, "http://192.168.0.2:8000": 101}
LINE = re.compile(r"\d\d:\d\d:\d\d\.\d{3}  CP-\d+ +(->|<-|  )  \w[\w ]{25}  (?: *|[\d. ]{6} ms)(?:  \S.*)?")


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
    )


Start = Callable[..., tuple[subprocess.Popen[str], str]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a server, and give its process and its URL."""
    started: list[subprocess.Popen[str]] = []

    def start_server(*arguments: str) -> tuple[subprocess.Popen[str], str]:
        command = [*COMMAND, "server", "--port", "0", "--password", PASSWORD, *arguments]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        for line in process.stdout:
            found = re.search(r"ws://127\.0\.0\.1:\d+", line)
            if found:
                return process, found[0]
        raise AssertionError("the server ended before it listened")

    yield start_server
    for process in started:
        process.kill()
        with process:  # waits, and closes its pipes
            pass


@pytest.fixture(scope="module", params=["asyncio", "trio"])
def whole_run(request: pytest.FixtureRequest) -> subprocess.CompletedProcess[str]:
    return run("--backend", request.param)


class TestAWholeRun:
    def test_it_ends_well(self, whole_run: subprocess.CompletedProcess[str]) -> None:
        assert (whole_run.returncode, whole_run.stderr) == (0, "")

    def test_it_takes_less_than_15_seconds(self, whole_run: subprocess.CompletedProcess[str]) -> None:
        verdict = re.fullmatch(r"Everything happened as it should, in (\d+\.\d) s\.", lines_of(whole_run)[-1])
        assert verdict is not None
        assert float(verdict[1]) < 15

    def test_the_log_is_aligned(self, whole_run: subprocess.CompletedProcess[str]) -> None:
        logged = [line for line in lines_of(whole_run) if line[:1].isdigit() and line[2:3] == ":"]
        assert [line for line in logged if not LINE.fullmatch(line.ljust(56))] == []
        assert len(logged) > 70

    def test_it_is_not_coloured_outside_of_a_terminal(self, whole_run: subprocess.CompletedProcess[str]) -> None:
        assert "\x1b" not in whole_run.stdout

    @pytest.mark.parametrize("step", STEPS)
    def test_the_summary_has_each_step_for_every_station(
        self, whole_run: subprocess.CompletedProcess[str], step: str
    ) -> None:
        row = next(line for line in lines_of(whole_run) if line.startswith(f"{step:<24}"))
        cells = [row[at : at + 14].strip() for at in (24, 38, 52)]
        assert all(cells)
        assert "MISSING" not in cells

    def test_each_version_spells_its_callerrors(self, whole_run: subprocess.CompletedProcess[str]) -> None:
        assert [line for line in lines_of(whole_run) if line.startswith("CALLERRORs")] == [
            "CALLERRORs on ocpp1.6:    OccurenceConstraintViolation, NotImplemented",
            "CALLERRORs on ocpp2.0.1:  OccurrenceConstraintViolation, NotImplemented",
            "CALLERRORs on ocpp2.1:    OccurrenceConstraintViolation, NotImplemented",
        ]

    def test_the_password_shows_nowhere(self, whole_run: subprocess.CompletedProcess[str]) -> None:
        assert re.search(r"[0-9a-f]{32}", whole_run.stdout) is None


def lines_of(done: subprocess.CompletedProcess[str]) -> list[str]:
    return done.stdout.splitlines()


class TestABrokenRun:
    def test_what_is_missing_is_named_and_the_exit_code_tells(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(conductor, "LIMIT", 0.5)  # the outage alone takes longer, wherever this runs
        assert command_line.main([]) == 1
        out, err = capsys.readouterr()
        complaints = set(err.splitlines())
        after_the_cut = list(STEPS)[list(STEPS).index("cable cut, back after") :]
        assert len(after_the_cut) == 5
        assert {f"missing: CP-{version}: {step}" for version in (16, 201, 21) for step in after_the_cut} < complaints
        assert {"missing: CP-21: SEND", "missing: server: did not end in time"} < complaints
        assert f"{len(complaints)} things are missing" in out
        assert "MISSING" in out

    def test_a_refused_password_is_said_to_be_one(self, start: Start) -> None:
        _, url = start()
        station = run("station", "--url", url, "--identity", "CP7", "--password", "wrong")
        assert station.returncode == 1
        assert station.stderr == (
            "CP7: the central system refused the connection, HTTP 401: are identity and password right?\n"
        )

    def test_a_server_that_is_not_there_is_named(self) -> None:
        station = run("station", "--url", "ws://127.0.0.1:1")
        assert station.returncode == 1
        assert station.stderr.startswith("CP001: no connection to 127.0.0.1:1: ")

    def test_a_server_that_comes_up_later_is_waited_for(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as refusing:
            port = refusing.getsockname()[1]
            waiting = subprocess.Popen([*COMMAND, "station", "--url", f"ws://127.0.0.1:{port}", "--wait", "40",
                                        "--patience", "0"], stdout=subprocess.PIPE, text=True)  # fmt: skip
            refusing.accept()[0].close()  # the first attempt fails
        server = [*COMMAND, "server", "--port", str(port)]
        with waiting, subprocess.Popen(server, stdout=subprocess.DEVNULL) as csms:
            assert waiting.stdout is not None
            assert "the end" in waiting.stdout.read()
            assert waiting.wait(20) == 0
            csms.kill()

    @pytest.mark.parametrize("seconds", ["-1", "nan", "inf"])
    def test_a_time_to_wait_that_is_none_is_refused(self, capsys: pytest.CaptureFixture[str], seconds: str) -> None:
        assert command_line.main(["station", "--url", "ws://127.0.0.1:1", "--wait", seconds]) == 1
        assert capsys.readouterr().err.startswith("expected --wait >= 0 seconds")

    def test_a_central_system_that_takes_everything_is_complained_of(self, start: Start) -> None:
        _, url = start("--no-strict")
        station = run("station", "--url", url, "--patience", "0", OCPP_PASSWORD=PASSWORD)
        assert station.returncode == 1
        assert station.stderr == "CP001: expected a CALLERROR to a wrong StatusNotification, got a CALLRESULT\n"

    def test_a_port_that_is_taken_is_named(self, start: Start) -> None:
        port = start()[1].rpartition(":")[2]
        second = run("server", "--port", port)
        assert second.returncode == 1
        assert second.stderr.startswith(f"cannot listen on 127.0.0.1 port {port}: ")

    @pytest.mark.parametrize("url", ["http://127.0.0.1:9000", "ws://127.0.0.1:9000/#here"])
    def test_a_url_that_is_none_is_refused(self, capsys: pytest.CaptureFixture[str], url: str) -> None:
        assert command_line.main(["station", "--url", url]) == 1
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("expected an endpoint ")
        assert err.count("\n") == 1


class TestOneSide:
    @pytest.mark.parametrize("protocol", ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"])
    def test_a_station_tells_its_story_to_a_server_without_commands(self, start: Start, protocol: str) -> None:
        _, url = start()
        station = run("station", "--url", url, "--protocol", protocol, "--patience", "0", OCPP_PASSWORD=PASSWORD)
        assert (station.returncode, station.stderr) == (0, "")
        assert "<-" not in station.stdout

    def test_a_server_with_commands_starts_and_resets_a_station(self, start: Start) -> None:
        _, url = start("--commands", "--backend", "trio")
        station = run("station", "--url", url, OCPP_PASSWORD=PASSWORD)
        commands = re.findall(r"<-  (\w+)", station.stdout)
        assert commands == ["GetConfiguration", "ChangeConfiguration", "RemoteStartTransaction", "Reset"]
        assert station.returncode == 0

    @pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is no signal there")
    @pytest.mark.parametrize("backend", ["asyncio", "trio"])
    def test_a_server_ends_well_by_ctrl_c(self, start: Start, backend: str) -> None:
        process, _ = start("--backend", backend)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0

    def test_for_programs_it_writes_json_and_ends_with_its_input(self, start: Start) -> None:
        process, url = start("--json")
        station = run("station", "--url", url, "--password", "wrong")
        assert station.returncode == 1
        assert process.stdout is not None
        record = read_record(process.stdout.readline())
        assert (record.station, record.name, record.about) == ("CP001", "refused", "HTTP 401 Unauthorized")
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(20) == 0

    @pytest.mark.skipif(sys.platform == "win32", reason="there is no shell that closes an input")
    def test_for_programs_it_outlives_an_input_that_is_no_pipe(self, start: Start) -> None:
        stations = {
            source: self.station_with(source, start()[1]) for source in ("</dev/null", "<&-", "<pyproject.toml")
        }
        for source, station in stations.items():
            told, complaints = station.communicate(timeout=50)
            assert (station.returncode, complaints) == (0, ""), source
            assert read_record(told.splitlines()[-1]).name == "closed", source

    def station_with(self, source: str, url: str) -> "subprocess.Popen[str]":
        """Start a station whose input is what the shell makes of this."""
        arguments = [*COMMAND, "station", "--json", "--url", url, "--password", PASSWORD, "--patience", "0"]
        command = ["sh", "-c", f'exec "$@" {source}', "sh", *arguments]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def test_a_server_refuses_pages_that_are_neither_of_this_machine_nor_allowed(self, start: Start) -> None:
        _, url = start("--origin", "http://192.168.0.2:8000")
        answers = {origin: self.status_for(url, origin) for origin in (*ORIGINS, None)}
        assert answers == {**ORIGINS, None: 401}  # the password comes first, and a page has none

    def status_for(self, url: str, origin: str | None) -> int:
        """Give the status of the answer to a page, whose user knows the password unless there is no page."""
        known = {"Authorization": f"Basic {b64encode(f'CP1:{PASSWORD}'.encode()).decode()}"} if origin else {}
        try:
            with connect(f"{url}/CP1", subprotocols=[Subprotocol("ocpp1.6")], origin=origin, additional_headers=known):
                return 101
        except InvalidStatus as refusal:
            return refusal.response.status_code

    @pytest.mark.parametrize("role", [[], ["server"], ["station"]])
    def test_each_role_has_a_help(self, capsys: pytest.CaptureFixture[str], role: list[str]) -> None:
        with pytest.raises(SystemExit) as ended:
            command_line.main([*role, "--help"])
        assert ended.value.code == 0
        assert "--backend" in capsys.readouterr().out


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def record(**changes: Any) -> Record:
    facts: dict[str, Any] = {"at": 0.0, "station": "CP1", "kind": "exchange", "name": "Reset", "arrow": "<-"}
    return Record(**{**facts, **changes})


class TestTheLog:
    def test_a_terminal_gets_colours(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("NO_COLOR", raising=False)
        monkeypatch.setenv("TERM", "xterm")
        assert "\x1b[1;31mReset" in self.printed(record(error="InternalError"))

    @pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
    def test_unless_its_user_wants_none(self, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
        monkeypatch.setenv(name, value)
        assert "\x1b" not in self.printed(record(error="InternalError"))

    def test_a_peer_cannot_command_the_terminal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NO_COLOR", "1")
        printed = self.printed(record(name="\x1b[2J", about="a\nb", answer="x" * 1000))
        assert "\\x1b[2J" in printed
        assert "a\\nb" in printed
        assert len(printed.splitlines()[1]) < 200

    def test_ever_new_stations_fill_no_memory(self) -> None:
        printer = Printer(io.StringIO())
        for number in range(2000):
            printer(record(station=f"CP{number}"))
        assert len(printer._colours) == 1000

    def printed(self, shown: Record) -> str:
        stream = Terminal()
        Printer(stream)(shown)
        return stream.getvalue()

    def test_the_gist_of_a_payload_has_no_secrets(self) -> None:
        assert gist({"key": "AuthorizationKey", "value": "c0ffee"}) == ["AuthorizationKey", "***"]
        assert gist({"idTag": "04A1B2C3D4E5F6", "status": "Accepted"}) == ["Accepted"]

    @pytest.mark.parametrize("payload", [None, [], "text", {"variable": 1, "sampledValue": [None, {"value": []}]}])
    def test_the_gist_of_anything_raises_nothing(self, payload: object) -> None:
        assert gist(payload) == []
