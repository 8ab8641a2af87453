"""The kinds of quirks: the broken rules that each one forgives or repairs, and the ones it leaves alone."""

from typing import Any

import pytest

from ocpp_core.config import BrokenRule, Effect, Remedy
from ocpp_core.tolerance import (
    AllowValues,
    Coerce,
    DropMembers,
    FixCase,
    Forgive,
    MendTimes,
    Quirk,
    RelaxLength,
    ReplaceValues,
)
from tests.kinds import mistyped
from tests.tables import each

KEEP, DROP = Remedy(Effect.KEEP), Remedy(Effect.DROP)


def new(value: Any) -> Remedy:
    return Remedy(Effect.REPLACE, value)


@each(
    ("quirk", "keyword", "demand", "value", "remedy"),
    [
        (RelaxLength(limit=30), "maxLength", 25, "x" * 30, KEEP),
        (RelaxLength(limit=30), "maxLength", 25, "x" * 31, None),
        (RelaxLength(limit=30), "minLength", 25, "x", None),
        (AllowValues(), "enum", ["a"], "b", KEEP),
        (AllowValues(), "enum", ["a"], "b" * 256, None),
        (AllowValues(), "enum", ["a"], 5, None),
        (AllowValues(values=("b",)), "enum", ["a"], "c", None),
        (AllowValues(values=("b",)), "const", "a", "b", KEEP),
        (ReplaceValues(values={"b": "a"}), "enum", ["a"], "b", new("a")),
        (ReplaceValues(values={"b": "a"}), "enum", ["a"], "c", None),
        (FixCase(), "enum", ["Aa", 1], "aA", new("Aa")),
        (FixCase(), "enum", ["Aa"], "b", None),
        (Coerce(), "type", "integer", "5", new(5)),
        (Coerce(), "type", "integer", "5.5", None),
        (Coerce(), "maximum", 5, 6, None),
        (MendTimes(), "format", "date-time", "2026-03-01T12:00:00", new("2026-03-01T12:00:00Z")),
        (MendTimes(), "format", "date-time", "noon", None),
        (MendTimes(), "format", "uri", "2026-03-01T12:00:00", None),
        (DropMembers(), "type", "string", None, DROP),
        (DropMembers(), "minItems", 1, [], DROP),
        (DropMembers(), "required", "a", {}, DROP),
        (DropMembers(), "enum", ["a"], "", DROP),
        (DropMembers(), "type", "string", 0, None),
        (DropMembers(), "type", "string", False, None),
        (DropMembers(what=("null",)), "enum", ["a"], "", None),
        (DropMembers(), "additionalProperties", False, 5, None),
        (DropMembers(what=("unknown",)), "additionalProperties", False, 5, DROP),
        (Forgive(rules=("maximum",)), "maximum", 5, 6, KEEP),
        (Forgive(rules=("maximum",)), "minimum", 5, 4, None),
        (Forgive(rules=("type",), types=("number",)), "type", "integer", 5.5, KEEP),
        (Forgive(rules=("type",), types=("number",)), "type", "integer", True, None),
        (Forgive(rules=("type",), types=("number",)), "type", "integer", {}, None),
    ],
)
def test_a_remedy(quirk: Quirk, keyword: str, demand: Any, value: Any, remedy: Remedy | None) -> None:
    assert quirk.remedy(BrokenRule(("a",), keyword, demand, value)) == remedy


@each(
    ("at", "path", "covers"),
    [
        ("**", (), True),
        ("**", ("a", "b"), True),
        ("a.b", ("a", "b"), True),
        ("a.b", ("a",), False),
        ("a", ("a", "b"), False),
        ("*.b", ("a", "b"), True),
        ("*", (), False),
        ("**.b", ("a", "x", "b"), True),
        ("**.b", ("b",), True),
        ("a.**", ("a",), True),
        ("a.**.c", ("b", "c"), False),
        ("**.**", ("a",), True),
        ("**.a.**", ("b",), False),
        ("**.a." * 8 + "b", ("a",) * 60, False),  # tried one after another, the ways would take years
    ],
)
def test_where_a_quirk_applies(at: str, path: tuple[str, ...], covers: bool) -> None:
    assert Coerce(at=at).covers(path) is covers


def test_which_messages_a_quirk_is_for() -> None:
    quirk = Coerce(action="Reset", message="result")
    assert quirk.is_for("result", "Reset")
    assert not quirk.is_for("call", "Reset")
    assert not quirk.is_for("result", "Heartbeat")
    assert Coerce().is_for("send", "Anything")


@each(
    ("make", "text"),
    [
        (lambda: RelaxLength(limit=0), "expected limit >= 1 characters as an integer, got 0"),
        (lambda: RelaxLength(limit=mistyped("5")), "expected limit >= 1 characters as an integer, got '5'"),
        (lambda: AllowValues(values=mistyped("x")), "expected values as a list of texts, got 'x'"),
        (lambda: ReplaceValues(values=mistyped(["x"])), "expected values as a table of texts by texts"),
        (lambda: MendTimes(offset="+2"), r"expected offset as Z or \+HH:MM, got '\+2'"),
        (lambda: DropMembers(what=("nothing",)), "expected what as some of null, text, array, object, unknown, got"),
        (lambda: Forgive(rules=("type",), types=("integer",)), "expected types as some of null, .*, got 'integer'"),
        (lambda: Forgive(rules=("size",)), "expected rules as some of .*maxLength.*, got 'size'"),
        (lambda: Coerce(message=mistyped("reply")), "expected message as one of call, result, send, got 'reply'"),
        (lambda: Coerce(at=""), "expected at as a text, got ''"),
    ],
)
def test_a_wrong_field_is_refused(make: Any, text: str) -> None:
    with pytest.raises((TypeError, ValueError), match=text):
        make()
