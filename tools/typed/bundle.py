"""Reads a schema bundle as named enumerations, structures and messages."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, Final, TypeAlias

from ocpp_core.action_names import SENDERS, Sender
from tools.build_schemas import canonical
from tools.typed.facts import NAMES, SECRETS, UNITS, VERSIONS, VersionFacts, stated

__all__ = ["CUSTOM_DATA", "Enumeration", "Member", "MessageType", "Structure", "Version", "read_version"]

Schema: TypeAlias = dict[str, Any]

SCHEMAS: Final = Path(__file__).resolve().parents[2] / "schemas"
CUSTOM_DATA: Final = "CustomDataType"
"""The one type of 2.x that is open: it has the members of vendors."""
SCALARS: Final = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}
HIDEABLE: Final = {*SCALARS.values(), "Any", CUSTOM_DATA}
"""Types whose values a model can hide; an object hides its own members."""
FORMATS: Final = {"date-time": "Date and time (RFC 3339).", "uri": "URI."}


@dataclass(frozen=True, slots=True)
class Member:
    """A property of an object."""

    name: str
    """Its name on the wire."""
    element: str
    """Its type or that of its items: `str`, `Any`, an enumeration or a structure."""
    is_list: bool
    required: bool
    secret: bool
    """True if its value may be a credential or personal."""
    doc: str
    """Its limits, format, unit and default, in sentences; may be empty."""

    @property
    def kind(self) -> str:
        """Its type as an annotation, if it is present."""
        return f"list[{self.element}]" if self.is_list else self.element


@dataclass(frozen=True, slots=True)
class Enumeration:
    """A string of which the schema lists the values."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Structure:
    """An object of which the schema lists the properties."""

    name: str
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class MessageType:
    """An action with the structures of its payloads."""

    action: str
    sender: Sender
    request: Structure
    response: Structure | None
    """None for a SEND."""


@dataclass
class Version:
    """All types of an OCPP version."""

    protocol: str
    enumerations: dict[str, Enumeration] = field(default_factory=dict)
    data_types: dict[str, Structure] = field(default_factory=dict)
    messages: list[MessageType] = field(default_factory=list)
    has_custom_data: bool = False

    @property
    def facts(self) -> VersionFacts:
        """The package of this version."""
        return VERSIONS[self.protocol]

    @cached_property
    def ordered(self) -> list[Structure]:
        """The data types, each after those that it has.

        Raises CycleError if a type has itself.
        """
        names = self.data_types.keys()
        graph = {
            name: sorted({member.element for member in self.data_types[name].members} & names) for name in sorted(names)
        }
        return [self.data_types[name] for name in TopologicalSorter(graph).static_order()]

    def structures(self) -> Iterator[Structure]:
        """Yield every structure: the data types, then the payloads."""
        yield from self.ordered
        for message in self.messages:
            yield message.request
            if message.response is not None:
                yield message.response


def read_version(protocol: str) -> Version:
    """Return the types of a bundle."""
    return Reader(json.loads((SCHEMAS / f"{protocol}.json").read_text(encoding="utf-8"))).version


class Reader:
    """Names the types of a bundle.

    Raises ValueError if unequal types would have one name.
    """

    def __init__(self, bundle: Schema) -> None:
        self.version = Version(bundle["protocol"])
        self._schemas: dict[str, Any] = {}
        for name, schema in bundle["definitions"].items():
            if name == CUSTOM_DATA:
                self.version.has_custom_data = True
            else:
                self._define(name, schema)
        for action, kinds in bundle["actions"].items():
            self.version.messages.append(self._message(action, kinds))

    def _message(self, action: str, kinds: Schema) -> MessageType:
        request = self._structure(f"{action}Request", kinds["send"] if "send" in kinds else kinds["call"])
        response = self._structure(f"{action}Response", kinds["result"]) if "result" in kinds else None
        return MessageType(action, SENDERS[self.version.protocol][action], request, response)

    def _define(self, name: str, schema: Schema) -> str:
        known = self._schemas.setdefault(name, canonical(schema))
        if known != canonical(schema):
            raise ValueError(f"expected one type called {name} in {self.version.protocol}, got two different ones")
        if "enum" in schema:
            self.version.enumerations[name] = Enumeration(name, tuple(schema["enum"]))
        else:
            self.version.data_types[name] = self._structure(name, schema)
        return name

    def _structure(self, name: str, schema: Schema) -> Structure:
        required = set(schema.get("required", ()))
        properties: Mapping[str, Schema] = schema.get("properties", {})
        members = (self._member(name, key, key in required, part) for key, part in properties.items())
        return Structure(name, tuple(members))

    def _member(self, owner: str, name: str, required: bool, schema: Schema) -> Member:
        is_list = schema.get("type") == "array"
        element = self._element(owner, name, schema["items"] if is_list else schema)
        secret = element in HIDEABLE and not SECRETS.isdisjoint(stated(owner, name))
        units = (UNITS[key] for key in stated(owner, name) if key in UNITS)
        return Member(name, element, is_list, required, secret, " ".join((*limits(schema), *list(units)[:1])))

    def _element(self, owner: str, name: str, schema: Schema) -> str:
        if "$ref" in schema:
            return str(schema["$ref"]).removeprefix("#/definitions/")
        if "enum" in schema or "properties" in schema:
            return self._define(next(NAMES[key] for key in stated(owner, name) if key in NAMES), schema)
        return SCALARS[schema["type"]] if schema else "Any"


def limits(schema: Schema) -> Iterator[str]:
    """Yield sentences about what a schema demands of a value beside its type."""
    if schema.get("type") == "array":
        if counted := between(schema.get("minItems"), schema.get("maxItems"), "item"):
            yield f"{counted}."
        yield from (f"Each item: {text[0].lower()}{text[1:]}" for text in limits(schema["items"]) if text)
    if counted := between(schema.get("minLength"), schema.get("maxLength"), "character"):
        yield f"{counted}."
    if ranged := between(schema.get("minimum"), schema.get("maximum")):
        yield f"{ranged}."
    if "multipleOf" in schema:
        yield f"A multiple of {schema['multipleOf']}."
    if "format" in schema:
        yield FORMATS[schema["format"]]
    if "default" in schema:
        yield f"If absent: `{json.dumps(schema['default'])}`."


def between(low: float | None, high: float | None, what: str = "") -> str:
    """Return an inclusive range in words, or nothing if there is no bound."""
    if low is None and high is None:
        return ""
    words = f"At least {low}" if high is None else f"At most {high}" if low is None else f"{low} to {high}"
    if low == high:
        words = f"Exactly {low}"
    last = low if high is None else high
    return words if not what else f"{words} {what}{'' if last == 1 else 's'}"
