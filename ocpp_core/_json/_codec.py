"""JSON text to values and back, with the same results from the standard library and orjson.

orjson is used if it is installed. Both codecs refuse everything that RFC 8259 does not allow (NaN, Infinity, control
characters in strings, …), numbers too large to be distinguished from Infinity, and lone surrogates, escaped or not.
Both preserve integers of any size, and floats as floats (`1.0` is not `1`). If orjson refuses a text or value, or might
read it differently, the standard library decides.
"""

import json
from collections.abc import Callable, Iterable
from enum import Enum
from math import isinf
from typing import Any, Final, NamedTuple, NoReturn

from ._outline import is_deeper

try:
    import orjson
except ImportError:  # the extra `speed` is not installed
    orjson = None  # type: ignore[assignment]  # a module everywhere else

__all__ = ["FAST", "MAX_DEPTH", "STANDARD", "Codec", "default", "dumps", "loads", "loads_with_controls", "quote"]

MAX_DEPTH: Final = 128
"""Most levels of nested JSON brackets that are read; deeper text is refused, regardless of the recursion limit."""


class Codec(NamedTuple):
    """The decoder and the encoder of one implementation."""

    loads: Callable[[str], Any]
    """Decode a text. Raises ValueError for malformed JSON, RecursionError beyond `MAX_DEPTH` nested brackets."""
    dumps: Callable[[object], str]
    """Encode a value without spaces.

    Members of an Enum are written as their values and UUIDs as text. Raises TypeError for a value that JSON cannot
    express, ValueError for NaN, Infinity and lone surrogates, RecursionError for a value that is nested too deeply or
    contains itself.
    """


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")  # RFC 8259 §6: NaN and Infinity are not permitted


def _finite(digits: str) -> float:
    number = float(digits)
    if isinf(number):
        raise ValueError("a number too large to be distinguished from Infinity")  # it could not be written again
    return number


def default(value: object) -> object:
    """Return the encodable value of an Enum member or UUID, as orjson does.

    Raises TypeError for others.
    """
    if isinstance(value, Enum):
        return value.value
    if type(value).__module__ == "uuid":  # `uuid` is not imported: the engine imports no source of random numbers
        return str(value)
    raise TypeError(f"a {type(value).__name__} is not JSON serializable")


_DECODER: Final = json.JSONDecoder(parse_float=_finite, parse_constant=_refuse_constant)
_LAX_DECODER: Final = json.JSONDecoder(parse_float=_finite, parse_constant=_refuse_constant, strict=False)
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=default)
_WHITESPACE: Final = " \t\n\r"
# `JSONDecoder.decode` looks for whitespace before and after every text, which takes a quarter of the time.
_scan: Final = _DECODER.scan_once  # type: ignore[attr-defined]  # there in every version, and documented in the source
quote: Final[Callable[[str], str]] = json.encoder.encode_basestring
"""Encode a `str` as a JSON string. Raises TypeError for any other type."""


def _make_encode() -> Callable[[object, int], Iterable[str]]:
    """Return a C encoder to keep: `JSONEncoder.encode` makes one for every call.

    Making it takes half of the time of a short value. Without `markers`, a value that contains itself raises
    RecursionError, and threads share no state. The encoder returns the pieces of the text; its second argument is the
    level of indentation, always 0.
    """
    make = json.encoder.c_make_encoder  # type: ignore[attr-defined]  # None if missing, see below
    if make is None:  # an interpreter without it
        return lambda value, _: _ENCODER.iterencode(value)
    encode: Callable[[object, int], Iterable[str]]
    encode = make(None, default, quote, None, ":", ",", False, False, False)  # it takes no keywords
    return encode


_encode: Final = _make_encode()
_join: Final = "".join


def _standard_loads(text: str) -> Any:
    if not text.isascii():
        text.encode()  # raises for a lone surrogate, which is not Unicode text (RFC 8259 §8.2)
    if len(text) > MAX_DEPTH and is_deeper(text, MAX_DEPTH):
        raise RecursionError
    try:
        value, end = _scan(text, 0)
    except StopIteration:  # leading whitespace, or malformed JSON
        value, end = _DECODER.decode(text), len(text)
    if end != len(text) and text[end:].strip(_WHITESPACE):
        raise ValueError("expected the end of the text")
    if "\\" in text:
        _join(_encode(value, 0)).encode()  # raises for an escaped lone surrogate
    return value


def loads_with_controls(text: str) -> Any:
    """Decode a text as `Codec.loads` does, but allow unescaped control characters in strings."""
    text.encode()
    if len(text) > MAX_DEPTH and is_deeper(text, MAX_DEPTH):
        raise RecursionError
    value = _LAX_DECODER.decode(text)
    if "\\" in text:
        _join(_encode(value, 0)).encode()
    return value


def _standard_dumps(value: object) -> str:
    text = _join(_encode(value, 0))
    if not text.isascii():
        text.encode()
    return text


STANDARD: Final = Codec(_standard_loads, _standard_dumps)

_SHAPE: Final = bytes.maketrans(b"123456789{", b"000000000[")
_LONG_NUMBER: Final = b"0" * 19


def _fast_codec() -> Codec:
    read, write = orjson.loads, orjson.dumps
    options = orjson.OPT_PASSTHROUGH_SUBCLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS

    def fast_loads(text: str) -> Any:
        shape = text.encode().translate(_SHAPE)
        if _LONG_NUMBER in shape:  # orjson reads integers beyond 64 bits as floats
            return _standard_loads(text)
        if shape.count(b"[") > MAX_DEPTH and is_deeper(text, MAX_DEPTH):  # orjson has a limit of its own
            raise RecursionError
        try:
            return read(text)
        except ValueError:
            return _standard_loads(text)

    def fast_dumps(value: object) -> str:
        try:
            data = write(value, option=options)
        except TypeError:
            return _standard_dumps(value)
        if b"null" in data:  # orjson writes NaN and Infinity as null
            return _standard_dumps(value)
        return data.decode()

    return Codec(fast_loads, fast_dumps)


FAST: Final = None if orjson is None else _fast_codec()
"""The orjson codec; None if orjson is not installed."""

loads, dumps = STANDARD if FAST is None else FAST
