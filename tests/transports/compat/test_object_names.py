"""The names of properties: each survives the way to Python and back, in every object of every message."""

import dataclasses
import json
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import pytest
from ocpp.charge_point import camel_to_snake_case

from ocpp_transports.compat._object_names import Module, ObjectNames, object_names

ROOT: Final = Path(__file__).parents[3]
FOLDERS: Final = {"1.6": "v16", "2.0.1": "v201", "2.1": "v21"}
KINDS: Final[dict[str, Module]] = {"call": "call", "result": "call_result", "send": "call"}

MISREAD: Final = {
    ("iso15118CertificateHashData", "iso_15118_certificate_hash_data"),
    ("iso15118SchemaVersion", "iso_15118_schema_version"),
    ("prioritizedEMAIDs", "prioritized_emaids"),
}
"""Properties of requests of 2.1 that the package hands to handlers by another name than that of the field."""


def bundle(version: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "schemas" / f"ocpp{version}.json").read_text(encoding="utf-8"))
    return found


def messages(version: str) -> Iterator[tuple[Module, str, dict[str, Any]]]:
    for action, kinds in bundle(version)["actions"].items():
        for kind, schema in kinds.items():
            yield KINDS[kind], action, schema


def objects(version: str) -> Iterator[tuple[ObjectNames, dict[str, Any]]]:
    """Every object of every message with its schema, as deep as it goes."""
    definitions = bundle(version)["definitions"]

    def walk(names: ObjectNames, schema: dict[str, Any]) -> Iterator[tuple[ObjectNames, dict[str, Any]]]:
        yield names, schema
        for wire, node in schema.get("properties", {}).items():
            item = node.get("items", node)
            item = definitions.get(item.get("$ref", "").rpartition("/")[2], item)
            if item.get("type") == "object":
                yield from walk(names.parts[wire], item)
            else:
                assert wire not in names.parts

    for module, action, schema in messages(version):
        names = object_names(version, module, action)
        assert names is not None
        yield from walk(names, schema)


@pytest.mark.parametrize("version", FOLDERS)
def test_every_property_of_every_object_has_a_name_that_leads_back_to_it(version) -> None:
    count = 0
    for names, schema in objects(version):
        count += 1
        assert names.to_python.keys() == schema.get("properties", {}).keys()
        assert {wire: names.to_wire[name] for wire, name in names.to_python.items()} == {w: w for w in names.to_python}
        assert {wire: names.to_wire[wire] for wire in names.to_python} == {wire: wire for wire in names.to_python}
        assert all(name.isidentifier() and name == name.lower() for name in names.to_python.values())
    assert count >= 100


@pytest.mark.parametrize("version", FOLDERS)
def test_payloads_have_the_names_that_handlers_know(version) -> None:
    properties = {each for names, _ in objects(version) for each in names.to_python.items()}
    misread = {(wire, name) for wire, name in properties if [name] != [*camel_to_snake_case({wire: None})]}
    assert misread == (MISREAD if version == "2.1" else set())


@pytest.mark.parametrize("version", FOLDERS)
def test_every_field_of_every_class_leads_to_its_property(version) -> None:
    for module, action, schema in messages(version):
        classes = import_module(f"ocpp_transports.compat.{FOLDERS[version]}.{module}")
        names = object_names(version, module, action)
        if names is None or not hasattr(classes, action):
            assert action == "NotifyPeriodicEventStream"  # a SEND
            continue
        fields = [field.name for field in dataclasses.fields(getattr(classes, action))]
        assert sorted(names.to_python.values()) == sorted(fields)
        assert {names.to_wire[field] for field in fields} == schema.get("properties", {}).keys()


@pytest.mark.parametrize("version", FOLDERS)
def test_every_field_of_every_datatype_leads_to_its_property(version) -> None:
    datatypes = import_module(f"ocpp_transports.compat.{FOLDERS[version]}.datatypes")
    tables = import_module(f"ocpp_transports.compat.{FOLDERS[version]}._names")
    for name, properties in tables.DATATYPES.items():
        known = {each if isinstance(each, str) else each[0] for each in properties.values()}
        known |= tables.DATATYPES_ALSO.get(name, {}).keys()
        if hasattr(datatypes, name):
            assert {field.name for field in dataclasses.fields(getattr(datatypes, name))} <= known


def test_a_state_of_charge_goes_out_as_its_own_object_spells_it() -> None:
    """`soC` and `soc` of 2.1 have one name in Python; the object decides."""
    swap = object_names("2.1", "call", "BatterySwap")
    profile = object_names("2.1", "call", "SetChargingProfile")
    assert swap is not None
    assert profile is not None
    schedule = profile.parts["chargingProfile"].parts["chargingSchedule"]
    assert swap.parts["batteryData"].to_wire["soc"] == "soC"
    assert schedule.parts["limitAtSoC"].to_wire["soc"] == "soc"


@pytest.mark.parametrize(
    ("version", "module", "action", "former", "wire"),
    [
        ("2.1", "call", "Get15118EVCertificate", "prioritized_emai_ds", "prioritizedEMAIDs"),
        ("2.1", "call", "Authorize", "iso15118_certificate_hash_data", "iso15118CertificateHashData"),
    ],
)
def test_a_former_name_still_leads_to_the_property(version, module, action, former, wire) -> None:
    names = object_names(version, module, action)
    assert names is not None
    assert names.to_wire[former] == wire


@pytest.mark.parametrize(("version", "action"), [("1.6", "Reboot"), ("2.0", "Heartbeat")])
def test_unknown_actions_and_versions_have_no_names(version, action) -> None:
    assert object_names(version, "call", action) is None


def test_a_version_loads_no_other_one() -> None:
    script = "import sys, ocpp_transports.compat.v16; print(*(name for name in sys.modules if 'compat.v' in name))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = set(done.stdout.split())
    assert loaded == {
        f"ocpp_transports.compat.v16{name}" for name in ("", ".call", ".call_result", ".datatypes", ".enums")
    }
