"""The conversion of payloads: from the wire to fields and arguments, and from objects to the wire."""

from dataclasses import fields
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from ._names import ObjectNames

__all__ = ["field_values", "instance_of", "is_dataclass_instance", "wire_payload", "with_decimals", "without_decimals"]

_SCALARS: Final = frozenset({str, int, float, bool, Decimal})


def field_values(payload: dict[str, Any], names: ObjectNames) -> dict[str, Any]:
    """Return a received payload with the names of fields. Values that are no objects stay as they are."""
    converted: dict[str, Any] = _to_fields(payload, names)
    return converted


def _to_fields(value: Any, names: ObjectNames | None) -> Any:
    if names is None:
        return value
    if isinstance(value, dict):
        converted = {}
        for key, item in value.items():
            field, inner = names.field(key)
            converted[field] = item if type(item) in _SCALARS else _to_fields(item, inner)
        return converted
    return [_to_fields(item, names) for item in value] if isinstance(value, list) else value


def wire_payload(payload: object, names: ObjectNames) -> dict[str, Any]:
    """Return the payload of a message for an object of `call` or `call_result`, or for a dict.

    None is left out at any depth, except in values that are not converted. Raises TypeError for anything else.
    """
    if not isinstance(payload, dict) and not is_dataclass_instance(payload):
        raise TypeError(f"expected a dataclass instance or a dict as payload, got {type(payload).__name__}")
    converted: dict[str, Any] = _to_wire(payload, names)
    return converted


def _to_wire(value: Any, names: ObjectNames | None) -> Any:
    if is_dataclass_instance(value):
        dataclass: Any = type(value)
        value = {name: getattr(value, name) for name in _field_names(dataclass)}
        names = names or _OF_DATACLASSES
    if isinstance(value, dict):
        return _untouched(value) if names is None else _object_to_wire(value, names)
    if isinstance(value, (list, tuple)):
        return [_to_wire(item, names) for item in value if item is not None or names is None]
    return value


def _object_to_wire(value: dict[str, Any], names: ObjectNames) -> dict[str, Any]:
    converted = {}
    for key, item in value.items():
        if item is not None:
            wire, inner = names.wire(key)
            converted[wire] = item if type(item) in _SCALARS else _to_wire(item, inner)
    return converted


def _untouched(value: dict[Any, Any]) -> dict[Any, Any]:
    return {key: _to_wire(item, None) for key, item in value.items()}


_OF_DATACLASSES: Final = ObjectNames()
"""The names within a dataclass in a body that is not converted: fields in snake_case, as in `CustomDataType`."""


def is_dataclass_instance(value: object) -> bool:
    """Return True for an instance of a dataclass, False for the class."""
    return hasattr(type(value), "__dataclass_fields__")


@lru_cache(maxsize=1024)
def _field_names(dataclass: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(dataclass))


def instance_of(answer_class: Any, values: dict[str, Any]) -> Any:
    """Return an object of a payload class, without the values for which it has no field."""
    known = getattr(answer_class, "__dataclass_fields__", values)
    return answer_class(**{name: value for name, value in values.items() if name in known})


def with_decimals(value: Any) -> Any:
    """Return a copy of a payload with each float as the Decimal of its digits."""
    return _numbers(value, float, lambda number: Decimal(repr(number)))


def without_decimals(value: Any) -> Any:
    """Return a copy of a payload with each Decimal as a float."""
    return _numbers(value, Decimal, float)


def _numbers(value: Any, kind: type, converted: Any) -> Any:
    if isinstance(value, kind):
        return converted(value)
    if isinstance(value, dict):
        return {key: _numbers(item, kind, converted) for key, item in value.items()}
    return [_numbers(item, kind, converted) for item in value] if isinstance(value, list) else value
