"""A turn's work is bounded whatever it consists of, and what is not worked off is not kept either."""

from math import inf
from struct import pack

import pytest

from ocpp_core.actions import (
    TURN,
    Abandon,
    Action,
    CloseStream,
    Dispatch,
    OpenTransport,
    Reading,
    SendBytes,
    Settle,
    StateChanged,
    Yield,
)
from ocpp_core.config import SessionConfig
from ocpp_core.inputs import (
    Accept,
    BytesReceived,
    Close,
    Congested,
    Connect,
    Reply,
    StartCall,
    StreamLost,
    StreamOpened,
    Tick,
)
from ocpp_core.session import Closed, Closing
from tests.link.wire import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, answer, frame
from tests.stack.test_stack import asked, client_stack, drain

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
    taken: list[list[Action]] = [[]]
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


AT_WORK, ROOM = 132, 10
"""Requests that the application works on at a time, and those that are held beside them until nothing more is read."""


class Conversation:
    """An open stack of either side whose handlers take their time, and what its host has seen of it."""

    def __init__(self, role, **session):
        self.is_client = role == "client"
        self.attempt = 0
        session = {"max_inbound": AT_WORK, "max_held": ROOM, **session}
        self.stack = self.connected(session) if self.is_client else opened(**session)
        self.todo, self.begun, self.others = [], [], []

    def connected(self, session):
        stack = client_stack(session=SessionConfig(**session))
        stack.handle(Connect(99), 0.0)
        (dial,) = [action for action in drain(stack) if isinstance(action, OpenTransport)]
        self.attempt = dial.attempt
        stack.handle(StreamOpened(dial.attempt), 0.0)
        request = b"".join(action.data for action in drain(stack))
        stack.handle(BytesReceived(answer(request, ("Sec-WebSocket-Protocol", "ocpp1.6")), dial.attempt), 0.0)
        drain(stack)
        return stack

    def hear(self, *texts):
        self.read(b"".join(frame(TEXT, text, masked=not self.is_client) for text in texts))

    def read(self, data):
        self.stack.handle(BytesReceived(data, self.attempt), 0.0)
        self.look()

    def look(self):
        for action in drain(self.stack):
            if isinstance(action, Dispatch):
                self.todo.append(action.request)
                self.begun.append(action.message_id)
            elif not isinstance(action, (SendBytes, Yield)):
                self.others.append(action)

    def answer(self, number=1):
        for _ in range(number):
            self.stack.handle(Reply(self.todo.pop(0), {}), 0.0)
            self.look()

    @property
    def held(self):
        return self.stack.session.requests.held

    @property
    def switches(self):
        return [action.on for action in self.others if isinstance(action, Reading)]

    @property
    def settled(self):
        return [action.token for action in self.others if isinstance(action, Settle)]


def calls(first, after):
    return [b'[2,"%d","Heartbeat",{}]' % number for number in range(first, after)]


@pytest.mark.parametrize("role", ["server", "client"])
class TestAStackWithoutRoom:
    def test_holds_a_burst_reads_answers_past_it_and_loses_nothing(self, role):
        both = Conversation(role)
        both.stack.handle(StartCall(7, "Reset", {}, message_id="ours"), 0.0)
        both.hear(*calls(0, AT_WORK + ROOM - 1), b'[3,"ours",{}]')
        assert (len(both.todo), both.held, both.switches, both.settled) == (AT_WORK, ROOM - 1, [], [7])
        both.stack.handle(StartCall(8, "Reset", {}, message_id="ours too"), 0.0)
        both.hear(*calls(AT_WORK + ROOM - 1, AT_WORK + 3 * ROOM), b'[3,"ours too",{}]')
        assert (len(both.todo), both.held, both.switches, both.settled) == (AT_WORK, ROOM, [False], [7])
        unread = len(both.stack._link.unread)
        both.hear(*calls(AT_WORK + 3 * ROOM, AT_WORK + 4 * ROOM))
        assert both.held == ROOM
        assert len(both.stack._link.unread) > unread > 0, "it stays with the link, before which the host reads no more"
        both.answer(ROOM // 2 - 1)
        assert (both.held, both.switches) == (ROOM // 2 + 1, [False])
        both.answer()
        assert (both.held, both.switches) == (ROOM, [False, True, False]), (
            "the rest comes from the link, up to the bound"
        )
        while both.todo:
            both.answer()
        assert both.begun == [str(number) for number in range(AT_WORK + 4 * ROOM)]
        assert (both.held, both.settled, both.switches[-1]) == (0, [7, 8], True)
        assert not both.stack.session.requests.is_full

    def test_reads_on_when_many_are_answered_before_anybody_looks(self, role):
        both = Conversation(role)
        both.hear(*calls(0, AT_WORK + 3 * ROOM))
        for request in both.todo[:]:
            both.stack.handle(Reply(request, {}), 0.0)
        del both.todo[:]
        both.look()
        assert both.begun == [str(number) for number in range(AT_WORK + 3 * ROOM)]
        assert both.switches[-1] is True

    def test_hears_the_peer_s_answer_to_its_close(self, role):
        both = Conversation(role)
        both.hear(*calls(0, AT_WORK + 2 * ROOM))
        both.stack.handle(Close(1000, "done", drain=False), 0.0)
        session = both.stack.session
        both.read(frame(CLOSE, pack(">H", 1000), masked=not both.is_client))
        both.read(b"")
        assert session.state == Closed(1000, "done")
        assert (len(both.begun), both.switches) == (AT_WORK, [False, True])

    def test_closes_when_the_last_handler_has_answered_and_then_waits_for_the_whole_handshake(self, role):
        both = Conversation(role)
        both.hear(*calls(0, 1))
        both.stack.handle(Close(1000, "done"), 0.0)
        assert both.stack.session.deadline == 30.0, "at which draining ends at the latest"
        both.stack.handle(Reply(both.todo[0], {}), 20.0)
        both.look()
        assert both.stack.session.state == Closing(25.0, 1000, "done")

    def test_drops_what_is_held_at_once_when_the_stream_is_lost(self, role):
        both = Conversation(role)
        both.hear(*calls(0, AT_WORK + 2 * ROOM))
        session = both.stack.session
        both.stack.handle(StreamLost(both.attempt), 0.0)
        both.look()
        assert sum(isinstance(action, Abandon) for action in both.others) == len(both.begun) == AT_WORK
        assert both.switches == [False, True]
        assert isinstance(session.state, Closed)
        assert (session.requests.held, session.requests.is_full) == (0, False)
