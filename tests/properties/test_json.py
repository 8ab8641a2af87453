"""The two JSON codecs mean the same: same values, same refusals, whatever they are given."""

import json
import math
from collections import OrderedDict
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocpp_core._json import FAST, STANDARD

pytestmark = pytest.mark.skipif(FAST is None, reason="orjson has no wheel for this platform")


class Plain(Enum):
    A = "a"


class Text(StrEnum):
    A = "a"


class Number(IntEnum):
    A = 1


def outcome(function, *arguments):
    """The value, or that it was refused, or that it was too deep."""
    try:
        return function(*arguments)
    except RecursionError:
        return RecursionError
    except (ValueError, TypeError) as error:
        return TypeError if isinstance(error, TypeError) else ValueError


def same(one, other):
    """Equal, and of the same types all through: 1 is not 1.0, and 0.0 is not -0.0."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float):
        return one == other and math.copysign(1, one) == math.copysign(1, other)
    return one == other


NASTY_TEXTS = [
    "",
    " ",
    "\ufeff1",
    "[1,]",
    "[1 2]",
    "01",
    "+1",
    ".5",
    "1.",
    "1e5",
    "1E+05",
    "-0",
    "-0.0",
    "1.0",
    "1e999",
    "-1e999",
    "1e-999",
    "2.5e308",
    "NaN",
    "Infinity",
    "-Infinity",
    "null",
    "true",
    "[1]\x00",
    '"\x00"',
    '"\x1f"',
    '"\x7f"',
    '"\\x"',
    '"\\u12"',
    '"\\ud800"',
    '"\\ud83d\\ude00"',
    '"\\ude00\\ud83d"',
    '"\ud800"',
    '{"a":1,"a":2}',
    "{1:2}",
    "{'a':1}",
    '{"a"}',
    " [1] ",
    "\t{}\n",
    "\x0b1",
    "\u00a01",
    "1\u2003",
    "18446744073709551615",
    "18446744073709551616",
    "-9223372036854775808",
    "-9223372036854775809",
    "123456789012345678901234567890",
    "[0.1, 12345678901234567890.5]",
    "1" * 400,
    "[" * 200 + "]" * 200,
    "[" * 200 + "\ud800",
    '{"\\ud800":1}',
    '"\\\\ud800"',
    "//1",
    "[1]//",
    "1_0",
    "0x1",
    "\u0661",
    '"\u0661"',
    "1e\u0661",
]


class TestReading:
    @pytest.mark.parametrize("text", NASTY_TEXTS)
    def test_a_nasty_text(self, text):
        assert same(outcome(STANDARD.loads, text), outcome(FAST.loads, text))

    @given(st.text(alphabet='[]{}",:\\ud8e0+-.123 \tntfalsru\ud800\x00é'))
    def test_any_text_of_what_json_is_made_of(self, text):
        assert same(outcome(STANDARD.loads, text), outcome(FAST.loads, text))

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda children: st.lists(children) | st.dictionaries(st.text(), children),
        ),
        st.data(),
    )
    def test_the_text_of_any_value_with_a_character_changed(self, value, data):
        text = json.dumps(value, ensure_ascii=data.draw(st.booleans()))
        at = data.draw(st.integers(0, len(text) - 1))
        changed = (
            text[:at] + data.draw(st.sampled_from(["", "0", "e", "-", '"', "\\", "\ud800", "9" * 20])) + text[at + 1 :]
        )
        for candidate in (text, changed):
            assert same(outcome(STANDARD.loads, candidate), outcome(FAST.loads, candidate))


CIRCLE: dict[str, object] = {}
CIRCLE["again"] = CIRCLE
ODD_VALUES = [
    math.nan,
    math.inf,
    -math.inf,
    1e16,
    1e-7,
    -0.0,
    2**63,
    2**64,
    -(2**63) - 1,
    10**400,
    "\ud800",
    'é\x00\x7f"\\\n',
    b"bytes",
    {1: 2},
    {None: 1},
    {True: 1},
    {1.5: 1},
    {math.nan: 1},
    {("a",): 1},
    {Text.A: 1},
    {"\ud800": 1},
    (1, (2,)),
    [None],
    "null",
    Plain.A,
    Text.A,
    Number.A,
    UUID(int=5),
    datetime(2026, 1, 1, tzinfo=UTC),
    Decimal("1.5"),
    {1, 2},
    object(),
    CIRCLE,
    OrderedDict(a=1),
    type("Sub", (dict,), {})(a=1),
    type("Sub", (str,), {})("x"),
    type("Sub", (int,), {})(7),
    type("Sub", (list,), {})([1]),
    type("Sub", (float,), {})(1.5),
    ...,
]


class TestWriting:
    @pytest.mark.parametrize("value", ODD_VALUES, ids=lambda value: f"{type(value).__name__} {value!s:.20}")
    @pytest.mark.parametrize("wrap", [lambda value: value, lambda value: {"a": [value]}], ids=["alone", "inside"])
    def test_an_odd_value(self, value, wrap):
        one, other = (outcome(codec.dumps, wrap(value)) for codec in (STANDARD, FAST))
        if isinstance(one, str):
            one, other = json.loads(one), json.loads(other)
        assert same(one, other)

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
            lambda children: st.lists(children) | st.dictionaries(st.text() | st.integers(), children),
        )
    )
    def test_any_value(self, value):
        one, other = (outcome(codec.dumps, value) for codec in (STANDARD, FAST))
        if isinstance(one, str):
            one, other = json.loads(one), json.loads(other)
        assert same(one, other)


class TestWhatIsWrittenIsReadAgain:
    @pytest.mark.parametrize("codec", [STANDARD, FAST], ids=["standard", "fast"])
    def test_enumerations_and_uuids_as_their_values(self, codec):
        assert codec.dumps({"a": [Plain.A, Text.A, Number.A, UUID(int=5)]}) == (
            '{"a":["a","a",1,"00000000-0000-0000-0000-000000000005"]}'
        )
