"""Entries of events: what is written is read again, and anything else is refused without its content."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocpp_core.cluster.events.entries import EventEntry, UnreadableEntryError, entry_fields, event_line, read_entry
from ocpp_core.cluster.records import NodeId

NODE = NodeId("a.0000000000000001")
EVENTS = st.lists(st.tuples(st.sampled_from("cdmsg"), st.text(max_size=9) | st.none()), min_size=1, max_size=3)


def stored(fields):
    """The fields as a store returns them."""
    return {name.encode(): value for name, value in fields.items()}


@given(EVENTS, st.integers(1, 10**17))
@settings(max_examples=30)
def test_an_entry_is_read_as_it_was_written(events, first):
    lines = [event_line(*event) for event in events]
    assert all(b"\n" not in line for line in lines)
    assert read_entry(stored(entry_fields(NODE, first, lines))) == EventEntry(
        NODE, first, tuple([kind, value] for kind, value in events)
    )


def test_half_a_surrogate_pair_and_values_of_other_types_are_written():
    assert json.loads(event_line("c", "CP\ud800", {1, 2})) == ["c", "CP\ud800", "set"]


WRITTEN = stored(entry_fields(NODE, 1, [event_line("c", 0.0)]))


@pytest.mark.parametrize(
    "changes",
    [
        *({name: None} for name in WRITTEN),
        {b"v": b"2"},
        {b"n": b"\xff"},
        {b"s": b"-1"},
        {b"s": b"9" * 5_000},
        {b"e": b"secret"},
        {b"e": b"[]"},
        {b"e": b"{}"},
        {b"e": b"[" * 100_000},
    ],
)
def test_anything_else_is_refused_and_not_quoted(changes):
    fields = {name: value for name, value in (WRITTEN | changes).items() if value is not None}
    with pytest.raises(UnreadableEntryError) as raised:
        read_entry(fields)
    assert "secret" not in str(raised.value)
    assert raised.value.__cause__ is None
