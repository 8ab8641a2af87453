"""Declarations in the sources as cells of tables: fields with defaults, ranges and docstrings."""

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field
from enum import Enum
from itertools import pairwise
from pathlib import Path
from typing import Any

__all__ = [
    "class_body",
    "default_of",
    "docstrings",
    "field_docs",
    "member_docs",
    "range_of",
    "shown",
    "source_of",
    "table",
]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def source_of(module: Any) -> ast.Module:
    """Return the syntax tree of a module."""
    return ast.parse(Path(module.__file__).read_text(encoding="utf-8"))


def class_body(tree: ast.Module, name: str) -> list[ast.stmt]:
    """Return the statements of a class."""
    return next(node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)


def docstrings(body: Sequence[ast.stmt]) -> Iterator[tuple[ast.AnnAssign, str]]:
    """Yield every annotated name with a docstring below it."""
    for statement, following in pairwise(body):
        match statement, following:
            case ast.AnnAssign(), ast.Expr(value=ast.Constant(value=str(text))):
                yield statement, " ".join(text.split())
            case _:
                pass


def field_docs(tree: ast.Module, name: str) -> dict[str, str]:
    """Return the docstrings of a class's fields."""
    return {ast.unparse(field.target): text for field, text in docstrings(class_body(tree, name))}


def member_docs(tree: ast.Module, name: str) -> dict[str, str]:
    """Return the docstrings of an enumeration's members."""
    members = (
        (ast.unparse(statement.targets[0]), following.value.value)
        for statement, following in pairwise(class_body(tree, name))
        if isinstance(statement, ast.Assign) and isinstance(following, ast.Expr)
        if isinstance(following.value, ast.Constant) and isinstance(following.value.value, str)
    )
    return {member: " ".join(text.split()) for member, text in members}


def range_of(field: Field[Any]) -> str:
    """Return the declared range of a field, or "" without one."""
    return str(field.metadata.get("range", "")).replace(">=", "≥")


def default_of(field: Field[Any], allowed: str) -> str:
    """Return the default of a field with this range as text. A factory is shown as a call."""
    if field.default is not MISSING:
        return shown(field.default, is_size="bytes" in allowed)
    if field.default_factory is MISSING:
        return "required"
    made = field.default_factory()
    return "`{}`" if isinstance(made, Mapping) else f"`{type(made).__name__}()`"


def shown(value: Any, *, is_size: bool = True) -> str:
    """Return a value as text. A size that is a multiple of 1024 is also shown in KiB or MiB."""
    if isinstance(value, Enum):
        return f"`{type(value).__name__}.{value.name}`"
    for unit, size in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if is_size and type(value) is int and value >= 8 * 1024 and value % size == 0:
            return f"{value} ({value // size} {unit})"
    return f"`{value}`"
