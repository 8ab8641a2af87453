"""A turn's work is bounded whatever it consists of, and what is not worked off is not kept either."""

from math import inf

import pytest

from ocpp_core.actions import CloseStream, Dispatch, Reading, SendBytes, StateChanged, Yield
from ocpp_core.inputs import Accept, BytesReceived, Congested, Reply, StreamLost, Tick
from ocpp_core.link._incoming import TURN
from ocpp_core.session import Closed
from tests.link.wire import BINARY, CONTINUATION, PING, PONG, TEXT, frame
from tests.stack.test_stack import asked, drain

CHUNK = 65536
"""Bytes that a host reads at a time."""

CHEAP = {
    "CALLs": frame(TEXT, b'[2,"a","Heartbeat",{}]'),
    "pings": frame(PING),
    "pongs": frame(PONG),
    "empty texts": frame(TEXT),
    "empty binary messages": frame(BINARY),
    "texts that are no JSON": frame(TEXT, b"{"),
    "texts of an unknown type": frame(TEXT, b"[9]"),
    "answers to nothing": frame(TEXT, b'[3,"a",{}]'),
    "errors for nothing": frame(TEXT, b'[4,"a","GenericError","",{}]'),
}


def opened(**session):
    stack = asked(**{"max_bad_messages": inf, **session})
    stack.handle(Accept("ocpp1.6"), 0.0)
    drain(stack)
    return stack


def turns(stack):
    """What is taken in each turn, by a host whose handlers answer at once."""
    taken = [[]]
    while (action := stack.poll()) is not None:
        if isinstance(action, Yield):
            taken.append([])
            continue
        taken[-1].append(action)
        if isinstance(action, Dispatch):
            stack.handle(Reply(action.request, {}), 0.0)
    return taken


class TestATurn:
    @pytest.mark.parametrize("kind", CHEAP)
    def test_takes_no_more_than_its_share_of_frames(self, kind):
        stack = opened()
        frames = CHUNK // len(CHEAP[kind])
        stack.handle(BytesReceived(CHEAP[kind] * frames), 0.0)
        taken = turns(stack)
        assert len(taken) >= frames // TURN
        assert max(map(len, taken)) <= 3 * TURN, "a frame gives an answer, a report and a log of it at most"

    def test_takes_no_more_than_its_share_of_fragments(self):
        stack = opened()
        stack.handle(BytesReceived(frame(TEXT, fin=False) + frame(CONTINUATION, fin=False) * 1000), 0.0)
        assert len(turns(stack)) >= 1000 // TURN

    @pytest.mark.parametrize("masked_piecewise", [False, True])
    def test_takes_no_more_than_its_share_of_bytes(self, masked_piecewise):
        stack = opened()
        text = b'[2,"a","DataTransfer",{"vendorId":"v","data":"%s"}]' % (b"x" * 30_000)
        data = frame(TEXT, text) * 8
        step = 1000 if masked_piecewise else len(data)
        for start in range(0, len(data), step):
            stack.handle(BytesReceived(data[start : start + step]), 0.0)
        assert max(sum(isinstance(action, Dispatch) for action in taken) for taken in turns(stack)) <= 3

    def test_is_not_ended_for_nothing(self):
        stack = opened()
        for _ in range(10):
            stack.handle(BytesReceived(CHEAP["CALLs"] * (TURN - 1)), 0.0)
            assert len(turns(stack)) == 1


class TestWhatIsUnread:
    def test_is_cut_off_as_it_is_read(self):
        stack = opened()
        call = CHEAP["CALLs"]
        stack.handle(BytesReceived(call), 0.0)
        for _ in range(1000):  # one is taken for each that comes, so that one is always left
            stack.handle(BytesReceived(call), 0.0)
            while not isinstance(action := stack.poll(), Dispatch):
                assert isinstance(action, (SendBytes, Yield))
            stack.handle(Reply(action.request, {}), 0.0)
            assert len(stack._link.unread) <= 3 * len(call)

    def test_is_dropped_when_the_stream_is_lost(self):
        stack = opened()
        stack.handle(BytesReceived(CHEAP["CALLs"] * 100), 0.0)
        assert isinstance(stack.poll(), Dispatch)
        stack.handle(StreamLost(), 0.0)
        actions = drain(stack)
        assert not any(isinstance(action, Dispatch) for action in actions)
        assert isinstance(actions[-1], StateChanged)
        assert isinstance(actions[-1].state, Closed)
        assert [type(action) for action in actions if isinstance(action, CloseStream)] == [CloseStream]

    def test_is_read_to_its_end_when_the_peer_ends_it(self):
        stack = opened()
        stack.handle(BytesReceived(CHEAP["CALLs"] * 100), 0.0)
        stack.handle(BytesReceived(b""), 0.0)
        assert sum(isinstance(action, Dispatch) for taken in turns(stack) for action in taken) == 100


class TestAPeerThatIsNotReadFrom:
    @pytest.mark.parametrize("stall", [Congested(on=True), Reading(on=False)], ids=["congested", "without room"])
    def test_is_not_taken_for_a_dead_one(self, stall):
        stack = opened()
        if isinstance(stall, Congested):
            stack.handle(stall, 0.0)
        else:
            stack._link.hold(on=True)
        for _ in range(20):
            stack.handle(Tick(), stack.deadline)
            assert not any(isinstance(action, CloseStream) for action in drain(stack))

    def test_is_again_when_it_is_read_from(self):
        stack = opened()
        stack.handle(Congested(on=True), 0.0)
        for _ in range(5):
            stack.handle(Tick(), stack.deadline)
        stack.handle(Congested(on=False), 1000.0)
        ended = []
        while stack.deadline < inf:
            stack.handle(Tick(), stack.deadline)
            ended += [action for action in drain(stack) if isinstance(action, CloseStream)]
        assert ended == [CloseStream(abort=True)]
