"""JSON texts and values: the standard library beside orjson."""

import json
import math
from collections.abc import Callable
from typing import Any, Final

from ocpp_core._json import FAST, MAX_DEPTH, STANDARD, has_more_elements, is_deeper
from tests.broken_frames import CORPUS
from tests.fuzz.choices import JSON_EDGES, Choices, changed
from tests.fuzz.target import Target

__all__ = ["TARGETS"]

_PIECES: Final = (
    *("[", "]", "{", "}", ",", ":", '"', "\\", "\\u", "\\ud800", "\\udc00", "\\u0000", "null", "true", "false", "NaN"),
    *("-", "+", ".", "e", "E5", "0", "1", "9" * 18, "9" * 19, "1e400", "-Infinity", " ", "\t\n\r", "\x00", "\x1f"),
    *("\x7f", "\ufeff", "\ud800", "\udfff", "é", "\u2028", "\U0001f50c", '"a":', "/", "'", "\x0b", "\u0661", "["),
)


def _outcome(function: Callable[[Any], Any], value: Any) -> Any:
    """Return the result, or the class of the error that callers distinguish."""
    try:
        return function(value)
    except RecursionError:
        return RecursionError
    except TypeError:
        return TypeError
    except ValueError:
        return ValueError


def _same(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, float):
        return one == other and math.copysign(1, one) == math.copysign(1, other)
    return bool(one == other)


def _text(choices: Choices) -> str:
    if choices.flag():
        return choices.rest().decode(errors="surrogateescape")
    text = ""
    while choices.left:
        piece = choices.pick(_PIECES)
        text += piece * (1 + choices.number(255) if choices.byte() > 240 else 1)
    return text


def read_twice(data: bytes) -> None:
    """Both codecs read the same value, or refuse alike; the outline never takes a deep or large text for another."""
    assert FAST is not None
    text = _text(Choices(data))
    one, other = _outcome(STANDARD.loads, text), _outcome(FAST.loads, text)
    assert _same(one, other)
    if isinstance(one, type):
        return
    assert is_deeper(text, MAX_DEPTH) is False
    assert has_more_elements(text, _elements(one) - 1)
    assert _same(_outcome(STANDARD.loads, STANDARD.dumps(one)), one)


def _elements(value: Any) -> int:
    if isinstance(value, dict | list):
        items = value.values() if isinstance(value, dict) else value
        return max(1, len(value)) + sum(map(_elements, items))
    return 0


def write_twice(data: bytes) -> None:
    """Both codecs write texts of the same value, or refuse alike."""
    assert FAST is not None
    choices = Choices(data)
    value: Any = choices.pick(JSON_EDGES)
    while choices.left:
        action = choices.byte() % 5
        if action == 0:
            value = [value, choices.pick(JSON_EDGES)]
        elif action == 1:
            value = {choices.some().decode(errors="surrogateescape"): value, "b": choices.pick(_ODD)}
        elif action == 2:
            value = choices.pick(_ODD)
        elif action == 3:
            value = (value, float(choices.number(1 << 30)) / (1 + choices.number(1000)))
        else:
            value = changed(choices, value)
    one, other = (_outcome(codec.dumps, value) for codec in (STANDARD, FAST))
    if isinstance(one, str):
        assert isinstance(other, str)
        one, other = json.loads(one), json.loads(other)
    assert _same(one, other)


_ODD: Final = (math.nan, math.inf, 1e16, -0.0, 2**63, -(2**64), "\ud800", {1: 2}, {None: 1}, b"bytes", "null", 1e-7)
_NUMBERS: Final = (
    *("9" * 19, "9" * 20, "-" + "9" * 24, "1" * 400, "18446744073709551616", "9223372036854775808", "1e400", "-1e-400"),
    *("-0", "-0.0", "01", "+1", ".5", "1.", "1E+05", "1_0", "0x1", "\u0661", "NaN", "[0.1,12345678901234567890.5]"),
)
_TEXTS: Final = [b"\x01" + text.encode(errors="surrogateescape") for text in (*CORPUS, *_NUMBERS)]

TARGETS: Final = (
    {}
    if FAST is None
    else {
        "json-reading": Target(read_twice, [*_TEXTS, bytes(range(256)), b"\x00\x00\xf8\x7f\x01\xf8\x7f"]),
        "json-writing": Target(write_twice, [bytes([at, *range(40)]) for at in range(len(JSON_EDGES))]),
    }
)
