"""The files of a program, and the modules called `ocpp` that are its own."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

_SUFFIXES: Final = frozenset({".py", ".pyi"})
_IGNORED: Final = frozenset({"__pycache__", "node_modules", "site-packages", "dist-packages"})


def python_files(paths: Iterable[Path]) -> list[Path]:
    """Return the named files, and the Python files in the named folders except hidden and installed ones."""
    found: dict[Path, None] = {}
    for path in paths:
        for file in [path] if path.is_file() else _in_folder(path):
            found.setdefault(file)
    return list(found)


def _in_folder(folder: Path) -> Iterator[Path]:
    for entry in sorted(folder.iterdir()):
        if entry.is_dir():
            hidden = entry.name.startswith(".") or entry.name in _IGNORED
            if not hidden and not entry.is_symlink() and not (entry / "pyvenv.cfg").exists():
                yield from _in_folder(entry)
        elif entry.suffix in _SUFFIXES and entry.is_file():
            yield entry


class OwnModules:
    """The modules called `ocpp` or `ocpp.…` that the program itself contains, such as a copy of the package."""

    def __init__(self, paths: Iterable[Path], files: Iterable[Path]) -> None:
        roots = {path if path.is_dir() else path.parent for path in paths}
        roots |= {_import_root(file) for file in files} | {root / "src" for root in roots}
        self.places = sorted(
            place for root in roots for place in (root / "ocpp", root / "ocpp.py") if _is_module(place)
        )
        """The folders and files."""
        self._modules = {f"ocpp.{entry.stem}" for place in self.places if place.is_dir() for entry in place.iterdir()}

    def __call__(self, path: str) -> bool:
        """Return True if a dotted path starting with `ocpp` names a module of the program."""
        if "." not in path:
            return bool(self.places)
        return ".".join(path.split(".")[:2]) in self._modules


def _is_module(place: Path) -> bool:
    return place.is_file() or (place / "__init__.py").is_file()


def _import_root(file: Path) -> Path:
    """Return the folder that a file's outermost package is in."""
    folder = file.resolve().parent
    while (folder / "__init__.py").is_file():
        folder = folder.parent
    return folder
