"""Profiles as TOML: every field has its key, and an error names the file, the profile and the key."""

from pathlib import Path

import pytest

from ocpp_core.config import ValidationRule
from ocpp_core.messages import Leniency
from ocpp_core.tolerance import AllowValues, MendTimes, StationMatch, load_quirks, read_profiles
from tests.tables import each

FULL = """
[[profiles]]
name = "mine"
match = { vendor = "V*", model = "M", firmware = "1.?", identity = "CP*", path = "/ocpp/*", protocol = "ocpp1.6" }
about = "Breaks rules."
references = ["owner/project#1"]
leniency = ["null_payload"]
mend_text = ["drop_commas", "own"]
replace_text = { "a" = "b" }
error_codes = { NotSuported = "NotSupported" }
default_protocol = "ocpp1.6"
ping_interval = 0
pong_timeout = 10.5
call_timeout = 60
call_concurrency = 1

[[profiles.quirks]]
kind = "allow_values"
action = "StatusNotification"
message = "call"
at = "errorCode"
values = ["Error"]

[[profiles.quirks]]
kind = "mend_times"
offset = "+02:00"

[[profiles.validation]]
mode = "report"
actions = ["MeterValues"]
"""


def test_every_field_has_a_key() -> None:
    (profile,) = read_profiles(FULL, repairs={"own": str.strip})
    assert profile.name == "mine"
    assert profile.match == StationMatch(
        vendor="V*", model="M", firmware="1.?", identity="CP*", path="/ocpp/*", protocol="ocpp1.6"
    )
    assert (profile.about, profile.references) == ("Breaks rules.", ("owner/project#1",))
    assert profile.quirks == (
        AllowValues(action="StatusNotification", message="call", at="errorCode", values=("Error",)),
        MendTimes(offset="+02:00"),
    )
    assert profile.leniency == Leniency(null_payload=True)
    assert profile.mend_text == ("drop_commas", str.strip)
    assert (dict(profile.replace_text), dict(profile.error_codes)) == ({"a": "b"}, {"NotSuported": "NotSupported"})
    assert profile.default_protocol == "ocpp1.6"
    assert profile.options == {"ping_interval": 0, "pong_timeout": 10.5, "call_timeout": 60, "call_concurrency": 1}
    assert profile.validation == (ValidationRule("report", actions=["MeterValues"]),)


PROFILE = '[[profiles]]\nname = "p"\n'
QUIRK = f"{PROFILE}[[profiles.quirks]]\n"


@each(
    ("text", "error"),
    [
        ("[[", "f.toml: expected TOML, "),
        ("x = " + "9" * 5000, "f.toml: expected TOML, "),
        ("x = " + "[" * 5000, "f.toml: expected TOML, "),
        ("x = 1", "f.toml: unknown key 'x', expected one of profiles"),
        ("profiles = 1", "f.toml: profiles: expected an array of tables, got 1"),
        ("[[profiles]]", "f.toml: profile 1: expected name"),
        (PROFILE + PROFILE, "f.toml: expected one profile named 'p', got two"),
        (f"{PROFILE}size = 1", "f.toml: profile 'p': unknown key 'size', expected one of name, match, "),
        (f"{PROFILE}match = 1", "f.toml: profile 'p': match: expected a table, got 1"),
        (f"{PROFILE}match.make = 'V'", "f.toml: profile 'p': match: unknown key 'make', expected one of vendor, "),
        (f"{PROFILE}match.vendor = 5", "f.toml: profile 'p': match: expected vendor as a pattern, got 5"),
        (
            f"{PROFILE}leniency = ['all']",
            "expected leniency as some of null_payload, .*, got 'all'",
        ),
        (f"{PROFILE}mend_text = ['x']", "f.toml: profile 'p': expected mend_text as some of drop_commas, .*, got 'x'"),
        (f"{PROFILE}mend_text = 'x'", "f.toml: profile 'p': mend_text: expected a list of texts, got 'x'"),
        (f"{PROFILE}ping_interval = -1", "f.toml: profile 'p': p: expected ping_interval >= 0 seconds, got -1"),
        (f"{PROFILE}ping_interval = true", "f.toml: profile 'p': p: expected ping_interval >= 0 seconds, got True"),
        (f"{PROFILE}call_concurrency = 1.5", "expected call_concurrency >= 1 calls, got 1.5"),
        (f"{PROFILE}references = 'x'", "expected references as a list, got 'x'"),
        (f"{PROFILE}references = [1]", "expected references as texts, got 1"),
        (f"{PROFILE}about = 1", "expected about as str, got 1"),
        (f"{PROFILE}default_protocol = ''", "expected default_protocol as a name, got ''"),
        (f"{PROFILE}error_codes = {{ a = 'NotSuported' }}", "expected error_codes with codes of OCPP as values, got"),
        (f"{PROFILE}error_codes = {{ a = 1 }}", "expected error_codes as a table of texts by texts"),
        (f"{PROFILE}replace_text = {{ '' = 'a' }}", "expected replace_text of 1 to 100 characters"),
        (f"{QUIRK}kind = 'x'", "profile 'p': quirk 1: expected kind as one of relax_length, .*, got 'x'"),
        (f"{QUIRK}kind = 'relax_length'", r"quirk 1 \(relax_length\): expected limit"),
        (f"{QUIRK}kind = 'coerce'\nlimit = 5", r"quirk 1 \(coerce\): unknown key 'limit', expected one of action, "),
        (f"{QUIRK}kind = 'forgive'\nrules = []", "expected rules with at least one name"),
        (f"{QUIRK}kind = 'drop_members'\nwhat = []", "expected what with at least one name"),
        (f"{QUIRK}kind = 'relax_length'\nlimit = 0", "expected limit >= 1 characters as an integer, got 0"),
        (
            f"{PROFILE}[[profiles.validation]]\nmode = 'x'",
            "expected mode as strict, report or off, got 'x'",
        ),
        (f"{PROFILE}[[profiles.validation]]", "validation: expected mode"),
    ],
)
def test_an_error_names_the_place_and_what_was_expected(text: str, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        read_profiles(text, source="f.toml")


def test_a_file_is_in_utf_8_and_may_begin_with_its_mark(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(PROFILE, encoding="utf-8-sig")
    assert [each.name for each in load_quirks(path)] == ["p"]
    path.write_bytes(PROFILE.replace("p", "\xe4").encode("latin-1"))
    with pytest.raises(ValueError, match=r"mine.toml: expected UTF-8, which byte \d+ is not"):
        load_quirks(path)
