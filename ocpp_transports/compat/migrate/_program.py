"""One run over the files of a program."""

import ast
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ._files import OwnModules, python_files
from ._findings import Finding
from ._habits import findings
from ._imports import Imports
from ._modules import canonical
from ._names import BoundNames, of_package
from ._source import Source
from ._spellings import FormerSpellings

_UNREADABLE: Final = (SyntaxError, ValueError, RecursionError, MemoryError)
"""What the parser raises for files that are no programs, or that are nested too deeply."""


@dataclass(frozen=True, slots=True)
class Migration:
    """What became of one file."""

    path: Path
    before: bytes
    after: bytes
    """Equal to `before` if nothing is to change."""
    findings: tuple[Finding, ...]
    problem: str | None = None
    """Why the file was skipped."""


class Program:
    """The files below some paths."""

    def __init__(self, paths: Collection[Path], *, modernises: bool) -> None:
        self._files = python_files(paths)
        self._modernises = modernises
        self.own = OwnModules(paths, self._files)

    def migrations(self) -> Iterator[Migration]:
        """Yield the migration of every file. Nothing is written."""
        elsewhere = self._imported_elsewhere() if self._modernises else None
        for path in self._files:
            try:
                before = path.read_bytes()
            except OSError as error:
                yield Migration(path, b"", b"", (), f"cannot read it: {error.strerror}")
                continue
            yield self._migration(path, before, elsewhere)

    def _migration(self, path: Path, before: bytes, elsewhere: Collection[str] | None) -> Migration:
        try:
            source = Source(before)
        except _UNREADABLE as error:
            return Migration(path, before, before, (), f"cannot parse it: {_reason(error)}")
        try:
            found = rewrite(source, self.own, elsewhere)
        except RecursionError as error:
            return Migration(path, before, before, (), _reason(error))
        after = source.changed()
        try:
            Source(after)
        except _UNREADABLE as error:
            return Migration(path, before, before, found, f"its result cannot be parsed: {_reason(error)}")
        return Migration(path, before, after, found)

    def _imported_elsewhere(self) -> set[str]:
        """Return the names that files import from other modules than those of the package `ocpp`."""
        names: set[str] = set()
        for path in self._files:
            try:
                tree = Source(path.read_bytes()).tree
            except (OSError, *_UNREADABLE):
                continue  # reported by `migrations`
            for node in ast.walk(tree):
                if isinstance(node, ast.ImportFrom) and of_package(node) is None:
                    names |= {alias.name for alias in node.names}
        return names


def rewrite(source: Source, is_own: Callable[[str], bool], elsewhere: Collection[str] | None) -> tuple[Finding, ...]:
    """Rewrite one file.

    Args:
        source: The file. Its changes are made in it.
        is_own: Returns True for a module called `ocpp` or `ocpp.…` that is the program's own.
        elsewhere: The names whose spelling other files depend on; None to leave former spellings.

    Returns:
        What was left, in the order of the lines.
    """
    if "ocpp" not in source.text:
        return ()
    names = BoundNames(source.tree, is_own)
    found = {*Imports(source, names, is_own).rewrite()}
    if elsewhere is not None:
        found |= {*FormerSpellings(source, names, is_own, elsewhere).rewrite()}
    if any(_imports_package(node) for node in ast.walk(source.tree)):
        found |= {*findings(source.tree, names)}
    return tuple(sorted(found))


def _imports_package(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        return of_package(node) is not None
    return isinstance(node, ast.Import) and any(canonical(alias.name) for alias in node.names)


def _reason(error: Exception) -> str:
    if isinstance(error, SyntaxError):
        return f"line {error.lineno}: {error.msg}" if error.lineno else error.msg
    return str(error) or "it is nested too deeply"
