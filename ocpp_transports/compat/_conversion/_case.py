"""The conversion of names between camelCase and snake_case, and the public functions for whole payloads.

The functions convert every key of every dict as the programs of this interface expect it, also where the result is not
the name of a schema: `association_id` becomes `asSoCiationId`. Messages use the tables of `_names` instead and come
here only for names that no schema has.
"""

import re
from collections.abc import Callable
from dataclasses import asdict
from functools import lru_cache
from typing import Any, Final

__all__ = [
    "camel_name",
    "camel_to_snake_case",
    "remove_nones",
    "serialize_as_dict",
    "snake_name",
    "snake_to_camel_case",
]

_LONGEST_KEPT: Final = 64
"""Characters of a name whose conversion is kept; the peer chooses unknown names, so their length must be bounded."""
_WORD: Final = re.compile(r"(.)([A-Z][a-z]+)")
_CAPITAL: Final = re.compile(r"([a-z0-9])([A-Z])(?=\S)")
# Beside `ocppCsmsUrl`, CSMS, URL, SoC, V2X and V2G are written in capitals, wherever they stand.
_CAPITALS: Final = (
    ("soc", "SoC"),
    ("_v2x", "V2X"),
    ("ocpp_csms_url", "ocppCsmsUrl"),
    ("csms", "CSMS"),
    ("_url", "URL"),
    ("_SoCket", "Socket"),
    ("_v2g", "V2G"),
)


def snake_name(key: str) -> str:
    """Return a camelCase name in snake_case."""
    return _kept_snake(key) if len(key) <= _LONGEST_KEPT else _snake(key)


def camel_name(key: str) -> str:
    """Return a snake_case name in camelCase."""
    return _kept_camel(key) if len(key) <= _LONGEST_KEPT else _camel(key)


def _snake(key: str) -> str:
    key = key.replace("ocppCSMSURL", "ocpp_csms_url").replace("V2X", "_v2x").replace("V2G", "_v2g")
    return _CAPITAL.sub(r"\1_\2", _WORD.sub(r"\1_\2", key)).lower()


def _camel(key: str) -> str:
    for small, capital in _CAPITALS:
        key = key.replace(small, capital)
    first, *others = key.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in others)


_kept_snake: Final = lru_cache(maxsize=2048)(_snake)
_kept_camel: Final = lru_cache(maxsize=2048)(_camel)


def camel_to_snake_case(data: Any) -> Any:
    """Return a copy with all keys of all dicts in snake_case, at any depth."""
    return _renamed(data, snake_name)


def snake_to_camel_case(data: Any) -> Any:
    """Return a copy with all keys of all dicts in camelCase, at any depth."""
    return _renamed(data, camel_name)


def _renamed(data: Any, name: Callable[[str], str]) -> Any:
    if isinstance(data, dict):
        return {name(key): _renamed(value, name) for key, value in data.items()}
    if isinstance(data, list):
        return [_renamed(value, name) for value in data]
    return data


def remove_nones(data: Any) -> Any:
    """Return a copy of dicts and lists without the values that are None, at any depth."""
    if isinstance(data, dict):
        return {key: remove_nones(value) for key, value in data.items() if value is not None}
    if isinstance(data, list):
        return [remove_nones(value) for value in data if value is not None]
    return data


def serialize_as_dict(dataclass: Any) -> dict[str, Any]:
    """Return a dataclass, and those in its fields at any depth, as dicts with the names of the fields.

    Raises TypeError for anything else than an instance of a dataclass.
    """
    serialized: dict[str, Any] = asdict(dataclass)
    return serialized
