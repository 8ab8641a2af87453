"""The imports of the package `ocpp`, and the dotted names that depend on them."""

import ast
import re
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Final

from . import _modules
from ._findings import Finding
from ._modules import NEW, OLD
from ._names import BoundNames, of_package
from ._source import Source

_FROM: Final = re.compile(r"from(?:\s|\\)+(?=ocpp\b)")
_QUOTE: Final = re.compile(r"[rRuU]?(?:\"\"\"|'''|\"|')")
_DOTTED: Final = re.compile(r"ocpp(?:\.\w+)+")
_IMPORTER: Final = re.compile(r"(importlib\.)?import_module|((importlib\.)?util\.)?find_spec|(pytest\.)?importorskip")
_LOGGERS: Final = frozenset({"getLogger", "get_logger"})


class Imports:
    """Rewrites what names a module of the package `ocpp`, and reports what it leaves."""

    def __init__(self, source: Source, names: BoundNames, is_own: Callable[[str], bool]) -> None:
        self._source = source
        self._names = names
        self._is_own = is_own
        self._chains = [name for name, meaning in names.meaning.items() if meaning == {OLD} and name.id == OLD]
        has_places = all(source.place_of(name) is not None for name in self._chains)
        self._keeps_name = names.is_rebound(OLD) or not has_places
        """True if names in the code stay, so that the imports have to bind `ocpp` as before."""
        self._owners = {id(n.value): n for n in ast.walk(source.tree) if isinstance(n, ast.Attribute)}

    def rewrite(self) -> Iterator[Finding]:
        """Rewrite the imports, the attribute chains and the strings. Yields what was left."""
        for node in ast.walk(self._source.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield from self._import(alias)
            elif isinstance(node, ast.ImportFrom) and of_package(node):
                yield from self._from(node, node.module or "")
            elif isinstance(node, ast.Attribute):
                yield from self._missing(node)
        if not self._keeps_name:
            self._rewrite_chains()
        yield from self._strings()

    def _left(self, path: str) -> str | None:
        """Return why a module's imports stay, or None if they are to be rewritten."""
        if self._is_own(path):
            return f"`{path}` is a module of this program; its import was left"
        if _modules.module(path) is None:
            return f"`{path}` has no counterpart in `{NEW}`; its import was left"
        return None

    def _import(self, alias: ast.alias) -> Iterator[Finding]:
        if alias.name.partition(".")[0] != OLD:
            return
        if reason := self._left(alias.name):
            yield Finding(alias.lineno, "import", reason)
            return
        start = self._source.start_of(alias)
        if alias.asname or not self._keeps_name:
            self._source.replace(start, OLD, NEW)
            return
        new = NEW + alias.name.removeprefix(OLD)
        if not self._source.replace(start, alias.name, f"{NEW} as {OLD}" if new == NEW else f"{new}, {NEW} as {OLD}"):
            yield Finding(alias.lineno, "import", f"`{alias.name}` is written with blanks; its import was left")

    def _from(self, node: ast.ImportFrom, module: str) -> Iterator[Finding]:
        if module.partition(".")[0] != OLD:
            return
        paths = [module] if module != OLD else [f"{OLD}.{alias.name}" for alias in node.names if alias.name != "*"]
        reasons = [reason for path in paths if (reason := self._left(path))]
        if reasons or not paths:
            yield from (Finding(node.lineno, "import", reason) for reason in reasons)
            return
        if found := _FROM.match(self._source.text, self._source.start_of(node)):
            self._source.replace(found.end(), OLD, NEW)
        for alias in node.names:
            path = f"{module}.{alias.name}"
            if alias.name != "*" and _modules.known(path) is None:
                yield _no_such_name(alias.lineno, path)

    def _missing(self, node: ast.Attribute) -> Iterator[Finding]:
        path = self._names.path_of(node)
        owner = _modules.known(path.rpartition(".")[0]) if path else None
        if path and owner and isinstance(owner.value, ModuleType | type) and _modules.known(path) is None:
            yield _no_such_name(node.lineno, path)

    def _rewrite_chains(self) -> None:
        for name in self._chains:
            attribute = self._owners.get(id(name))
            if self._left(f"{OLD}.{attribute.attr}" if attribute else OLD) is None:
                self._source.rename(name, NEW)

    def _strings(self) -> Iterator[Finding]:
        excluded = {id(part) for node in ast.walk(self._source.tree) for part in _not_dotted(node)}
        packages = {id(node) for call in ast.walk(self._source.tree) for node in _package_names(call)}
        for node in ast.walk(self._source.tree):
            match node:
                case ast.Constant(value=str(text)) if id(node) not in excluded:
                    if _DOTTED.fullmatch(text) or id(node) in packages:
                        yield from self._string(node, text)
                case _:
                    pass

    def _string(self, node: ast.Constant, path: str) -> Iterator[Finding]:
        if self._left(".".join(path.split(".")[:2])):
            return
        start = self._source.start_of(node)
        quote = _QUOTE.match(self._source.text, start)
        if quote is None or not self._source.replace(quote.end(), OLD, NEW):
            yield Finding(node.lineno, "string", f"`{path}` in a string was left; replace `{OLD}` with `{NEW}`")


def _no_such_name(line: int, path: str) -> Finding:
    owner, _, name = path.rpartition(".")
    return Finding(line, "missing", f"`{NEW + owner.removeprefix(OLD)}` has no `{name}`")


def _not_dotted(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the strings that are no names of modules: parts of f-strings, and names of loggers."""
    if isinstance(node, ast.JoinedStr):
        yield from node.values
    elif isinstance(node, ast.Call) and _function(node) in _LOGGERS:
        yield from node.args


def _package_names(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the string "ocpp" in a call that takes the name of a module."""
    match node:
        case ast.Call(args=[ast.Constant(value="ocpp") as name, *_]) if _IMPORTER.fullmatch(ast.unparse(node.func)):
            yield name
        case _:
            pass


def _function(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
