"""Help to write messages by hand: actions, skeletons, members and problems, from the schemas."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal, TypeAlias

from ocpp_core.validation._bundles import Schema, read_bundle
from ocpp_transports._handlers._time import utc_now
from ocpp_transports._options._validators import shared_validator

__all__ = ["Kind", "Member", "actions", "kinds", "members", "problem", "skeleton"]

Kind: TypeAlias = Literal["call", "result", "send"]


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a payload or of an object within it."""

    path: str
    """The path, like `chargingStation.modem.iccid` or, in the items of an array, `meterValue[].timestamp`."""
    type: str
    """`string`, `date-time`, `integer`, `number`, `boolean`, `object` or `any`. A suffix `[]` marks an array."""
    is_required: bool
    limits: str
    """Further limits in words; empty without any."""
    choices: tuple[str, ...]
    """The values of an enumeration; empty for other types."""

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition(".")[2].removesuffix("[]")

    @property
    def depth(self) -> int:
        """Number of objects around the member, 0 for a member of the payload."""
        return self.path.count(".")


def actions(protocol: str) -> tuple[str, ...]:
    """Return the sorted actions of a standard subprotocol. Raises ValueError for any other."""
    return tuple(sorted(shared_validator(protocol).actions))


def kinds(protocol: str, action: str) -> tuple[Kind, ...]:
    """Return the messages of an action: `call` and `result`, or `send`.

    Raises ValueError for an unknown action.
    """
    return tuple(_of_action(protocol, action))


def skeleton(protocol: str, action: str, kind: Kind = "call") -> dict[str, Any]:
    """Return a payload that conforms, with the required members only and placeholders as values.

    Raises ValueError for an action or a kind that the protocol does not have.
    """
    payload: dict[str, Any] = _example(_schema(protocol, action, kind), _bundle(protocol)["definitions"], "payload")
    return payload


def members(protocol: str, action: str, kind: Kind = "call") -> tuple[Member, ...]:
    """Return all members: required ones first, each before the members within it.

    Raises ValueError like `skeleton`.
    """
    return tuple(_walk(_schema(protocol, action, kind), _bundle(protocol)["definitions"], ""))


def problem(protocol: str, action: str, payload: object, kind: Kind = "call") -> str | None:
    """Return the first rule of its schema that a payload breaks, or None if it conforms.

    The first check of a message compiles its schema, which takes 3 to 100 ms. Raises ValueError like `skeleton`.
    """
    _schema(protocol, action, kind)
    validator = shared_validator(protocol)
    check = {"call": validator.check_call, "result": validator.check_result, "send": validator.check_send}[kind]
    violation = check(action, payload)
    return None if violation is None else f"{violation.code.value}: {violation.description}"


@cache
def _bundle(protocol: str) -> Schema:
    return read_bundle(protocol)


def _of_action(protocol: str, action: str) -> Mapping[Kind, Schema]:
    if not shared_validator(protocol).has(action):
        raise ValueError(f"expected an action of {protocol}, got {action!r}")
    found: Mapping[Kind, Schema] = _bundle(protocol)["actions"][action]
    return found


def _schema(protocol: str, action: str, kind: Kind) -> Schema:
    schemas = _of_action(protocol, action)
    if kind not in schemas:
        raise ValueError(f"expected {' or '.join(schemas)} of {action}, got {kind!r}")
    return schemas[kind]


def _resolved(schema: Schema, definitions: Schema) -> Schema:
    ref: str | None = schema.get("$ref")
    found: Schema = schema if ref is None else definitions[ref.removeprefix("#/definitions/")]
    return found


# Members


def _walk(schema: Schema, definitions: Schema, parent: str) -> Iterator[Member]:
    required = schema.get("required", ())
    properties = schema.get("properties", {})
    for name in sorted(properties, key=lambda name: name not in required):
        yield from _describe(_resolved(properties[name], definitions), definitions, f"{parent}{name}", name in required)


def _describe(
    schema: Schema, definitions: Schema, path: str, is_required: bool
) -> Iterator[Member]:  # of a private recursion
    item, brackets = schema, ""
    while item.get("type") == "array":
        item, brackets = _resolved(item.get("items", {}), definitions), f"{brackets}[]"
    limits = [*_limits(schema), *(_limits(item) if brackets else ())]
    yield Member(path + brackets, _type(item) + brackets, is_required, ", ".join(limits), tuple(item.get("enum", ())))
    yield from _walk(item, definitions, f"{path}{brackets}.")


def _type(schema: Schema) -> str:
    if schema.get("format") == "date-time":
        return "date-time"
    found: str = schema.get("type", "any")
    return found


_LIMITS: Final[Mapping[str, Callable[[Any], str]]] = {
    "minItems": lambda least: f"at least {_counted(least, 'item')}",
    "maxItems": lambda most: f"at most {_counted(most, 'item')}",
    "minLength": lambda least: f"at least {_counted(least, 'character')}",
    "maxLength": lambda most: f"at most {_counted(most, 'character')}",
    "minimum": lambda least: f"≥ {least:g}",
    "maximum": lambda most: f"≤ {most:g}",
    "multipleOf": lambda step: f"in steps of {step:g}",
    "default": lambda value: f"{json.dumps(value)} if absent",
}


def _limits(schema: Schema) -> Iterator[str]:
    if schema.get("format", "date-time") != "date-time":
        yield f"a {schema['format'].upper()}"
    yield from (say(schema[keyword]) for keyword, say in _LIMITS.items() if keyword in schema)


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


# Skeletons


def _example(schema: Schema, definitions: Schema, name: str) -> Any:
    schema = _resolved(schema, definitions)
    if "enum" in schema:
        return schema["enum"][0]
    make = _EXAMPLES.get(schema.get("type", "object"), _text)
    return make(schema, definitions, name)


def _object(schema: Schema, definitions: Schema, _: str) -> dict[str, Any]:
    properties = schema.get("properties", {})
    return {name: _example(properties[name], definitions, name) for name in schema.get("required", ())}


def _array(schema: Schema, definitions: Schema, name: str) -> list[Any]:
    return [_example(schema.get("items", {}), definitions, name) for _ in range(max(1, schema.get("minItems", 1)))]


def _text(schema: Schema, _: Schema, name: str) -> str:
    if schema.get("format") == "date-time":
        return utc_now()
    if schema.get("format") == "uri":
        return "https://example.com/"
    return name[: schema.get("maxLength", len(name))]


def _number(schema: Schema, _: Schema, __: str) -> int | float:
    wanted: int | float = min(max(schema.get("minimum", 1), 1), schema.get("maximum", 1))
    return wanted


_EXAMPLES: Final[Mapping[str, Callable[[Schema, Schema, str], Any]]] = {
    "object": _object,
    "array": _array,
    "string": _text,
    "integer": _number,
    "number": _number,
    "boolean": lambda *_: False,
}
