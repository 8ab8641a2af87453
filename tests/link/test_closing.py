"""The close handshake (RFC 6455 §7) and every other way a WebSocket ends."""

from math import inf

import pytest

from ocpp_core.actions import CloseStream, Report, ReportKind
from ocpp_core.inputs import BytesReceived, CloseLink, LinkInput, SendMessage, TextReceived, TransportLost
from tests.link.wire import (
    BINARY,
    CLOSE,
    EOF,
    PING,
    PONG,
    TEXT,
    Client,
    Server,
    feed,
    frame,
    news,
    open_client,
    open_server,
    read_frames,
    sent,
    settings,
    tick,
)

both = pytest.mark.parametrize("role", [Server, Client])


def closing(code, reason=""):
    return b"" if code is None else code.to_bytes(2, "big") + reason.encode()


class TestThePeerCloses:
    @both
    @pytest.mark.parametrize("code", [1000, 1001, 1003, 1007, 1011, 1012, 1014, 3000, 4999])
    def test_its_code_is_echoed_and_reported(self, role, code):
        link = role.open(settings())
        actions = feed(link, frame(CLOSE, closing(code, "why"), masked=role.masked), EOF)
        assert read_frames(sent(actions)) == [(0x80 | CLOSE, closing(code, "why"))]
        assert news(actions) == [CloseStream(), TransportLost(code, "why")]
        assert link.deadline == inf

    @both
    def test_no_code_is_1005(self, role):
        actions = feed(role.open(settings()), frame(CLOSE, masked=role.masked), EOF)
        assert read_frames(sent(actions)) == [(0x80 | CLOSE, b"")]
        assert news(actions) == [CloseStream(), TransportLost(1005)]

    @both
    @pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2999, 5000, 65535])
    def test_a_code_that_must_not_be_sent_is_1002(self, role, code):
        actions = feed(role.open(settings()), frame(CLOSE, closing(code), masked=role.masked), EOF)
        assert news(actions) == [CloseStream(), TransportLost(1002, "protocol error")]

    @both
    def test_a_reason_that_is_not_utf_8_is_1007(self, role):
        actions = feed(role.open(settings()), frame(CLOSE, closing(1000) + b"\xff", masked=role.masked), EOF)
        assert news(actions) == [CloseStream(), TransportLost(1007, "invalid data")]

    @both
    def test_nothing_after_its_close_frame_is_read(self, role):
        data = frame(CLOSE, closing(1000), masked=role.masked) + frame(PING, masked=role.masked)
        actions = feed(role.open(settings()), data + frame(TEXT, b"late", masked=role.masked), EOF)
        assert news(actions) == [CloseStream(), TransportLost(1000)]
        assert len(read_frames(sent(actions))) == 1

    @both
    def test_the_stream_is_ended_at_once_so_that_a_client_can_come_back(self, role):
        """Whether its server ends it or not (RFC 6455 §7.1.1): the host sees to what is left of the old one."""
        link = role.open(settings())
        actions = feed(link, frame(CLOSE, closing(1000), masked=role.masked))
        assert read_frames(sent(actions)) == [(0x80 | CLOSE, closing(1000))]
        assert news(actions) == [CloseStream(), TransportLost(1000)]
        assert link.deadline == inf


class TestWeClose:
    @both
    def test_code_and_reason_go_out_and_the_peer_s_answer_ends_it(self, role):
        link = role.open(settings())
        assert read_frames(sent(feed(link, CloseLink(4001, "bye")))) == [(0x80 | CLOSE, closing(4001, "bye"))]
        actions = feed(link, frame(CLOSE, closing(4001), masked=role.masked), EOF)
        assert actions == [CloseStream(), TransportLost(4001)]

    @both
    def test_messages_that_were_under_way_still_come(self, role):
        link = role.open(settings())
        feed(link, CloseLink())
        data = frame(TEXT, b"last", masked=role.masked) + frame(PING, b"p", masked=role.masked)
        actions = feed(link, data)
        assert news(actions) == [TextReceived("last")]
        assert read_frames(sent(actions)) == [(0x80 | PONG, b"p")]

    @both
    def test_nothing_more_is_sent(self, role):
        link = role.open(settings())
        feed(link, CloseLink())
        assert feed(link, SendMessage("late"), CloseLink(4000)) == []

    @both
    def test_no_answer_within_the_close_timeout_drops_the_stream(self, role):
        link = role.open(settings(close_timeout=3), now=10)
        feed(link, CloseLink(), now=10)
        assert link.deadline == 13
        assert tick(link, 13) == [CloseStream(abort=True), TransportLost(1006)]

    def test_the_wait_of_a_client_for_the_end_is_part_of_that_timeout(self):
        client = open_client(settings(close_timeout=3))
        feed(client, CloseLink(4000), now=10)
        feed(client, frame(CLOSE, closing(4000), masked=False), now=12)
        assert client.deadline == 13
        assert tick(client, 13) == [CloseStream(), TransportLost(4000)]

    @both
    def test_an_end_without_an_answer_is_1006(self, role):
        assert feed(role.open(settings()), CloseLink(), EOF)[-2:] == [CloseStream(), TransportLost(1006)]

    @both
    def test_an_answer_that_breaks_the_rules_is_no_answer(self, role):
        link = role.open(settings())
        feed(link, CloseLink())
        actions = feed(link, frame(CLOSE, closing(1005), masked=role.masked), EOF)
        assert sent(actions) == b""
        assert news(actions) == [CloseStream(), TransportLost(1002, "protocol error")]

    @both
    @pytest.mark.parametrize(
        ("reason", "kept"),
        [("x" * 123, "x" * 123), ("x" * 124, "x" * 123), ("€" * 42, "€" * 41), ("x" + "€" * 41, "x" + "€" * 40)],
    )
    def test_a_long_reason_is_cut_at_a_character(self, role, reason, kept):
        actions = feed(role.open(settings()), CloseLink(1000, reason))
        assert read_frames(sent(actions)) == [(0x80 | CLOSE, closing(1000, kept))]

    @both
    @pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000])
    def test_a_code_that_must_not_be_sent_raises_and_changes_nothing(self, role, code):
        link = role.open(settings())
        with pytest.raises(ValueError, match="close code"):
            link.handle(CloseLink(code), 0.0)
        assert news(feed(link, frame(TEXT, b"x", masked=role.masked))) == [TextReceived("x")]

    @both
    @pytest.mark.parametrize("code", [1000, 1006, 70_000])
    def test_by_force_the_stream_is_dropped_without_a_word(self, role, code):
        link = role.open(settings())
        assert feed(link, CloseLink(code, force=True)) == [CloseStream(abort=True), TransportLost(1006)]
        assert link.deadline == inf

    @both
    def test_force_also_ends_a_close_handshake(self, role):
        link = role.open(settings())
        feed(link, CloseLink(4000))
        assert feed(link, CloseLink(force=True)) == [CloseStream(abort=True), TransportLost(1006)]

    def test_force_after_the_handshake_keeps_what_was_agreed(self):
        client = open_client()
        feed(client, CloseLink(4000, "x"), frame(CLOSE, closing(4000, "x"), masked=False))
        assert feed(client, CloseLink(force=True)) == [CloseStream(abort=True), TransportLost(4000, "x")]


class TestTheStreamEnds:
    @both
    def test_without_a_close_frame_it_is_1006(self, role):
        link = role.open(settings())
        assert feed(link, EOF) == [CloseStream(), TransportLost(1006)]
        assert link.deadline == inf

    @both
    def test_inside_a_message_too(self, role):
        link = role.open(settings())
        assert feed(link, frame(BINARY, b"x" * 9, masked=role.masked)[:-1], EOF) == [CloseStream(), TransportLost(1006)]

    @both
    def test_what_came_before_it_is_read_first(self, role):
        link = role.open(settings())
        link.handle(BytesReceived(frame(TEXT, b"x", masked=role.masked)), 0.0)
        assert feed(link, EOF) == [TextReceived("x"), CloseStream(), TransportLost(1006)]

    @both
    def test_after_the_end_nothing_happens_any_more(self, role):
        link = role.open(settings())
        feed(link, EOF)
        late: list[LinkInput | bytes] = [EOF, b"x", SendMessage("x"), CloseLink(), CloseLink(force=True)]
        assert feed(link, *late) == []
        assert tick(link, 1e9) == []
        assert link.deadline == inf


class TestWeFailTheConnection:
    def test_a_server_reads_on_for_a_moment_so_that_no_reset_overtakes_the_close_frame(self):
        server = open_server(settings(max_message_size=10))
        assert news(feed(server, frame(TEXT, length=11), now=5)) == []
        assert feed(server, b"x" * 10_000, frame(CLOSE, closing(1000)), now=5.1) == []
        assert 5 < server.deadline < 6
        assert tick(server, server.deadline) == [CloseStream(), TransportLost(1009, "message too big")]

    def test_a_client_leaves_waiting_for_the_server_s_end_to_its_host(self):
        """A server that leaves the stream open must not keep a client from coming back."""
        client = open_client(settings(close_timeout=3))
        actions = feed(client, frame(3, masked=False), now=5)
        assert news(actions)[-2:] == [CloseStream(), TransportLost(1002, "protocol error")]
        assert client.deadline == inf

    @both
    def test_the_detail_is_reported_but_not_sent(self, role):
        actions = feed(role.open(settings()), frame(TEXT, b"\xff", masked=role.masked))
        (report,) = (action for action in actions if isinstance(action, Report))
        assert report.kind is ReportKind.PROTOCOL_ERROR
        assert "UTF-8" in report.detail
        assert read_frames(sent(actions)) == [(0x80 | CLOSE, closing(1007, "invalid data"))]
