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

_CLASS: Final = "@_mypyc_attr(allow_interpreted_subclasses=True)"
_DATACLASS: Final = "@_ordinary"  # mypyc makes no native class of one with a decorator that it does not know
_TYPE_CHECKING: Final = "from typing import TYPE_CHECKING"
_IMPORT: Final = "if TYPE_CHECKING: from mypy_extensions import mypyc_attr as _mypyc_attr"
"""mypyc reads it; where the wheel is installed, there is no such package."""
_ORDINARY: Final = "_ordinary = lambda kind: kind"
_ANY: Final = "from typing import Any"
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
    """Return the text of a module as mypyc has to read it, every line in its place.

    `float` also means `int` (PEP 484), and mypyc would convert: a limit of 16 bytes would read "16.0 bytes". The types
    of inputs are checked where they are used, with messages of ours, and mypyc would check them before that. In a
    compiled module, a dataclass stays an ordinary class: as a native one it could not be copied, and `slots=True`
    makes another class. All other classes may be the bases of interpreted ones, unless they are final.

    Args:
        source: The text of the module.
        is_compiled: Whether it is compiled; other modules are only read for their types.
        is_unchecked: Whether its classes have fields of any type.

    Raises:
        ValueError: There is no empty line above a class or below the docstring.
    """
    tree = ast.parse(source)
    lines = source.splitlines(keepends=True)
    for node, text in sorted(_replaced(tree, is_unchecked=is_unchecked), key=_place, reverse=True):
        _replace(lines, node, text)
    marks = dict(_attributes(tree)) if is_compiled else {}
    for line, mark in marks.items():
        _fill(lines, line - 1, mark)
    docstring = tree.body[0].end_lineno or 1
    if _CLASS in marks.values():
        _fill(lines, docstring + 1, _IMPORT)
    head = [_TYPE_CHECKING] * (_CLASS in marks.values()) + [_ORDINARY] * (_DATACLASS in marks.values())
    lines[docstring - 1] = "; ".join([lines[docstring - 1].rstrip(), *head, *[_ANY] * is_unchecked]) + "\n"
    return "".join(lines)


def _fill(lines: list[str], number: int, text: str) -> None:
    """Write into an empty line, so that tracebacks name the lines of the source."""
    if lines[number - 1].strip():
        raise ValueError(f"expected an empty line {number}, got {lines[number - 1]!r}")
    lines[number - 1] = text + "\n"


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
