"""Requests that a server refuses by itself, and with which status."""

from math import inf

import pytest

from ocpp_core.actions import CloseStream, Report, ReportKind, UpgradeRequested
from tests.link.wire import EOF, feed, head_of, news, request, sent, tick, upgrade_without
from tests.link.wire import server_link as link

REFUSED = {
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "two empty lines first": (b"\r\n\r\n" + request(), 400),
    "a carriage return first": (b"\r" + request(), 400),
    "a blank first": (b" " + request(), 400),
    "a blank line first": (b"\r\n " + request(), 400),
    "a request line of two words": (request(line="GET /CP1"), 400),
    "a header without a colon": (b"GET / HTTP/1.1\r\nHost\r\n\r\n", 400),
    "a folded header name": (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400),
    "no host": (request(without=["Host"]), 400),
    "two hosts": (request(("Host", "other")), 400),
    "a space in the target": (request(line="GET /a b HTTP/1.1"), 400),
    "POST": (request(line="POST /CP1 HTTP/1.1"), 405),
    "an upgrade by HTTP/1.0": (request(line="GET /CP1 HTTP/1.0"), 400),
    "HTTP/2": (request(line="GET /CP1 HTTP/2.0"), 505),
    "websocket without Connection: Upgrade": (upgrade_without("Connection", "keep-alive"), 400),
    "no Connection": (upgrade_without("Connection"), 400),
    "version 12": (upgrade_without("Sec-WebSocket-Version", "12"), 426),
    "version 13 and 8": (upgrade_without("Sec-WebSocket-Version", "13", "8"), 426),
    "no version": (upgrade_without("Sec-WebSocket-Version"), 426),
    "no key": (upgrade_without("Sec-WebSocket-Key"), 400),
    "two keys": (upgrade_without("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ=="), 400),
    "a key of 15 bytes": (upgrade_without("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAA"), 400),
    "a key that is not base64": (upgrade_without("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZ!=="), 400),
    "a key that is not ASCII": (upgrade_without("Sec-WebSocket-Key", "\xe9GhlIHNhbXBsZSBub25jZQ=="), 400),
    "a subprotocol twice": (request(("Sec-WebSocket-Protocol", "ocpp1.6, ocpp1.6")), 400),
    "a subprotocol that is no token": (request(("Sec-WebSocket-Protocol", "ocpp 1.6")), 400),
    "a subprotocol that is not ASCII": (request(("Sec-WebSocket-Protocol", "\xf6cpp")), 400),
    "broken extensions": (request(("Sec-WebSocket-Extensions", "permessage-deflate; =1")), 400),
    "an upgrade with a body": (request(("Content-Length", "5")), 400),
    "a chunked upgrade": (request(("Transfer-Encoding", "chunked")), 400),
    "an unknown transfer coding": (request(("Transfer-Encoding", "gzip")), 400),
    "a header block over its limit": (request(("X", "y" * 20_000)), 431),
    "a request line over its limit": (b"GET /" + b"a" * 20_000, 431),
}


class TestRefusedRequests:
    @pytest.mark.parametrize(("data", "status"), REFUSED.values(), ids=REFUSED.keys())
    def test_each_gets_its_status(self, data, status):
        server = link()
        actions = feed(server, data)
        got, headers, body = head_of(sent(actions))
        assert got == status
        assert "close" in headers["connection"].lower()
        assert headers["content-type"] == "text/plain; charset=utf-8"
        assert int(headers["content-length"]) == len(body) < 80
        assert [action.kind for action in actions if isinstance(action, Report)] == [ReportKind.PROTOCOL_ERROR]
        assert news(actions + feed(server, EOF)) == [CloseStream()]
        assert server.deadline == inf

    def test_405_names_the_method(self):
        assert head_of(sent(feed(link(), REFUSED["POST"][0])))[1]["allow"] == "GET, HEAD"

    def test_426_names_the_version_and_the_protocol(self):
        headers = head_of(sent(feed(link(), REFUSED["version 12"][0])))[1]
        assert (headers["sec-websocket-version"], headers["upgrade"]) == ("13", "websocket")
        assert headers["connection"] == "close, Upgrade"

    def test_the_header_limit_is_exact(self):
        data = request(("X", "y" * 300))
        assert isinstance(feed(link(max_header_size=len(data)), data)[0], UpgradeRequested)
        assert head_of(sent(feed(link(max_header_size=len(data) - 1), data)))[0] == 431

    def test_a_request_cut_off_gets_an_answer_since_the_peer_may_still_read(self):
        actions = feed(link(), request()[:-2], EOF)
        assert head_of(sent(actions))[0] == 400
        assert news(actions) == [CloseStream()]

    def test_a_stream_that_ends_without_a_byte_just_ends(self):
        assert feed(link(), EOF) == [CloseStream()]

    def test_what_the_peer_still_sends_is_read_and_forgotten_so_that_no_reset_overtakes_the_answer(self):
        server = link()
        assert news(feed(server, REFUSED["a header block over its limit"][0])) == []
        assert feed(server, b"more", now=0.1) == []
        assert 0 < server.deadline < 1
        assert feed(server, EOF, now=0.2) == [CloseStream()]

    def test_that_reading_has_an_end(self):
        server = link()
        feed(server, REFUSED["a header block over its limit"][0])
        assert tick(server, server.deadline) == [CloseStream()]
        assert server.deadline == inf
