"""The transcript of a history: what went into an engine, and everything that came out of it, line by line."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from hashlib import blake2b
from typing import Any, Final

__all__ = ["Transcript", "described", "described_error"]

_LITERALS: Final = frozenset({bool, int, float, str, bytes, type(None)})
_OURS: Final = ("expected ", "cannot ")
"""How the texts of this library begin that refuse an argument or a command."""
_WORDLESS: Final = (TypeError, AttributeError)
"""What the interpreter raises with its own words, which differ between its versions, too."""
_NO_INPUT: Final = "Expected code to be unreachable"
"""How `assert_never` refuses an input of another engine; compiled code may refuse it with TypeError before."""
_MOST_SHOWN: Final = 300
"""Characters of a value; what is longer is cut, and its length and hash follow."""


class Transcript:
    """The lines of one history.

    Args:
        keeps: True to keep the lines, also those of inputs, which every installation gets alike.
    """

    def __init__(self, *, keeps: bool = False) -> None:
        self.keeps: bool = keeps
        self.lines: list[str] = []
        self.has_reprs: bool = False
        """True to write `repr` of each value besides its fields."""
        self._sum = blake2b(digest_size=8)

    @property
    def digest(self) -> str:
        """The hash of all lines but those of inputs."""
        return self._sum.hexdigest()

    def note(self, line: str) -> None:
        """Write a line."""
        self._sum.update(line.encode(errors="surrogatepass"))
        if self.keeps:
            self.lines.append(line)

    def did(self, what: str, value: object) -> None:
        """Write what came out, and under which name."""
        self.note(f"  {what} {described(value)}")
        if self.has_reprs:
            self.note(f"  {value!r}")

    def failed(self, what: str, error: BaseException) -> None:
        """Write an exception."""
        self.note(f"  {what} raised {described_error(error)}")

    def given(self, now: float, event: object) -> None:
        """Write an input, for a reader only."""
        if self.keeps:
            self.lines.append(f"{now:.15g} {_cut(described(event))}")


def described(value: object) -> str:
    """Return a value with its type and all its fields, as the same text in every installation."""
    kind: Any = type(value)
    if kind in _LITERALS:
        return repr(value)
    if isinstance(value, BaseException):
        return described_error(value)
    if isinstance(value, Enum):
        return f"{kind.__name__}.{value.name}"
    if isinstance(value, Mapping):
        members = [f"{described(key)}: {described(item)}" for key, item in value.items()]
        return f"{_prefix(kind, dict)}{{{', '.join(members)}}}"
    if isinstance(value, list | tuple):
        return f"{_prefix(kind, list)}[{', '.join(map(described, value))}]"
    if (names := _names_of(kind)) is not None:
        return f"{kind.__name__}({', '.join([f'{name}={described(getattr(value, name))}' for name in names])})"
    return f"{kind.__name__}({value!s})" if isinstance(value, int | float | str | bytes) else kind.__name__


def _prefix(kind: type[object], usual: type[object]) -> str:
    return "" if kind is usual else kind.__name__


@cache
def _names_of(kind: Any) -> tuple[str, ...] | None:
    """Return the names of the fields of a class; None if it has none that others may read, or is a setting."""
    if kind.__name__.endswith(("Config", "Version", "Validator")):
        return None
    if is_dataclass(kind):
        return tuple(each.name for each in fields(kind))
    names: tuple[str, ...] | None = getattr(kind, "__match_args__", None)
    return names


def described_error(error: BaseException) -> str:
    """Return an exception with its type, text and fields, without a text that only the interpreter has chosen.

    The exceptions that a traceback shows before it are left out: compiled code ignores `from`, and where a faster
    package refuses a value first, there is one more.
    """
    text = str(error)
    if type(error) is AssertionError and text.startswith(_NO_INPUT):
        return "TypeError(…)"
    is_ours = type(error) not in _WORDLESS or text.startswith(_OURS)
    own = {name: value for name, value in sorted(_fields_of(error).items()) if value is not None}
    return f"{type(error).__name__}({text if is_ours else '…'}){described(own) if own else ''}"


def _fields_of(error: BaseException) -> Mapping[str, object]:
    return vars(error) if hasattr(error, "__dict__") else {}


def _cut(text: str) -> str:
    if len(text) <= _MOST_SHOWN:
        return text
    digest = blake2b(text.encode(errors="surrogatepass"), digest_size=4).hexdigest()
    return f"{text[:_MOST_SHOWN]}… ({len(text)} characters, {digest})"
