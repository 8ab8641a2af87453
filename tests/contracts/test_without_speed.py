"""The extra `speed` changes nothing: the engine's tests pass without it, too.

Everything else in this suite runs with what is installed, which is the extra wherever it has wheels.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
HIDDEN = "import sys; sys.modules.update(dict.fromkeys(['orjson', 'jsonschema_rs', 'websockets.speedups'])); "


def run(script: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", HIDDEN + script]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_without_it_the_standard_library_reads_and_writes() -> None:
    found = run("from ocpp_core import _json; print(_json.FAST, _json.loads is _json.STANDARD.loads)")
    assert (found.stdout.split(), found.stderr) == (["None", "True"], "")


def test_without_it_python_masks() -> None:
    found = run("from ocpp_core.websocket import masking; print(masking.FAST, masking.xor is masking.STANDARD)")
    assert (found.stdout.split(), found.stderr) == (["None", "True"], "")


def test_without_it_the_tests_of_the_engine_pass() -> None:
    options = ["-q", "-p", "no:hypothesispytest", "-p", "no:anyio", "-p", "no:cacheprovider"]
    paths = ["tests/core", "tests/stack"]
    done = run(f"import pytest; sys.exit(pytest.main({[*options, *paths]!r}))")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
