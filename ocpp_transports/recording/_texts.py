"""Messages without their secrets: every secret value is replaced where it is, and nothing moves."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from ocpp_transports._logging._redaction import (
    REDACTED,
    SETTING_FIELDS,
    VALUE_FIELDS,
    is_secret_field,
    is_secret_setting,
    redact,
)

from ._pseudonyms import Pseudonyms

__all__ = ["hidden_text", "hidden_value"]

_TOKEN: Final = re.compile(r'"((?:[^"\\]|\\.)*)("?)(\s*:)?|-?\d[\d.eE+-]*', re.DOTALL)
"""A string, perhaps cut off, and if a colon follows it the name of a member; or a number."""


def hidden_text(text: str, pseudonyms: Pseudonyms) -> str:
    """Return a message with pseudonyms in the place of secrets, as long as before. It need not be valid JSON.

    The first two texts of an OCPP-J message, its ID and its action or error code, stay.
    """
    return _Hiding(text, pseudonyms).hidden()


class _Hiding:
    """The replacement of the secrets of one message."""

    def __init__(self, text: str, pseudonyms: Pseudonyms) -> None:
        self._text = text
        self._pseudonyms = pseudonyms
        self._secrets = _secrets_of(text)
        self._names = _Names(text)
        self._name = ""
        self._head = text.find("{") if text.lstrip().startswith("[") else 0
        self._left = 2

    def hidden(self) -> str:
        return _TOKEN.sub(self._hide, self._text)

    def _hide(self, token: re.Match[str]) -> str:
        inside, end, colon = token[1], token[2], token[3]
        if token.start() < self._head and self._left:
            self._left -= inside is not None
            return token[0]
        if colon:
            self._name = inside
            return token[0]
        if (token[0] if inside is None else _decoded(inside)) in self._secrets or self._names.is_secret(self._name):
            return self._replaced(token[0], inside, end)
        return token[0] if inside is None else f'"{self._pseudonyms.within(inside)}{end}'

    def _replaced(self, whole: str, inside: str | None, end: str) -> str:
        return self._pseudonyms.of_number(whole) if inside is None else f'"{self._pseudonyms.of_json(inside)}{end}'


def hidden_value(value: Any, pseudonyms: Pseudonyms) -> Any:
    """Return a payload with pseudonyms in the place of secrets."""
    return json.loads(hidden_text(json.dumps(value, ensure_ascii=False), pseudonyms))


class _Names:
    """Which members of a message are secret by their names alone, wherever they are."""

    def __init__(self, text: str) -> None:
        settings = re.finditer(r'"([^"\\]{1,60})"\s*:\s*"([^"\\]{0,100})', text)
        self._has_setting = any(each[1].lower() in SETTING_FIELDS and is_secret_setting(each[2]) for each in settings)

    def is_secret(self, name: str) -> bool:
        """Return True for the name of a secret, and for that of a value beside the name of a secret setting."""
        low = name.lower()
        return is_secret_field(low) or (self._has_setting and low in VALUE_FIELDS)


def _secrets_of(text: str) -> frozenset[str]:
    """Return the values that a log would not show. The text of a number is found as it is written."""
    try:
        content = json.loads(text, parse_int=_Number, parse_float=_Number)
        return frozenset(_differing(content, redact(content)))
    except (ValueError, RecursionError):  # no JSON, or nested too deep: the names alone decide
        return frozenset()


class _Number(str):
    """A number, as it is written."""

    __slots__ = ()


def _differing(value: Any, shown: Any) -> Iterator[str]:
    """Find the texts and numbers of `value` that `shown` does not show."""
    if isinstance(value, str):
        if value != shown:
            yield str(value)
    elif isinstance(value, Mapping):
        for (name, item), (seen, known) in zip(value.items(), _members(shown, value), strict=False):
            yield from _differing(item, known)
            if name != seen:
                yield str(name)
    elif isinstance(value, list):
        known_items = shown if isinstance(shown, list) else [REDACTED] * len(value)
        for item, known in zip(value, known_items, strict=False):
            yield from _differing(item, known)


def _members(shown: Any, value: Mapping[str, Any]) -> list[tuple[str, Any]]:
    if isinstance(shown, Mapping) and len(shown) == len(value):
        return list(shown.items())
    return [(name, REDACTED) for name in value]


def _decoded(inside: str) -> str:
    try:
        decoded: str = json.loads(f'"{inside}"', strict=False)
    except ValueError:  # cut off, or a wrong escape
        return inside
    return decoded
