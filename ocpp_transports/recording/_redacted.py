"""A recording without secrets: its inputs are replaced, its actions follow from them."""

from base64 import b64decode, b64encode
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from os import urandom
from typing import Any, Final

from ._frames import hidden_bytes, hidden_stream
from ._heads import hidden_header, hidden_target
from ._pseudonyms import Pseudonyms
from ._texts import hidden_text, hidden_value

__all__ = ["redacted"]


def redacted(records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the records with pseudonyms of the same length and kind in the place of secrets.

    Secrets are identities, ID tokens, passwords, keys and certificates, and the values of header fields. A secret that
    has a digit and is found in one place is replaced in every text: hence all is read twice.
    """
    redactor = _Redactor(Pseudonyms(urandom(32)))
    redactor.all(records)
    return redactor.all(records)


class _Redactor:
    def __init__(self, pseudonyms: Pseudonyms) -> None:
        self._pseudonyms = pseudonyms
        self._text = partial(hidden_text, pseudonyms=pseudonyms)
        self._target = partial(hidden_target, hide=pseudonyms.of)

    def all(self, records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Return all records without secrets."""
        made = [self._members(record) for record in records]
        streams: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for record in made:
            if record.get("in") == "BytesReceived":
                streams[record.get("attempt", 0)].append(record)
            elif record.get("in") == "BinaryReceived":
                record["data"] = _bytes(hidden_bytes(_content(record), self._text))
        for parts in streams.values():
            self._hide_stream(parts)
        return made

    def _hide_stream(self, parts: Sequence[dict[str, Any]]) -> None:
        chunks = [_content(part) for part in parts]
        for part, before, chunk in zip(parts, chunks, hidden_stream(chunks, self._text, self._target), strict=True):
            if before and not chunk:  # no bytes would mean the end of the stream
                part["in"] = "Tick"
                del part["data"]
            else:
                part["data"] = _bytes(chunk)

    def _members(self, record: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self._member(name, value) for name, value in record.items()}

    def _member(self, name: str, value: Any) -> Any:
        hide = _FIELDS.get(name)
        return self._inside(value) if hide is None else hide(self, value)

    def _inside(self, value: Any) -> Any:
        if isinstance(value, dict):
            return self._members(value)
        if isinstance(value, list):
            return [self._inside(item) for item in value]
        return value

    def _payload(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, dict) and "$json" in value:
            return {"$json": hidden_value(value["$json"], self._pseudonyms)}
        return self._inside(value)

    def _headers(self, fields: Sequence[Sequence[str]]) -> list[list[str]]:
        return [[name, hidden_header(name, value)] for name, value in fields]

    def _others(self, answers: Sequence[Sequence[Any]]) -> list[list[Any]]:
        return [[number, self._payload(answer)] for number, answer in answers]

    def _secret(self, value: Any) -> Any:
        return self._pseudonyms.of(value) if isinstance(value, str) else self._inside(value)

    def _free_text(self, value: Any) -> Any:
        return self._pseudonyms.within(value) if isinstance(value, str) else self._inside(value)

    def _error(self, value: Sequence[str]) -> list[str]:
        return [value[0], self._pseudonyms.within(value[1])]

    def _target_of(self, value: Any) -> Any:
        return self._target(value) if isinstance(value, str) else self._inside(value)


def _content(record: Mapping[str, Any]) -> bytes:
    return b64decode(record["data"]["$bytes"])


def _bytes(content: bytes) -> dict[str, str]:
    return {"$bytes": b64encode(content).decode()}


_FIELDS: Final[Mapping[str, Callable[[_Redactor, Any], Any]]] = {
    "payload": _Redactor._payload,
    "details": _Redactor._payload,
    "text": _Redactor._payload,
    "headers": _Redactor._headers,
    "target": _Redactor._target_of,
    "identity": _Redactor._secret,
    "key": _Redactor._secret,
    "body": _Redactor._secret,
    "description": _Redactor._free_text,
    "reason": _Redactor._free_text,
    "$error": _Redactor._error,
    "others": _Redactor._others,
}
