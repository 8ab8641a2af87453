"""Properties of the WebSocket link: chunking is invisible, no bytes raise, it ends once and leaves nothing armed."""

import zlib
from collections import Counter
from contextlib import suppress
from itertools import pairwise
from math import inf
from random import Random
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocpp_core.actions import CloseStream, HttpRequest, SendBytes, UpgradeRequested, Yield
from ocpp_core.config import Compression
from ocpp_core.inputs import (
    Accept,
    BinaryReceived,
    BytesReceived,
    CloseLink,
    Congested,
    LinkInput,
    Reject,
    Respond,
    SendMessage,
    TextReceived,
    Tick,
    TransportFailed,
    TransportLost,
    TransportOpened,
)
from ocpp_core.link import ClientLink, ServerLink
from tests.kinds import an
from tests.link.wire import (
    BINARY,
    CLOSE,
    CONTINUATION,
    EOF,
    PING,
    PONG,
    TEXT,
    answer,
    drain,
    frame,
    request,
    sent,
    settings,
)

OPTIONS = {"max_message_size": 3000, "max_fragments": 5, "max_header_size": 1000, "max_early_data": 5000}
PLAIN = settings(**OPTIONS)
PACKED = settings(**OPTIONS, compression=Compression(threshold=20, context_takeover=True))
EXTENSION = ("Sec-WebSocket-Extensions", "permessage-deflate")
roles = pytest.mark.parametrize("role", [ServerLink, ClientLink])


def deflated(data):
    compressor = zlib.compressobj(1, zlib.DEFLATED, -12)
    return (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


TEXTS = st.one_of(
    st.text(max_size=20).map(str.encode), st.binary(max_size=8), st.integers(0, 3100).map(lambda n: b"x" * n)
)
PARTS = st.lists(TEXTS, min_size=1, max_size=6)


def fragments(opcode, parts, *, rsv=0):
    """A message in fragments, as the arguments of `frame`."""
    last = len(parts) - 1
    return [
        (CONTINUATION if at else opcode, part, {"fin": at == last, "rsv": 0 if at else rsv})
        for at, part in enumerate(parts)
    ]


def cut(data, at):
    return [data[:at], data[at:]]


FRAMES = st.one_of(
    st.builds(fragments, st.sampled_from([TEXT, BINARY]), PARTS),
    st.builds(lambda data, at: fragments(TEXT, cut(deflated(data), at), rsv=4), TEXTS, st.integers(0, 30)),
    st.builds(lambda opcode, data: [(opcode, data, {})], st.sampled_from([PING, PONG]), st.binary(max_size=10)),
    st.builds(lambda code: [(CLOSE, code.to_bytes(2, "big"), {})], st.sampled_from([1000, 1005, 4000])),
    st.builds(lambda opcode, rsv: [(opcode, b"", {"rsv": rsv})], st.integers(0, 15), st.integers(0, 7)),
)
SCRIPTS = st.lists(FRAMES, max_size=6).map(lambda groups: [one for group in groups for one in group])
DAMAGE = st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=3)


def new(role, config):
    """A link at the start of its handshake, and the first bytes of a good peer."""
    more = () if config.compression is None else (EXTENSION,)
    if role is ServerLink:
        return ServerLink(config, random=Random(1), now=0.0), request(*more)
    link = ClientLink(config, host="x", target="/", subprotocols=(), random=Random(1), now=0.0)
    return link, answer(an(SendBytes, link._actions[0]).data, *more)


def wire_of(role, config, script, damage):
    """Everything the peer sends, with some bytes changed."""
    _, handshake = new(role, config)
    masked = role is ServerLink
    data = bytearray(
        handshake + b"".join(frame(opcode, payload, masked=masked, **options) for opcode, payload, options in script)
    )
    for at, byte in damage:
        data[at % len(data)] = byte
    return bytes(data)


def host(link):
    """Drain, deciding and echoing inside the loop as a synchronous handler does."""
    actions = []
    while (action := link.poll()) is not None:
        if type(action) is not Yield:  # where a turn ends depends on where the chunks do
            actions.append(action)
        if isinstance(action, UpgradeRequested):
            link.handle(Accept(None), 0.0)
        elif isinstance(action, HttpRequest):
            link.handle(Respond(200), 0.0)
        elif isinstance(action, TextReceived):
            link.handle(SendMessage(action.text), 0.0)
        elif isinstance(action, BinaryReceived):
            link.handle(SendMessage(action.data), 0.0)
    return actions


def play(role, config, chunks):
    """Every action of a link that receives these chunks and then the end of the stream."""
    link, _ = new(role, config)
    actions = host(link)
    for chunk in [*chunks, b""]:
        link.handle(BytesReceived(chunk), 0.0)
        actions += host(link)
    assert link.deadline == inf
    return actions


def split(data, cuts):
    edges = sorted({0, len(data), *(at % (len(data) + 1) for at in cuts)})
    return [data[a:b] for a, b in pairwise(edges)]


@roles
class TestBytes:
    @given(script=SCRIPTS, damage=DAMAGE, packed=st.booleans(), cuts=st.lists(st.integers(0, 5000), max_size=8))
    def test_chunking_is_invisible(self, role, script, damage, packed, cuts):
        config = PACKED if packed else PLAIN
        data = wire_of(role, config, script, damage)
        whole = list(map(repr, play(role, config, [data])))  # errors are equal when they say the same
        assert list(map(repr, play(role, config, split(data, cuts)))) == whole
        assert list(map(repr, play(role, config, [bytes([byte]) for byte in data]))) == whole

    @given(script=SCRIPTS, damage=DAMAGE, packed=st.booleans(), cuts=st.lists(st.integers(0, 5000), max_size=8))
    def test_the_frames_read_by_hand_are_read_as_wsproto_reads_them(self, role, script, damage, packed, cuts):
        config = PACKED if packed else PLAIN
        chunks = split(wire_of(role, config, script, damage), cuts)
        by_hand = list(map(repr, play(role, config, chunks)))
        with (
            patch("ocpp_core.link._incoming.whole_text", lambda *args, **kwargs: None),
            patch("ocpp_core.link._incoming.whole_control", lambda *args, **kwargs: None),
        ):
            assert list(map(repr, play(role, config, chunks))) == by_hand

    @given(chunks=st.lists(st.binary(min_size=1, max_size=50), max_size=10))
    def test_no_bytes_raise_and_an_answer_ends_it(self, role, chunks):
        actions = play(role, PLAIN, chunks)
        assert actions.count(CloseStream()) + actions.count(CloseStream(abort=True)) == 1

    @given(script=SCRIPTS, damage=DAMAGE, packed=st.booleans())
    def test_an_open_websocket_is_lost_exactly_once_and_a_failed_one_never_opens(self, role, script, damage, packed):
        config = PACKED if packed else PLAIN
        kinds = Counter(map(type, play(role, config, [wire_of(role, config, script, damage)])))
        assert kinds[CloseStream] == 1
        assert kinds[TransportLost] == kinds[TransportOpened] <= 1
        assert kinds[TransportFailed] == (role is ClientLink and not kinds[TransportOpened])


COMMANDS = st.one_of(
    st.just(Tick()),
    st.booleans().map(Congested),
    st.text(max_size=5).map(SendMessage),
    st.builds(CloseLink, st.sampled_from([1000, 4000]), st.just("x"), st.booleans()),
    st.sampled_from([Accept(None), Reject(401), Respond(200)]),
    st.sampled_from([EOF, BytesReceived(b"\x81")]),
    st.sampled_from([TEXT, PING, CLOSE, 3]),
)
HISTORIES = st.lists(st.tuples(st.floats(0, 60), COMMANDS), max_size=25)


@roles
class TestHistories:
    @given(history=HISTORIES, shake=st.booleans())
    def test_whatever_happens_it_ends_once_and_leaves_nothing_armed(self, role, history, shake):
        link, handshake = new(role, settings(**OPTIONS, ping_interval=20, pong_timeout=30))
        now, actions = 0.0, drain(link)
        for event in [BytesReceived(handshake)] * shake:
            link.handle(event, now)
            actions += drain(link)
        for wait, command in history:
            now += wait
            event = BytesReceived(frame(command, masked=role is ServerLink)) if isinstance(command, int) else command
            with suppress(RuntimeError):  # misuse: the history does not know what is due
                link.handle(event, now)
            actions += drain(link)
        link.handle(EOF, now)
        actions += drain(link)
        while link.deadline < inf:
            now = max(now, link.deadline)
            link.handle(Tick(), now)
            actions += drain(link)
        kinds = Counter(map(type, actions))
        assert kinds[CloseStream] == 1
        assert kinds[TransportLost] == kinds[TransportOpened] <= 1
        assert isinstance(actions[-1], (CloseStream, TransportLost, TransportFailed))
        late: list[LinkInput] = [BytesReceived(b"x"), EOF, Tick(), SendMessage("x"), CloseLink(), CloseLink(force=True)]
        for after in late:
            link.handle(after, now)
        assert drain(link) == []

    @given(history=st.lists(st.floats(0, 100), max_size=30))
    def test_ticks_alone_change_nothing_before_the_deadline(self, role, history):
        link, handshake = new(role, settings(ping_interval=20))
        drain(link)
        link.handle(BytesReceived(handshake), 0.0)
        drain(link)
        for now in sorted(history):
            if now < link.deadline:
                link.handle(Tick(), now)
                assert drain(link) == []


MESSAGES = st.lists(st.one_of(st.text(max_size=100), st.binary(max_size=100), st.just("long " * 300)), max_size=10)


class Echo:
    """Two links back to back: what `starter` sends, the other one sends back."""

    def __init__(self, starter, packed, sizes):
        configs = [PACKED if wanted else PLAIN for wanted in packed]
        server = ServerLink(configs[0], random=Random(1), now=0.0)
        client = ClientLink(configs[1], host="x", target="/", subprotocols=(), random=Random(2), now=0.0)
        both: list[ServerLink | ClientLink] = [server, client] if starter is ServerLink else [client, server]
        self.starter, self.other = both
        self.sizes = sizes
        self.back, self.lost = [], []

    def settle(self):
        """Carry everything until both are silent."""
        while self.carry(self.other, self.starter) + self.carry(self.starter, self.other):
            pass

    def carry(self, link, peer):
        """Do what one end asks for: how many things that was."""
        actions = drain(link)
        for action in actions:
            if isinstance(action, UpgradeRequested):
                link.handle(Accept(None), 0.0)
            elif isinstance(action, SendBytes):
                for chunk in split(action.data, [sum(self.sizes[:n]) for n in range(len(self.sizes))]):
                    peer.handle(BytesReceived(chunk), 0.0)
            elif isinstance(action, CloseStream):
                peer.handle(EOF, 0.0)
            elif isinstance(action, TransportLost):
                self.lost.append((action.code, action.reason))
            elif isinstance(action, (TextReceived, BinaryReceived)):
                self.take(link, action.text if isinstance(action, TextReceived) else action.data)
        return len(actions)

    def take(self, link, message):
        if link is self.other:
            link.handle(SendMessage(message), 0.0)
        else:
            self.back.append(message)


class TestTwoLinks:
    @given(
        messages=MESSAGES,
        packed=st.tuples(st.booleans(), st.booleans()),
        starter=st.sampled_from([ServerLink, ClientLink]),
        sizes=st.lists(st.integers(1, 200), min_size=1, max_size=5),
    )
    def test_messages_come_back_from_an_echo_as_they_were_sent(self, messages, packed, starter, sizes):
        echo = Echo(starter, packed, sizes)
        echo.settle()
        for message in messages:
            echo.starter.handle(SendMessage(message), 0.0)
        echo.settle()
        echo.starter.handle(CloseLink(4001, "done"), 0.0)
        echo.settle()
        assert echo.back == messages
        assert echo.lost == [(4001, "done")] * 2
        assert echo.starter.deadline == echo.other.deadline == inf


def test_the_scripts_reach_every_ending():
    """The generator is no better than what it reaches: normal close, each failure code, and a plain cut."""
    reached: set[object] = set()

    @given(script=SCRIPTS)
    def collect(script):
        actions = play(ServerLink, PACKED, [wire_of(ServerLink, PACKED, script, [])])
        reached.update(action.code for action in actions if isinstance(action, TransportLost))
        assert sent(actions)

    collect()
    assert reached >= {1000, 1002, 1006, 1007, 1009, 4000}
