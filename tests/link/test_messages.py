"""Messages and frames of the open WebSocket (RFC 6455 §5 and §6), on both sides."""

from random import Random

import pytest

from ocpp_core.actions import CloseStream, Report, ReportKind
from ocpp_core.inputs import (
    BinaryReceived,
    Congested,
    Reconfigure,
    SendMessage,
    TextReceived,
    TransportLost,
)
from tests.kinds import mistyped
from tests.link.wire import (
    BINARY,
    CLOSE,
    CONTINUATION,
    EOF,
    PING,
    PONG,
    TEXT,
    Client,
    Server,
    drain,
    feed,
    frame,
    news,
    read_frames,
    sent,
    settings,
)

pytestmark = pytest.mark.parametrize("role", [Server, Client])


def receive(role, *frames, **options):
    """What an open link makes of frames, each given as the arguments of `frame`."""
    link = role.open(settings(**options))
    return feed(link, b"".join(frames))


class Frames:
    """Frames as the peer of the role masks them."""

    def __init__(self, role):
        self.masked = role.masked

    def __call__(self, *args, **kwargs):
        return frame(*args, **{"masked": self.masked, **kwargs})


@pytest.fixture
def peer(role):
    return Frames(role)


def failure(actions):
    """The close code sent and reported, of a link that failed the connection."""
    ((first, payload),) = read_frames(sent(actions))
    assert first == 0x80 | CLOSE
    assert [action.kind for action in actions if isinstance(action, Report)] == [ReportKind.PROTOCOL_ERROR]
    return int.from_bytes(payload[:2], "big")


class TestReceiving:
    @pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 100_000])
    def test_text_of_every_length_form(self, role, peer, size):
        assert receive(role, peer(TEXT, b"x" * size)) == [TextReceived("x" * size)]

    def test_binary(self, role, peer):
        assert receive(role, peer(BINARY, b"\x00\xff")) == [BinaryReceived(b"\x00\xff")]

    def test_several_messages_in_one_chunk_come_in_order(self, role, peer):
        actions = receive(role, *(peer(TEXT, str(number).encode()) for number in range(500)))
        assert [action.text for action in actions] == [str(number) for number in range(500)]

    def test_fragments_are_joined_also_inside_a_character(self, role, peer):
        euro = "€".encode()
        actions = receive(
            role,
            peer(TEXT, b"a" + euro[:1], fin=False),
            peer(CONTINUATION, euro[1:2], fin=False),
            peer(CONTINUATION, b"", fin=False),
            peer(CONTINUATION, euro[2:] + b"b"),
        )
        assert actions == [TextReceived("a€b")]

    def test_control_frames_come_between_fragments(self, role, peer):
        actions = receive(
            role,
            peer(BINARY, b"a", fin=False),
            peer(PING, b"p"),
            peer(PONG),
            peer(CONTINUATION, b"b"),
        )
        assert read_frames(sent(actions)) == [(0x80 | PONG, b"p")]
        assert [action.kind for action in actions if isinstance(action, Report)] == [ReportKind.PING, ReportKind.PONG]
        assert news(actions) == [BinaryReceived(b"ab")]

    def test_a_message_is_decoded_only_when_it_is_polled(self, role, peer):
        link = role.open(settings())
        link.handle(SendMessage("before"), 0.0)
        feed_only = peer(TEXT, b"in") + peer(PING)
        link.handle(type(EOF)(feed_only), 0.0)
        link.handle(SendMessage("answer"), 0.0)
        first, second, third = link.poll(), link.poll(), link.poll()
        assert [payload for _, payload in read_frames(first.data + second.data)] == [b"before", b"answer"]
        assert third == TextReceived("in")

    def test_congestion_stops_decoding_until_it_is_over(self, role, peer):
        link = role.open(settings())
        assert feed(link, Congested(on=True), peer(TEXT, b"x")) == []
        assert feed(link, Congested(on=False)) == [TextReceived("x")]

    def test_the_end_of_the_stream_ends_congestion(self, role, peer):
        link = role.open(settings())
        actions = feed(link, Congested(on=True), peer(TEXT, b"x"), EOF)
        assert actions == [TextReceived("x"), CloseStream(), TransportLost(1006)]
        assert feed(link, Congested(on=True)) == []


class TestSending:
    @pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536])
    def test_text_goes_out_as_one_frame(self, role, size):
        data = sent(feed(role.open(), SendMessage("x" * size)))
        assert read_frames(data) == [(0x80 | TEXT, b"x" * size)]
        assert bool(data[1] & 0x80) is not role.masked

    def test_text_is_utf_8_and_bytes_are_binary(self, role):
        actions = feed(role.open(), SendMessage("€"), SendMessage(b"\xff"))
        assert read_frames(sent(actions)) == [(0x80 | TEXT, "€".encode()), (0x80 | BINARY, b"\xff")]

    def test_each_frame_of_a_client_has_its_own_key_from_the_injected_random(self, role):
        link = role.open()
        frames = [sent(feed(link, SendMessage("same"))) for _ in range(3)]
        assert len(set(frames)) == (1 if role is Server else 3)
        if role is Client:
            random = Random(2)
            random.randbytes(16)
            assert random.randbytes(4) != b""  # the first key followed the nonce

    def test_what_cannot_be_a_message_raises_and_changes_nothing(self, role):
        link = role.open()
        with pytest.raises(TypeError, match="str or bytes"):
            link.handle(SendMessage(mistyped(5)), 0.0)
        with pytest.raises(ValueError, match="surrogates"):
            link.handle(SendMessage("\ud800"), 0.0)
        assert drain(link) == []

    def test_messages_of_one_side_come_out_on_the_other(self, role):
        receiver = (Client if role is Server else Server).open()
        actions = feed(role.open(), SendMessage("one"), SendMessage(b"two" * 50_000))
        assert feed(receiver, sent(actions)) == [TextReceived("one"), BinaryReceived(b"two" * 50_000)]


PROTOCOL_ERRORS = {
    "a reserved bit": lambda peer: peer(TEXT, b"x", rsv=2),
    "a compressed frame that was not agreed on": lambda peer: peer(TEXT, b"x", rsv=4),
    "a reserved bit of a ping": lambda peer: peer(PING, rsv=4),
    "a reserved opcode": lambda peer: peer(3),
    "a reserved control opcode": lambda peer: peer(11),
    "a fragmented ping": lambda peer: peer(PING, fin=False),
    "a ping of 126 bytes": lambda peer: peer(PING, b"x" * 126),
    "a continuation frame without a message": lambda peer: peer(CONTINUATION, b"x"),
    "a message inside another one": lambda peer: peer(TEXT, b"x", fin=False) + peer(TEXT, b"y"),
    "a wrong mask": lambda peer: peer(TEXT, b"x", masked=not peer.masked),
    "a length in too long a form": lambda peer: (
        bytes([0x81, peer.masked << 7 | 126, 0, 5]) + bytes(4 * peer.masked + 5)
    ),
    "a length of 64 bits": lambda peer: bytes([0x82, peer.masked << 7 | 127]) + b"\xff" * 8 + bytes(4),
    "a close frame of one byte": lambda peer: peer(CLOSE, b"\x03"),
}


class TestProtocolErrors:
    @pytest.mark.parametrize("broken", PROTOCOL_ERRORS.values(), ids=PROTOCOL_ERRORS.keys())
    def test_each_fails_the_connection_by_1002(self, role, peer, broken):
        # The last one passes any size limit first: "a length of 64 bits" is judged as a length.
        actions = receive(role, broken(peer), max_message_size=float("inf"))
        assert failure(actions) == 1002

    def test_messages_before_the_error_are_kept_and_nothing_after_it_is_read(self, role, peer):
        link = role.open(settings())
        actions = feed(link, peer(TEXT, b"good") + peer(3) + peer(TEXT, b"never"), peer(TEXT, b"never"), EOF)
        assert news(actions) == [TextReceived("good"), CloseStream(), TransportLost(1002, "protocol error")]


class TestUtf8:
    @pytest.mark.parametrize(
        "payload",
        [
            pytest.param(b"\xff", id="no start byte"),
            pytest.param(b"\xed\xa0\x80", id="a surrogate"),
            pytest.param(b"\xf4\x90\x80\x80", id="beyond U+10FFFF"),
            pytest.param(b"\xc0\x80", id="an overlong form"),
            pytest.param(b"x\xe2\x82", id="cut inside a character"),
        ],
    )
    def test_other_text_fails_the_connection_by_1007(self, role, peer, payload):
        assert failure(receive(role, peer(TEXT, payload))) == 1007
        assert failure(receive(role, peer(TEXT, payload, fin=False) + peer(CONTINUATION))) == 1007

    def test_it_fails_as_soon_as_the_bad_byte_is_here(self, role, peer):
        link = role.open(settings())
        whole = peer(TEXT, b"ok\xf4\x90" + b"x" * 1000)
        header = len(whole) - 1004
        assert feed(link, whole[: header + 3]) == []
        assert failure(feed(link, whole[header + 3 : header + 4])) == 1007

    def test_binary_may_hold_anything(self, role, peer):
        assert receive(role, peer(BINARY, b"\xff", fin=False), peer(CONTINUATION, b"\xed")) == [
            BinaryReceived(b"\xff\xed")
        ]


class TestLimits:
    def test_a_message_of_the_limit_passes_and_one_byte_more_is_1009(self, role, peer):
        assert receive(role, peer(TEXT, b"x" * 100), max_message_size=100) == [TextReceived("x" * 100)]
        assert failure(receive(role, peer(TEXT, b"x" * 101), max_message_size=100)) == 1009

    def test_the_header_alone_is_enough_to_refuse(self, role, peer):
        assert failure(receive(role, peer(TEXT, length=1 << 40), max_message_size=100)) == 1009

    def test_the_limit_is_of_all_fragments_together(self, role, peer):
        frames = peer(TEXT, b"x" * 60, fin=False), peer(CONTINUATION, b"y" * 41)
        assert failure(receive(role, *frames, max_message_size=100)) == 1009

    def test_every_message_starts_at_nothing(self, role, peer):
        actions = receive(role, *[peer(TEXT, b"x" * 60)] * 5, max_message_size=100)
        assert len(actions) == 5

    def test_fragments_are_counted(self, role, peer):
        frames = [peer(TEXT, fin=False), peer(CONTINUATION, fin=False), peer(CONTINUATION)]
        assert receive(role, *frames, max_fragments=3) == [TextReceived("")]
        assert failure(receive(role, *frames, max_fragments=2)) == 1009

    def test_control_frames_are_no_fragments(self, role, peer):
        frames = [peer(TEXT, fin=False), *[peer(PONG)] * 9, peer(CONTINUATION)]
        assert news(receive(role, *frames, max_fragments=2)) == [TextReceived("")]

    def test_new_limits_hold_from_the_next_frame_on(self, role, peer):
        link = role.open(settings())
        feed(link, peer(TEXT, b"x" * 60, fin=False), Reconfigure(settings(max_message_size=100)))
        assert failure(feed(link, peer(CONTINUATION, b"y" * 41))) == 1009
