"""The generated messages and models are those that `make messages` would write, and hide what logs redact."""

from pathlib import Path

import pytest

from ocpp_transports._logging._redaction import _SECRET_FIELDS
from tools import build_types
from tools.typed.bundle import HIDEABLE, read_version
from tools.typed.facts import NAMES, SECRETS, UNITS, VERSIONS, stated
from tools.typed.purposes import PURPOSES


def test_they_are_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert build_types.main(["--check"]) == 0, capsys.readouterr().out


def test_a_check_fails_on_a_difference_and_writes_nothing(tmp_path: Path) -> None:
    assert build_types.main(["--check"], tmp_path) == 1
    assert list(tmp_path.iterdir()) == []


def test_every_fact_is_about_a_property_or_an_action() -> None:
    structures = [each for protocol in VERSIONS for each in read_version(protocol).structures()]
    known = {key for each in structures for member in each.members for key in stated(each.name, member.name)}
    assert {each.action for protocol in VERSIONS for each in read_version(protocol).messages} == PURPOSES.keys()
    assert {*NAMES, *UNITS, *SECRETS} - known == set()


def test_a_model_hides_every_field_that_a_log_does() -> None:
    members = [m for protocol in VERSIONS for each in read_version(protocol).structures() for m in each.members]
    texts = [member for member in members if member.element in HIDEABLE]
    shown = {member.name for member in texts if member.name.lower() in _SECRET_FIELDS and not member.secret}
    assert shown == set()
