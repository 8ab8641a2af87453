"""The demo as a user runs it: by its command line, in processes of its own, over real sockets."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from ocpp_apps.demo.log import read_record
from ocpp_apps.demo.outcome import STEPS

COMMAND = [sys.executable, "-W", "error", "-m", "ocpp_apps.demo"]
LINE = re.compile(r"\d\d:\d\d:\d\d\.\d{3}  CP-\d+ +(->|<-|  )  \w[\w ]{25}  (?: *|[\d. ]{6} ms)(?:  \S.*)?")


@pytest.fixture(scope="module")
def run() -> subprocess.CompletedProcess[str]:
    return subprocess.run(COMMAND, capture_output=True, text=True, timeout=50, check=False, stdin=subprocess.DEVNULL)


@pytest.fixture
def lines(run: subprocess.CompletedProcess[str]) -> list[str]:
    return run.stdout.splitlines()


class TestAWholeRun:
    """One run, looked at from all sides; what each step of the story is, `tests/apps/demo/` tests in one process."""

    def test_it_ends_well(self, run: subprocess.CompletedProcess[str], lines: list[str]) -> None:
        assert (run.returncode, run.stderr) == (0, "")
        assert re.fullmatch(r"Every step happened, in \d+\.\d s\.", lines[-1])

    def test_the_log_is_aligned_and_without_colours(self, lines: list[str]) -> None:
        logged = [line for line in lines if line[:1].isdigit() and line[2:3] == ":"]
        assert [line for line in logged if not LINE.fullmatch(line.ljust(56))] == []
        assert len(logged) > 70

    def test_the_summary_has_each_step_for_every_station(self, lines: list[str]) -> None:
        for step in STEPS:
            row = next(line for line in lines if line.startswith(f"{step:<24}"))
            cells = [row[at : at + 14].strip() for at in (24, 38, 52)]
            assert all(cells), row
            assert "MISSING" not in cells, row

    def test_each_version_spells_its_callerrors(self, lines: list[str]) -> None:
        assert [line for line in lines if line.startswith("CALLERRORs")] == [
            "CALLERRORs on ocpp1.6:    OccurenceConstraintViolation, NotImplemented",
            "CALLERRORs on ocpp2.0.1:  OccurrenceConstraintViolation, NotImplemented",
            "CALLERRORs on ocpp2.1:    OccurrenceConstraintViolation, NotImplemented",
        ]

    def test_the_password_shows_nowhere(self, run: subprocess.CompletedProcess[str]) -> None:
        assert re.search(r"[0-9a-f]{32}", run.stdout) is None


class TestAServer:
    @pytest.fixture
    def server(self) -> Iterator["subprocess.Popen[str]"]:
        command = [*COMMAND, "server", "--port", "0", "--json", "--backend", "trio"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert read_record(process.stdout.readline()).name == "listening"
        yield process
        process.kill()
        with process:  # waits, and closes its pipes
            pass

    def test_for_programs_ends_with_its_input(self, server: "subprocess.Popen[str]") -> None:
        assert server.stdin is not None
        server.stdin.close()
        assert server.wait(20) == 0

    @pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is no signal there")
    def test_ends_well_by_ctrl_c(self, server: "subprocess.Popen[str]") -> None:
        server.send_signal(signal.SIGINT)
        assert server.wait(20) == 0
