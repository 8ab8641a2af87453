"""permessage-deflate (RFC 7692): the negotiation as tables, then compressed messages and their limits."""

import zlib
from math import inf
from random import Random

import pytest

from ocpp_core.actions import Report, ReportKind
from ocpp_core.config import Compression
from ocpp_core.inputs import Accept, BinaryReceived, BytesReceived, SendMessage, TextReceived
from ocpp_core.link import ClientLink, ServerLink
from tests.link.wire import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    TEXT,
    answer,
    drain,
    feed,
    frame,
    news,
    open_server,
    read_frames,
    request,
    sent,
    settings,
)

TAKEOVER = Compression(context_takeover=True, threshold=0)
SINGLE = Compression(threshold=0)
OFFER = ("Sec-WebSocket-Extensions", "permessage-deflate")


def deflated(data, *, bits=15, final=False):
    """Compress as a peer does (RFC 7692 §7.2.1)."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -bits)
    if final:
        return compressor.compress(data) + compressor.flush() + b"\x00"
    return (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


def compressed(data, opcode=TEXT, **options):
    return frame(opcode, deflated(data, **options), rsv=4)


def chosen(compression, *offers):
    """What a server answers to offers, None where it declines."""
    link = ServerLink(settings(compression=compression), random=Random(1), now=0.0)
    head = sent(feed(link, request(*(("Sec-WebSocket-Extensions", offer) for offer in offers)), Accept(None)))
    _, found, rest = head.partition(b"Sec-WebSocket-Extensions: ")
    return rest.split(b"\r\n")[0].decode() if found else None


BOTH = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"


class TestTheServersChoice:
    @pytest.mark.parametrize(
        ("offer", "answered"),
        [
            ("permessage-deflate", BOTH),
            ("permessage-deflate; client_max_window_bits", BOTH),
            ("permessage-deflate; client_max_window_bits=8", BOTH),
            ("permessage-deflate; server_max_window_bits=10", f"{BOTH}; server_max_window_bits=10"),
            ("permessage-deflate; server_max_window_bits=15", f"{BOTH}; server_max_window_bits=12"),
            ('permessage-deflate; server_max_window_bits="10"', f"{BOTH}; server_max_window_bits=10"),
            ("permessage-deflate ;server_max_window_bits = 10", f"{BOTH}; server_max_window_bits=10"),
            ("x-webkit-deflate-frame, permessage-deflate", BOTH),
            ("permessage-deflate; server_max_window_bits=8, permessage-deflate", BOTH),
            ("permessage-deflate; mode=fast, permessage-deflate", BOTH),
        ],
    )
    def test_without_context_takeover(self, offer, answered):
        assert chosen(SINGLE, offer) == answered

    @pytest.mark.parametrize(
        ("offer", "answered"),
        [
            ("permessage-deflate", "permessage-deflate"),
            ("permessage-deflate; server_no_context_takeover", "permessage-deflate; server_no_context_takeover"),
            ("permessage-deflate; client_no_context_takeover", "permessage-deflate; client_no_context_takeover"),
        ],
    )
    def test_with_context_takeover_the_offer_decides(self, offer, answered):
        assert chosen(TAKEOVER, offer) == answered

    @pytest.mark.parametrize(
        "offer",
        [
            "permessage-deflate; server_max_window_bits",
            "permessage-deflate; server_max_window_bits=8",  # zlib cannot compress with it
            "permessage-deflate; server_max_window_bits=16",
            "permessage-deflate; server_max_window_bits=abc",
            "permessage-deflate; server_max_window_bits=010",
            "permessage-deflate; client_max_window_bits=7",
            "permessage-deflate; server_no_context_takeover=1",
            "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10",
            "permessage-deflate; unknown",
            "PerMessage-Deflate",
            "permessage-bzip2",
        ],
    )
    def test_what_cannot_be_met_is_declined(self, offer):
        assert chosen(SINGLE, offer) is None

    def test_offers_over_several_lines_are_one_list(self):
        assert chosen(SINGLE, "permessage-deflate; mode=fast", "permessage-deflate") == BOTH

    def test_a_server_without_compression_declines(self):
        assert chosen(None, "permessage-deflate") is None


def client(compression, *more):
    """A client's link fed with a 101, and what it made of it."""
    link = ClientLink(
        settings(compression=compression), host="x", target="/", subprotocols=(), random=Random(2), now=0.0
    )
    asked = sent(drain(link))
    return link, asked, feed(link, answer(asked, *more))


class TestTheClientsOffer:
    def test_it_gives_up_context_takeover_unless_it_is_wanted(self):
        offer = b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"
        flags = b"; server_no_context_takeover; client_no_context_takeover"
        assert offer + flags + b"\r\n" in client(SINGLE)[1]
        assert offer + b"\r\n" in client(TAKEOVER)[1]
        assert b"Extensions" not in client(None)[1]

    @pytest.mark.parametrize(
        "answered",
        [
            "permessage-deflate",
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
            "permessage-deflate; server_max_window_bits=8; client_max_window_bits=9",
        ],
    )
    def test_a_right_answer_opens_compressed(self, answered):
        link, _, actions = client(SINGLE, ("Sec-WebSocket-Extensions", answered))
        assert len(news(actions)) == 1
        ((first, payload),) = read_frames(sent(feed(link, SendMessage("x" * 1000))))
        assert (first, len(payload) < 20) == (0xC1, True)
        assert feed(link, frame(TEXT, deflated(b"y" * 1000), rsv=4, masked=False)) == [TextReceived("y" * 1000)]

    def test_a_declined_offer_opens_uncompressed(self):
        link, _, _ = client(SINGLE)
        assert read_frames(sent(feed(link, SendMessage("x" * 1000)))) == [(0x81, b"x" * 1000)]

    def test_a_window_we_do_not_have_leaves_our_messages_uncompressed(self):
        link, _, _ = client(SINGLE, ("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits=8"))
        assert read_frames(sent(feed(link, SendMessage("x" * 1000)))) == [(0x81, b"x" * 1000)]

    @pytest.mark.parametrize(
        "answered",
        [
            "permessage-deflate; unknown",
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate; server_max_window_bits=7",
            "permessage-deflate; server_no_context_takeover=true",
            "permessage-deflate, permessage-deflate",
            "permessage-bzip2",
        ],
    )
    def test_a_wrong_answer_fails_the_attempt(self, answered):
        failed = client(SINGLE, ("Sec-WebSocket-Extensions", answered))[2][-1]
        assert not failed.retry


def compressing(compression=SINGLE, **options):
    """A server's link that agreed on compression."""
    return open_server(settings(compression=compression, **options), OFFER)


class TestMessages:
    @pytest.mark.parametrize("size", [0, 1, 16383, 16384, 16385, 500_000])
    def test_a_compressed_message_comes_out_whole(self, size):
        data = Random(size).randbytes(size // 2).hex().encode()
        assert feed(compressing(), compressed(data)) == [TextReceived(data.decode())]

    def test_fragments_and_control_frames_between_them(self):
        payload = deflated("äöü".encode() * 1000)
        data = (
            frame(TEXT, payload[:5], fin=False, rsv=4)
            + frame(PING)
            + frame(CONTINUATION, payload[5:], fin=False)
            + frame(CONTINUATION)
        )
        assert news(feed(compressing(), data)) == [TextReceived("äöü" * 1000)]

    def test_uncompressed_messages_are_still_possible(self):
        data = frame(TEXT, b"plain") + compressed(b"packed") + frame(BINARY, b"plain")
        assert [type(a) for a in feed(compressing(), data)] == [TextReceived, TextReceived, BinaryReceived]

    def test_a_message_that_ends_with_a_final_block(self):
        """RFC 7692 §7.2.3.4: BFINAL may be set; the next message starts a new stream."""
        link = compressing(TAKEOVER)
        assert feed(link, compressed(b"Hello", final=True) * 3) == [TextReceived("Hello")] * 3

    @pytest.mark.parametrize(
        "example",
        [
            pytest.param("f248cdc9c90700", id="one block (§7.2.3.1)"),
            pytest.param("000500faff48656c6c6f00", id="a stored block (§7.2.3.3)"),
            pytest.param("f348cdc9c9070000", id="a final block (§7.2.3.4)"),
            pytest.param("f24805000000ffffcac9c90700", id="two blocks (§7.2.3.5)"),
        ],
    )
    def test_the_examples_of_the_rfc(self, example):
        assert feed(compressing(), frame(TEXT, bytes.fromhex(example), rsv=4)) == [TextReceived("Hello")]

    def test_with_context_takeover_a_repetition_costs_little(self):
        link = compressing(TAKEOVER)
        text = Random(1).randbytes(300).hex()
        first, second = (read_frames(sent(feed(link, SendMessage(text))))[0][1] for _ in range(2))
        assert len(second) < 20 < len(first)

    def test_without_it_every_message_is_the_same(self):
        link = compressing(SINGLE)
        first, second = (sent(feed(link, SendMessage("x" * 300))) for _ in range(2))
        assert first == second

    def test_short_messages_go_out_as_they_are(self):
        link = compressing(Compression(threshold=10))
        frames = read_frames(sent(feed(link, SendMessage("x" * 9), SendMessage("x" * 10), SendMessage(""))))
        assert [first for first, _ in frames] == [0x81, 0xC1, 0x81]

    @pytest.mark.parametrize("settings_", [SINGLE, TAKEOVER, Compression(level=0, threshold=0, window_bits=9)])
    def test_both_ends_understand_each_other(self, settings_):
        server = ServerLink(settings(compression=settings_), random=Random(1), now=0.0)
        far = ClientLink(
            settings(compression=settings_), host="x", target="/", subprotocols=(), random=Random(2), now=0.0
        )
        feed(far, sent(feed(server, sent(drain(far)), Accept(None))))
        for message in ("", "ä" * 5000, "[2]", "x" * 70_000, "ä" * 5000):
            assert feed(server, sent(feed(far, SendMessage(message)))) == [TextReceived(message)]
            assert feed(far, sent(feed(server, SendMessage(message)))) == [TextReceived(message)]

    def test_control_frames_are_never_compressed(self):
        assert read_frames(sent(feed(compressing(), frame(PING, b"x" * 100)))) == [(0x8A, b"x" * 100)]


def code(actions):
    """The close code of a failed connection."""
    assert any(isinstance(a, Report) and a.kind is ReportKind.PROTOCOL_ERROR for a in actions)
    (payload,) = [payload for first, payload in read_frames(sent(actions)) if first == 0x80 | CLOSE]
    return int.from_bytes(payload[:2], "big")


FINAL = b"\x03\x00"
"""An empty final block (RFC 1951 §3.2.3)."""


class TestBadMessages:
    def test_a_bomb_is_stopped_at_the_limit(self):
        bomb = deflated(b"x" * 50_000_000)
        link = compressing(max_message_size=100_000)
        link.handle(BytesReceived(frame(TEXT, bomb, rsv=4)), 0.0)
        assert code(drain(link)) == 1009

    def test_the_limit_counts_inflated_bytes_exactly(self):
        assert feed(compressing(max_message_size=20_000), compressed(b"x" * 20_000)) == [TextReceived("x" * 20_000)]
        assert code(feed(compressing(max_message_size=20_000), compressed(b"x" * 20_001))) == 1009

    def test_it_counts_over_fragments(self):
        payload = deflated(Random(1).randbytes(100_000))
        frames = frame(BINARY, payload[:50_000], fin=False, rsv=4) + frame(CONTINUATION, payload[50_000:])
        assert code(feed(compressing(max_message_size=90_000), frames)) == 1009
        assert len(feed(compressing(max_message_size=100_000), frames)) == 1

    def test_a_message_may_have_64_final_blocks_and_no_more(self):
        """They take two bytes each, inflate to nothing, and cost a new stream."""
        link = compressing()
        for _ in range(2):  # counted for each message anew
            assert feed(link, frame(TEXT, FINAL * 63 + b"\x00", rsv=4)) == [TextReceived("")]
        assert code(feed(link, frame(TEXT, FINAL * 64 + b"\x00", rsv=4, fin=False))) == 1009

    def test_bad_utf_8_inside_is_1007(self):
        assert code(feed(compressing(), compressed(b"x" * 5000 + b"\xff"))) == 1007
        assert code(feed(compressing(), compressed("€".encode()[:2]))) == 1007

    def test_what_is_no_deflate_stream_is_1007(self):
        assert code(feed(compressing(), frame(TEXT, b"\xff" * 20, rsv=4))) == 1007

    @pytest.mark.parametrize(
        "broken",
        [
            pytest.param(frame(PING, rsv=4), id="a compressed ping"),
            pytest.param(
                frame(TEXT, deflated(b"x"), fin=False, rsv=4) + frame(CONTINUATION, rsv=4), id="a marked continuation"
            ),
            pytest.param(frame(TEXT, deflated(b"x"), rsv=6), id="another reserved bit"),
        ],
    )
    def test_marks_in_the_wrong_place_are_1002(self, broken):
        assert code(feed(compressing(), broken)) == 1002

    def test_an_unlimited_message_inflates_as_far_as_it_goes(self):
        assert feed(compressing(max_message_size=inf), compressed(b"x" * 3_000_000)) == [TextReceived("x" * 3_000_000)]
