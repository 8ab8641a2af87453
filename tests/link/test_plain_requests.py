"""Plain HTTP requests on a server's link: the host answers them, and the stream is closed."""

from math import inf

import pytest

from ocpp_core.actions import CloseStream, HttpRequest
from ocpp_core.inputs import Respond, StreamLost, Tick
from tests.link.wire import EOF, drain, feed, head_of, news, request, sent
from tests.link.wire import server_link as link


class TestPlainRequests:
    @pytest.mark.parametrize(
        "data",
        [
            pytest.param(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n", id="plain"),
            pytest.param(b"GET /health HTTP/1.0\r\n\r\n", id="HTTP/1.0, as load balancers send it"),
            pytest.param(request(("Upgrade", "h2c"), line="GET /health HTTP/1.1", without=["Upgrade"]), id="h2c"),
            pytest.param(request(line="GET /health HTTP/1.1", without=["Upgrade"]), id="Connection: Upgrade alone"),
        ],
    )
    def test_a_get_without_websocket_is_the_host_s(self, data):
        (action,) = feed(link(), data)
        assert isinstance(action, HttpRequest)
        assert (action.method, action.target) == ("GET", "/health")

    def test_it_is_answered_and_the_stream_closed(self):
        server = link()
        feed(server, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        actions = feed(server, Respond(200, [("Content-Type", "application/json")], b"{}"))
        status, headers, body = head_of(sent(actions))
        assert (status, headers["content-type"], headers["connection"], body) == (
            200,
            "application/json",
            "close",
            b"{}",
        )
        assert news(actions) == [CloseStream()]
        assert server.deadline == inf

    def test_a_peer_that_ended_its_side_still_gets_the_answer(self):
        server = link()
        feed(server, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", EOF)
        assert head_of(sent(feed(server, Respond(204))))[0] == 204

    def test_a_peer_whose_stream_broke_gets_none(self) -> None:
        server = link()
        feed(server, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert feed(server, StreamLost()) == [CloseStream()]
        assert feed(server, Respond(204)) == []
        assert server.deadline == inf

    @pytest.mark.parametrize("line", ["HEAD /health HTTP/1.1", "HEAD /health HTTP/1.0"])
    def test_head_is_the_host_s_too_even_with_an_upgrade_and_its_answer_has_no_body(self, line: str) -> None:
        server = link()
        (action,) = feed(server, request(line=line))
        assert isinstance(action, HttpRequest)
        assert (action.method, action.target) == ("HEAD", "/health")
        status, headers, body = head_of(sent(feed(server, Respond(200, [], b"four"))))
        assert (status, headers["content-length"], body) == (200, "4", b"")

    def test_head_that_nobody_answers_gets_no_body_either(self) -> None:
        server = link()
        feed(server, request(line="HEAD /health HTTP/1.1"))
        server.handle(Tick(), server.deadline)
        assert head_of(sent(drain(server)))[::2] == (408, b"")

    def test_204_has_no_length(self):
        server = link()
        feed(server, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert "content-length" not in head_of(sent(feed(server, Respond(204))))[1]

    def test_what_follows_the_request_is_forgotten(self):
        server = link(max_early_data=10)
        feed(server, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + b"x" * 100)
        assert head_of(sent(feed(server, Respond(200))))[0] == 200

    def test_a_body_that_may_still_come_is_awaited_after_the_answer(self):
        server = link()
        feed(server, b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n")
        assert news(feed(server, Respond(200))) == []
        assert feed(server, EOF) == [CloseStream()]
