"""The offline queue in memory: at most `size` calls, in order, each settled when it is given up."""

from math import inf

import pytest

from ocpp_core.actions import SessionAction, Settle
from ocpp_core.config import ClientConfig, SessionConfig
from ocpp_core.errors import (
    CallCancelledError,
    CallDroppedError,
    ClosedError,
    TimeoutError,
)
from ocpp_core.inputs import StartCall
from ocpp_core.outbound.call import prepare_call
from ocpp_core.outbound.memory_queue import MemoryQueue


def call(token, *, now=0.0, payload=None, **options):
    return prepare_call(StartCall(token, "Heartbeat", payload or {}, **options), SessionConfig(), now)


def limits(size, max_bytes=inf):
    session = SessionConfig(max_queued_bytes=max_bytes)
    return ClientConfig(protocols=("ocpp1.6",), offline_queue_size=size, session=session)


class Kept:
    """A queue and what it told."""

    def __init__(self, size, *calls, max_bytes=inf):
        self.told: list[SessionAction] = []
        self.queue = MemoryQueue(limits(size, max_bytes), self.told.append)
        for kept in calls:
            self.queue.add(kept)

    @property
    def settles(self):
        return [action for action in self.told if isinstance(action, Settle)]

    def outcomes(self):
        return [(settle.token, type(settle.error)) for settle in self.settles]

    def taken(self):
        calls = []
        while (first := self.queue.first(0.0)) is not None:
            self.queue.take(first)
            calls.append(first.token)
        return calls


class TestOrder:
    def test_is_the_order_of_the_calls(self):
        assert Kept(9, call(1), call(2), call(3)).taken() == [1, 2, 3]

    def test_puts_urgent_calls_first_in_their_order(self):
        assert Kept(9, call(1), call(2, urgent=True), call(3), call(4, urgent=True)).taken() == [2, 4, 1, 3]

    def test_is_handed_over_once_and_unsettled(self):
        kept = Kept(9, call(1, ttl=5))
        assert (kept.taken(), kept.taken()) == ([1], [])
        assert (kept.told, len(kept.queue), kept.queue.deadline) == ([], 0, inf)


class TestOverflow:
    def test_drops_the_oldest_call_and_tells(self):
        kept = Kept(2, call(1), call(2), call(3))
        assert kept.outcomes() == [(1, CallDroppedError)]
        assert kept.taken() == [2, 3]

    def test_spares_urgent_calls_while_there_are_others(self):
        kept = Kept(2, call(1), call(2), call(3, urgent=True), call(4, urgent=True), call(5, urgent=True))
        assert kept.outcomes() == [(1, CallDroppedError), (2, CallDroppedError), (3, CallDroppedError)]
        assert kept.taken() == [4, 5]

    def test_may_come_from_a_smaller_size(self):
        kept = Kept(3, call(1), call(2), call(3))
        kept.queue.configure(limits(1))
        assert kept.outcomes() == [(1, CallDroppedError), (2, CallDroppedError)]

    def test_counts_the_bytes_of_the_payloads_too(self):
        kept = Kept(9, call(1, payload={"x": "é" * 20}), call(2), call(3, payload={"x": "y" * 20}), max_bytes=60)
        assert kept.outcomes() == [(1, CallDroppedError)]
        assert str(kept.settles[0].error) == "the offline queue is full: expected calls of at most 60 bytes together"
        assert kept.taken() == [2, 3]

    def test_never_drops_all_others_for_a_call_that_is_too_large_alone(self):
        kept = Kept(9, call(1), call(2, payload={"x": "y" * 100}, ttl=5), max_bytes=60)
        assert kept.outcomes() == [(2, CallDroppedError)]
        assert (kept.queue.deadline, kept.taken()) == (inf, [1])

    def test_frees_the_bytes_of_what_leaves(self):
        half = {"x": "y" * 20}
        kept = Kept(9, call(1, payload=half), call(2, payload=half, ttl=5), max_bytes=60)
        kept.queue.cancel(1)
        kept.queue.add(call(3, payload=half))
        kept.queue.expire(5)
        kept.queue.add(call(4, payload=half))
        assert kept.outcomes() == [(1, CallCancelledError), (2, TimeoutError)]
        assert kept.taken() == [3, 4]
        kept.queue.add(call(5, payload=half))
        kept.queue.add(call(6, payload=half))
        assert kept.taken() == [5, 6]

    def test_leaves_no_timer(self):
        assert Kept(1, call(1, ttl=5), call(2)).queue.deadline == inf


class TestTimeToLive:
    def test_ends_a_call_when_it_is_over(self):
        kept = Kept(9, call(1, ttl=5), call(2), call(3, ttl=3))
        assert kept.queue.deadline == 3
        kept.queue.expire(2.9)
        assert kept.told == []
        kept.queue.expire(5)
        assert kept.outcomes() == [(3, TimeoutError), (1, TimeoutError)]
        assert kept.taken() == [2]


class TestGivingUp:
    def test_cancels_a_call_by_its_token_once(self):
        kept = Kept(9, call(1), call(2, ttl=5))
        kept.queue.cancel(2)
        kept.queue.cancel(2)
        assert kept.outcomes() == [(2, CallCancelledError)]
        assert (kept.queue.deadline, kept.taken()) == (inf, [1])

    def test_of_an_unknown_token_is_nothing(self):
        kept = Kept(9, call(1))
        kept.queue.cancel(99)
        assert kept.told == []

    def test_closes_with_every_caller_told(self):
        kept = Kept(9, call(1), call(2, ttl=5))
        kept.queue.close()
        assert kept.outcomes() == [(1, ClosedError), (2, ClosedError)]
        assert (len(kept.queue), kept.queue.deadline) == (0, inf)


def test_an_id_that_is_kept_already_raises():
    kept = Kept(9, call(1, message_id="mine"))
    with pytest.raises(ValueError, match="expected an unused message id"):
        kept.queue.add(call(2, message_id="mine"))
    assert kept.taken() == [1]
