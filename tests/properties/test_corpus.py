"""Broken frames of real equipment, and mutants of them, through whole stacks: bytes in, bytes out."""

import json
from collections import Counter
from itertools import count
from math import inf
from random import Random
from typing import get_args

from hypothesis import example, given
from hypothesis import strategies as st

from ocpp_core.actions import CloseStream, Dispatch, SendBytes, Settle
from ocpp_core.config import ClientConfig, SessionConfig, UpgradeTarget, ValidationMode, ValidationRule
from ocpp_core.inputs import Accept, BytesReceived, Connect, Reply, StartCall, StreamOpened, Tick
from ocpp_core.stack import ClientStack, ServerStack
from ocpp_core.validation import load_validator
from ocpp_core.versions import ErrorCode, version_of
from ocpp_core.websocket.close import is_close_code
from tests.broken_frames import CORPUS
from tests.link.wire import CLOSE, TEXT, answer, frame, read_frames, request, settings
from tests.properties.corpus import mutants

PROTOCOLS = st.sampled_from(["ocpp1.6", "ocpp2.0.1", "ocpp2.1"])
VALIDATORS = {protocol: load_validator(protocol) for protocol in ("ocpp1.6", "ocpp2.0.1", "ocpp2.1")}
CODES = set(ErrorCode)


class Station:
    """A client's stack, connected; what it hears comes from a server."""

    masked = False

    def __init__(self, protocol, *, mode):
        rules = [ValidationRule(mode)]
        session = SessionConfig(validator=VALIDATORS[protocol], validation_rules=rules, call_timeout=30)
        config = ClientConfig(protocols=(protocol,), session=session, reconnect=False)
        numbers = count(1)
        target = UpgradeTarget("csms.example", "/CP1")
        self.stack = ClientStack(config, settings(), target, random=Random(1), ids=lambda: f"id-{next(numbers)}")
        self.log = Log(protocol, self.stack)
        self.log.feed(Connect(0), StreamOpened(1))
        self.log.feed(BytesReceived(answer(self.log.take(), ("Sec-WebSocket-Protocol", protocol)), 1))
        self.attempt = 1
        self.log.settled.clear()


class Central:
    """A server's stack, connected; what it hears comes from a station."""

    masked = True

    def __init__(self, protocol, *, mode):
        rules = [ValidationRule(mode)]
        session = SessionConfig(validator=VALIDATORS[protocol], validation_rules=rules, call_timeout=30)
        numbers = count(1)
        self.stack = ServerStack(settings(), session, random=Random(1), ids=lambda: f"id-{next(numbers)}", now=0)
        self.log = Log(protocol, self.stack)
        self.log.feed(BytesReceived(request(("Sec-WebSocket-Protocol", protocol))))
        self.log.feed(Accept(protocol))
        self.log.take()
        self.attempt = 0


class Log:
    """Drives a stack and keeps what it does; requests are answered at once, by an empty result."""

    def __init__(self, protocol, stack):
        self.version = version_of(protocol)
        self.stack = stack
        self.data = b""
        self.settled: Counter[int] = Counter()
        self.dispatched = 0
        self.closed = False

    def feed(self, *events, now=0.0):
        for event in events:
            self.stack.handle(event, now)
            while (action := self.stack.poll()) is not None:
                self._perform(action, now)

    def _perform(self, action, now):
        if isinstance(action, SendBytes):
            assert not self.closed
            self.data += action.data
        elif isinstance(action, Settle):
            self.settled[action.token] += 1
        elif isinstance(action, CloseStream):
            self.closed = True
        elif isinstance(action, Dispatch):
            self.dispatched += 1
            self.stack.handle(Reply(action.request, {}), now)

    def take(self):
        data, self.data = self.data, b""
        return data

    def sent(self):
        """What was sent since the last time, judged: whole frames of known kinds, and texts that are messages."""
        messages, closes = [], []
        for first, payload in read_frames(self.take()):
            assert first in (0x80 | TEXT, 0x80 | CLOSE, 0x80 | 10)
            if first == 0x80 | TEXT:
                messages.append(self._judged(json.loads(payload.decode())))
            elif first == 0x80 | CLOSE:
                closes.append(int.from_bytes(payload[:2]))
        assert len(closes) <= 1
        return messages, closes

    def _judged(self, message):
        kind, message_id, *rest = message
        assert kind in self.version.message_types
        assert isinstance(message_id, str)
        if kind in (4, 5):
            code, description, details = rest
            assert code in {self.version.spell(known) for known in CODES}
            assert len(description) <= 255
            assert details == {}
        return message


SIDES = st.sampled_from([Station, Central])
MODES = st.sampled_from(get_args(ValidationMode))


def test_every_frame_of_the_corpus_leaves_the_connection_alive():
    """The list itself, without Hypothesis: what the field sends must not depend on luck."""
    for side in (Station, Central):
        for protocol in VALIDATORS:
            for mode in get_args(ValidationMode):
                peer = side(protocol, mode=mode)
                for text in CORPUS:
                    peer.log.feed(BytesReceived(frame(TEXT, text.encode(), masked=peer.masked), peer.attempt))
                messages, closes = peer.log.sent()
                assert closes == []
                assert len(messages) <= len(CORPUS)
                assert_serves(peer)


class TestMutantsOfTheCorpus:
    @given(SIDES, PROTOCOLS, MODES, st.lists(mutants(), min_size=1, max_size=6))
    def test_as_texts_get_one_answer_at_most_and_leave_the_connection_alive(self, side, protocol, mode, texts):
        peer = side(protocol, mode=mode)
        for text in texts:
            before = peer.log.dispatched
            data = frame(TEXT, text.encode(errors="replace"), masked=peer.masked)
            peer.log.feed(BytesReceived(data, peer.attempt))
            messages, closes = peer.log.sent()
            assert closes == []
            assert len(messages) <= 1
            assert peer.log.dispatched - before <= 1
        assert_serves(peer)

    @given(SIDES, PROTOCOLS, st.lists(mutants(), min_size=1, max_size=4), st.data())
    def test_as_bytes_may_end_it_by_the_code_for_them_and_by_nothing_else(self, side, protocol, texts, data):
        peer = side(protocol, mode="strict")
        wire = bytearray(b"".join(frame(TEXT, text.encode(errors="replace"), masked=peer.masked) for text in texts))
        for _ in range(data.draw(st.integers(1, 4))):
            at = data.draw(st.integers(0, len(wire)))
            wire[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
        while wire:
            size = data.draw(st.integers(1, len(wire)))
            peer.log.feed(BytesReceived(bytes(wire[:size]), peer.attempt))
            del wire[:size]
        _, closes = peer.log.sent()
        assert all(not code or is_close_code(code) for code in closes)  # without a code only where the peer sent none
        assert_ends(peer)

    @given(SIDES, PROTOCOLS, MODES, st.lists(mutants(), max_size=6))
    @example(Station, "ocpp1.6", "off", ['[3,"id-1",null]', '[3,"id-2"]', '[4,"id-3"]'])
    def test_settle_each_call_once_whatever_they_answer(self, side, protocol, mode, texts):
        peer = side(protocol, mode=mode)
        tokens = range(1, 4)
        for token in tokens:
            peer.log.feed(StartCall(token, "Heartbeat", {}))
        for text in texts:
            peer.log.feed(BytesReceived(frame(TEXT, text.encode(errors="replace"), masked=peer.masked), peer.attempt))
        for late in range(1, 4):
            peer.log.feed(Tick(), now=31.0 * late)
        assert peer.log.settled == Counter(tokens)
        peer.log.sent()
        assert_serves(peer, now=100.0)


def assert_serves(peer, now=0.0):
    """A good CALL is still answered: by a result, or in strict mode by an error of ours, for results here are empty."""
    peer.log.feed(BytesReceived(frame(TEXT, b'[2,"good","Heartbeat",{}]', masked=peer.masked), peer.attempt), now=now)
    messages, closes = peer.log.sent()
    assert closes == []
    assert [message[:2] for message in messages] in ([[3, "good"]], [[4, "good"]])


def assert_ends(peer):
    """When the stream ends nothing is left to wait for."""
    peer.log.feed(BytesReceived(b"", peer.attempt))
    assert peer.log.closed
    assert peer.stack.deadline == inf
