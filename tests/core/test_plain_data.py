"""The inputs and actions that are written by hand do what `@dataclass(slots=True)` would make of them."""

import copy
import dataclasses
import pickle
from collections.abc import Mapping
from dataclasses import MISSING, field, make_dataclass
from typing import Any, TypeAlias, assert_never

import pytest

from ocpp_core.actions import Dispatch, SendBytes
from ocpp_core.inputs import BytesReceived, Reply
from ocpp_core.inputs._plain import PlainData
from tests.kinds import mistyped
from tests.tables import each

Fields: TypeAlias = Mapping[str, Any]
"""By name, what `dataclasses.field` returned."""

FIELDS: Mapping[type[PlainData], Fields] = {
    BytesReceived: {"data": field(), "attempt": field(default=0)},
    Reply: {"request": field(), "payload": field()},
    SendBytes: {"data": field()},
    Dispatch: {
        "request": field(),
        "action": field(),
        "payload": field(),
        "message_id": field(),
        "expects_reply": field(default=True),
        "received_at": field(default=0.0, compare=False),
        "text": field(default="", compare=False, repr=False),
    },
}
VALUES: Mapping[str, tuple[Any, Any]] = {
    "data": (b"a", b"b"),
    "attempt": (1, 2),
    "request": (1, 2),
    "payload": ({}, {"a": 1}),
    "action": ("Heartbeat", "Reset"),
    "message_id": ("1", "2"),
    "expects_reply": (False, True),
    "received_at": (1.0, 2.0),
    "text": ("a", "b"),
}
"""Two values for each field, of which none is a default but `expects_reply` as its second one."""


def twin_of(cls: type[PlainData]) -> Any:
    """Return the dataclass with the same fields."""
    named = [(name, Any, copy.copy(each)) for name, each in FIELDS[cls].items()]
    return make_dataclass(cls.__name__, named, slots=True)


def required(cls: type[PlainData]) -> list[Any]:
    return [VALUES[name][0] for name, each in FIELDS[cls].items() if each.default is MISSING]


def made(cls: Any, fields: Fields, **changes: Any) -> Any:
    return cls(**{name: VALUES[name][0] for name in fields} | changes)


each_class = each(("cls", "twin"), [(cls, twin_of(cls)) for cls in FIELDS])


def test_the_table_has_every_such_class() -> None:
    assert set(PlainData.__subclasses__()) == set(FIELDS)


@each_class
def test_a_plain_class_takes_the_same_arguments(cls: Any, twin: Any) -> None:
    by_name = made(cls, FIELDS[cls])
    by_position = cls(*(VALUES[name][0] for name in FIELDS[cls]))
    assert dataclasses.astuple(by_name) == dataclasses.astuple(by_position)
    assert dataclasses.astuple(cls(*required(cls))) == dataclasses.astuple(twin(*required(cls)))
    for wrong in (required(cls)[1:], [*(VALUES[name][0] for name in FIELDS[cls]), 0]):
        with pytest.raises(TypeError):
            twin(*wrong)
        with pytest.raises(TypeError):
            cls(*wrong)


@each_class
def test_it_equals_the_same_objects(cls: Any, twin: Any) -> None:
    one, alike = made(cls, FIELDS[cls]), made(twin, FIELDS[cls])
    for name in FIELDS[cls]:
        change = {name: VALUES[name][1]}
        is_equal = one == made(cls, FIELDS[cls], **change)
        assert is_equal is (alike == made(twin, FIELDS[cls], **change)) is (not FIELDS[cls][name].compare)
    assert one == made(cls, FIELDS[cls])
    assert one != alike
    for known in (one, alike):
        with pytest.raises(TypeError, match="unhashable type"):
            hash(known)


@each_class
def test_it_is_shown_alike(cls: Any, twin: Any) -> None:
    assert repr(made(cls, FIELDS[cls])) == repr(made(twin, FIELDS[cls]))


@each_class
def test_it_is_copied_pickled_and_replaced(cls: Any, twin: Any) -> None:
    one = made(cls, FIELDS[cls])
    changes = {name: second for name, (_, second) in VALUES.items() if name in FIELDS[cls]}
    for alike in (copy.copy(one), copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
        assert type(alike) is cls
        assert dataclasses.asdict(alike) == dataclasses.asdict(made(twin, FIELDS[cls]))
    for replaced in (dataclasses.replace(one, **changes), one.__replace__(**changes)):
        assert dataclasses.asdict(replaced) == changes


@each_class
def test_it_has_the_same_fields_and_no_other_attribute(cls: Any, twin: Any) -> None:
    ours, theirs = (
        [(f.name, f.default, f.init, f.repr, f.compare) for f in dataclasses.fields(c)] for c in (cls, twin)
    )
    assert ours == theirs
    assert cls.__match_args__ == twin.__match_args__
    for known in (made(cls, FIELDS[cls]), made(twin, FIELDS[cls])):
        assert not hasattr(known, "__dict__")
        with pytest.raises(AttributeError):
            known.other = 1


def test_a_match_reads_the_fields_and_is_seen_to_be_complete() -> None:
    def content(message: BytesReceived | Reply | SendBytes | Dispatch) -> object:
        match message:
            case BytesReceived(data, attempt):
                return data, attempt
            case Reply(request, payload):
                return request, payload
            case SendBytes(data):
                return data
            case Dispatch(request, action, payload, message_id, expects_reply, received_at, text):
                return request, action, payload, message_id, expects_reply, received_at, text
            case _:
                assert_never(message)

    assert content(BytesReceived(b"a", 1)) == (b"a", 1)
    assert content(Reply(1, {})) == (1, {})
    assert content(SendBytes(b"a")) == b"a"
    assert content(Dispatch(1, "Reset", {}, "2", received_at=3.0, text="4")) == (1, "Reset", {}, "2", True, 3.0, "4")
    with pytest.raises(AssertionError):
        content(mistyped(0))


@pytest.mark.parametrize("cls", FIELDS)
def test_has_the_options_that_the_decorator_reads_in_a_base(cls: Any) -> None:
    assert repr(cls.__dataclass_params__) == repr(twin_of(cls).__dataclass_params__)
