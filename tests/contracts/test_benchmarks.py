"""The benchmarks run and write their page; what they measure is no matter of a test."""

import os
import re
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

import ocpp_core
from benchmarks.builds import Build, Builds
from benchmarks.bytecode import bytecode_kept
from benchmarks.compiled import COMPILED
from benchmarks.contestants import C_ECHO, CONTESTANTS, ECHO_UVLOOP
from benchmarks.outbox import SETTINGS
from benchmarks.parts import cluster
from benchmarks.report import Figure, Header, Section, Table, Target, render
from benchmarks.run import PARTS
from benchmarks.runner import Runner
from benchmarks.samples import percentile, ratios, spread
from benchmarks.sizes import QUICK
from benchmarks.stations import connect
from benchmarks.traffic import OCPP16_MIX, compressed_call, frame, inflate

ROOT = Path(__file__).parents[2]
RUN = [sys.executable, "benchmarks/run.py"]
pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="the benchmarks read /proc, which only Linux has"
)


@pytest.fixture(scope="class")
def page(tmp_path_factory):
    page = tmp_path_factory.mktemp("benchmarks") / "benchmarks.md"
    run = subprocess.run(
        [*RUN, "--quick", "--output", str(page)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    return page.read_text(encoding="utf-8")


@pytest.mark.bench
@pytest.mark.timeout(300)
class TestAQuickRun:
    @pytest.mark.parametrize("contestant", CONTESTANTS, ids=lambda contestant: contestant.key)
    def test_it_writes_a_page_with_every_server(self, page, contestant):
        assert f"\n| {contestant.title} |" in page or f"\nNot measured: {contestant.title} " in page

    def test_every_target_stands_beside_what_was_measured(self, page):
        targets = re.findall(r"^\| (.+) \| ([≤≥] \S+) \| (.+) \| (yes|no|) \|$", page, re.MULTILINE)
        assert len(targets) >= 30
        assert all(met or measured == "not measured" for _, _, measured, met in targets)

    @pytest.mark.parametrize("part", PARTS)
    def test_every_part_names_the_command_that_makes_its_figures(self, page, part):
        assert f"\nMeasured with `python benchmarks/run.py --only {part}`.\n" in page

    def test_the_page_names_the_command_of_the_whole(self, page):
        assert "`python benchmarks/run.py --quick" in page


@pytest.mark.bench
def test_the_same_program_is_measured_on_both_packages():
    command = [sys.executable, "benchmarks/compat.py", "--quick", "--rounds", "1"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert [line.count("|") for line in run.stdout.splitlines()] == [7] * 5


@pytest.mark.bench
def test_durable_messages_are_measured_beside_the_disk(tmp_path):
    options = ["--rounds", "1", "--seconds", "0.05", "--directory", str(tmp_path)]
    command = [sys.executable, "benchmarks/outbox.py", *options]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert len(run.stdout.splitlines()) == 1 + len(SETTINGS)
    assert list(tmp_path.iterdir()) == []


def test_a_part_alone_writes_no_page(tmp_path):
    before = (ROOT / "docs/benchmarks.md").read_bytes()
    run = subprocess.run([*RUN, "--quick", "--only", "cold"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "## Cold start" in run.stdout
    assert "## Memory" not in run.stdout
    assert (ROOT / "docs/benchmarks.md").read_bytes() == before


class TestBuilds:
    def test_a_build_is_first_on_the_path_and_the_benchmarks_are_those_of_this_tree(self, tmp_path):
        wheel = tmp_path / "any.whl"
        with ZipFile(wheel, "w") as archive:
            archive.writestr("ocpp_core/__init__.py", "compiled = True\n")
        path = Builds(tmp_path, compiled=wheel).environment(Build.COMPILED)["PYTHONPATH"]
        folder, tree = path.split(os.pathsep)
        assert Path(folder, "ocpp_core/__init__.py").read_text(encoding="utf-8") == "compiled = True\n"
        assert Path(tree) == ROOT

    def test_an_older_revision_brings_the_packages_and_no_benchmarks(self, tmp_path):
        if not (ROOT / ".git").exists():
            pytest.skip("this is not a git checkout")
        path = Builds(tmp_path, before="HEAD").environment(Build.BEFORE)["PYTHONPATH"]
        assert {each.name for each in Path(path.split(os.pathsep)[0]).iterdir()} == {
            "ocpp_core",
            "ocpp_transports",
            "schemas",
        }

    def test_what_cannot_be_built_has_a_reason(self, tmp_path, monkeypatch):
        monkeypatch.setenv("PATH", str(tmp_path))
        builds = Builds(tmp_path)
        assert builds.missing(Build.TREE) is None
        assert builds.missing(Build.YARDSTICK) == "there is no C compiler (cc)"
        assert builds.missing(Build.COMPILED) == "there is no C compiler (cc)"
        assert builds.missing(Build.BEFORE) == "no older revision was given; --before REVISION does"

    def test_a_process_with_the_wrong_form_of_the_library_ends(self):
        command = [sys.executable, "-c", "from benchmarks.compiled import expect_form; expect_form()"]
        compiled = getattr(ocpp_core, "compiled", False)
        runs = [subprocess.run([*command, *given], cwd=ROOT, check=False) for given in ([], [COMPILED])]
        assert [run.returncode for run in runs] == ([1, 0] if compiled else [0, 1])


def test_without_redis_the_cluster_is_left_out_with_the_reason(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    section = cluster.measure(Runner(sys.stderr), QUICK)
    assert section.notes == ["Left out: redis-server is not installed."]
    assert (section.tables, section.figures) == ((), ())


@pytest.mark.parametrize("echo", [ECHO_UVLOOP, C_ECHO], ids=lambda echo: echo.key)
def test_an_echo_answers_every_call_of_the_load(echo, tmp_path):
    runner = Runner(sys.stderr, Builds(tmp_path))
    if reason := runner.missing(echo):
        pytest.skip(reason)
    with runner.serving(echo) as server:
        stations = connect(server.port, OCPP16_MIX, 3)
        for station in stations:
            for _ in OCPP16_MIX.cycle:
                station.call_once()
            station.socket.close()
        assert [station.answered for station in stations] == [len(OCPP16_MIX.cycle)] * 3


def test_bytecode_is_written_where_the_machine_forbids_it(monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    before = dict(os.environ)
    ask = [sys.executable, "-c", "import sys; print(sys.dont_write_bytecode, sys.pycache_prefix)"]
    with bytecode_kept():
        written = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.split()
        assert written == ["False", os.environ["PYTHONPYCACHEPREFIX"]]
    assert not Path(written[1]).exists()
    assert dict(os.environ) == before


class TestTargets:
    def test_a_bound_is_met_by_what_keeps_it(self):
        assert Target(20).met(20)
        assert not Target(20).met(20.1)
        assert Target(4, at_least=True).met(4)
        assert not Target(4, at_least=True).met(3.9)

    def test_the_median_has_to_keep_it(self):
        assert Figure("Cost", "µs", [9, 30, 10], Target(10)).row == ("Cost", "≤ 10", "10 (9..30) µs", "yes")
        assert Figure("Cost", "µs", [9, 30, 11], Target(10)).row == ("Cost", "≤ 10", "11 (9..30) µs", "no")

    def test_what_was_not_measured_is_neither_met_nor_missed(self):
        assert Figure("Cost", "µs", [], Target(10)).row == ("Cost", "≤ 10", "not measured", "")

    def test_a_figure_without_a_target_is_only_stated(self):
        assert Figure("Cost", "µs", [9.0]).row == ("Cost", "", "9 µs", "")


class TestSamples:
    def test_a_percentile_is_one_of_the_values(self):
        values = [*range(100, 0, -1)]
        assert [percentile(values, percent) for percent in (0, 50, 99, 100)] == [1, 50, 99, 100]
        assert percentile([7.0], 99) == 7.0

    def test_ratios_are_made_round_by_round(self):
        assert ratios([10, 30], [5, 10]) == [2, 3]

    def test_there_are_none_to_a_peer_that_was_not_measured(self):
        assert ratios([10, 30], []) == []

    def test_a_spread_is_the_median_with_the_least_and_the_greatest(self):
        assert spread([3, 1, 2], ".1f") == "2.0 (1.0..3.0)"
        assert spread([3], ".0f") == "3"
        assert spread([3.01, 3.02], ".1f") == "3.0"
        assert spread([], ".0f") == "not measured"


class TestThePage:
    def test_it_has_the_targets_of_all_sections_first(self):
        sections = [
            Section("Memory", "memory", "How.", [Table(("Server", "KB"), [("ours", "8")])], [Figure("KB", "KB", [8])]),
            Section("Pings", "pings", "How.", figures=[Figure("Share", "%", [1])], notes=["Left out: npm."]),
        ]
        page = render(Header("python benchmarks/run.py", pinned=True, load_average=0.1, node=None), sections)
        headings = re.findall(r"^## (.+)$", page, re.MULTILINE)
        assert headings == ["Targets", "Memory", "Pings"]
        targets = page.split("## ")[1]
        assert "| KB |  | 8 KB |  |" in targets
        assert "| Share |  | 1 % |  |" in targets
        assert "| Server | KB |\n|---|---|\n| ours | 8 |" in page
        assert page.endswith("Left out: npm.\n")


class TestFrames:
    @pytest.mark.parametrize("length", [0, 1, 125, 126, 929])
    def test_a_frame_is_masked_and_says_its_length(self, length):
        payload = bytes(index % 251 for index in range(length))
        data = frame(1, payload)
        start = 2 if length < 126 else 4
        assert data[:start] == (
            bytes((0x81, 0x80 | length)) if length < 126 else b"\x81\xfe" + length.to_bytes(2, "big")
        )
        mask, masked = data[start : start + 4], data[start + 4 :]
        assert bytes(byte ^ mask[index % 4] for index, byte in enumerate(masked)) == payload

    def test_a_compressed_call_is_longer_than_every_threshold(self):
        data = compressed_call().frame
        assert data[0] == 0xC1
        mask, masked = data[2:6], data[6:]
        assert len(inflate(bytes(byte ^ mask[index % 4] for index, byte in enumerate(masked)))) > 1024
