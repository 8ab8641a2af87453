"""One test a table: a check of one row becomes a test of all rows, which names every row that fails."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import update_wrapper
from typing import Any, Final

import pytest

__all__ = ["Row", "check_rows", "each_row_of", "grouped"]

Row = tuple[Any, ...]
_SHOWN: Final = 5  # failures whose traceback is shown; the other rows are named only


def grouped(rows: Iterable[Row], *columns: int) -> dict[str, list[Row]]:
    """Return a table for each combination of what stands in these columns."""
    tables: dict[str, list[Row]] = {}
    for row in rows:
        tables.setdefault(" ".join(str(row[column]) for column in columns), []).append(row)
    return tables


def each_row_of(tables: Mapping[str, Sequence[Row]]) -> Callable[[Callable[..., None]], Callable[[str], None]]:
    """Make a test for each table from a function that checks one row. In a class it is a static method."""

    def decorate(check: Callable[..., None]) -> Callable[[str], None]:
        def test(table: str) -> None:
            check_rows(tables[table], check)

        update_wrapper(test, check)
        vars(test).pop("__wrapped__")  # its signature is that of a row
        return pytest.mark.parametrize("table", tables)(test)

    return decorate


def check_rows(rows: Sequence[Row], check: Callable[..., None]) -> None:
    """Check each row. Raises an ExceptionGroup that names all rows that failed; an empty table fails, too."""
    assert rows, "expected a table with rows, got an empty one"
    failures: dict[Row, Exception] = {}
    for row in rows:
        try:
            check(*row)
        except Exception as error:
            error.add_note(f"row: {row}")
            failures[row] = error
    if failures:
        names = "".join(f"\n  {', '.join(map(str, row))}" for row in failures)
        raise ExceptionGroup(f"{len(failures)} of {len(rows)} rows fail:{names}", list(failures.values())[:_SHOWN])
