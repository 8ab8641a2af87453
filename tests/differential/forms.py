"""The installed forms of the library that are compared, each in processes of its own."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zipfile import ZipFile

__all__ = ["ROOT", "Form", "forms_of"]

ROOT: Final = Path(__file__).parents[2]
_BARE: Final = "+bare"


@dataclass(frozen=True, slots=True)
class Form:
    """One installation of the library.

    Raises ValueError if there is none in `folder`.
    """

    name: str
    folder: Path
    """The folder that has `ocpp_core`."""
    is_bare: bool = False
    """True to hide the packages of the extra `speed`."""

    def __post_init__(self) -> None:
        if not (self.folder / "ocpp_core").is_dir():
            raise ValueError(f"expected a folder with ocpp_core, or a wheel of it, got {self.name}")

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start a process that plays histories with this form; its arguments are those of `player`."""
        options = ["--bare"] if self.is_bare else []
        paths = (str(self.folder), str(ROOT))
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "tests.differential.player", *options, *arguments],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONHASHSEED": "0"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def forms_of(names: Iterable[str], exits: ExitStack) -> Iterator[Form]:
    """Iterate over the forms with these names: a folder or a wheel, with `+bare` to hide accelerators.

    A wheel is unpacked into a folder that `exits` removes.
    """
    for name in names:
        path = Path(name.removesuffix(_BARE))
        if path.suffix == ".whl":
            folder = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="ocpp-form-")))
            with ZipFile(path) as wheel:
                wheel.extractall(folder)
            path = folder
        yield Form(name, path.resolve(), name.endswith(_BARE))
