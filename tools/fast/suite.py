"""Runs tests on the compiled form of the library.

    python -m tools.fast.suite tests/core -k calls     build the wheel, and run pytest with these arguments

The wheel is installed into an environment of its own, which finds all other packages in that of this interpreter. The
tests run in a copy of the tree whose packages are those of the wheel, so that none of their programs imports the
sources.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

__all__ = ["build", "install", "make_tree", "make_tree_of", "run"]

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGES: Final = ("ocpp_apps", "ocpp_core", "ocpp_transports")
_LEFT_OUT: Final = (".git", ".venv*", "build", "dist", "htmlcov", ".*_cache", ".hypothesis", "__pycache__")
_PROOF: Final = "import ocpp_core, sys; sys.exit(not ocpp_core.compiled)"
_FOLDER: Final = "import sysconfig; print(sysconfig.get_path('purelib'))"


def build(folder: Path) -> Path:
    """Build the compiled wheel into a folder and return it."""
    shutil.rmtree(folder, ignore_errors=True)
    command = (sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT)
    subprocess.run(command, check=True, env={**os.environ, "OCPP_WS_IO_COMPILED": "1"})
    (wheel,) = folder.glob("*.whl")
    return wheel


def install(wheel: Path, environment: Path, tree: Path) -> tuple[Path, Path]:
    """Install a wheel into a new environment, and return its interpreter and the folder of its packages.

    It also finds the packages of this interpreter and, after all others, those at the top of the tree.
    """
    venv.create(environment, symlinks=True, clear=True)
    python = environment / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check")
    subprocess.run([*pip, "install", "-q", "--no-index", "--no-deps", wheel], check=True)
    asked = subprocess.run([python, "-c", _FOLDER], check=True, capture_output=True, text=True, cwd=environment)
    packages = Path(asked.stdout.strip())
    (packages / "development.pth").write_text(f"{sysconfig.get_path('purelib')}\n{tree}\n", encoding="utf-8")
    return python, packages


def make_tree(tree: Path, packages: Path) -> None:
    """Copy the tree, with links to installed packages in place of its own."""
    _copy(ROOT, tree, PACKAGES)
    library = (path.name for path in packages.glob("ocpp_ws_io__mypyc.*"))
    for name in (*PACKAGES, *library):
        (tree / name).symlink_to(packages / name)


def make_tree_of(tree: Path, extensions: Path) -> None:
    """Copy the tree, with extension modules beside the sources."""
    _copy(ROOT, tree, ())
    shutil.copytree(extensions, tree, dirs_exist_ok=True)


def _copy(source: Path, tree: Path, left_out: Iterable[str]) -> None:
    """Copy a tree without what tools have made; what npm has installed is linked."""
    patterns = shutil.ignore_patterns(*_LEFT_OUT, *left_out, "node_modules")
    installed = []

    def ignore(folder: str, names: list[str]) -> set[str]:
        if "node_modules" in names:
            installed.append(Path(folder, "node_modules"))
        return patterns(folder, names)

    shutil.rmtree(tree, ignore_errors=True)
    shutil.copytree(source, tree, ignore=ignore, symlinks=True)
    for modules in installed:
        (tree / modules.relative_to(source)).symlink_to(modules)


def run(python: Path, tree: Path, arguments: Sequence[str]) -> int:
    """Run pytest in a tree, and return its exit code.

    Raises CalledProcessError if the packages that the tests would import are not compiled.
    """
    variables = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "PYTEST_ADDOPTS"}}
    subprocess.run([python, "-c", _PROOF], cwd=tree, env=variables, check=True)
    return subprocess.run([python, "-m", "pytest", *arguments], cwd=tree, env=variables, check=False).returncode


def _main() -> int:
    folder = ROOT / "build" / "fast" / (sys.implementation.cache_tag or "unknown")
    tree = folder / "tree"
    python, packages = install(build(folder / "wheel"), folder / "environment", tree)
    make_tree(tree, packages)
    return run(python, tree, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(_main())
