"""What a run builds first: other forms of this library, and the yardstick in C.

Each becomes a folder that is first on PATH and PYTHONPATH of the processes that are measured, so that no second
environment is needed. It is built when it is first used. If it cannot be built, there is a reason for the page.
"""

import io
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from enum import Enum
from pathlib import Path
from typing import Final

__all__ = ["ECHO", "Build", "Builds"]

_ROOT: Final = Path(__file__).parents[1]
ECHO: Final = "echo-yardstick"
"""File name of the echo server in C, in a folder of its own."""
_ECHO_SOURCE: Final = _ROOT / "benchmarks/servers/echo.c"
_PACKAGES: Final = ("ocpp_core", "ocpp_transports", "schemas")


class Build(Enum):
    """A folder with what a process runs."""

    TREE = "this tree, as it is"
    COMPILED = "the wheel that mypyc compiles from this tree"
    BEFORE = "an older revision of this library"
    YARDSTICK = "the echo server in C"


class _CannotBuildError(Exception):
    """The text is the reason."""


class Builds:
    """The folders of a run, built when they are first used."""

    def __init__(
        self,
        workshop: Path | None = None,
        *,
        compiled: Path | None = None,
        compiles: bool = True,
        before: str | None = None,
    ) -> None:
        """Build in an empty folder, or only use this tree if there is none.

        Args:
            workshop: Empty folder for everything that is built.
            compiled: A compiled wheel, or the folder of an unpacked one, instead of one built from this tree.
            compiles: False to leave the compiled library out unless there is a wheel, since building it takes minutes.
            before: Git revision of the older state.
        """
        self._workshop = workshop
        self._wheel = compiled
        self._compiles = compiles
        self._revision = before
        self._made: dict[Build, Path | str] = {Build.TREE: _ROOT}

    def missing(self, build: Build) -> str | None:
        """Return the reason why this cannot be built on this machine, or None if it is there."""
        made = self._make(build)
        return made if isinstance(made, str) else None

    def environment(self, build: Build) -> dict[str, str]:
        """Return the environment of a process that runs this build and the benchmarks of this tree."""
        folder = str(self._make(build))
        path = os.pathsep.join((folder, os.environ.get("PATH", os.defpath)))
        return {**os.environ, "PATH": path, "PYTHONPATH": os.pathsep.join((folder, str(_ROOT)))}

    def _make(self, build: Build) -> Path | str:
        if build not in self._made:
            try:
                self._made[build] = self._build(build)
            except _CannotBuildError as error:
                self._made[build] = str(error)
        return self._made[build]

    def _build(self, build: Build) -> Path:
        if self._workshop is None:
            raise _CannotBuildError("only this tree is measured here")
        folder = self._workshop / build.name.lower()
        match build:
            case Build.COMPILED:
                return _unpacked(self._wheel or self._compiled_wheel(self._workshop / "wheel"), folder)
            case Build.BEFORE:
                return _checked_out(self._revision, folder)
            case _:
                return _echo(folder)

    def _compiled_wheel(self, folder: Path) -> Path:
        """Build the wheel as `make wheel-fast` does, which takes minutes."""
        if not self._compiles:
            raise _CannotBuildError("a quick run builds no wheel; --compiled WHEEL takes one")
        _compiler()
        if not Path(sysconfig.get_path("include"), "Python.h").exists():
            raise _CannotBuildError("the headers of Python are not installed")
        command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(_ROOT)]
        subprocess.run(command, env={**os.environ, "OCPP_WS_IO_COMPILED": "1"}, stdout=sys.stderr, check=True)
        (wheel,) = folder.glob("*.whl")
        return wheel


def _unpacked(wheel: Path, folder: Path) -> Path:
    if wheel.is_dir():
        return wheel.resolve()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def _checked_out(revision: str | None, folder: Path) -> Path:
    """Unpack the packages of a revision, without its benchmarks."""
    if revision is None:
        raise _CannotBuildError("no older revision was given; --before REVISION does")
    command = ["git", "archive", "--format=tar", revision, *_PACKAGES]
    archive = subprocess.run(command, cwd=_ROOT, stdout=subprocess.PIPE, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")
    return folder


def _echo(folder: Path) -> Path:
    compiler = _compiler()
    folder.mkdir()
    subprocess.run([compiler, "-O2", "-o", str(folder / ECHO), str(_ECHO_SOURCE)], check=True)
    return folder


def _compiler() -> str:
    if (compiler := shutil.which("cc")) is None:
        raise _CannotBuildError("there is no C compiler (cc)")
    return compiler
