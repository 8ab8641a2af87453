"""The wheels that the page installs, and their lock file for Pyodide."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

__all__ = ["PYODIDE", "PYODIDE_FILES", "build_wheel", "kept_wheel", "lock_file"]

ROOT = Path(__file__).parents[2]
WHEELS = Path(sys.prefix) / "wheels"  # stored by `make setup`
PYODIDE = ROOT / "web" / "node_modules" / "pyodide"
PYODIDE_FILES = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip")


def build_wheel(folder: Path) -> Path:
    """Build the wheel of this tree. Raises RuntimeError with the output of a failed build."""
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    (wheel,) = folder.glob("*.whl")
    return wheel


def kept_wheel(name: str) -> Path | None:
    """Return the wheel of a dependency that `make setup` stored."""
    return max(WHEELS.glob(f"{name}-*.whl"), default=None)


def lock_file(ours: Path, *others: Path) -> str:
    """Return the lock file, which lists the wheels in the folder `wheels` with their hashes.

    The first wheel depends on the others.
    """
    shipped = json.loads((PYODIDE / "pyodide-lock.json").read_text(encoding="utf-8"))
    packages = [_entry(wheel) for wheel in (ours, *others)]
    packages[0]["depends"] = [package["name"] for package in packages[1:]]
    return json.dumps({"info": shipped["info"], "packages": {package["name"]: package for package in packages}})


def _entry(wheel: Path) -> dict[str, Any]:
    name, version, *_ = wheel.name.split("-")
    return {
        "name": name.replace("_", "-"),
        "version": version,
        "file_name": f"wheels/{wheel.name}",
        "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
        "install_dir": "site",
        "package_type": "package",
        "imports": [],
        "depends": [],
    }
