"""Repairs of single values: nothing is rounded or guessed."""

from typing import Any

from ocpp_core.tolerance.values import NOTHING, coerced, in_rfc3339
from tests.tables import each


@each(
    ("value", "wanted", "made"),
    [
        ("5", "integer", 5),
        (" -5 ", "integer", -5),
        ("5.0", "integer", 5),
        (5.0, "integer", 5),
        (5.5, "integer", NOTHING),
        ("0x5", "integer", NOTHING),
        ("05", "integer", NOTHING),
        ("9" * 41, "integer", NOTHING),
        (True, "integer", NOTHING),
        (None, "integer", NOTHING),
        ("1.5e3", "number", 1500.0),
        ("1e999", "number", NOTHING),
        ("1e99", "number", 1e99),
        ("NaN", "number", NOTHING),
        (5, "string", "5"),
        (0.1, "string", "0.1"),
        (True, "string", "true"),
        (10**40, "string", NOTHING),
        ([5], "string", NOTHING),
        ("TRUE", "boolean", True),
        (0, "boolean", False),
        (2, "boolean", NOTHING),
        ({"a": 1}, "array", [{"a": 1}]),
        (None, "array", NOTHING),
        (5, "object", NOTHING),
        (5, ["object", "string"], "5"),
    ],
)
def test_a_value_in_another_type(value: Any, wanted: Any, made: Any) -> None:
    result = coerced(value, wanted)
    assert (type(result), result) == (type(made), made)


@each(
    ("text", "made"),
    [
        ("2026-03-01T12:00:00", "2026-03-01T12:00:00+01:00"),
        ("2026-03-01 12:00", "2026-03-01T12:00:00+01:00"),
        ("2026-03-01T12:00:00.123", "2026-03-01T12:00:00.123+01:00"),
        ("2026-03-01t12:00:00z", "2026-03-01T12:00:00Z"),
        ("2026-03-01T12:00:00+02", "2026-03-01T12:00:00+02:00"),
        ("2026-03-01T12:00:00-0230", "2026-03-01T12:00:00-02:30"),
        ("2026-02-30T12:00:00", None),
        ("2026-03-01", None),
        ("0", None),
        ("2026-03-01T12:00:00" + " " * 100, None),
    ],
)
def test_a_date_time(text: str, made: str | None) -> None:
    assert in_rfc3339(text, "+01:00") == made
