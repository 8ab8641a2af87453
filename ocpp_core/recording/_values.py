"""The values of a recording as JSON: inputs, settings, errors, and the names of what is code.

A JSON object with one member whose name begins with `$` stands for something that JSON has not. Payloads of messages
are kept apart (`$json`), so that none is taken for such an object.
"""

import builtins
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, replace
from enum import Enum
from math import isfinite
from typing import Any, Final

from ocpp_core import errors
from ocpp_core.errors import ConnectionFailedError
from ocpp_core.tolerance.profiles import QuirkProfile, StationFacts, StationMatch
from ocpp_core.tolerance.station import QuirkBook, StationQuirks
from ocpp_core.versions import Version

from ._names import BUNDLED_VERSIONS, CLASSES, ENUMS

__all__ = ["RecordedSettings", "ReplayedSettings"]

_PAYLOADS: Final = frozenset({"payload", "details"})
"""The fields of inputs that hold JSON of the application or of the peer."""
_PAYLOAD: Final = "$json"
_OMITTED: Final = frozenset({"meter"})
"""The fields of settings that count only, and change no action."""
_PLAIN: Final = (str, int, bool, type(None))
_BUCKET: Final = "shared"


class RecordedSettings:
    """Writes values as JSON. It knows the objects that are code: `code` has them by their names."""

    def __init__(self) -> None:
        self.code: dict[str, Any] = {}
        """The functions, validators and policies that were written by name only."""
        self._quirks: dict[int, tuple[int, StationQuirks]] = {}
        self._fields: dict[type[Any], list[Field[Any]]] = {}

    def dump(self, value: Any) -> Any:
        """Return a value as JSON has it."""
        if isinstance(value, Enum):
            return {"$enum": [type(value).__name__, value.value]} if type(value).__name__ in ENUMS else value.value
        if isinstance(value, _PLAIN):
            return value
        if isinstance(value, float):
            return value if isfinite(value) else {"$float": str(value)}
        if isinstance(value, bytes):
            return {"$bytes": b64encode(value).decode()}
        if isinstance(value, Exception):
            return {"$error": [type(value).__name__, str(value)]}
        return self._dump_whole(value)

    def _dump_whole(self, value: Any) -> Any:
        if isinstance(value, (set, frozenset)):
            return {"$set": sorted(map(self.dump, value))}
        if isinstance(value, (list, tuple)):
            return [self.dump(item) for item in value]
        if isinstance(value, Mapping):
            return {"$map": [[self.dump(name), self.dump(item)] for name, item in value.items()]}
        if isinstance(value, StationQuirks):
            return self._dump_quirks(value)
        if isinstance(value, Version) and BUNDLED_VERSIONS.get(value.name) == value:
            return {"$version": value.name}
        kind = type(value)
        if CLASSES.get(kind.__name__) is kind:
            record: dict[str, Any] = {"$is": kind.__name__}
            self.add_fields(record, value)
            return record
        return self._name(value)

    def add_fields(self, record: dict[str, Any], value: Any) -> None:
        """Add the fields of a dataclass that differ from their defaults."""
        kind = type(value)
        names = self._fields.get(kind)
        if names is None:
            names = self._fields[kind] = [each for each in fields(kind) if each.init and each.name not in _OMITTED]
        for each in names:
            name = each.name
            item = getattr(value, name)
            if _is_default(each, item):
                continue
            if type(item) is str or type(item) is int:
                record[name] = item
            elif name in _PAYLOADS:
                record[name] = {_PAYLOAD: item}
            elif name == _BUCKET:
                record[name] = {"$bucket": True}
            else:
                record[name] = self.dump(item)

    def _dump_quirks(self, quirks: StationQuirks) -> Any:
        """Write the profiles of a connection once, then what is known about the station.

        Its identity and path do not change: they are left out, with the profiles that do not match them.
        """
        facts: dict[str, Any] = {}
        self.add_fields(facts, replace(quirks.facts, identity="", path=""))
        known = self._quirks.get(id(quirks))
        if known is not None:
            return {"$quirks": [known[0], facts]}
        number = len(self._quirks)
        self._quirks[id(quirks)] = number, quirks  # kept, so that no other object gets its id
        profiles = filter(None, (_of_station(each, quirks.facts) for each in quirks._book.profiles))
        return {"$quirks": [number, facts, [self.dump(each) for each in profiles]]}

    def _name(self, value: Any) -> Any:
        """Write code by its name. The validator of a subprotocol is named after it."""
        protocol = getattr(value, "protocol", None)
        if isinstance(protocol, str):
            name = f"validator {protocol}"
        else:
            owner = value if hasattr(value, "__qualname__") else type(value)
            name = f"{getattr(owner, '__module__', None) or 'builtins'}.{owner.__qualname__}"
        self.code[name] = value
        return {"$code": name}


def _of_station(profile: QuirkProfile, facts: StationFacts) -> QuirkProfile | None:
    """Return the profile without its conditions on identity and path; None if they are not met."""
    match = profile.match
    if not StationMatch(identity=match.identity, path=match.path).covers(facts):
        return None
    return replace(profile, match=replace(match, identity=None, path=None))


def _is_default(each: Field[Any], item: Any) -> bool:
    if each.default is not MISSING:
        return type(item) is type(each.default) and bool(item == each.default)
    return each.default_factory is not MISSING and bool(item == each.default_factory())


def without_payloads(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record in which a value that the engine refuses stands for each payload that is no JSON."""
    return {
        name: {"$unwritable": type(item[_PAYLOAD]).__name__} if isinstance(item, dict) and _PAYLOAD in item else item
        for name, item in record.items()
    }


class ReplayedSettings:
    """Reads values that `RecordedSettings` wrote.

    Args:
        code: The functions, validators and policies that are recorded by name only.
        bucket: The token bucket that stands for one that connections shared.
    """

    def __init__(self, code: Mapping[str, Any], bucket: object) -> None:
        self._code = code
        self._bucket = bucket
        self._quirks: dict[int, StationQuirks] = {}

    def load(self, value: Any) -> Any:
        """Return the value. Raises ValueError for one that is unknown, or whose code is missing."""
        if isinstance(value, list):
            return tuple(self.load(item) for item in value)
        if not isinstance(value, dict):
            return value
        kind = next(iter(value), "")
        if kind == "$is":
            cls = CLASSES.get(value["$is"])
            if cls is None:
                raise ValueError(f"expected the name of a setting or an input, got {value['$is']!r}")
            return self.make(cls, value)
        read = _READ.get(kind)
        if read is None:
            raise ValueError(f"expected a value of a recording, got an object with {kind!r}")
        return read(self, value[kind])

    def make(self, cls: type[Any], members: Mapping[str, Any]) -> Any:
        """Return the dataclass with these fields; members that are none of its fields are ignored."""
        names = {each.name for each in fields(cls)}
        return cls(**{name: self.load(item) for name, item in members.items() if name in names})

    def _quirks_of(self, content: list[Any]) -> StationQuirks:
        number, facts = content[0], self.make(StationFacts, content[1])
        if number not in self._quirks:
            self._quirks[number] = StationQuirks(QuirkBook(self.load(content[2])), facts)
        quirks = self._quirks[number]
        quirks.facts, quirks.matched = facts, quirks._book.matching(facts)
        return quirks

    def _code_of(self, name: str) -> Any:
        if name in self._code:
            return self._code[name]
        if name.startswith("validator "):
            from ocpp_core.validation import load_validator  # loaded only when used

            try:
                return load_validator(name.removeprefix("validator "))
            except ValueError:
                pass
        raise ValueError(f"expected the object {name!r} that the recording names, got none; pass it in code={{...}}")


def _error(content: list[str]) -> Exception:
    """Return an error of the same name; of the same class if it is one of this package or of Python."""
    name, text = content
    known = getattr(errors, name, None) or getattr(builtins, name, None)
    is_error = isinstance(known, type) and issubclass(known, Exception)
    cls: Any = known if is_error else type(name, (ConnectionFailedError,), {})
    error: Exception = cls.__new__(cls)
    error.args = (text,)
    return error


_READ: Final[Mapping[str, Callable[[ReplayedSettings, Any], Any]]] = {
    "$bytes": lambda _, content: b64decode(content),
    "$float": lambda _, content: float(content),
    "$error": lambda _, content: _error(content),
    "$set": lambda reader, content: frozenset(map(reader.load, content)),
    "$map": lambda reader, content: {reader.load(name): reader.load(item) for name, item in content},
    "$enum": lambda _, content: ENUMS[content[0]](content[1]),
    "$version": lambda _, content: BUNDLED_VERSIONS[content],
    "$json": lambda _, content: content,
    "$unwritable": lambda _, __: {"": object()},
    "$bucket": lambda reader, _: reader._bucket,
    "$quirks": ReplayedSettings._quirks_of,
    "$code": ReplayedSettings._code_of,
}
