"""The memory of requests."""

import sys

from ocpp_core.cluster.calls.replays import Seen, SeenRequests
from ocpp_core.cluster.records import NodeId

A, B = NodeId("a.0"), NodeId("b.0")


def test_a_number_of_a_caller_is_new_once_in_any_order():
    seen = SeenRequests(10, 3600)
    assert [seen.note(A, number, 0) for number in (5, 3, 5, 4, 3, 9)] == [
        Seen.NEW, Seen.NEW, Seen.AGAIN, Seen.NEW, Seen.AGAIN, Seen.NEW,
    ]  # fmt: skip
    assert seen.note(B, 5, 0) is Seen.NEW


def test_a_number_far_below_the_largest_may_have_been_seen():
    seen = SeenRequests(10, 3600)
    seen.note(A, 1, 0)
    seen.note(A, 1 + 16_383, 0)
    assert seen.note(A, 1, 0) is Seen.AGAIN
    seen.note(A, 1 + 16_384, 0)
    assert seen.note(A, 1, 0) is Seen.UNKNOWN
    seen.note(A, 2**53, 0)
    assert seen.note(A, 16_385, 0) is Seen.UNKNOWN


def test_a_caller_takes_two_kibibytes_at_most():
    seen = SeenRequests(10, 3600)
    for number in range(40_000):
        seen.note(A, number, 0)
    assert sys.getsizeof(seen._callers[A]._seen) < 2300


def test_a_caller_is_forgotten_when_no_request_of_it_can_be_late():
    seen = SeenRequests(10, 3600)
    seen.note(A, 1, 0)
    assert seen.note(A, 1, 3659) is Seen.AGAIN
    assert seen.note(A, 1, 3659 + 3660) is Seen.NEW
    assert len(seen) == 1


def test_a_full_memory_takes_a_new_caller_once_another_was_silent_for_a_minute():
    seen = SeenRequests(1, 3600)
    seen.note(A, 1, 0)
    assert seen.note(B, 1, 59) is Seen.UNKNOWN
    assert seen.note(B, 1, 60) is Seen.NEW
    assert len(seen) == 1
