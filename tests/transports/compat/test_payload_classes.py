"""The generated classes against those of the package `ocpp` 2.1.0, class by class and field by field."""

import dataclasses
from collections.abc import Iterator
from enum import Enum
from importlib import import_module
from types import ModuleType
from typing import Any, Final

import pytest

VERSIONS: Final = ("v16", "v201", "v21")
MODULES: Final = ("call", "call_result", "datatypes")

REMOVED_MEMBERS: Final = {
    ("v16", "UnitOfMeasure"): {"hertz"},
    ("v201", "TxCtrlrVariableName"): {"charging_time"},
}


def ours(version: str, module: str) -> ModuleType:
    return import_module(f"ocpp_transports.compat.{version}.{module}")


def theirs(version: str, module: str) -> ModuleType:
    return import_module(f"ocpp.{version}.{module}")


def dataclasses_of(module: ModuleType) -> dict[str, Any]:
    """The classes that a module defines, not those that it imports."""
    classes = {name: value for name, value in vars(module).items() if dataclasses.is_dataclass(value)}
    return {name: value for name, value in classes.items() if value.__module__ == module.__name__}


def enums_of(module: ModuleType) -> dict[str, type[Enum]]:
    found = {name: value for name, value in vars(module).items() if isinstance(value, type) and issubclass(value, Enum)}
    return {name: value for name, value in found.items() if value.__members__}


def fields_of(cls: Any) -> list[tuple[str, Any]]:
    """Names and defaults; `...` is a required field, and a default that is made has the value that is made."""
    return [(field.name, default_of(field)) for field in dataclasses.fields(cls)]


def default_of(field: Any) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return ... if field.default is dataclasses.MISSING else field.default


def pairs() -> Iterator[Any]:
    for version in VERSIONS:
        for module in MODULES:
            yield pytest.param(version, module, id=f"{version}.{module}")


@pytest.mark.parametrize(("version", "module"), list(pairs()))
def test_every_class_has_the_same_fields_in_the_same_order_with_the_same_defaults(version, module) -> None:
    expected = {name: fields_of(cls) for name, cls in dataclasses_of(theirs(version, module)).items()}
    assert len(expected) > 10
    found = dataclasses_of(ours(version, module))
    assert {name: fields_of(found[name]) for name in expected} == expected
    assert {name.removesuffix("Payload") for name in found} == expected.keys()


@pytest.mark.parametrize("version", VERSIONS)
def test_every_enumeration_has_the_same_members(version) -> None:
    expected = {name: {m.name: m.value for m in cls} for name, cls in enums_of(theirs(version, "enums")).items()}
    found = enums_of(ours(version, "enums"))
    assert {name: {m.name: m.value for m in found[name]} for name in expected} == expected
    assert {cls.__name__ for cls in found.values()} == expected.keys()
