"""A table of cases as one test: pytest takes longer to run a test than most of the engine's cases take."""

import inspect
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any, TypeAlias

import pytest

__all__ = ["each"]

Test: TypeAlias = Callable[..., None]


def _shown(row: tuple[Any, ...]) -> str:
    try:
        return ", ".join(f"{value!r:.80}" for value in row)
    except ValueError:  # an integer of more digits than the interpreter writes
        return ", ".join(type(value).__name__ for value in row)


def each(names: str | Sequence[str], rows: Iterable[Any]) -> Callable[[Test], Test]:
    """Call the test with every row; like `pytest.mark.parametrize`, but one test, which names the rows that fail.

    All rows share the test's fixtures: parametrize a test whose fixtures keep a state. Raises ValueError for rows of
    another length than the names, and for no rows at all.
    """
    words = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    table = [(row,) if len(words) == 1 else tuple(row) for row in rows]
    if not table or any(len(row) != len(words) for row in table):
        raise ValueError(f"expected rows of {', '.join(words)}")

    def fold(test: Test) -> Test:
        signature = inspect.signature(test)
        if missing := [word for word in words if word not in signature.parameters]:
            raise ValueError(f"expected a test that takes {', '.join(missing)}")

        @wraps(test)
        def of_all_rows(*args: Any, **fixtures: Any) -> None:
            failures = []
            for number, row in enumerate(table):
                try:
                    test(*args, **fixtures, **dict(zip(words, row, strict=True)))
                except (Exception, pytest.fail.Exception) as failure:
                    failure.add_note(f"in row {number}: {_shown(row)}")
                    failures.append(failure)
            if failures:
                raise BaseExceptionGroup(f"{len(failures)} of {len(table)} rows fail", failures)

        left = [parameter for name, parameter in signature.parameters.items() if name not in words]
        of_all_rows.__signature__ = signature.replace(parameters=left)  # type: ignore[attr-defined]  # read by pytest
        return of_all_rows

    return fold
