"""The table of counts, one column of scenarios for each minor version of the interpreter, and the judgement by it."""

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
"""The version that runs this, e.g. `3.11`."""

_FILE: Final = Path(__file__).parent / "table.json"
_RISE: Final = 0.03
"""How far a count may rise above the table: what a minor release of a dependency or of the interpreter may add."""
_FALL: Final = 0.10
"""How far it may fall below: a gain that the table does not know of could be lost again unseen."""
_STRANGER: Final = 0.25
"""How far it may rise on a version that is not in the table, whose instructions are other ones."""


def read_table() -> Table:
    """Read the table as it is committed."""
    raw = json.loads(_FILE.read_text(encoding="utf-8"))
    return {version: {name: Cost(**row) for name, row in rows.items()} for version, rows in raw.items()}


def write_table(table: Table) -> None:
    """Write the table, a scenario a line."""
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
    """Return the column of a version, or of the one next to it, and that column's name."""
    nearest = min(table, key=lambda known: abs(_number(known) - _number(version)))
    return nearest, table[nearest]


def judge(cost: Cost, budget: Cost, *, is_same_version: bool) -> list[str]:
    """Say what is wrong with a cost, a line for each count; nothing where it is as the table says."""
    rise = _RISE if is_same_version else _STRANGER
    problems = []
    for name, got, known in zip(Cost._fields, cost, budget, strict=True):
        change = f"{name}: {got} a message, {known} in the table ({(got - known) / max(known, 1):+.1%})"
        if got > ceil(known * (1 + rise)):
            problems.append(f"{change}: dearer than before")
        elif is_same_version and got < floor(known * (1 - _FALL)):
            problems.append(f"{change}: cheaper, lower the table")
    return problems
