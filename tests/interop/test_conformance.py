"""The Autobahn cases over the link's echo endpoints: the quick sections here, all of them by `make conformance`."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MISSING = find_spec("kosoku") is None


@pytest.mark.skipif(MISSING, reason="the conformance suite kosoku is not installed (dependency group conformance)")
@pytest.mark.parametrize("side", ["server", "client"])
@pytest.mark.timeout(180)
def test_every_quick_case_passes_strictly(side):
    # In a process of its own: the suite changes the standard library for its own, older code.
    command = [sys.executable, str(ROOT / "tools" / "conformance.py"), "--quick", "--side", side]
    done = subprocess.run(command, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(f"{side}: 250 of 250 cases passed strictly")
