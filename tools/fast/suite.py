"""Runs the tests on the compiled wheel, installed into an environment of its own.

    python -m tools.fast.suite tests/core -k calls     the arguments are those of pytest

The environment has the wheel, and finds everything else in the environment of this interpreter. The tests run in a copy
of the tree whose packages are those of the wheel, so that none of their programs imports the sources.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

__all__ = ["build", "prepare", "run"]

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGES: Final = ("ocpp_apps", "ocpp_core", "ocpp_transports")
_LEFT_OUT: Final = (*PACKAGES, ".git", ".venv*", "build", "dist", "htmlcov", ".*_cache", ".hypothesis", "__pycache__")
_PROOF: Final = "import ocpp_core, sys; sys.exit(not ocpp_core.compiled)"


def prepare(wheel: Path, folder: Path) -> tuple[Path, Path]:
    """Install a wheel into a new environment, and return its interpreter and the tree to run the tests in."""
    environment, tree = folder / "environment", folder / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    python = _install(wheel, environment)
    packages = Path(_ask(python, "import sysconfig; print(sysconfig.get_path('purelib'))"))
    _copy_tree(tree)
    for package in PACKAGES:
        (tree / package).symlink_to(packages / package)
    return python, tree


def _install(wheel: Path, environment: Path) -> Path:
    venv.create(environment, symlinks=True, clear=True)
    python = environment / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check")
    subprocess.run([*pip, "install", "-q", "--no-index", "--no-deps", str(wheel)], check=True)
    packages = Path(_ask(python, "import sysconfig; print(sysconfig.get_path('purelib'))"))
    (packages / "tests.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return python


def _ask(python: Path, script: str) -> str:
    return subprocess.run([python, "-c", script], check=True, capture_output=True, text=True, cwd="/").stdout.strip()


def _copy_tree(tree: Path) -> None:
    """Copy everything but the packages; what npm has installed is only linked."""
    links = []

    def left_out(folder: str, names: list[str]) -> set[str]:
        if "node_modules" in names:
            links.append(Path(folder, "node_modules"))
        return {*shutil.ignore_patterns(*_LEFT_OUT, "node_modules")(folder, names)}

    shutil.copytree(ROOT, tree, ignore=left_out, symlinks=True)
    for modules in links:
        (tree / modules.relative_to(ROOT)).symlink_to(modules)


def run(python: Path, tree: Path, arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> int:
    """Run pytest in a prepared tree, and return its exit code.

    Args:
        python: The interpreter of the environment.
        tree: The tree.
        arguments: Arguments of pytest.
        environment: Variables of the environment.

    Raises:
        CalledProcessError: The packages that would be imported are not compiled.
    """
    own = {name: value for name, value in environment.items() if name != "PYTHONPATH"}
    subprocess.run([python, "-c", _PROOF], cwd=tree, env=own, check=True)
    return subprocess.run([python, "-m", "pytest", *arguments], cwd=tree, env=own, check=False).returncode


def build(folder: Path, **variables: str) -> Path:
    """Build the compiled wheel into a folder and return it; `variables` are added to the environment."""
    shutil.rmtree(folder, ignore_errors=True)
    command = (sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT)
    subprocess.run(command, check=True, env={**os.environ, "OCPP_WS_IO_COMPILED": "1", **variables})
    (wheel,) = folder.glob("*.whl")
    return wheel


def _main() -> int:
    folder = ROOT / "build" / "fast" / (sys.implementation.cache_tag or "unknown")
    return run(*prepare(build(folder / "wheel"), folder), sys.argv[1:])


if __name__ == "__main__":
    sys.exit(_main())
