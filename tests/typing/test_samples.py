"""What type checkers report of code that uses the library: nothing where it is right, an error where it is not.

`# type: ignore[code]` marks a line that both checkers must refuse, with the code of mypy. `# pyright: ignore[rule]`
marks one that only pyright refuses, in its strict mode. A mark on a line without that error is itself an error.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.typing.pyright import pyright

ROOT = Path(__file__).parents[2]
SAMPLES = sorted((Path(__file__).parent / "samples").glob("*.py"))
MARK = "# type: ignore["

pytestmark = pytest.mark.timeout(300)
each_sample = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.stem)


@pytest.fixture(scope="module")
def of_mypy() -> list[str]:
    """Check all samples at once, as another project would: strictly, without our own configuration."""
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--no-error-summary", "--no-pretty"]
    command.append("--cache-dir=.mypy_cache/samples")  # else this and `make types` each discard the other's results
    names = [str(sample.relative_to(ROOT)) for sample in SAMPLES]
    done = subprocess.run([*command, *names], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def of_pyright() -> dict[Path, dict[int, str]]:
    """Check all samples at once, strictly; return the first complaint about each line."""
    report = pyright("-p", "tests/typing", cwd=ROOT)
    assert report["summary"]["filesAnalyzed"] == len(SAMPLES)
    found: dict[Path, dict[int, str]] = {sample: {} for sample in SAMPLES}
    for complaint in report["generalDiagnostics"]:
        line = complaint["range"]["start"]["line"] + 1
        found[Path(complaint["file"])].setdefault(line, complaint["message"])
    return found


@each_sample
def test_mypy_refuses_the_marked_lines_and_no_others(of_mypy: list[str], sample: Path) -> None:
    assert [line for line in of_mypy if line.startswith(str(sample.relative_to(ROOT)))] == []


def test_the_library_itself_gives_its_users_no_errors(of_mypy: list[str]) -> None:
    assert [line for line in of_mypy if line.startswith("ocpp_")] == []


@each_sample
def test_pyright_refuses_the_marked_lines_and_no_others(of_pyright: dict[Path, dict[int, str]], sample: Path) -> None:
    lines = sample.read_text(encoding="utf-8").splitlines()
    marked = {number for number, line in enumerate(lines, 1) if MARK in line}
    assert {number: message for number, message in of_pyright[sample].items() if number not in marked} == {}
    assert marked - of_pyright[sample].keys() == set()
