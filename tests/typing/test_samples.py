"""What mypy --strict says to code that uses the library: nothing where it is right, the named error where it is not."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SAMPLES = sorted((Path(__file__).parent / "samples").glob("*.py"))


@pytest.fixture(scope="module")
def complaints() -> list[str]:
    """Check all samples at once, as somebody else's project would: without our own configuration."""
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--no-error-summary", "--no-pretty"]
    names = [str(sample.relative_to(ROOT)) for sample in SAMPLES]
    done = subprocess.run([*command, *names], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.stem)
def test_the_checker_agrees_with(complaints: list[str], sample: Path) -> None:
    assert [line for line in complaints if line.startswith(str(sample.relative_to(ROOT)))] == []


@pytest.mark.timeout(300)
def test_the_library_itself_gives_its_users_no_errors(complaints: list[str]) -> None:
    assert [line for line in complaints if line.startswith("ocpp_")] == []
