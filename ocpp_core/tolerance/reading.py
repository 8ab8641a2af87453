"""Profiles as data: read them from the tables of a TOML file, and say exactly what is wrong with one."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from typing import Any, Final, TypeVar

from ocpp_core.config import ValidationRule
from ocpp_core.messages import Leniency

from .profiles import QuirkProfile, StationMatch
from .quirks import KINDS, Quirk
from .texts import REPAIRS

__all__ = ["read_profiles"]

_Made = TypeVar("_Made", StationMatch, QuirkProfile, Quirk, ValidationRule)
_LENIENCIES: Final = tuple(each.name for each in fields(Leniency))


def read_profiles(
    text: str, *, source: str = "the profiles", repairs: Mapping[str, Callable[[str], str]] | None = None
) -> tuple[QuirkProfile, ...]:
    """Return the profiles of a text in TOML, in their order.

    Args:
        text: The text; each `[[profiles]]` is one profile, with the fields of `QuirkProfile`.
        source: The name of the file, for errors.
        repairs: Functions of your own by the names that `mend_text` may use for them.

    Raises:
        ValueError: The text is not TOML, a key is unknown, a value is not allowed or has the wrong type, or two
            profiles have one name. The message names the file, the profile and the key.
    """
    try:
        tables = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also a number of thousands of digits, and arrays nested as deep
        raise ValueError(f"{source}: expected TOML, {error}") from error
    _expect_keys(tables, ("profiles",), source)
    profiles: dict[str, QuirkProfile] = {}
    for number, table in enumerate(_tables(tables.get("profiles", []), f"{source}: profiles"), 1):
        profile = _profile(table, f"{source}: profile {table.get('name', number)!r}", repairs or {})
        if profile.name in profiles:
            raise ValueError(f"{source}: expected one profile named {profile.name!r}, got two")
        profiles[profile.name] = profile
    return tuple(profiles.values())


def _profile(table: Mapping[str, Any], where: str, repairs: Mapping[str, Callable[[str], str]]) -> QuirkProfile:
    _expect_keys(table, tuple(each.name for each in fields(QuirkProfile)), where)
    given = dict(table)
    if "match" in table:
        given["match"] = _made(StationMatch, _table(table["match"], f"{where}: match"), f"{where}: match")
    if "quirks" in table:
        quirks = _tables(table["quirks"], f"{where}: quirks")
        given["quirks"] = tuple(_quirk(each, f"{where}: quirk {number}") for number, each in enumerate(quirks, 1))
    if "validation" in table:
        rules = _tables(table["validation"], f"{where}: validation")
        given["validation"] = tuple(_made(ValidationRule, each, f"{where}: validation") for each in rules)
    if "leniency" in table:
        given["leniency"] = _leniency(table["leniency"], where)
    if "mend_text" in table:
        given["mend_text"] = _repairs(table["mend_text"], where, repairs)
    return _made(QuirkProfile, given, where)


def _quirk(table: Mapping[str, Any], where: str) -> Quirk:
    kind = table.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise ValueError(f"{where}: expected kind as one of {', '.join(KINDS)}, got {kind!r}")
    return _made(KINDS[kind], {name: value for name, value in table.items() if name != "kind"}, f"{where} ({kind})")


def _leniency(names: object, where: str) -> Leniency:
    for name in _texts(names, f"{where}: leniency"):
        if name not in _LENIENCIES:
            raise ValueError(f"{where}: expected leniency as some of {', '.join(_LENIENCIES)}, got {name!r}")
    return Leniency(**dict.fromkeys(_texts(names, where), True))


def _repairs(names: object, where: str, own: Mapping[str, Callable[[str], str]]) -> tuple[Any, ...]:
    for name in _texts(names, f"{where}: mend_text"):
        if name not in own and name not in REPAIRS:
            expected = ", ".join((*REPAIRS, *own))
            raise ValueError(f"{where}: expected mend_text as some of {expected}, got {name!r}")
    return tuple(own.get(name, name) for name in _texts(names, where))


def _made(cls: type[_Made], given: Mapping[str, Any], where: str) -> _Made:
    """Return an object of a dataclass made of a table; its errors become ValueErrors that name the place."""
    known = [each for each in fields(cls) if each.init]
    _expect_keys(given, tuple(each.name for each in known), where)
    for each in known:
        if each.default is MISSING and each.default_factory is MISSING and each.name not in given:
            raise ValueError(f"{where}: expected {each.name}")
    try:
        return cls(**given)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where}: {error}") from error


def _expect_keys(table: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for key in table:
        if key not in known:
            raise ValueError(f"{where}: unknown key {key!r}, expected one of {', '.join(known)}")


def _table(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{where}: expected a table, got {value!r}")
    return value


def _tables(value: object, where: str) -> list[Mapping[str, Any]]:
    if not isinstance(value, list):
        raise ValueError(f"{where}: expected an array of tables, got {value!r}")
    return [_table(each, where) for each in value]


def _texts(value: object, where: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError(f"{where}: expected a list of texts, got {value!r}")
    return value
