"""Reads the case files without running them: they are Python for a page and import what only a page has."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["CASES", "FOLDER", "Case"]

FOLDER = Path(__file__).parent / "cases"


@dataclass(frozen=True)
class Case:
    """One coroutine function of a class of a case file."""

    file: str
    section: str
    name: str
    expected_console: tuple[str, ...] = ()
    """Patterns of what the browser may write to its console meanwhile: arguments of `@expects_console`."""
    failure: str | None = None
    """The pattern of the failure that shows that failures are seen: the argument of `@fails_with`."""

    def __str__(self) -> str:
        return f"{self.file}::{self.section}::{self.name}"


def _cases(path: Path) -> Iterator[Case]:
    for section in ast.parse(path.read_text(encoding="utf-8"), str(path)).body:
        if isinstance(section, ast.ClassDef):
            for function in section.body:
                if isinstance(function, ast.AsyncFunctionDef) and function.name.startswith("test_"):
                    yield _case(path.stem, section.name, function)


def _case(file: str, section: str, function: ast.AsyncFunctionDef) -> Case:
    given = {
        ast.unparse(decorator.func): tuple(ast.literal_eval(argument) for argument in decorator.args)
        for decorator in function.decorator_list
        if isinstance(decorator, ast.Call)
    }
    (failure,) = given.get("fails_with", (None,))
    return Case(file, section, function.name, given.get("expects_console", ()), failure)


CASES = [case for path in sorted(FOLDER.glob("*.py")) for case in _cases(path)]
