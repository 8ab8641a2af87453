"""The generated modules of `ocpp_transports.compat` are what tools/build_compat.py makes of its facts."""

import pytest

from tools import build_compat
from tools.compat.facts import PROTOCOLS, Version, snake


def test_making_them_again_changes_nothing() -> None:
    made = dict(build_compat.build())
    assert [str(path) for path, text in made.items() if path.read_text(encoding="utf-8") != text] == []
    folders = [build_compat.OUTPUT / folder for folder in PROTOCOLS]
    assert {path for folder in folders for path in folder.glob("*.py")} == made.keys()


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("evseID", "evse_id"),
        ("CSMSRootCertificate", "csms_root_certificate"),
        ("ocppCsmsUrl", "ocpp_csms_url"),
        ("v2xChargingParameters", "v2x_charging_parameters"),
        ("V2XFreqWattPoint", "v2x_freq_watt_point"),
        ("Energy.Active.Import.Register", "energy_active_import_register"),
        ("L1-N", "l1_n"),
    ],
)
def test_a_name_is_the_snake_case_of_its_word(word: str, name: str) -> None:
    assert snake(word) == name


@pytest.mark.parametrize("folder", PROTOCOLS)
def test_the_table_of_facts_holds_only_what_deviates(folder: str) -> None:
    version = Version(folder)
    facts = version.facts
    assert [key for key, name in facts["names"].items() if snake(key.rpartition(".")[2]) == name] == []
    assert [
        value for members in facts["members"].values() for value, name in members.items() if snake(value) == name
    ] == []
    schema_enums = version._schema_enums()
    assert [name for name, values in facts["enums"].items() if schema_enums.get(name) == values.split()] == []
    needed = {key: version.facts["order"].pop(key) for key in list(facts["order"])}
    by_rule = {
        f"{each.module}.{each.name}": each
        for module in ("call", "call_result", "datatypes")
        for each in version.classes(module)
    }
    assert [
        key for key, order in needed.items() if [field.name for field in by_rule[key].fields] == order.split()
    ] == []
