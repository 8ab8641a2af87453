"""What is read of the body of a refusal."""

from base64 import b64encode

from ocpp_core.errors import UnexpectedHttpResponse
from ocpp_core.refusals import BODY_LIMIT, body_is_whole, read_refusal, secrets_in
from tests.tables import each

CHUNKED = [("transfer-encoding", "chunked")]


class TestTheEndOfABody:
    @each(
        ("status", "headers", "body", "is_whole"),
        [
            (204, [], b"", True),
            (304, [], b"", True),
            (400, [], b"no", False),
            (400, [("content-length", "2")], b"n", False),
            (400, [("content-length", "2")], b"no", True),
            (400, [("content-length", "0")], b"", True),
            (400, [("content-length", "9" * 5000)], b"no", False),
            (400, [("content-length", "9" * 5000)], b"n" * BODY_LIMIT, True),
            (400, CHUNKED, b"2\r\nno\r\n", False),
            (400, CHUNKED, b"5\r\n0\r\n\r\n", False),
            (400, CHUNKED, b"2\r\nno\r\n0\r\n\r\n", True),
            (400, CHUNKED, b"2\r\nno\r\n0\r\n\r\nmore", True),
        ],
    )
    def test_is_known_by_its_framing(self, status, headers, body, is_whole):
        assert body_is_whole(status, headers, body) is is_whole


class TestItsText:
    @each(
        ("headers", "body", "text"),
        [
            ([], b"Not today", "Not today"),
            ([("content-length", "3")], b"Not today", "Not"),
            ([], "Gerät\xe9".encode()[:-1], "Gerät\ufffd"),
            (CHUNKED, b"3\r\nNot\r\n6;x=y\r\n today\r\n0\r\n\r\n", "Not today"),
            (CHUNKED, b"3\r\nNot\r\n6\r\n to", "Not to"),
            (CHUNKED, b"ffffffff\r\nNot", "Not"),
            (CHUNKED, b"no chunk", ""),
            (CHUNKED, b"1\n" * 1000, "1" * 500),
            ([("content-encoding", "gzip")], b"\x1f\x8b", ""),
            ([("content-type", "text/html")], b"<h1>Bad</h1>gateway", " Bad gateway"),
            ([("content-type", "text/plain")], b"<h1>", "<h1>"),
            ([("content-type", "text/html")], b"<" * 2000, "<" * 2000),
        ],
    )
    def test_is_that_of_what_is_here(self, headers, body, text):
        assert read_refusal(headers, body) == text

    @each("blanks", range(BODY_LIMIT - 40, BODY_LIMIT))
    def test_holds_no_part_of_a_secret_that_was_cut_off(self, blanks):
        token = b64encode(b"CP1:correct horse").decode()
        secrets = secrets_in([("Authorization", f"Basic {token}")])
        body = (b"x" * blanks + token.encode())[:BODY_LIMIT]
        assert not read_refusal([], body, secrets).strip("x…")


class TestSecrets:
    def test_are_credentials_keys_and_tokens(self):
        token = b64encode(b"CP1:correct horse").decode()
        headers = [("User-Agent", "station"), ("Authorization", f"Basic {token}"), ("X-Api-Key", "abcdef")]
        assert set(secrets_in(headers)) == {token, "correct horse", "abcdef"}

    def test_are_in_the_query_too_encoded_and_decoded(self):
        target = "/CP1?version=2.0.1&token=a%2Fb+cd&Pass%77ord=hunter22&sig=abc"
        assert set(secrets_in([], target)) == {"a%2Fb+cd", "a/b cd", "hunter22"}

    @each("target", ["/token", "/CP1?", "/CP1?token", "/CP1?=&token=", "/CP1?token=%ff%zz&&"])
    def test_of_a_query_without_any_are_none_or_as_sent(self, target):
        assert set(secrets_in([], target)) <= {"%ff%zz", "\ufffd%zz"}

    @each("value", ["Basic", "Basic =", "Basic " + b64encode(b"a:\xff\xff\xff\xff").decode(), "ü"])
    def test_that_are_broken_raise_nothing(self, value):
        assert isinstance(secrets_in([("authorization", value)]), tuple)


class TestTheReason:
    @each(
        ("body", "reason"),
        [
            ("", ""),
            (" \r\n\t ", ""),
            ("No matching subprotocol", "No matching subprotocol"),
            ("a\r\nHTTP/1.1 200 OK\r\n\r\nb", "a HTTP/1.1 200 OK b"),
            ("a\x1b[2Jb\x00c\x7fd\x9be", "a [2Jb c d e"),
            ("a\u202eb\u2066c\u2028d\ud800e", "a b c d e"),
            ("x" * 200, "x" * 200),
            ("x" * 201, "x" * 199 + "…"),
            (" " * 100_000 + "x", ""),
        ],
    )
    def test_is_one_bounded_printable_line(self, body, reason):
        error = UnexpectedHttpResponse(400, (), body)
        assert error.reason == reason
        assert str(error).isprintable()
