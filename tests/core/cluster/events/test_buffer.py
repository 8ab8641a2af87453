"""The buffer of events: bounded, in order, and it drops messages before anything else."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from ocpp_core.cluster.events.buffer import GAP, EventBuffer
from ocpp_core.cluster.events.entries import event_line


def taken(buffer, most_bytes=10**6):
    """Take one batch, as its first number and its events."""
    batch = buffer.take(0.0, most_bytes)
    return None if batch is None else (batch.first, [json.loads(line) for line in batch.lines])


def filled(most_events, kinds, most_bytes=10**6):
    """Fill a buffer: an `m` is a message, with its place as value."""
    buffer = EventBuffer(most_events, most_bytes)
    dropped = sum(buffer.add(event_line(kind, place), is_message=kind == "m") for place, kind in enumerate(kinds))
    return buffer, dropped


def test_events_are_taken_in_their_order_and_numbered():
    buffer, _ = filled(10, "cmmd")
    assert taken(buffer, 2 * len(event_line("c", 0))) == (1, [["c", 0], ["m", 1]])
    assert taken(buffer) == (3, [["m", 2], ["d", 3]])
    assert taken(buffer) is None
    assert not buffer.has_news


def test_a_full_buffer_drops_the_oldest_messages_and_reports_how_many():
    buffer, dropped = filled(3, "cmmdm")
    assert dropped == 2
    assert taken(buffer) == (1, [[GAP, 0.0, 2, 0], ["c", 0], ["d", 3], ["m", 4]])


def test_other_events_are_dropped_only_if_there_is_no_message():
    buffer, dropped = filled(2, "cdcd")
    assert dropped == 2
    assert taken(buffer) == (1, [[GAP, 0.0, 0, 2], ["c", 2], ["d", 3]])


def test_a_message_with_more_bytes_than_the_buffer_drops_nothing_else():
    buffer = EventBuffer(10, 100)
    assert buffer.add(event_line("m", 1), is_message=True) == 0
    assert buffer.add(event_line("m", "x" * 100), is_message=True) == 1
    assert taken(buffer) == (1, [[GAP, 0.0, 1, 0], ["m", 1]])


def test_a_gap_alone_is_news():
    buffer = EventBuffer(10, 10)
    buffer.add(event_line("m", "x" * 100), is_message=True)
    assert buffer.has_news
    assert taken(buffer) == (1, [[GAP, 0.0, 1, 0]])


@settings(max_examples=40)
@given(
    st.lists(st.one_of(st.tuples(st.sampled_from("mc"), st.integers(0, 60)), st.just(("take", 0))), max_size=30),
    st.integers(1, 8),
    st.integers(40, 200),
)
def test_every_event_is_taken_once_or_counted(history, most_events, most_bytes):
    buffer = EventBuffer(most_events, most_bytes)
    added: list[int] = []
    got: list[int] = []
    numbers: list[int] = []
    missed = dropped = 0
    for place, (kind, size) in enumerate([*history, *[("take", 0)] * 31]):
        if kind != "take":
            added.append(place)
            dropped += buffer.add(event_line(kind, place, "x" * size), is_message=kind == "m")
        elif (batch := taken(buffer, 50)) is not None:
            numbers += range(batch[0], batch[0] + len(batch[1]))
            missed += sum(event[2] + event[3] for event in batch[1] if event[0] == GAP)
            got += [event[1] for event in batch[1] if event[0] != GAP]
        assert len(buffer) <= most_events
        assert buffer.size <= most_bytes
    assert numbers == list(range(1, len(numbers) + 1))
    assert got == sorted(got)
    assert len(got) + missed == len(added)
    assert missed == dropped
    assert not buffer.has_news
    assert buffer.size == 0
