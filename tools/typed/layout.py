"""Lays out generated code as the formatter would."""

from collections.abc import Iterable, Sequence
from typing import Final

__all__ = ["bracketed", "class_line", "exported"]

WIDTH: Final = 120


def bracketed(before: str, parts: Sequence[str], after: str, indent: str = "") -> str:
    """Return parts between brackets, one a line if they do not fit in one."""
    line = f"{indent}{before}{', '.join(parts)}{after}"
    if len(line) <= WIDTH:
        return line
    return "\n".join((f"{indent}{before}", *(f"{indent}    {part}," for part in parts), f"{indent}{after}"))


def class_line(name: str, base: str) -> str:
    """Return the first line of a class, or its first three lines if one is too long."""
    line = f"class {name}({base}):"
    return line if len(line) <= WIDTH else f"class {name}(\n    {base}\n):"


def exported(names: Iterable[str]) -> str:
    """Return the `__all__` of these names, in the order of the linter."""
    return "__all__ = [\n" + "".join(f'    "{name}",\n' for name in sorted(names, key=_rank)) + "]\n"


def _rank(name: str) -> tuple[bool, str]:
    return (not name.isupper(), name)
