"""Structured input: the bytes that a fuzzer mutates, read as a series of choices."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, TypeVar

__all__ = ["JSON_EDGES", "Choices", "changed", "some"]

T = TypeVar("T")


class Choices:
    """A reader of bytes that never ends early: beyond the last byte, everything is zero or empty."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        """Bytes that are not read."""
        return max(0, len(self._data) - self._at)

    def byte(self) -> int:
        """Return the next byte."""
        at, self._at = self._at, self._at + 1
        return self._data[at] if at < len(self._data) else 0

    def flag(self) -> bool:
        """Return True for an odd byte."""
        return bool(self.byte() & 1)

    def number(self, most: int) -> int:
        """Return a number of 0 to `most`."""
        value, width = 0, 1
        while width <= most:
            value, width = value << 8 | self.byte(), width << 8
        return value % (most + 1)

    def pick(self, options: Sequence[T]) -> T:
        """Return one of the options."""
        return options[self.number(len(options) - 1)]

    def take(self, size: int) -> bytes:
        """Return at most `size` bytes."""
        at, self._at = self._at, self._at + size
        return self._data[at : at + size]

    def some(self) -> bytes:
        """Return up to 65,535 bytes, as many as their length says."""
        size = self.byte()
        return self.take(size if size < 255 else self.number(65535))

    def rest(self) -> bytes:
        """Return everything that is left."""
        return self.take(self.left)

    def pieces(self, data: bytes) -> list[bytes]:
        """Cut bytes into at most nine pieces."""
        cuts = sorted({0, len(data), *(self.number(len(data)) for _ in range(self.number(8)))})
        return [data[start:end] for start, end in pairwise(cuts)]


def some(data: bytes) -> bytes:
    """Return the bytes that `Choices.some` reads as `data`."""
    size = len(data)
    return (bytes([size]) if size < 255 else b"\xff" + size.to_bytes(2, "big")) + data


JSON_EDGES: Sequence[Any] = (
    None,
    True,
    False,
    0,
    -1,
    1.0,
    1.5,
    -0.0,
    1e308,
    5e-324,
    2**31,
    2**53 + 1,
    2**64,
    -(10**40),
    "",
    "x",
    "Accepted",
    "é\u2028\x7f",
    "\x00\x1f",
    "x" * 51,
    "2026-03-01T12:00:00Z",
    "2026-03-01T12:00:00+02",
    "2026-02-30T25:61:61.123456789Z",
    "https://example.com/a?b=c",
    "\U0001f50c" * 20,
    [],
    {},
    [[]],
    [{}],
    {"vendorId": "x"},
    {"": None},
)
"""Values at the edges of what JSON and schemas allow."""


def changed(choices: Choices, value: Any) -> Any:
    """Return a JSON value with some of its parts replaced, removed, doubled or moved."""
    for _ in range(choices.number(3)):
        value = _changed_once(choices, value)
    return value


def _changed_once(choices: Choices, value: Any) -> Any:
    if isinstance(value, dict) and value and choices.byte() % 4:
        return _changed_member(choices, value)
    if isinstance(value, list) and value and choices.byte() % 4:
        at = choices.number(len(value) - 1)
        part, times = _changed_once(choices, value[at]), choices.pick((1, 1, 0, 2))
        return [*value[:at], *[part] * (min(times, 1) if _has_parts(part) else times), *value[at + 1 :]]
    if isinstance(value, str) and choices.flag():
        at = choices.number(len(value))
        return value[:at] + choices.some().decode(errors="replace") + value[at + choices.number(3) :]
    if isinstance(value, int | float) and choices.flag():
        return choices.pick((-value, value + 1, value * 10, float(value), value / 2 if abs(value) < 1e300 else 0))
    return choices.pick(JSON_EDGES)


def _changed_member(choices: Choices, value: dict[str, Any]) -> dict[str, Any]:
    name = choices.pick(list(value))
    action = choices.byte() % 8
    if action == 0:
        return {key: item for key, item in value.items() if key != name}
    if action == 1:
        other = choices.pick(("", "x", "customData", f"{name}s", f"{name}".upper()))
        return {other: choices.pick(JSON_EDGES) if _has_parts(value[name]) else value[name], **value}
    return {**value, name: _changed_once(choices, value[name])}


def _has_parts(value: Any) -> bool:
    """Return True for what is never doubled: on each level again, it would grow with a power of two."""
    return isinstance(value, list | dict)
