"""The spellings of releases before 2.0.0, for `--modernise`."""

import ast
from collections.abc import Callable, Collection, Iterator

from . import _modules
from ._findings import Finding
from ._names import BoundNames, of_package
from ._source import Source, name_in


class FormerSpellings:
    """Rewrites former names of classes, members and fields to their present ones."""

    def __init__(
        self, source: Source, names: BoundNames, is_own: Callable[[str], bool], imported_elsewhere: Collection[str]
    ) -> None:
        self._source = source
        self._names = names
        self._is_own = is_own
        self._imported_elsewhere = imported_elsewhere
        self._texts = {n.value for n in ast.walk(source.tree) if isinstance(n, ast.Constant)}

    def rewrite(self) -> Iterator[Finding]:
        """Rewrite the spellings. Yields what was left."""
        renamed: set[str] = set()
        for node in ast.walk(self._source.tree):
            if isinstance(node, ast.ImportFrom) and (module := of_package(node)) and not self._is_own(module):
                for alias in node.names:
                    renamed |= self._import(module, alias)
        for node in ast.walk(self._source.tree):
            if isinstance(node, ast.Attribute):
                yield from self._attribute(node)
            elif isinstance(node, ast.Name) and self._names.meaning.get(node):
                yield from self._name(node, renamed)
            elif isinstance(node, ast.Call):
                self._keywords(node)

    def _import(self, module: str, alias: ast.alias) -> set[str]:
        """Rewrite an imported name. Returns its path if the names in the file are to follow."""
        if alias.name == "*":
            meanings = {path for meaning in self._names.meaning.values() for path in meaning if path}
            paths = {_modules.canonical(path) for path in meanings}
            found = {path for path in paths if path and path.startswith(f"{module}.")}
            return {path for path in found if not self._names.is_other(_modules.present(path))}
        path = f"{module}.{alias.name}"
        name = _modules.present(path)
        if name == alias.name:
            return set()
        follows = alias.asname is None and self._may_change(alias.name, name)
        suffix = "" if follows or alias.asname else f" as {alias.name}"
        self._source.replace(self._source.start_of(alias), alias.name, name + suffix)
        return {path} if follows else set()

    def _may_change(self, former: str, name: str) -> bool:
        meanings = [meaning for node, meaning in self._names.meaning.items() if node.id == former]
        is_clear = all(len(meaning) == 1 for meaning in meanings)
        elsewhere = former in self._imported_elsewhere or former in self._texts
        return is_clear and name not in self._names.bound and not elsewhere

    def _attribute(self, node: ast.Attribute) -> Iterator[Finding]:
        path = self._names.path_of(node)
        former = path.rpartition(".")[2] if path else None
        name = _modules.present(path) if path and former == node.attr else node.attr
        if name != node.attr:
            yield from self._rename(node, name)

    def _name(self, node: ast.Name, renamed: set[str]) -> Iterator[Finding]:
        path = self._names.path_of(node)
        if path in renamed and path and path.rpartition(".")[2] == node.id:
            name = _modules.present(path)
            if name != node.id:
                yield from self._rename(node, name)

    def _rename(self, node: ast.Name | ast.Attribute, new: str) -> Iterator[Finding]:
        if not self._source.rename(node, new):
            text = f"`{name_in(node)}` in an f-string was left; its name is `{new}`"
            yield Finding(node.lineno, "f-string", text)

    def _keywords(self, node: ast.Call) -> None:
        path = self._names.path_of(node.func)
        found = _modules.known(path) if path else None
        former = getattr(found.value, "_former_fields", {}) if found else {}
        for keyword in node.keywords:
            if keyword.arg and keyword.arg in former:
                self._source.rename(keyword, former[keyword.arg])
