"""The schema bundles: where they are found, and what they hold."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from ocpp_core.action_names import ACTION_NAMES, SENDERS
from ocpp_core.validation._bundles import BUNDLED, read_bundle
from tests.tables import each

DRAFT_4 = "http://json-schema.org/draft-04/schema#"
DRAFT_6 = "http://json-schema.org/draft-06/schema#"


def put_bundle(folder: Path, mark: str) -> None:
    folder.mkdir(parents=True)
    (folder / "ocpp1.6.json").write_text(json.dumps({"mark": mark}), encoding="utf-8")


class TestWhereABundleIsFound:
    def test_inside_the_package_as_in_a_wheel(self, tmp_path: Path) -> None:
        put_bundle(tmp_path / "ocpp_core" / "schemas", "inside")
        assert read_bundle("ocpp1.6", tmp_path / "ocpp_core") == {"mark": "inside"}

    def test_beside_the_package_as_in_an_editable_install(self, tmp_path: Path) -> None:
        (tmp_path / "ocpp_core").mkdir()
        put_bundle(tmp_path / "schemas", "beside")
        assert read_bundle("ocpp1.6", tmp_path / "ocpp_core") == {"mark": "beside"}

    def test_inside_comes_first(self, tmp_path: Path) -> None:
        put_bundle(tmp_path / "ocpp_core" / "schemas", "inside")
        put_bundle(tmp_path / "schemas", "beside")
        assert read_bundle("ocpp1.6", tmp_path / "ocpp_core") == {"mark": "inside"}

    def test_inside_a_zip(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "library.zip", "w") as archive:
            archive.writestr("ocpp_core/schemas/ocpp1.6.json", '{"mark": "zipped"}')
        with zipfile.ZipFile(tmp_path / "library.zip") as archive:
            assert read_bundle("ocpp1.6", zipfile.Path(archive, "ocpp_core/")) == {"mark": "zipped"}

    def test_a_missing_bundle_is_an_error_that_names_both_places(self, tmp_path: Path) -> None:
        package = tmp_path / "ocpp_core"
        package.mkdir()
        with pytest.raises(FileNotFoundError) as caught:
            read_bundle("ocpp1.6", package)
        assert str(package / "schemas" / "ocpp1.6.json") in str(caught.value)
        assert str(package / ".." / "schemas" / "ocpp1.6.json") in str(caught.value)

    @each("protocol", BUNDLED)
    def test_the_installed_package_has_it(self, protocol: str) -> None:
        assert read_bundle(protocol)["protocol"] == protocol


@pytest.fixture(scope="module")
def bundles() -> dict[str, Any]:
    return {protocol: read_bundle(protocol) for protocol in BUNDLED}


class TestWhatABundleHolds:
    @each(("protocol", "actions", "messages"), [("ocpp1.6", 39, 78), ("ocpp2.0.1", 64, 128), ("ocpp2.1", 91, 181)])
    def test_every_action_of_its_version(self, bundles: Any, protocol: str, actions: int, messages: int) -> None:
        stated = bundles[protocol]["actions"]
        assert (len(stated), sum(map(len, stated.values()))) == (actions, messages)

    def test_one_action_is_a_send(self, bundles: Any) -> None:
        kinds = {
            (p, a): set(k) for p in BUNDLED for a, k in bundles[p]["actions"].items() if set(k) != {"call", "result"}
        }
        assert kinds == {("ocpp2.1", "NotifyPeriodicEventStream"): {"send"}}

    def test_the_core_of_16_is_draft_04_and_all_else_draft_06(self, bundles: Any) -> None:
        drafts = {
            protocol: [
                schema["$schema"] for kinds in bundles[protocol]["actions"].values() for schema in kinds.values()
            ]
            for protocol in BUNDLED
        }
        assert (drafts["ocpp1.6"].count(DRAFT_4), drafts["ocpp1.6"].count(DRAFT_6)) == (56, 22)
        assert set(drafts["ocpp2.0.1"] + drafts["ocpp2.1"]) == {DRAFT_6}

    def test_no_prose(self, bundles: Any) -> None:
        prose = {"description", "comment", "javaType", "title", "$id", "id"}
        assert [keyword for bundle in bundles.values() for keyword in keywords(bundle) if keyword in prose] == []


def keywords(bundle: dict[str, Any]) -> set[str]:
    """Every keyword of every schema; the names of properties are none."""
    todo = [schema for kinds in bundle["actions"].values() for schema in kinds.values()]
    todo += bundle["definitions"].values()
    found: set[str] = set()
    while todo:
        schema = todo.pop()
        found |= schema.keys()
        todo += schema.get("properties", {}).values()
        todo += [schema["items"]] if "items" in schema else []
    return found


class TestTheCorrections:
    """schemas/README.md: patches of the source are undone, one addition from the errata stays."""

    def test_16_meter_values_know_no_hertz_and_no_least_number_of_items(self, bundles: Any) -> None:
        values = bundles["ocpp1.6"]["actions"]["MeterValues"]["call"]["properties"]["meterValue"]
        samples = values["items"]["properties"]["sampledValue"]
        units = samples["items"]["properties"]["unit"]["enum"]
        assert "Hertz" not in units
        assert {"Celcius", "Celsius"} < set(units)
        assert "minItems" not in values
        assert "minItems" not in samples

    def test_16_stop_transaction_knows_both_spellings_of_celsius(self, bundles: Any) -> None:
        data = bundles["ocpp1.6"]["actions"]["StopTransaction"]["call"]["properties"]["transactionData"]
        units = data["items"]["properties"]["sampledValue"]["items"]["properties"]["unit"]["enum"]
        assert {"Celcius", "Celsius"} < set(units)

    def test_201_exi_response_has_the_published_length(self, bundles: Any) -> None:
        result = bundles["ocpp2.0.1"]["actions"]["Get15118EVCertificate"]["result"]
        assert result["properties"]["exiResponse"] == {"type": "string", "maxLength": 5600}


class TestTheNamesOfActions:
    @each("protocol", BUNDLED)
    def test_are_those_that_the_bundle_has(self, protocol: str) -> None:
        assert ACTION_NAMES[protocol] == read_bundle(protocol)["actions"].keys()

    def test_are_there_for_every_bundle(self) -> None:
        assert tuple(ACTION_NAMES) == BUNDLED

    @each("protocol", BUNDLED)
    def test_say_who_may_send_each_and_only_data_transfer_goes_both_ways(self, protocol: str) -> None:
        either = [action for action, sender in SENDERS[protocol].items() if sender == "either"]
        assert either == ["DataTransfer"]
        assert SENDERS[protocol].keys() == ACTION_NAMES[protocol]
