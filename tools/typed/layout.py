"""Lays out generated code as the formatter would."""

from collections.abc import Iterable, Sequence
from typing import Final

__all__ = ["WIDTH", "bracketed", "docstring", "exported", "wrapped"]

WIDTH: Final = 120


def bracketed(before: str, parts: Sequence[str], after: str, indent: str = "") -> str:
    """Return parts between brackets, one a line if they do not fit in one."""
    line = f"{indent}{before}{', '.join(parts)}{after}"
    if len(line) <= WIDTH:
        return line
    return "\n".join((f"{indent}{before}", *(f"{indent}    {part}," for part in parts), f"{indent}{after}"))


def docstring(text: str, indent: str = "    ") -> str:
    """Return a docstring whose first sentence is a line if the text does not fit."""
    if len(indent) + len(text) + 6 <= WIDTH:
        return f'{indent}"""{text}"""'
    first, rest = text.split(". ", 1)
    return "\n".join((f'{indent}"""{first}.', "", *wrapped(rest, indent), f'{indent}"""'))


def wrapped(text: str, indent: str) -> Iterable[str]:
    """Yield a text in lines of the page's width."""
    line = indent
    for word in text.split():
        if len(line) + 1 + len(word) > WIDTH and line != indent:
            yield line
            line = indent
        line += word if line == indent else f" {word}"
    yield line


def exported(names: Iterable[str]) -> str:
    """Return the `__all__` of these names, in the order of the linter."""
    return "__all__ = [\n" + "".join(f'    "{name}",\n' for name in sorted(names, key=_rank)) + "]\n"


def _rank(name: str) -> tuple[bool, str]:
    return (not name.isupper(), name)
