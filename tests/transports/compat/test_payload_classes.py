"""The generated classes against those of the package `ocpp` 2.1.0, class by class and field by field."""

import copy
import dataclasses
import json
import pickle
from collections.abc import Iterator
from enum import Enum
from importlib import import_module
from types import ModuleType
from typing import Any, Final

import pytest

VERSIONS: Final = ("v16", "v201", "v21")
MODULES: Final = ("call", "call_result", "datatypes")


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


@pytest.mark.parametrize(("version", "module"), list(pairs()))
def test_a_star_import_gives_the_names_that_it_gave(version, module) -> None:
    """But for v21, whose modules also gave the datatypes and enumerations that they name, each by itself."""
    expected = {name for name in vars(theirs(version, module)) if not name.startswith("_")}
    expected -= {"annotations", *enums_of(theirs(version, module))}
    expected -= {name for name in dataclasses_of(theirs(version, "datatypes")) if module != "datatypes"}
    given: dict[str, Any] = {}
    exec(f"from ocpp_transports.compat.{version}.{module} import *", given)
    assert expected - given.keys() == set()


@pytest.mark.parametrize(("version", "module"), list(pairs()))
def test_every_payload_can_be_turned_into_a_dict_and_back(version, module) -> None:
    for cls in dataclasses_of(ours(version, module)).values():
        made = cls(*(f"value {number}" for number, _ in enumerate(dataclasses.fields(cls))))
        assert cls(**dataclasses.asdict(made)) == made


def test_members_are_the_strings_of_messages() -> None:
    member = ours("v16", "enums").Measurand.energy_active_import_register
    assert member == "Energy.Active.Import.Register"
    assert str(member) == f"{member}" == "Energy.Active.Import.Register"
    assert json.dumps({"measurand": member}) == '{"measurand": "Energy.Active.Import.Register"}'
    assert {"Energy.Active.Import.Register": 1}[member] == 1
    assert ours("v16", "enums").Measurand("Energy.Active.Import.Register") is member


def test_the_lengths_of_strings_are_the_same() -> None:
    expected = {name: value for name, value in vars(theirs("v16", "enums").CiStringType).items() if name[0] != "_"}
    assert {name: getattr(ours("v16", "enums").CiStringType, name) for name in expected} == expected


@pytest.mark.parametrize(("field", "limit"), [("key", 50), ("value", 500)])
def test_a_key_with_its_value_refuses_longer_strings_than_ocpp_allows(field, limit) -> None:
    key_value = ours("v16", "datatypes").KeyValue
    accepted = {"key": "Key", "readonly": True, field: "x" * limit}
    assert dataclasses.asdict(key_value(**accepted)) == dataclasses.asdict(
        theirs("v16", "datatypes").KeyValue(**accepted)
    )
    with pytest.raises(ValueError, match=f"expected at most {limit} characters in `{field}`, got {limit + 1}"):
        key_value(**accepted | {field: "x" * (limit + 1)})


class TestFormerSpellings:
    """What releases before 2.0.0 had, and most programs still use. None warns: that would fail their `-W error`."""

    @pytest.mark.parametrize(("version", "count"), [("v16", 39), ("v201", 64), ("v21", 0)])
    @pytest.mark.parametrize("module", ["call", "call_result"])
    def test_each_payload_has_a_subclass_with_its_former_name(self, version, count, module) -> None:
        found = dataclasses_of(ours(version, module))
        former = {name: cls for name, cls in found.items() if name.endswith("Payload")}
        assert len(former) == count
        assert [name for name, cls in former.items() if cls.__mro__[1] is not found[name.removesuffix("Payload")]] == []
        assert [name for name, cls in former.items() if cls.__name__ != name] == []

    def test_a_payload_by_its_former_name_can_be_read_and_copied(self) -> None:
        payload = ours("v16", "call").AuthorizePayload("TAG")
        assert repr(payload) == "AuthorizePayload(id_tag='TAG')"
        assert copy.deepcopy(payload) == pickle.loads(pickle.dumps(payload)) == payload

    @pytest.mark.parametrize(("version", "count"), [("v16", 39), ("v201", 64)])
    def test_each_action_has_a_member_named_after_it(self, version, count) -> None:
        action = ours(version, "enums").Action
        assert len(action) == count
        assert [member for member in action if getattr(action, member.value) is not member] == []

    @pytest.mark.parametrize(
        ("version", "enum", "member", "value"),
        [
            ("v16", "ChargePointErrorCode", "noError", "NoError"),
            ("v16", "ChargePointStatus", "suspendedevse", "SuspendedEVSE"),
            ("v16", "ChargingProfilePurposeType", "txprofile", "TxProfile"),
            ("v16", "Measurand", "currentExport", "Current.Export"),
            ("v16", "Phase", "l1n", "L1-N"),
            ("v16", "ReadingContext", "samplePeriodic", "Sample.Periodic"),
            ("v201", "AttributeType", "minSet", "MinSet"),
            ("v201", "StatusInfoReasonType", "invaild_schedule", "InvalidSchedule"),
            ("v201", "StatusInfoReasonType", "value_too_hight", "ValueTooHigh"),
        ],
    )
    def test_a_former_member_is_the_present_one(self, version, enum, member, value) -> None:
        members = getattr(ours(version, "enums"), enum)
        assert members[member] is members(value)

    def test_all_of_them_are_there(self) -> None:
        aliases = [
            name
            for enum in enums_of(ours("v16", "enums")).values()
            for name, member in enum.__members__.items()
            if name != member.name and enum.__name__ != "Action"
        ]
        assert len(aliases) == 76  # and `UnitOfMeasure.hertz`, whose value is not in the schemas

    @pytest.mark.parametrize(
        ("former", "name"),
        [
            ("ConnectorType", "ConnectorEnumType"),
            ("IdTokenType", "IdTokenEnumType"),
            ("ChargingProfileStatus", "ChargingProfileStatusEnumType"),
            ("UnitOfMeasureType", "StandardizedUnitsOfMeasureType"),
            ("GenericVariableName", "StandardizedVariableName"),
        ],
    )
    def test_an_enumeration_of_2_0_1_has_its_former_name(self, former, name) -> None:
        assert getattr(ours("v201", "enums"), former) is getattr(ours("v201", "enums"), name)

    def test_91_of_them_are_there(self) -> None:
        found = enums_of(ours("v201", "enums"))
        assert len([name for name, enum in found.items() if name != enum.__name__]) == 91


@pytest.mark.parametrize(
    ("version", "module", "name", "former", "field"),
    [
        ("v201", "datatypes", "ChargingNeedsType", "request_energy_transfer", "requested_energy_transfer"),
        ("v21", "call", "Authorize", "iso15118_certificate_hash_data", "iso_15118_certificate_hash_data"),
    ],
)
class TestARenamedField:
    def test_is_accepted_read_and_written_by_its_former_name(self, version, module, name, former, field) -> None:
        cls = getattr(ours(version, module), name)
        required: dict[str, Any] = {} if module == "datatypes" else {"id_token": {}}
        made = cls(**required, **{former: ["a"]})
        assert made == cls(**required, **{field: ["a"]})
        assert getattr(made, former) == ["a"]
        setattr(made, former, ["b"])
        assert getattr(made, field) == ["b"]

    def test_cannot_be_given_twice(self, version, module, name, former, field) -> None:
        with pytest.raises(TypeError, match=f"expected either `{field}` or its former name `{former}`, got both"):
            getattr(ours(version, module), name)(**{former: [], field: []})
