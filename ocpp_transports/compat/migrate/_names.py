"""What the names of a file stand for, scope by scope."""

import ast
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from . import _modules

Scope: TypeAlias = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef | ast.expr

_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS: Final = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_SCOPES: Final = (*_FUNCTIONS, ast.ClassDef, *_COMPREHENSIONS)

_Bindings: TypeAlias = dict[str, set[str | None]]
"""Name -> the dotted paths that it is bound to, of either package; None stands for anything else."""


class BoundNames:
    """The meaning of each name that a file reads."""

    def __init__(self, tree: ast.Module, is_own: Callable[[str], bool]) -> None:
        self.meaning: dict[ast.Name, set[str | None]] = {}
        """A name that is read -> the dotted paths that it may stand for, if one of them is of the package."""
        self.bound: set[str] = set()
        """Every name that the file binds, in any scope."""
        self._is_own = is_own
        self._module: _Bindings = defaultdict(set)
        self._scopes: list[_Bindings] = []
        self._visit(tree, [])

    def path_of(self, node: ast.expr) -> str | None:
        """Return the dotted path of the package `ocpp` that an expression names, before or after its migration.

        None if it names something else, a module of the program's own, or one of several things.
        """
        path = self._path_of(node)
        return None if path is None or self._is_own(path) else _modules.canonical(path)

    def _path_of(self, node: ast.expr) -> str | None:
        if isinstance(node, ast.Attribute):
            owner = self._path_of(node.value)
            return f"{owner}.{node.attr}" if owner else None
        meaning = self.meaning.get(node, set()) if isinstance(node, ast.Name) else set()
        return next(iter(meaning)) if len(meaning) == 1 else None

    def is_rebound(self, name: str) -> bool:
        """Return True if a scope gives a name of the package another value too."""
        return any(len(bindings.get(name, ())) > 1 for bindings in self._scopes)

    def is_other(self, name: str) -> bool:
        """Return True if a scope gives a name a value that is not of the package."""
        return any(None in bindings.get(name, ()) for bindings in self._scopes)

    def _visit(self, scope: ast.AST, outer: list[tuple[ast.AST, _Bindings]]) -> None:
        inside = list(_inside(scope))
        bindings = self._bindings(scope, inside)
        self._scopes.append(bindings)
        self.bound |= bindings.keys()
        scopes = [*outer, (scope, bindings)]
        for node in inside:
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                self._read(node, scopes)
            elif isinstance(node, _SCOPES):
                self._visit(node, scopes)

    def _read(self, node: ast.Name, scopes: list[tuple[ast.AST, _Bindings]]) -> None:
        for scope, bindings in reversed(scopes):
            if node.id in bindings and (scope is scopes[-1][0] or not isinstance(scope, ast.ClassDef)):
                if bindings[node.id] != {None}:
                    self.meaning[node] = bindings[node.id]
                return

    def _bindings(self, scope: ast.AST, inside: list[ast.AST]) -> _Bindings:
        found: _Bindings = self._module if isinstance(scope, ast.Module) else defaultdict(set)
        elsewhere = {name for node in inside if isinstance(node, ast.Global) for name in node.names}
        elsewhere |= {name for node in inside if isinstance(node, ast.Nonlocal) for name in node.names}
        for name in elsewhere:
            self._module[name].add(None)
        for name, path in _parameters(scope):
            found[name].add(path)
        for node in inside:
            for name, path in bound_by(node):
                (self._module if name in elsewhere else found)[name].add(path)
        return found


def _inside(scope: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a scope, and the scopes directly in it but not what they contain.

    The first nodes of an inner scope (decorators, defaults, annotations) belong to the scope around it.
    """
    todo = [node for node in ast.iter_child_nodes(scope) if node not in _before(scope)]
    while todo:
        node = todo.pop()
        yield node
        todo += _before(node) if isinstance(node, _SCOPES) else ast.iter_child_nodes(node)


def _before(scope: ast.AST) -> list[ast.AST]:
    match scope:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return [*scope.decorator_list, scope.args, *([scope.returns] if scope.returns else [])]
        case ast.Lambda():
            return [scope.args]
        case ast.ClassDef():
            return [*scope.decorator_list, *scope.bases, *scope.keywords]
        case _:
            pass
    return []


def _parameters(scope: ast.AST) -> Iterator[tuple[str, None]]:
    if isinstance(scope, _FUNCTIONS):
        arguments = scope.args
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
        yield from ((each.arg, None) for each in every if each)


def bound_by(node: ast.AST) -> Iterator[tuple[str, str | None]]:
    """Yield the names that a node binds, each with the dotted path of `ocpp` that it stands for then, or None."""
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            yield name, None
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield node.name, None
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            yield name, None
        case ast.MatchMapping(rest=str(name)):
            yield name, None
        case ast.Import():
            for alias in node.names:
                top = alias.name.partition(".")[0]
                path = alias.name if alias.asname else top
                yield alias.asname or top, path if _modules.canonical(alias.name) else None
        case ast.ImportFrom():
            yield from _bound_by_from(node)
        case _:
            pass


def _bound_by_from(node: ast.ImportFrom) -> Iterator[tuple[str, str | None]]:
    for alias in node.names:
        path = f"{node.module}.{alias.name}"
        if alias.name != "*":
            is_named = node.level == 0 and _modules.canonical(path)
            yield alias.asname or alias.name, path if is_named else None
        elif (module := of_package(node)) and (found := _modules.module(module)):
            yield from ((name, f"{node.module}.{name}") for name in vars(found) if not name.startswith("_"))


def of_package(node: ast.ImportFrom) -> str | None:
    """Return the module of the package `ocpp` that a `from` statement names, before or after its migration."""
    return _modules.canonical(node.module or "") if node.level == 0 else None
