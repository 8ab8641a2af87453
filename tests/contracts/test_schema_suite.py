"""`create_validator` passes the JSON-Schema-Test-Suite for the drafts it promises, but for one restriction.

The suite comes in the source distribution of jsonschema, which set-up downloads beside the virtual environment's
packages; nothing of it is in this repository. Without set-up these tests are skipped.
"""

import json
import sys
import tarfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ocpp_core.validation import SchemaValidator, create_validator
from ocpp_core.validation._closures import compile_accept
from ocpp_core.validation._rust import accelerated

ARCHIVE = Path(sys.prefix, "schema-suite", "jsonschema-4.17.3.tar.gz")
DRAFTS = (4, 6, 7)
CASES = {4: 577, 6: 772, 7: 850}

REFUSED = {
    4: {"definitions": 2, "id": 3, "ref": 12, "refRemote": 17},
    6: {"definitions": 2, "id": 3, "ref": 22, "refRemote": 21, "unknownKeyword": 3},
    7: {"definitions": 2, "id": 3, "ref": 24, "refRemote": 21, "unknownKeyword": 3},
}
"""Cases whose schema is refused when the validator is made, by draft and file: a `$ref` to another document, to an id
or to a name. A `$ref` has to be a pointer into its own schema."""

pytestmark = pytest.mark.skipif(not ARCHIVE.exists(), reason=f"no {ARCHIVE.name}: make setup downloads it")


@cache
def groups(draft: int) -> list[tuple[str, dict[str, Any], list[dict[str, Any]]]]:
    """What the suite requires of a draft: file, schema, and cases of `data` and `valid`."""
    found = []
    with tarfile.open(ARCHIVE) as archive:
        for member in archive.getmembers():
            path = Path(member.name)
            if (
                path.suffix == ".json"
                and path.parts[1:4] == ("json", "tests", f"draft{draft}")
                and len(path.parts) == 5
            ):
                content = archive.extractfile(member)
                assert content is not None
                found += [(path.stem, group["schema"], group["tests"]) for group in json.load(content)]
    return found


def validator(draft: int, schema: object) -> SchemaValidator:
    """One action with this schema; a boolean, which is none for an action, inside of one."""
    body = schema if isinstance(schema, dict) else {"allOf": [schema]}
    return create_validator(
        "suite", {"Case": {"send": {"$schema": f"http://json-schema.org/draft-0{draft}/schema#", **body}}}
    )


@cache
def made(draft: int) -> tuple[list[tuple[str, SchemaValidator, list[dict[str, Any]]]], dict[str, int]]:
    """The validators of the groups with their cases, and how many cases of each file have a schema that is refused."""
    validators, refused = [], dict[str, int]()
    for file, schema, cases in groups(draft):
        try:
            validators.append((file, validator(draft, schema), cases))
        except ValueError as error:
            assert "expected $ref as a pointer into the same schema" in str(error)  # noqa: PT017 - of some
            refused[file] = refused.get(file, 0) + len(cases)
    return validators, refused


@pytest.mark.parametrize("draft", DRAFTS)
class TestTheSuite:
    def test_is_there_as_a_whole(self, draft: int) -> None:
        assert sum(len(cases) for _, _, cases in groups(draft)) == CASES[draft]

    def test_is_refused_for_references_out_of_a_schema_only(self, draft: int) -> None:
        assert made(draft)[1] == REFUSED[draft]

    def test_passes(self, draft: int) -> None:
        wrong = [
            f"{file}: {case['description']}"
            for file, checks, cases in made(draft)[0]
            for case in cases
            if (checks.check_send("Case", case["data"]) is None) is not case["valid"]
        ]
        assert wrong == []

    def test_never_passes_the_quick_checks_wrongly(self, draft: int) -> None:
        """The full check judges what they are not sure of, so only a yes to what is invalid is a fault."""
        asked = 0
        for file, checks, cases in made(draft)[0]:
            document = checks._sends["Case"].document()
            closures = compile_accept(document, formats=True)
            if closures is None:
                continue
            for check in filter(None, (closures, accelerated(document, formats=True))):
                for case in cases:
                    asked += 1
                    assert case["valid"] or not _accepts(check, case["data"]), f"{file}: {case['description']}"
        assert asked > 100


def _accepts(check: Any, data: object) -> bool:
    try:
        return bool(check(data))
    except Exception:
        return False
