"""Copies of the sources, adapted to mypyc: the compiled code does what the interpreted code does."""

import ast
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, TypeGuard

from .modules import UNCHECKED

__all__ = ["PACKAGES", "adapt", "copy_sources", "path_of"]

PACKAGES: Final = ("ocpp_core", "ocpp_transports")

_ATTRIBUTE: Final = "_mypyc_attr"
_IMPORT: Final = f"""\
from typing import TYPE_CHECKING
if TYPE_CHECKING:  # mypyc reads it; where the wheel is installed, there is no such package
    from mypy_extensions import mypyc_attr as {_ATTRIBUTE}
"""
_ANY: Final = "from typing import Any\n"
_ORDINARY: Final = "def _ordinary(kind: type) -> type: return kind\n"
_DATACLASS: Final = "@_ordinary\n"  # mypyc makes no native class of one with a decorator that it does not know
_CLASS: Final = f"@{_ATTRIBUTE}(allow_interpreted_subclasses=True)\n"
_NOT_NATIVE: Final = re.compile("Enum|Error|Exception|NamedTuple|Protocol")
"""Bases of classes that mypyc does not make native, or that take no attribute."""
_OF_THE_CLASS: Final = ("ClassVar", "Final")
"""Annotations of what is no field."""


def copy_sources(root: Path, target: Path, modules: Iterable[str]) -> None:
    """Copy the packages below `root` into `target`, and adapt the modules that will be compiled."""
    for package in PACKAGES:
        shutil.copytree(root / package, target / package, ignore=shutil.ignore_patterns("__pycache__"))
    compiled = {target / path_of(module) for module in modules}
    unchecked = {target / path_of(module) for module in UNCHECKED}
    for package in PACKAGES:
        for file in (target / package).rglob("*.py"):
            source = file.read_text(encoding="utf-8")
            text = adapt(source, is_compiled=file in compiled, is_unchecked=file in unchecked)
            if text is not source:
                file.write_text(text, encoding="utf-8")


def path_of(module: str) -> Path:
    """Return the path of a module's file, relative to the packages."""
    return Path(*module.split(".")).with_suffix(".py")


def adapt(source: str, *, is_compiled: bool, is_unchecked: bool) -> str:
    """Return the text of a module as mypyc has to read it.

    `float` also means `int` (PEP 484), and mypyc would convert: a limit of 16 bytes would read "16.0 bytes". The types
    of inputs are checked where they are used, with messages of ours, and mypyc would check them before that. In a
    compiled module, a dataclass stays an ordinary class: as a native one it could not be copied, and `slots=True`
    makes another class. All other classes may be the bases of interpreted ones, unless they are final.

    Args:
        source: The text of the module.
        is_compiled: Whether it is compiled; other modules are only read for their types.
        is_unchecked: Whether its classes have fields of any type.
    """
    tree = ast.parse(source)
    lines = source.splitlines(keepends=True)
    for node, text in sorted(_replaced(tree, is_unchecked=is_unchecked), key=_place, reverse=True):
        _replace(lines, node, text)
    added = [*_attributes(tree)] if is_compiled else []
    used = {text for _, text in added}
    texts = {_CLASS: _IMPORT, _DATACLASS: _ORDINARY}
    if head := "".join(text for mark, text in texts.items() if mark in used) + (_ANY if is_unchecked else ""):
        added.append((_first_import(tree), head))
    for line, text in sorted(added, reverse=True):
        lines.insert(line - 1, text)
    return "".join(lines)


def _place(replacement: tuple[ast.expr, str]) -> tuple[int, int]:
    node, _ = replacement
    return node.lineno, node.col_offset


def _replace(lines: list[str], node: ast.expr, text: str) -> None:
    """Write `text` in place of a node, which begins and ends in one line."""
    line = lines[node.lineno - 1].encode()
    lines[node.lineno - 1] = (line[: node.col_offset] + text.encode() + line[node.end_col_offset :]).decode()


def _attributes(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the lines of the classes and what to write above each."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            line = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            if _is_decorated(node, "dataclass"):
                yield line, _DATACLASS
            elif not (
                _is_decorated(node, "final") or any(_NOT_NATIVE.search(ast.unparse(base)) for base in node.bases)
            ):
                yield line, _CLASS


def _is_decorated(node: ast.ClassDef, name: str) -> bool:
    return any(ast.unparse(decorator).startswith(name) for decorator in node.decorator_list)


def _first_import(tree: ast.Module) -> int:
    return next(node.lineno for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom))


def _replaced(tree: ast.Module, *, is_unchecked: bool) -> Iterator[tuple[ast.expr, str]]:
    """Yield the parts of annotations to replace, and by what."""
    fields = set(_fields(tree)) if is_unchecked else set()
    for node in ast.walk(tree):
        for annotation in _annotations(node):
            if annotation in fields:
                yield annotation, "Any"
            else:
                yield from ((name, "int | float") for name in ast.walk(annotation) if _is_float(name))


def _is_float(node: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name) and node.id == "float"


def _fields(tree: ast.Module) -> Iterator[ast.expr]:
    """Yield the annotations of the fields of all classes, and of the parameters that fill them."""
    for node in tree.body:
        for member in node.body if isinstance(node, ast.ClassDef) else ():
            match member:
                case ast.AnnAssign(annotation=annotation) if not ast.unparse(annotation).startswith(_OF_THE_CLASS):
                    yield annotation
                case ast.FunctionDef(name="__init__", args=parameters):
                    yield from (each.annotation for each in parameters.args if each.annotation is not None)


def _annotations(node: ast.AST) -> Iterator[ast.expr]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            if node.returns is not None:
                yield node.returns
        case ast.arg() | ast.AnnAssign() if node.annotation is not None:
            yield node.annotation
