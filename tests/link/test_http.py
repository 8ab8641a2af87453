"""The HTTP helpers of the handshake, where the links' own tests do not reach."""

import pytest

from ocpp_core.link._http import HeadBuffer, HeadTooLargeError, accept_key, check_headers, read_extensions
from tests.link.wire import ACCEPT, KEY


def buffer(data):
    head = HeadBuffer()
    head.data += data
    return head


class TestHeadBuffer:
    @pytest.mark.parametrize("end", [b"\r\n\r\n", b"\n\n", b"\r\n\n"])
    def test_a_head_ends_with_a_blank_line_of_either_kind(self, end):
        head = buffer(b"first" + end + b"rest")
        assert head.take(100) == b"first" + end
        assert head.clear() == b"rest"
        assert head.data == b""

    def test_it_comes_byte_by_byte(self):
        head = HeadBuffer()
        for byte in b"a\r\nb: c\r\n\r":
            head.data.append(byte)
            assert head.take(100) is None
        head.data += b"\nrest"
        assert head.take(100) == b"a\r\nb: c\r\n\r\n"

    def test_the_limit_holds_for_the_head_alone(self):
        assert buffer(b"12\r\n\r\n" + b"x" * 100).take(6) == b"12\r\n\r\n"

    @pytest.mark.parametrize("data", [b"123\r\n\r\n", b"123456", b"1234567"])
    def test_beyond_the_limit_it_raises(self, data):
        with pytest.raises(HeadTooLargeError):
            buffer(data).take(6)


class TestExtensions:
    @pytest.mark.parametrize(
        ("value", "read"),
        [
            ("a", [("a", {})]),
            (' a ; b ; c=1 ; d = "2" , e', [("a", {"b": None, "c": "1", "d": "2"}), ("e", {})]),
            ("", []),
            ("a,, b,", [("a", {}), ("b", {})]),
            ("a; b; b", []),
            ("a; b; b, c", [("c", {})]),
        ],
    )
    def test_elements_and_parameters(self, value, read):
        assert read_extensions(value) == read

    @pytest.mark.parametrize("value", [";", "a;", "a; =1", "a; b=", 'a; b="', 'a; b="1', 'a; b="x y"', "a b", "\xe9"])
    def test_what_breaks_the_grammar_raises(self, value):
        with pytest.raises(ValueError, match="malformed"):
            read_extensions(value)


class TestHeaders:
    def test_the_accept_key_of_the_rfc(self):
        assert accept_key(KEY) == ACCEPT

    def test_values_may_hold_latin_1_and_nothing_that_ends_a_line(self):
        assert check_headers([("A", "caf\xe9\tx")], ()) == [("A", "caf\xe9\tx")]
        for value in ("a\nb", "a\rb", "a\x00b", "\u20ac"):
            with pytest.raises(ValueError, match="control characters"):
                check_headers([("A", value)], ())

    def test_a_wrong_value_is_not_repeated_in_the_error(self):
        with pytest.raises(ValueError, match="Authorization") as caught:
            check_headers([("Authorization", "secret\n")], ())
        assert "secret" not in str(caught.value)
