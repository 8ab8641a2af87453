"""The schema bundles state what their sources state, message by message.

The source is the PyPI package `ocpp`, minus the patches that `schemas/README.md` lists. Compiling every message of
every version takes seconds: that is why this is no part of `tests/core`.
"""

import json
import subprocess
import sys
import zipfile
from datetime import datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import fastjsonschema
import jsonschema
import pytest

from ocpp_core.config import Violation
from ocpp_core.validation import SchemaValidator, _validator, load_validator
from ocpp_core.validation._formats import FORMATS
from ocpp_core.versions import ErrorCode
from tests.contracts.instances import Change, Instances
from tests.contracts.rows import each_row_of, grouped
from tools import build_schemas

pytestmark = pytest.mark.timeout(300)  # one test takes a minute on a busy machine

HERE = Path(__file__).parent
SCHEMAS = HERE.parents[1] / "schemas"
KNOWN_GOOD = json.loads((HERE / "known_good.json").read_text(encoding="utf-8"))
DRAFT_4, DRAFT_6 = "http://json-schema.org/draft-04/schema#", "http://json-schema.org/draft-06/schema#"
FOLDERS = {"ocpp1.6": "v16", "ocpp2.0.1": "v201", "ocpp2.1": "v21"}
BUNDLES = {protocol: json.loads((SCHEMAS / f"{protocol}.json").read_text(encoding="utf-8")) for protocol in FOLDERS}
MESSAGES = [
    (protocol, action, kind)
    for protocol, bundle in BUNDLES.items()
    for action, kinds in bundle["actions"].items()
    for kind in kinds
]
every_message = each_row_of(grouped(MESSAGES, 0, 2))

CODES = {
    "required": ErrorCode.OCCURRENCE_CONSTRAINT_VIOLATION,
    "minItems": ErrorCode.OCCURRENCE_CONSTRAINT_VIOLATION,
    "maxItems": ErrorCode.OCCURRENCE_CONSTRAINT_VIOLATION,
    "type": ErrorCode.TYPE_CONSTRAINT_VIOLATION,
    "enum": ErrorCode.PROPERTY_CONSTRAINT_VIOLATION,
    "format": ErrorCode.PROPERTY_CONSTRAINT_VIOLATION,
    "minimum": ErrorCode.PROPERTY_CONSTRAINT_VIOLATION,
    "maximum": ErrorCode.PROPERTY_CONSTRAINT_VIOLATION,
    "maxLength": ErrorCode.PROPERTY_CONSTRAINT_VIOLATION,
    "multipleOf": ErrorCode.PROPERTY_CONSTRAINT_VIOLATION,
    "additionalProperties": ErrorCode.FORMAT_VIOLATION,
}


@cache
def validator(protocol: str) -> SchemaValidator:
    return load_validator(protocol)


def check(protocol: str, action: str, kind: str, payload: object) -> Any:
    return getattr(validator(protocol), f"check_{kind}")(action, payload)


def source_file(protocol: str, action: str, kind: str) -> str:
    """1.6 names the file of a CALL by the action alone; 2.1 that of a SEND."""
    ending = {"call": "" if protocol == "ocpp1.6" else "Request", "result": "Response", "send": ""}[kind]
    return f"{action}{ending}.json"


def read_source(protocol: str, name: str) -> dict[str, Any]:
    """Read an OCA schema as it was before the package changed it."""
    folder = files("ocpp") / FOLDERS[protocol] / "schemas"
    schema: dict[str, Any] = json.loads((folder / name).read_text(encoding="utf-8"))
    match protocol, name:
        case "ocpp1.6", "MeterValues.json":
            values = schema["properties"]["meterValue"]
            samples = values["items"]["properties"]["sampledValue"]
            del values["minItems"], samples["minItems"]
            samples["items"]["properties"]["unit"]["enum"].remove("Hertz")
        case "ocpp2.0.1", "Get15118EVCertificateResponse.json":
            schema["properties"]["exiResponse"]["maxLength"] = 5600
    return schema


def in_full(node: Any, definitions: dict[str, Any]) -> Any:
    """Write a schema without references and without what has no effect, so that equal demands compare equal."""
    if "$ref" in node:
        return in_full(definitions[node["$ref"].removeprefix("#/definitions/")], definitions)
    no_demand = {
        "$schema",
        "$id",
        "id",
        "title",
        "description",
        "comment",
        "javaType",
        "definitions",
        "additionalItems",
    }
    if node.get("type") != "object":
        no_demand.add("additionalProperties")
    demands = {keyword: value for keyword, value in node.items() if keyword not in no_demand}
    for keyword in demands.keys() & {"enum", "required"}:
        demands[keyword] = sorted(demands[keyword])
    if "properties" in demands:
        demands["properties"] = {name: in_full(part, definitions) for name, part in demands["properties"].items()}
    if "items" in demands:
        demands["items"] = in_full(demands["items"], definitions)
    return demands


class TestTheMessages:
    @pytest.mark.parametrize("protocol", FOLDERS)
    def test_a_bundle_has_the_messages_of_its_source_and_no_other(self, protocol: str) -> None:
        folder = files("ocpp") / FOLDERS[protocol] / "schemas"
        stated = {source_file(*message) for message in MESSAGES if message[0] == protocol}
        assert stated == {source.name for source in folder.iterdir()}

    @pytest.mark.parametrize("protocol", FOLDERS)
    def test_every_definition_is_used(self, protocol: str) -> None:
        text = json.dumps(BUNDLES[protocol])
        unused = [name for name in BUNDLES[protocol]["definitions"] if f'"#/definitions/{name}"' not in text]
        assert unused == []

    @staticmethod
    @every_message
    def test_the_draft_is_kept(protocol: str, action: str, kind: str) -> None:
        source = read_source(protocol, source_file(protocol, action, kind))
        assert BUNDLES[protocol]["actions"][action][kind]["$schema"] == source["$schema"]

    @staticmethod
    @every_message
    def test_the_demands_are_equal(protocol: str, action: str, kind: str) -> None:
        source = read_source(protocol, source_file(protocol, action, kind))
        bundle = BUNDLES[protocol]
        stated = in_full(bundle["actions"][action][kind], bundle["definitions"])
        assert stated == in_full(source, source.get("definitions", {}))


class TestKnownGoodPayloads:
    def test_one_is_named_for_every_message(self) -> None:
        named = [(protocol, action, kind) for protocol in KNOWN_GOOD for action in KNOWN_GOOD[protocol]
                 for kind in KNOWN_GOOD[protocol][action]]  # fmt: skip
        assert sorted(named) == sorted(MESSAGES)

    @staticmethod
    @every_message
    def test_it_is_accepted(protocol: str, action: str, kind: str) -> None:
        assert check(protocol, action, kind, KNOWN_GOOD[protocol][action][kind]) is None

    @staticmethod
    @every_message
    def test_with_any_one_rule_broken_it_is_refused(protocol: str, action: str, kind: str) -> None:
        good = KNOWN_GOOD[protocol][action][kind]
        source = read_source(protocol, source_file(protocol, action, kind))
        bad = [change for change in Instances(source).changes(good) if change.keyword]
        assert bad
        for change in bad:
            assert_refused(check(protocol, action, kind, change.apply(good)), change, f"{action} {TYPES[kind]}")


TYPES = {"call": "CALL", "result": "CALLRESULT", "send": "SEND"}


def assert_refused(violation: Any, change: Change, message: str) -> None:
    """The code answers the broken rule, and the description names the message, the path and the rule."""
    assert violation is not None, change
    assert violation.code is CODES[str(change.keyword)], change
    path = change.where if len(change.where) <= 120 else "..." + change.where[-117:]
    assert violation.description.startswith(f"{message} {path} violates {change.keyword}: ")
    assert len(violation.description) <= 255


def accepts(validate: Any, payload: object) -> bool:
    try:
        validate(payload)
    except fastjsonschema.JsonSchemaValueException:
        return False
    return True


@pytest.fixture
def verdicts_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse without a description: it never changes the verdict, and to find it takes most of the time."""
    refused = Violation(ErrorCode.FORMAT_VIOLATION, "refused")
    monkeypatch.setattr(_validator, "describe_violation", lambda *_, **__: refused)


@pytest.mark.usefixtures("verdicts_alone")
class TestAgreementWithTheSource:
    """The source, compiled by itself, gives the same verdict on everything that can be generated from it."""

    @staticmethod
    @every_message
    def test_a_payload_of_all_properties_and_every_change_of_it(protocol: str, action: str, kind: str) -> None:
        source = read_source(protocol, source_file(protocol, action, kind))
        instances = Instances(source)
        full = instances.full()
        validate = fastjsonschema.compile(source, formats=FORMATS, use_default=False, detailed_exceptions=False)
        assert accepts(validate, full)
        assert check(protocol, action, kind, full) is None
        for change in instances.changes(full):
            payload = change.apply(full)
            accepted = change.keyword is None
            assert accepts(validate, payload) is accepted, change
            assert (check(protocol, action, kind, payload) is None) is accepted, change


REFEREES = {DRAFT_4: jsonschema.Draft4Validator, DRAFT_6: jsonschema.Draft6Validator}
FORMAT_CHECKER = jsonschema.FormatChecker(formats=())


@FORMAT_CHECKER.checks("date-time", raises=ValueError)
def is_date_time(text: object) -> bool:
    return not isinstance(text, str) or datetime.fromisoformat(text).tzinfo is not None


@FORMAT_CHECKER.checks("uri")
def is_uri(text: object) -> bool:
    return not isinstance(text, str) or "://" in text


class TestAgreementWithAReferee:
    """Another implementation of JSON Schema reads the source and gives the same verdict on a sample."""

    @staticmethod
    @every_message
    def test_the_smallest_payload_the_largest_and_four_changes(protocol: str, action: str, kind: str) -> None:
        source = read_source(protocol, source_file(protocol, action, kind))
        instances = Instances(source)
        full = instances.full()
        changes = list(instances.changes(full))
        sample = [change.apply(full) for change in changes[:: -(-len(changes) // 4)]]
        referee = REFEREES[source["$schema"]](source, format_checker=FORMAT_CHECKER)
        for payload in (instances.minimal(), full, *sample):
            assert (check(protocol, action, kind, payload) is None) is referee.is_valid(payload), payload


class TestTheGenerator:
    def test_it_makes_the_bundles_that_are_there(self) -> None:
        made = {protocol: build_schemas.build(protocol) for protocol in build_schemas.SOURCES}
        assert made == {protocol: (SCHEMAS / f"{protocol}.json").read_text(encoding="utf-8") for protocol in FOLDERS}

    def test_it_refuses_a_source_that_lacks_what_it_corrects(self) -> None:
        with pytest.raises(ValueError, match=r"expected 7500 .* got 5600"):
            build_schemas.undo(build_schemas.PATCHES[-1], {"properties": {"exiResponse": {"maxLength": 5600}}})

    def test_it_refuses_a_keyword_it_does_not_know(self) -> None:
        with pytest.raises(ValueError, match="exclusiveMinimum"):
            build_schemas.facts({"type": "integer", "exclusiveMinimum": 1})

    def test_it_merges_definitions_that_are_equal_and_refuses_others(self) -> None:
        bundle = build_schemas.Bundle("ocpp1.6")
        bundle.add("First", {"$schema": DRAFT_6, "definitions": {"Same": {"enum": ["a", "b"]}}})
        bundle.add("Second", {"$schema": DRAFT_6, "definitions": {"Same": {"enum": ["b", "a"]}}})
        with pytest.raises(ValueError, match="expected equal definitions of Same"):
            bundle.add("Third", {"$schema": DRAFT_6, "definitions": {"Same": {"enum": ["a"]}}})

    def test_it_merges_nothing_over_the_border_of_a_draft(self) -> None:
        bundle = build_schemas.Bundle("ocpp1.6")
        bundle.add("First", {"$schema": DRAFT_6, "definitions": {"Count": {"type": "integer"}}})
        with pytest.raises(ValueError, match="expected equal definitions of Count"):
            bundle.add("Second", {"$schema": DRAFT_4, "definitions": {"Count": {"type": "integer"}}})


class TestLoadingFromAZip:
    def test_a_zipped_package_finds_its_bundle(self, tmp_path: Path) -> None:
        archive = tmp_path / "library.zip"
        with zipfile.ZipFile(archive, "w") as packed:
            for source in (SCHEMAS.parent / "ocpp_core").rglob("*.py"):
                packed.write(source, str(source.relative_to(SCHEMAS.parent)))
            packed.write(SCHEMAS / "ocpp1.6.json", "ocpp_core/schemas/ocpp1.6.json")
        script = (
            f"import sys; sys.path.insert(0, {str(archive)!r})\n"
            "import ocpp_core.validation as validation\n"
            "assert '.zip' in validation.__file__\n"
            "print(validation.load_validator('ocpp1.6').check_call('Reset', {'type': 'Tepid'}).description)"
        )
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
        assert (done.stdout, done.stderr) == ("Reset CALL payload.type violates enum: Hard, Soft\n", "")
