"""What must hold for a session and for a client, whatever happens to them."""

from collections import Counter
from itertools import islice
from math import inf, nan

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ocpp_core.actions import Dispatch
from ocpp_core.client_states import Stopped
from ocpp_core.inputs import (
    BinaryReceived,
    Close,
    Congested,
    Decline,
    Fail,
    Notify,
    Reconfigure,
    Reply,
    SendRaw,
    StartCall,
    TextReceived,
    Tick,
    TransportLost,
)
from ocpp_core.messages import Malformed, decode, encode_message, encode_payload
from ocpp_core.session import Closed
from tests.kinds import mistyped
from tests.properties.histories import (
    ALL,
    ANSWERS,
    CLIENT_STEPS,
    CONNECTIONS,
    GATED_SESSION_STEPS,
    JSON,
    LENIENCIES,
    MISUSE,
    OPEN_SESSION_STEPS,
    SESSION_STEPS,
    TEXTS,
    VERSIONS,
    a_client_world,
    a_world,
    play,
)

FLAGS = st.booleans()
MUST_REGISTER = {"require_registration": True, "validator": None}
GATES = [{}, MUST_REGISTER, {**MUST_REGISTER, "refuse_before_registration": True}]
BYTES = st.binary(max_size=9) | TEXTS.map(lambda text: text.encode(errors="surrogatepass"))
MESSAGES = TEXTS.map(TextReceived) | BYTES.map(BinaryReceived)
CALL_TEXTS = st.integers(0, 9).map(lambda n: f'[2,"{n % 4}","Heartbeat",{{"n":{n}}}]')
ANSWER_TEXTS = st.sampled_from([text % message_id for text in ANSWERS for message_id in ("id-1", "id-2", "id-3")])


class TestNoTextFromAPeerRaises:
    """The histories below feed such texts in every other state, and to clients."""

    @given(TEXTS, VERSIONS, LENIENCIES)
    def test_when_it_is_read(self, text, version, leniency):
        read = decode(text, version.message_types, leniency)
        assert isinstance(read, Malformed) or (isinstance(read, list) and read[0] in version.message_types)

    @given(st.lists(MESSAGES, max_size=20), VERSIONS, LENIENCIES, FLAGS)
    def test_out_of_a_session(self, messages, version, leniency, trace):
        world = a_world(version, leniency=leniency, trace=trace)
        for message in messages:
            world.engine.handle(message, 0)
            world.drain()


class TestWhatIsWrittenIsRead:
    @given(st.dictionaries(st.text(max_size=5), JSON, max_size=4), VERSIONS)
    def test_as_it_was(self, payload, version):
        try:
            text = encode_message(2, "a", "X", encode_payload(payload))
        except ValueError:
            assume(False)  # NaN, Infinity
        assert decode(text, version.message_types) == [2, "a", "X", payload]


class TestEveryCallSettlesExactlyOnce:
    """And when all is over, nothing is armed and nothing is held. `World` checks more on the way."""

    @given(SESSION_STEPS | GATED_SESSION_STEPS, VERSIONS, st.integers(1, 3), FLAGS, st.sampled_from(GATES))
    def test_of_a_session_that_is_lost(self, history, version, window, trace, gate):
        world = play(a_world(version, call_concurrency=window, trace=trace, **gate), history)
        world.feed(TransportLost())
        world.drain()
        assert_over(world, world.engine)

    @given(SESSION_STEPS, VERSIONS, FLAGS)
    def test_of_a_session_that_closes_while_the_peer_says_nothing(self, history, version, drain):
        world = play(a_world(version), history)
        world.feed(Close(drain=drain))
        world.drain()
        world.wait(60)
        assert_over(world, world.engine)

    @given(SESSION_STEPS, VERSIONS)
    def test_of_a_session_whose_unsent_calls_are_taken(self, history, version):
        world = play(a_world(version, keep_unsent=True), history)
        world.feed(TransportLost())
        world.drain()
        kept = [call.token for call in world.engine.take_unsent()]
        assert world.settled + Counter(kept) == Counter(world.started)
        assert world.engine.deadline == inf

    @given(OPEN_SESSION_STEPS, VERSIONS)
    def test_of_an_open_session_given_time(self, history, version):
        world = play(a_world(version, call_ttl=30), history)
        world.feed(Congested(on=False))  # or else its host ends it
        world.wait(120)
        assert world.settled == Counter(world.started)
        assert world.engine.deadline == inf
        assert (world.engine.calls.pending, world.engine.calls.waiting) == (0, 0)

    @given(CLIENT_STEPS, FLAGS, FLAGS, st.sampled_from([0, 2, inf]))
    def test_of_a_client(self, history, offline_queue, retry_first, max_reconnects):
        world = a_client_world(
            offline_queue=offline_queue,
            offline_queue_size=3,
            retry_initial_connect=retry_first,
            max_reconnects=max_reconnects,
        )
        play(world, history)
        world.feed(Close())
        world.drain()
        world.wait(60)
        assert isinstance(world.engine.state, Stopped)
        assert world.settled == Counter(world.started)
        assert (world.engine.deadline, world.engine.queued, world.engine.session) == (inf, 0, None)


def assert_over(world, session):
    assert isinstance(session.state, Closed)
    assert world.settled == Counter(world.started)
    assert session.deadline == inf
    assert (session.calls.pending, session.calls.waiting, len(session.requests)) == (0, 0, 0)
    assert len(session.calls.timers) == 0


class TestChunkingIsInvisible:
    @given(st.lists(TEXTS | CALL_TEXTS | ANSWER_TEXTS, max_size=12), st.lists(st.integers(0, 4), max_size=12), VERSIONS)
    def test_texts_that_come_together_are_handled_as_if_they_came_alone(self, texts, sizes, version):
        assert self.handled(texts, sizes, version) == self.handled(texts, [1] * len(texts), version)

    def handled(self, texts, sizes, version):
        world = a_world(version, call_concurrency=2, max_bad_messages=6)
        world.window = inf
        for n in range(4):
            world.feed(StartCall(n, "Heartbeat", {}))
        rest = iter(texts)
        for size in [*sizes, len(texts)]:
            for text in islice(rest, size):
                world.feed(TextReceived(text))
            while actions := world.drain(1):
                self.answer(world, actions[0])
        return world.log

    def answer(self, world, action):
        """Answer at once, as a synchronous handler does, in a way that the request decides."""
        if isinstance(action, Dispatch):
            ways = (Reply(action.request, {}), Reply(action.request, {"bad": 1}), Decline(action.request))
            world.feed(ways[len(repr(action.payload)) % 3])


class TestBeingTickedEarly:
    @given(OPEN_SESSION_STEPS | SESSION_STEPS, VERSIONS, st.integers(1, 3))
    def test_changes_nothing_for_a_session(self, history, version, window):
        worlds = [a_world(version, call_concurrency=window) for _ in range(2)]
        self.assert_same(worlds, history)

    @given(CLIENT_STEPS, FLAGS)
    def test_changes_nothing_for_a_client(self, history, offline_queue):
        self.assert_same([a_client_world(offline_queue=offline_queue) for _ in range(2)], history)

    def assert_same(self, worlds, history):
        plain, ticked = worlds
        play(plain, [(step, ALL) for step, _ in history])
        play(ticked, [(with_early_ticks(step), ALL) for step, _ in history])
        assert (ticked.log, ticked.engine.deadline) == (plain.log, plain.engine.deadline)


def with_early_ticks(step):
    def ticked(world):
        for change in (lambda _: None, step):
            change(world)
            if world.engine.deadline > world.now:
                world.feed(Tick())

    return ticked


MISUSES = [
    StartCall(99, "", {}),
    StartCall(99, "Heartbeat", mistyped(None)),
    StartCall(99, "Heartbeat", {"x": nan}),
    StartCall(99, "Heartbeat", {}, timeout=0),
    StartCall(99, "Heartbeat", {}, ttl=nan),
    StartCall(99, "Heartbeat", {}, message_id="i" * 37),
    SendRaw("hello", token=99),
    Reconfigure(mistyped(None)),
]
SESSION_MISUSES = [
    *MISUSES,
    Notify(99, "Heartbeat", {}),
    SendRaw(mistyped(b"")),
    Fail(1, mistyped(None)),
    Fail(1, "X", mistyped(5)),
]


class TestMisuse:
    @given(SESSION_STEPS, st.data(), VERSIONS)
    def test_of_a_session_raises_and_changes_nothing(self, history, data, version):
        self.assert_same(a_world(version), a_world(version), history, data, SESSION_MISUSES)

    @given(CLIENT_STEPS, st.data())
    def test_of_a_client_raises_and_changes_nothing(self, history, data):
        self.assert_same(a_client_world(), a_client_world(), history, data, MISUSES)

    def assert_same(self, plain, misused, history, data, misuses):
        drawn = [data.draw(st.sampled_from(misuses)) for _ in history]
        play(plain, [(step, ALL) for step, _ in history])
        play(misused, [(self.after(step, misuse), ALL) for (step, _), misuse in zip(history, drawn, strict=True)])
        assert (misused.log, misused.engine.deadline) == (plain.log, plain.engine.deadline)

    def after(self, step, misuse):
        def both(world):
            step(world)
            with pytest.raises(MISUSE):
                world.engine.handle(misuse, world.now)

        return both


class TestRequestNumbers:
    @given(CLIENT_STEPS | CONNECTIONS)
    def test_never_cross_connections(self, history):
        world = play(a_client_world(max_reconnects=inf), history)
        numbers = [number for number, _ in world.requests]
        assert len(set(numbers)) == len(numbers)
        for number, attempt in world.requests:
            if attempt < world.attempt:
                world.feed(Reply(number, {}))
                assert world.drain() == []
