"""Messages that have begun and do not end: the time they have, and the memory all of a server's may take."""

import zlib
from random import Random

import pytest

from ocpp_core.actions import Report, ReportKind, SendBytes
from ocpp_core.config import Compression
from ocpp_core.inputs import Accept, BytesReceived, CloseLink, Congested, TextReceived, TransportLost
from ocpp_core.link import ServerLink, Unfinished
from tests.kinds import only
from tests.link.wire import (
    CONTINUATION,
    EOF,
    PING,
    TEXT,
    feed,
    frame,
    news,
    open_server,
    read_frames,
    request,
    sent,
    settings,
    tick,
)

KIB = 1024
MIB = 1024 * KIB


def closed_with(actions):
    """The close code of our close frame, None without one."""
    frames = read_frames(sent(actions))
    return next((int.from_bytes(payload[:2]) for first, payload in frames if first & 15 == 8), None)


def begun(size, total=None):
    """The first bytes of a frame that announces more."""
    return frame(TEXT, b"x" * size, length=total or MIB)


class TestTime:
    def test_is_the_timeout_from_the_first_bytes_on(self):
        link = open_server(settings(message_timeout=60))
        feed(link, begun(10), now=100)
        assert link.deadline == 160
        assert tick(link, 159.9) == []
        ended = tick(link, 160)
        assert closed_with(ended) == 1008
        assert [report.detail for report in ended if isinstance(report, Report)] == [
            "a message that exceeds its timeout"
        ]
        assert feed(link, EOF, now=160)[-1] == TransportLost(1008, "message too slow")

    @pytest.mark.parametrize(
        "first",
        [frame(TEXT, b"x", fin=False), frame(TEXT, b"x")[:1], frame(PING, b"x" * 9)[:5], begun(0)],
        ids=["a fragment", "half a header", "half a ping", "a header"],
    )
    def test_is_the_same_for_whatever_has_begun(self, first):
        link = open_server(settings(message_timeout=60))
        feed(link, first)
        assert closed_with(tick(link, 60)) == 1008

    def test_is_a_second_more_for_the_bytes_of_the_least_rate(self):
        link = open_server(settings(message_timeout=60, min_message_rate=100))
        feed(link, begun(10))
        for second in range(1, 1000):
            assert feed(link, BytesReceived(b"x" * 100), now=second) == []
            assert tick(link, second) == []
        assert link.deadline == 1059

    def test_is_not_saved_up(self):
        """Else a message that lacks its last byte would be kept for hours."""
        link = open_server(settings(message_timeout=60, min_message_rate=100))
        feed(link, begun(10))
        feed(link, BytesReceived(b"x" * 500_000), now=10)
        assert closed_with(tick(link, 70)) == 1008

    def test_is_not_gained_by_a_trickle(self):
        link = open_server(settings(message_timeout=60, min_message_rate=100))
        feed(link, frame(TEXT, b"x", fin=False))
        for moment in range(10, 60, 10):
            feed(link, frame(CONTINUATION, b"x", fin=False), now=moment)
        assert link.deadline < 61

    def test_is_not_gained_by_pings(self):
        link = open_server(settings(message_timeout=60, min_message_rate=100))
        feed(link, frame(TEXT, b"x", fin=False))
        for second in range(1, 60):
            feed(link, frame(PING, b"x" * 125), now=second)
        assert 59 < link.deadline < 60.01
        assert closed_with(tick(link, 60)) == 1008

    def test_is_not_lost_by_pings_either_which_begin_no_message(self):
        link = open_server(settings())
        pings = frame(PING) * 40_000
        for at in range(0, len(pings), 65_536):  # most chunks end within a frame
            feed(link, pings[at : at + 65_536])
            assert closed_with(tick(link, 1.0)) is None

    def test_is_not_gained_by_empty_blocks(self):
        """They are compressed bytes that become nothing, so no limit of the message itself is ever reached."""
        link = Door(max_message_size=KIB, compression=Compression()).link()
        assert closed_with(feed(link, frame(TEXT, b"", rsv=4, length=1 << 40))) == 1009

    def test_begins_anew_with_every_message(self):
        link = open_server(settings(message_timeout=60))
        feed(link, frame(TEXT, b"a", fin=False))
        assert news(feed(link, frame(CONTINUATION, b"b") + frame(TEXT, b"c", fin=False), now=50)) == [
            TextReceived("ab")
        ]
        assert link.deadline == 110

    def test_ends_with_the_message(self):
        link = open_server(settings(message_timeout=60))
        feed(link, frame(TEXT, b"a", fin=False))
        feed(link, frame(CONTINUATION, b"b"), now=50)
        assert link.deadline == float("inf")
        assert tick(link, 1000) == []

    def test_does_not_pass_while_nobody_reads(self):
        link = open_server(settings(message_timeout=60))
        feed(link, begun(10))
        feed(link, Congested(True), now=10)
        assert tick(link, 100) == []
        feed(link, Congested(False), now=130)
        assert tick(link, 189) == []
        assert closed_with(tick(link, 190)) == 1008

    def test_leaves_the_close_handshake_its_own(self):
        link = open_server(settings(message_timeout=60, close_timeout=5))
        feed(link, begun(10))
        feed(link, CloseLink(), now=10)
        feed(link, BytesReceived(b"x" * 500), now=11)
        assert link.deadline == 15


class Door:
    """Links of one server."""

    def __init__(self, **options):
        self.unfinished = Unfinished()
        self.options = settings(**options)

    def link(self):
        link = ServerLink(self.options, random=Random(1), now=0.0, unfinished=self.unfinished)
        extension = [("Sec-WebSocket-Extensions", "permessage-deflate")] if self.options.compression else []
        feed(link, request(*extension), Accept(None))
        return link


class TestMemory:
    def test_is_counted_over_all_links_and_given_back(self):
        door, whole = Door(max_unfinished_size=MIB), frame(TEXT, b"x" * 1000)
        ends = [
            lambda link: feed(link, whole[108:]),
            lambda link: feed(link, EOF),
            lambda link: feed(link, CloseLink(force=True)),
            lambda link: tick(link, 10_000),
            lambda link: feed(link, b"\xff" * 1000),
        ]
        links = [door.link() for _ in ends]
        for link in links:
            feed(link, whole[:108])  # eight bytes of header
        assert door.unfinished.size == 500
        for left, (link, end) in enumerate(zip(links, ends, strict=True), 1):
            end(link)
            assert door.unfinished.size == 500 - 100 * left

    def test_beyond_the_limit_closes_who_holds_much(self):
        door = Door(max_unfinished_size=MIB, max_message_size=MIB)
        small, *large = (door.link() for _ in range(18))
        assert [closed_with(feed(link, begun(60 * KIB))) for link in large] == [None] * 17
        assert closed_with(feed(small, begun(60 * KIB))) is None
        assert closed_with(feed(large[0], BytesReceived(b"x" * 5 * KIB))) == 1009
        assert closed_with(feed(small, BytesReceived(b"x" * KIB))) is None
        assert door.unfinished.size == 17 * 60 * KIB + KIB

    def test_counts_what_was_inflated(self):
        """A KiB may become a MiB."""
        door = Door(max_unfinished_size=4 * MIB, max_message_size=MIB, compression=Compression())
        compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
        bomb = compressor.compress(b"x" * (MIB - 10)) + compressor.flush(zlib.Z_SYNC_FLUSH)
        verdicts = [closed_with(feed(door.link(), frame(TEXT, bomb, fin=False, rsv=4))) for _ in range(10)]
        assert verdicts == [None] * 4 + [1009] * 6
        assert door.unfinished.size <= 4 * MIB

    @pytest.mark.parametrize("level", range(10))
    def test_lets_in_what_cannot_be_compressed(self, level):
        door = Door(max_message_size=MIB, compression=Compression())
        text = Random(1).randbytes(MIB // 2).hex().encode()
        compressor = zlib.compressobj(level, zlib.DEFLATED, -9, memLevel=1)
        parts = [
            compressor.compress(text[at : at + KIB]) + compressor.flush(zlib.Z_SYNC_FLUSH) for at in range(0, MIB, KIB)
        ]
        link = door.link()
        for part in parts[:-1]:
            first = part is parts[0]
            feed(link, frame(TEXT if first else CONTINUATION, part, fin=False, rsv=4 if first else 0))
        assert feed(link, frame(CONTINUATION, parts[-1][:-4]))[0] == TextReceived(text.decode())

    def test_has_room_for_one_message_of_the_largest_size(self):
        door = Door(max_unfinished_size=1, max_message_size=MIB)
        link = door.link()
        assert feed(link, begun(MIB - 1)) == []
        assert closed_with(feed(door.link(), begun(100 * KIB))) == 1009
        assert isinstance(feed(link, BytesReceived(b"\x12"))[0], TextReceived | Report | SendBytes)


def test_a_link_of_its_own_counts_for_itself():
    link = open_server(settings(max_unfinished_size=1, max_message_size=70 * KIB))
    assert feed(link, begun(69 * KIB, 70 * KIB)) == []


def test_the_report_says_what_it_was():
    door = Door(max_unfinished_size=1, max_message_size=MIB)
    feed(door.link(), begun(MIB - 1))
    report = only(Report, feed(door.link(), begun(100 * KIB)))
    assert (report.kind, report.detail) == (
        ReportKind.PROTOCOL_ERROR,
        "unfinished messages of more than 1048576 bytes together",
    )
