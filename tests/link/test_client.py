"""The client's handshake (RFC 6455 §4.1): what it asks, and how it judges the answer."""

from base64 import b64decode, b64encode
from math import inf
from random import Random

import pytest

from ocpp_core.actions import CloseStream, Report, ReportKind
from ocpp_core.errors import ConnectionFailedError, UnexpectedHttpResponse, WebsocketUpgradeError
from ocpp_core.inputs import (
    Accept,
    BytesReceived,
    CloseLink,
    Reject,
    Respond,
    SendMessage,
    TextReceived,
    TransportFailed,
    TransportOpened,
)
from ocpp_core.link import ClientLink
from tests.kinds import an, only
from tests.link.wire import EOF, TEXT, answer, drain, feed, frame, news, sent, settings, tick


def link(subprotocols=("ocpp2.1", "ocpp1.6"), *, headers=(), attempt=0, host="csms.example", target="/CP1", **options):
    return ClientLink(
        settings(**options),
        host=host,
        target=target,
        subprotocols=subprotocols,
        headers=headers,
        attempt=attempt,
        random=Random(3),
        now=0.0,
    )


def answered(client, *more, without=()):
    """Feed a 101 made for the client's own request."""
    return feed(client, answer(sent(drain(client)), *more, without=without))


CHOSEN = ("Sec-WebSocket-Protocol", "ocpp1.6")


class TestTheRequest:
    def test_it_comes_out_at_once(self):
        client = link(headers=[("Authorization", "Basic eA==")], target="/ocpp/CP%201?a=b")
        head = sent(drain(client)).decode()
        first, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        assert first == "GET /ocpp/CP%201?a=b HTTP/1.1"
        assert headers.pop("Sec-WebSocket-Key")
        assert headers == {
            "Host": "csms.example",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Authorization": "Basic eA==",
            "Sec-WebSocket-Protocol": "ocpp2.1, ocpp1.6",
        }

    def test_the_nonce_is_16_bytes_of_the_injected_random(self):
        first, second = (sent(drain(link())) for _ in range(2))
        assert first == second
        assert len(b64decode(first.split(b"Key: ")[1].split(b"\r\n")[0])) == 16

    def test_without_subprotocols_none_are_offered(self):
        assert b"Sec-WebSocket-Protocol" not in sent(drain(link(())))

    @pytest.mark.parametrize(
        "wrong",
        [
            {"host": ""},
            {"host": "a b"},
            {"host": "a\r\nX: y"},
            {"target": "CP1"},
            {"target": "/a b"},
            {"target": "/\xe9"},
            {"subprotocols": ["ocpp1.6", "ocpp1.6"]},
            {"subprotocols": ["ocpp 1.6"]},
            {"headers": [("Host", "x")]},
            {"headers": [("sec-websocket-key", "x")]},
            {"headers": [("a b", "x")]},
            {"headers": [("A", "x\r\nB: y")]},
            {"headers": [("A", "\u20ac")]},
        ],
    )
    def test_what_cannot_stand_in_a_request_raises(self, wrong):
        with pytest.raises(ValueError, match="expected"):
            link(**wrong)

    def test_a_text_is_no_list_of_subprotocols(self):
        with pytest.raises(TypeError, match="list of subprotocol names"):
            link("ocpp1.6")


class TestARightAnswer:
    def test_it_opens_the_websocket_with_the_chosen_subprotocol(self):
        assert answered(link(attempt=7), CHOSEN) == [TransportOpened("ocpp1.6", 7)]

    def test_no_subprotocol_is_right_when_none_was_offered(self):
        assert answered(link(())) == [TransportOpened(None)]

    def test_upgrade_and_connection_are_case_insensitive_lists(self):
        more = CHOSEN, ("Upgrade", "WebSocket"), ("Connection", "keep-alive, upgrade")
        assert answered(link(), *more, without=["Upgrade", "Connection"]) == [TransportOpened("ocpp1.6")]

    def test_frames_right_behind_it_are_kept(self):
        client = link(())
        data = answer(sent(drain(client))) + frame(TEXT, b"hello", masked=False)
        assert feed(client, data) == [TransportOpened(None), TextReceived("hello")]

    def test_announcements_before_it_are_skipped(self):
        client = link(())
        data = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + answer(sent(drain(client)))
        assert feed(client, data) == [TransportOpened(None)]

    def test_no_timer_stays_armed(self):
        client = link()
        answered(client, CHOSEN)
        assert client.deadline == inf


WRONG_101 = {
    "no upgrade": ((CHOSEN,), ["Upgrade"]),
    "another upgrade": ((CHOSEN, ("Upgrade", "h2c")), ["Upgrade"]),
    "no connection": ((CHOSEN,), ["Connection"]),
    "no accept key": ((CHOSEN,), ["Sec-WebSocket-Accept"]),
    "a wrong accept key": (
        (CHOSEN, ("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")),
        ["Sec-WebSocket-Accept"],
    ),
    "two accept keys": ((CHOSEN, ("Sec-WebSocket-Accept", "x")), []),
    "no subprotocol": ((), []),
    "an unoffered subprotocol": ((("Sec-WebSocket-Protocol", "ocpp2.0.1"),), []),
    "a subprotocol in another case": ((("Sec-WebSocket-Protocol", "OCPP1.6"),), []),
    "two subprotocols": ((("Sec-WebSocket-Protocol", "ocpp1.6, ocpp2.1"),), []),
    "an unoffered extension": ((CHOSEN, ("Sec-WebSocket-Extensions", "permessage-deflate")), []),
    "a malformed extension": ((CHOSEN, ("Sec-WebSocket-Extensions", "=")), []),
}


def told(failed):
    """Status and text of the response that refused the upgrade."""
    refused = an(UnexpectedHttpResponse, failed.error)
    return refused.status, refused.reason


class TestAWrongAnswer:
    @pytest.mark.parametrize(("more", "without"), WRONG_101.values(), ids=WRONG_101.keys())
    def test_a_wrong_101_is_told_from_failures_of_the_moment(self, more, without):
        client = link(attempt=2)
        report, closed, failed = answered(client, *more, without=without)
        assert isinstance(report, Report)
        assert report.kind is ReportKind.PROTOCOL_ERROR
        assert closed == CloseStream(abort=True)
        assert isinstance(failed, TransportFailed)
        assert isinstance(failed.error, WebsocketUpgradeError)
        assert (failed.retry, failed.attempt) == (False, 2)
        assert client.deadline == inf

    def test_a_subprotocol_nobody_asked_for_is_wrong_too(self):
        failed = only(TransportFailed, answered(link(()), CHOSEN))
        assert isinstance(failed.error, WebsocketUpgradeError)

    def test_another_status_may_heal_and_is_shown_with_its_headers(self):
        client = link(attempt=4)
        data = b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 2\r\n\r\nno"
        closed, failed = feed(client, data)[1:]
        assert closed == CloseStream(abort=True)
        assert isinstance(failed, TransportFailed)
        assert isinstance(failed.error, UnexpectedHttpResponse)
        assert told(failed) == (401, "no")
        assert ("www-authenticate", "Basic") in failed.error.headers
        assert (failed.retry, failed.attempt, failed.retry_after) == (True, 4, 0.0)

    @pytest.mark.parametrize(
        ("value", "seconds"),
        [
            ("120", 120.0),
            ("0", 0.0),
            ("-1", 0.0),
            ("1e9", 0.0),
            ("Fri, 31 Dec 1999 23:59:59 GMT", 0.0),
            ("9" * 5000, 0.0),
        ],
    )
    def test_retry_after_in_seconds_counts(self, value, seconds):
        client = link()
        failed = only(TransportFailed, feed(client, f"HTTP/1.1 503 Busy\r\nRetry-After: {value}\r\n\r\n".encode(), EOF))
        assert failed.retry_after == seconds

    @pytest.mark.parametrize(
        "rest",
        [
            pytest.param([b"Content-Length: 9\r\n\r\nNot today"], id="counted"),
            pytest.param([b"Content-Length: 9\r\n\r\nNot today", b"and more"], id="with more behind it"),
            pytest.param([b"\r\nNot today", EOF], id="until the end of the stream"),
            pytest.param([b"Content-Length: 99\r\n\r\nNot today", EOF], id="cut off"),
            pytest.param([b"Transfer-Encoding: chunked\r\n\r\n3\r\nNot\r\n6\r\n today\r\n0\r\n\r\n"], id="in chunks"),
            pytest.param([b"Content-Length: 3000\r\n\r\nNot today" + b" " * 3000], id="long"),
        ],
    )
    @pytest.mark.parametrize("size", [1, 7, 10_000])
    def test_what_another_status_says_is_shown_however_it_arrives(self, rest, size):
        client, data = link(), b"HTTP/1.1 403 Forbidden\r\n" + b"".join(part for part in rest if part is not EOF)
        chunks = [data[at : at + size] for at in range(0, len(data), size)]
        actions = feed(client, *chunks, *(part for part in rest if part is EOF))
        failed = only(TransportFailed, actions)
        assert told(failed) == (403, "Not today")
        assert "'Not today'" in str(failed.error)

    def test_what_another_status_says_is_awaited_for_a_moment_only(self):
        client = link(handshake_timeout=30.0)
        assert sent(feed(client, b"HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\nNot", now=5.0)) != b""
        assert 5.0 < client.deadline <= 6.0
        failed = only(TransportFailed, tick(client, client.deadline))
        assert told(failed) == (403, "Not")

    def test_the_wait_for_a_body_does_not_outlast_the_handshake(self):
        client = link(handshake_timeout=2.0)
        drain(client)
        feed(client, b"HTTP/1.1 403 Forbidden\r\n\r\n", now=1.9)
        assert client.deadline <= 2.0

    @pytest.mark.parametrize("status", [204, 304])
    @pytest.mark.parametrize("more", [b"", b"of no response"])
    def test_a_status_without_a_body_needs_no_wait(self, status, more):
        failed = only(TransportFailed, feed(link(), b"HTTP/1.1 %d X\r\n\r\n%s" % (status, more)))
        assert told(failed) == (status, "")

    def test_credentials_do_not_come_back_in_what_a_server_says(self):
        token = b64encode(b"CP1:correct horse").decode()
        client = link(headers=[("Authorization", f"Basic {token}")], target="/CP1?token=abcdef")
        body = f"bad Authorization: Basic {token} (correct horse) for /CP1?token=abcdef".encode()
        failed = only(
            TransportFailed, feed(client, b"HTTP/1.1 401 No\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        )
        assert told(failed)[1] == "bad Authorization: Basic … (…) for /CP1?token=…"

    @pytest.mark.parametrize(
        "data",
        [
            pytest.param(b"\x15\x03\x01\x00\x02\x02\x50", id="a TLS alert"),
            pytest.param(b"SSH-2.0-x\r\n", id="another protocol"),
            pytest.param(b"HTTP/1.1 abc\r\n\r\n", id="a broken status"),
            pytest.param(b"HTTP/1.1 101 S\r\nbroken\r\n\r\n", id="a broken header"),
            pytest.param(b"HTTP/1.1 101 S\r\nX: " + b"x" * 20_000, id="an endless header"),
            pytest.param(b"HTTP/1.1 103 Early\r\nX: 123456789\r\n\r\n" * 1000, id="endless announcements"),
        ],
    )
    def test_what_is_no_http_fails_the_attempt(self, data):
        client = link()
        actions = feed(client, data)
        assert [action.kind for action in actions if isinstance(action, Report)] == [ReportKind.PROTOCOL_ERROR]
        closed, failed = news(actions)
        assert closed == CloseStream(abort=True)
        assert isinstance(failed, TransportFailed)
        assert type(failed.error) is ConnectionFailedError
        assert failed.retry
        assert client.deadline == inf

    def test_garbage_is_found_before_a_line_is_whole(self):
        client = link()
        drain(client)
        assert feed(client, b"HTT") == []
        assert isinstance(feed(client, b"X")[-1], TransportFailed)

    def test_an_alert_of_tls_is_named(self):
        failed = only(TransportFailed, feed(link(), b"\x15\x03\x01\x00\x02\x02\x46"))
        assert str(failed.error) == "the server speaks TLS on this port: use wss://"
        assert failed.retry

    def test_an_alert_of_tls_is_named_when_its_first_byte_arrives_alone(self):
        client = link()
        drain(client)
        assert feed(client, b"\x15") == []
        failed = only(TransportFailed, feed(client, b"\x03\x01"))
        assert str(failed.error) == "the server speaks TLS on this port: use wss://"

    def test_one_byte_of_an_alert_is_garbage_at_the_end_of_the_stream(self):
        failed = only(TransportFailed, feed(link(), b"\x15", EOF))
        assert str(failed.error) == "the server does not speak HTTP/1.1"

    def test_an_offer_of_tls_beside_the_status_is_named(self):
        failed = only(TransportFailed, feed(link(), b"HTTP/1.1 400 Bad\r\nUpgrade: TLS/1.2, HTTP/1.1\r\n\r\n", EOF))
        assert str(failed.error).endswith("got 400; the port speaks TLS: use wss://")

    @pytest.mark.parametrize(
        ("data", "hint"),
        [
            ([], " without a response (wrong port or scheme, or no client certificate?)"),
            ([b"HTTP/1.1 101 Swi"], ""),
            ([b"HTTP/1.1 100 Continue\r\n\r\n"], ""),
        ],
    )
    def test_an_end_of_the_stream_fails_the_attempt(self, data, hint):
        client = link()
        closed, failed = news(feed(client, *data, EOF))
        assert closed == CloseStream(abort=True)
        assert isinstance(failed, TransportFailed)
        assert str(failed.error) == f"the server ended the stream during the handshake{hint}"
        assert failed.retry

    def test_silence_fails_the_attempt(self):
        client = link(handshake_timeout=10)
        assert client.deadline == 10
        closed, failed = news(tick(client, 10))
        assert closed == CloseStream(abort=True)
        assert isinstance(failed, TransportFailed)
        assert type(failed.error) is ConnectionFailedError
        assert failed.retry


class TestMisuse:
    @pytest.mark.parametrize("event", [Accept(None), Reject(401), Respond(200)])
    def test_a_client_answers_no_requests(self, event):
        client = link()
        with pytest.raises(RuntimeError, match="only servers"):
            client.handle(event, 0.0)

    def test_a_message_before_the_websocket_is_open_raises(self):
        client = link(())
        with pytest.raises(RuntimeError, match="not open"):
            client.handle(SendMessage("x"), 0.0)
        assert answered(client) == [TransportOpened(None)]

    def test_closing_during_the_handshake_ends_the_attempt_for_good(self):
        client = link(attempt=3)
        drain(client)
        closed, failed = feed(client, CloseLink())
        assert closed == CloseStream(abort=True)
        assert isinstance(failed, TransportFailed)
        assert (failed.retry, failed.attempt) == (False, 3)
        assert feed(client, SendMessage("x"), CloseLink(), EOF) == []

    def test_bytes_of_another_attempt_are_stale(self):
        client = link((), attempt=2)
        drain(client)
        assert feed(client, BytesReceived(b"garbage", 1), BytesReceived(b"", 1)) == []
