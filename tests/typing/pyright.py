"""Runs pyright, which npm installs beside this file; tests that need it skip where it is missing."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

_HERE = Path(__file__).parent
_PROGRAM = _HERE / "node_modules" / "pyright" / "index.js"


def pyright(*arguments: str | Path, cwd: Path) -> dict[str, Any]:
    """Return the report of pyright, which finds what this interpreter finds, first of all in `cwd`."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed")
    if not _PROGRAM.exists():
        pytest.skip("the npm package pyright is not installed: run `make setup`")
    # It asks the first Python on the path where to look: --verifytypes ignores the option for another one.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(cwd)}
    command = [node, _PROGRAM, "--outputjson", *arguments]
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode in {0, 1}, done.stdout + done.stderr  # 1: it found errors
    report: dict[str, Any] = json.loads(done.stdout)
    return report
