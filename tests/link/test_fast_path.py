"""The usual frame, read by hand (RFC 6455 §5.2): what it takes, and what it leaves to wsproto."""

from math import inf
from random import Random

import pytest

from ocpp_core.link._fast_path import text_frame, whole_control, whole_text
from ocpp_core.link._opcode import Control
from tests.link.wire import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, frame


class TestTakes:
    @pytest.mark.parametrize("masked", [True, False])
    @pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535])
    def test_a_whole_text_frame_and_says_where_the_next_begins(self, size, masked):
        data = b"??" + frame(TEXT, b"x" * size, masked=masked)
        assert whole_text(data + b"more", 2, inf, masked=masked) == ("x" * size, len(data))

    def test_text_beyond_ascii(self):
        data = frame(TEXT, "Säule ⚡".encode())
        assert whole_text(data, 0, inf, masked=True) == ("Säule ⚡", len(data))

    def test_a_message_of_the_limit(self):
        assert whole_text(frame(TEXT, b"x" * 10), 0, 10, masked=True) is not None


class TestWrites:
    @pytest.mark.parametrize("size", [0, 125, 126, 511, 512, 65535, 65536])
    def test_a_text_as_a_server_does(self, size):
        assert text_frame(b"x" * size, None) == frame(TEXT, b"x" * size, masked=False)

    @pytest.mark.parametrize("size", [0, 125, 126, 511, 512, 65535])
    def test_a_text_that_is_masked_as_a_client_does(self, size):
        data = text_frame(b"x" * size, Random(1))
        assert Random(1).randbytes(4) in data[:8]
        assert whole_text(data, 0, inf, masked=True) == ("x" * size, len(data))


class TestLeaves:
    @pytest.mark.parametrize(
        "data",
        [
            frame(TEXT, b"x", fin=False),
            frame(CONTINUATION, b"x"),
            frame(BINARY, b"x"),
            frame(PING, b"x"),
            frame(TEXT, b"x", rsv=4),
            frame(TEXT, b"x", masked=False),
            frame(TEXT, b"x" * 65536),
            frame(TEXT, b"x" * 11),
            frame(TEXT, b"\xff"),
            b"\x81\xfe\x00\x05\x00\x00\x00\x00hello",
        ],
        ids=[
            "a fragment",
            "a continuation",
            "binary",
            "a control frame",
            "a reserved bit",
            "no mask",
            "a very long one",
            "more than the limit",
            "bad UTF-8",
            "a length in more bytes than needed",
        ],
    )
    def test_to_wsproto(self, data):
        limit = 10 if len(data) < 100 else inf
        assert whole_text(data, 0, limit, masked=True) is None

    def test_every_beginning_of_a_frame(self):
        data = frame(TEXT, b"x" * 200)
        assert [whole_text(data[:size], 0, inf, masked=True) for size in range(len(data))] == [None] * len(data)

    def test_a_masked_frame_of_a_server(self):
        assert whole_text(frame(TEXT, b"x"), 0, inf, masked=False) is None


class TestControlFrames:
    @pytest.mark.parametrize("masked", [True, False])
    @pytest.mark.parametrize("payload", [b"", b"x", b"x" * 125])
    @pytest.mark.parametrize("opcode", [PING, PONG])
    def test_pings_and_pongs_are_taken(self, opcode, payload, masked):
        data = b"??" + frame(opcode, payload, masked=masked)
        assert whole_control(data + b"more", 2, masked=masked) == (Control(opcode, payload), len(data))

    @pytest.mark.parametrize(
        "data",
        [
            frame(CLOSE, b""),
            frame(TEXT, b"x"),
            frame(PING, b"x", fin=False),
            frame(PONG, b"x", rsv=4),
            frame(PING, b"x", masked=False),
            frame(PING, b"x" * 126),
        ],
        ids=["a close", "a text", "a fragment", "a reserved bit", "no mask", "more than 125 bytes"],
    )
    def test_all_others_are_left_to_wsproto(self, data):
        assert whole_control(data, 0, masked=True) is None

    def test_so_is_every_beginning(self):
        data = frame(PING, b"x" * 20)
        assert [whole_control(data[:size], 0, masked=True) for size in range(len(data))] == [None] * len(data)
