"""The benchmarks run and write their page; what they measure is no matter of a test."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.contestants import CONTESTANTS
from benchmarks.report import Target

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the benchmarks read /proc, which only Linux has")
def test_a_quick_run_writes_a_page_with_every_server(tmp_path):
    page = tmp_path / "benchmarks.md"
    command = [sys.executable, "benchmarks/run.py", "--quick", "--output", str(page)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    lines = page.read_text(encoding="utf-8").splitlines()
    for contestant in CONTESTANTS:
        found = [
            line for line in lines if line.startswith((f"| {contestant.title} |", f"Not measured: {contestant.title} "))
        ]
        assert len(found) == 1, contestant.title
    assert sum("| ≤ 20 |" in line for line in lines) >= 2  # the targets stand beside what was measured
    assert "`python benchmarks/run.py --quick" in page.read_text(encoding="utf-8")


class TestTargets:
    def test_a_bound_is_met_by_what_keeps_it(self):
        assert Target(20).met(20)
        assert not Target(20).met(20.1)
        assert Target(4, at_least=True).met(4)
        assert not Target(4, at_least=True).met(3.9)
