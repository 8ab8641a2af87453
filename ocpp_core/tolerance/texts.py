"""Repairs of texts that are not JSON. Strings within them are never changed.

A repair runs only for a text that is no message, on at most 65,536 characters, and takes linear time.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from ocpp_core.messages import MAX_DEPTH

__all__ = ["MAX_REPAIRED", "REPAIRS"]

MAX_REPAIRED: Final = 65_536
"""Characters of a text that is repaired; a longer one is refused as it is."""

_STRING: Final = r'"(?:[^"\\]|\\.)*+"'
# A string without an end is one part, the last: if its quotes were parts, each one would search the rest for an end.
_PART = re.compile(rf'{_STRING}|[\[\]{{}},:]|[^"\[\]{{}},:\s]++|\s++|".*+', re.DOTALL)
_WHOLE_STRING = re.compile(rf"{_STRING}\Z", re.DOTALL)
_CLOSERS: Final[Mapping[str, str]] = MappingProxyType({"[": "]", "{": "}"})


def drop_commas(text: str) -> str:
    """Remove commas that separate nothing, as in `[,1]`, `[1,,2]` and `{"a":1,}`."""
    kept: list[str] = []
    last = ""  # the last part that is not blank
    comma = -1  # its place in `kept`, if it is a comma
    for part, is_blank in _parts(text):
        if is_blank:
            kept.append(part)
            continue
        if part == "," and last in ("[", "{", ","):
            continue
        if part in "]}" and last == ",":
            kept[comma] = ""
        comma = len(kept) if part == "," else comma
        kept.append(part)
        last = part
    return "".join(kept)


def fill_values(text: str) -> str:
    """Insert `null` for a value that is missing after its name, as in `{"a":,"b":}`."""
    kept: list[str] = []
    last = ""
    for part, is_blank in _parts(text):
        if not is_blank:
            if part in ",}" and last == ":":
                kept.append("null")
            last = part
        kept.append(part)
    return "".join(kept)


def close_brackets(text: str) -> str:
    """Insert the brackets that are missing, before a bracket of another kind or at the end.

    A text that ends within a string is not changed.
    """
    kept: list[str] = []
    expected: list[str] = []
    for part, _ in _parts(text):
        if len(expected) > MAX_DEPTH or (part[0] == '"' and not _WHOLE_STRING.match(part)):
            return text
        if part in _CLOSERS:
            expected.append(_CLOSERS[part])
        elif part in "]}":
            if part not in expected:
                return text
            while expected[-1] != part:
                kept.append(expected.pop())
            expected.pop()
        kept.append(part)
    return "".join((*kept, *reversed(expected)))


def _parts(text: str) -> Iterator[tuple[str, bool]]:
    return ((match[0], match[0].isspace()) for match in _PART.finditer(text))


REPAIRS: Final[Mapping[str, Callable[[str], str]]] = MappingProxyType(
    {"drop_commas": drop_commas, "fill_values": fill_values, "close_brackets": close_brackets}
)
"""The repairs of texts by their names in a file."""
