"""The table of counts, with one column per minor version of Python, and the comparison with it."""

import json
import sys
from collections.abc import Mapping
from math import ceil, floor
from pathlib import Path
from typing import Final, TypeAlias

from .counting import Cost

__all__ = ["HERE", "Table", "expected", "judge", "read_table", "write_table"]

Table: TypeAlias = Mapping[str, Mapping[str, Cost]]
"""Version -> scenario -> cost."""

HERE: Final = f"{sys.version_info.major}.{sys.version_info.minor}"
"""The running version, e.g. `3.11`."""

_FILE: Final = Path(__file__).parent / "table.json"
_RISE: Final = 0.03
"""Greatest rise of a count, which allows for minor releases of dependencies and the interpreter."""
_FALL: Final = 0.10
"""Greatest fall of a count. A larger gain must enter the table, or it could be lost unnoticed."""
_STRANGER: Final = 0.25
"""Greatest rise on a version that is not in the table, whose instructions differ."""


def read_table() -> Table:
    """Return the committed table."""
    raw = json.loads(_FILE.read_text(encoding="utf-8"))
    return {version: {name: Cost(**row) for name, row in rows.items()} for version, rows in raw.items()}


def write_table(table: Table) -> None:
    """Write the table, one line per scenario."""
    columns = [
        f' "{version}": {{\n'
        + ",\n".join(f"  {json.dumps(name)}: {json.dumps(cost._asdict())}" for name, cost in rows.items())
        + "\n }"
        for version, rows in sorted(table.items())
    ]
    _FILE.write_text("{\n" + ",\n".join(columns) + "\n}\n", encoding="utf-8")


def _number(version: str) -> int:
    return int(version.split(".")[1])


def expected(table: Table, version: str) -> tuple[str, Mapping[str, Cost]]:
    """Return the column of a version or of the nearest one, and the version of that column."""
    nearest = min(table, key=lambda known: abs(_number(known) - _number(version)))
    return nearest, table[nearest]


def judge(cost: Cost, budget: Cost, *, is_same_version: bool) -> list[str]:
    """Return one line for each count that differs too much from the table."""
    rise = _RISE if is_same_version else _STRANGER
    problems = []
    for name, got, known in zip(Cost._fields, cost, budget, strict=True):
        change = f"{name}: {got} a message, {known} in the table ({(got - known) / max(known, 1):+.1%})"
        if got > ceil(known * (1 + rise)):
            problems.append(f"{change}: higher than before")
        elif is_same_version and got < floor(known * (1 - _FALL)):
            problems.append(f"{change}: lower, update the table")
    return problems
