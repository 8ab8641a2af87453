"""The files of a program, and the modules called `ocpp` that are its own."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

_SUFFIXES: Final = frozenset({".py", ".pyi"})
_IGNORED: Final = frozenset({"__pycache__", "node_modules", "site-packages", "dist-packages"})
_OF_A_COPY: Final = ("charge_point.py", "messages.py", "routing.py")


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
        self.places = sorted(_places(list(paths), list(files)))
        """The folders and files."""
        self._modules = {f"ocpp.{entry.stem}" for place in self.places if place.is_dir() for entry in place.iterdir()}

    def __call__(self, path: str) -> bool:
        """Return True if a dotted path starting with `ocpp` names a module of the program."""
        if "." not in path:
            return bool(self.places)
        return ".".join(path.split(".")[:2]) in self._modules


def _places(paths: list[Path], files: list[Path]) -> set[Path]:
    folders = {(path if path.is_dir() else path.parent).resolve() for path in paths}
    roots = {folder for folder in folders if not (folder / "__init__.py").is_file()}
    roots |= {root / "src" for root in roots} | {_import_root(file) for file in files}
    own = {place for root in roots for place in (root / "ocpp", root / "ocpp.py") if _is_module(place)}
    return own | {file.resolve().parent for file in files if _is_copy(file)}


def _is_module(place: Path) -> bool:
    return place.is_file() or (place / "__init__.py").is_file()


def _is_copy(file: Path) -> bool:
    """Return True for a file of a copy of the package, anywhere in the program."""
    folder = file.parent
    return folder.name == "ocpp" and all((folder / name).is_file() for name in _OF_A_COPY)


def _import_root(file: Path) -> Path:
    """Return the folder that a file's outermost package is in.

    For a package called `ocpp` it is the folder itself: `custom_components/ocpp` is imported by its longer name.
    """
    folder = file.resolve().parent
    while (folder / "__init__.py").is_file() and folder.name != "ocpp":
        folder = folder.parent
    return folder
