"""How a page's socket ends: closed by either side, given up, or followed by another one."""

import json

import pytest

from ocpp_transports import (
    ClosedError,
    ConnectionState,
)
from ocpp_transports._browser._socket import code_for_pages
from ocpp_transports.events import CloseEvent, DisconnectEvent
from tests.transports.fake_page import told


class TestClosing:
    @pytest.mark.parametrize(
        ("code", "sent"),
        [(1000, 1000), (1001, 4001), (1002, 4002), (1008, 4008), (1011, 4011), (3000, 3000), (4999, 4999)],
    )
    def test_uses_a_code_that_a_page_may_send_and_reports_it(self, page, code, sent):
        client = page.online()
        closed = page.start(client.close(code, "bye"))
        assert page.socket.closed_with == (sent, "bye")
        page.socket.end(sent, "bye")
        page.run()
        assert closed.result == CloseEvent(sent, "bye")

    def test_maps_every_code_that_may_be_sent_to_one_that_a_page_may_send(self):
        for code in [*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)]:
            assert code_for_pages(code) == 1000 or 3000 <= code_for_pages(code) <= 4999

    def test_cuts_a_reason_between_characters(self, page):
        page.start(page.online().close(1000, "ü" * 200))
        assert page.socket.closed_with == (1000, "ü" * 61)

    @pytest.mark.parametrize("code", [5, 999, 1005, 1006, 1015, 2000, 5000])
    def test_refuses_a_code_that_must_not_be_sent(self, page, code):
        closing = page.start(page.online().close(code))
        assert isinstance(closing.error, ValueError)

    def test_gives_up_on_a_server_that_never_answers(self, page):
        client = page.online(close_timeout=5)
        closed = page.start(client.close())
        page.advance(5)
        assert closed.result.code == 1006
        assert page.socket.is_dropped

    def test_by_force_lets_go_of_the_socket_and_reports_1006(self, page):
        client = page.online()
        closed = page.start(client.close(4001, force=True))
        assert closed.result.code == 1006
        assert page.socket.is_dropped
        assert page.socket.closed_with is None

    def test_waits_for_answers_first(self, page):
        client = page.online()
        call = page.start(client.call("Heartbeat", {}))
        closed = page.start(client.close(await_pending=True))
        assert not page.socket.closed_with
        page.socket.hear(json.dumps([3, json.loads(page.socket.sent[0])[1], {}]))
        page.run()
        assert call.result == {}
        page.socket.end(*page.socket.closed_with)
        page.run()
        assert closed.result.code == 1000

    def test_while_connecting_ends_the_dial(self, page):
        client = page.client()
        connected = page.start(client.connect())
        closed = page.start(client.close())
        assert isinstance(connected.error, ClosedError)
        assert closed.result.code == 1000
        assert page.socket.is_dropped

    def test_while_waiting_for_the_next_attempt_is_the_end(self, page):
        client = page.online()
        page.socket.end()
        closed = page.start(client.close())
        page.advance(10)
        assert closed.result.code == 1000
        assert len(page.page.sockets) == 1
        assert page.runtime.armed() == []

    def test_after_too_many_bad_messages_does_not_stay_closing(self, page):
        """A page that closed with 1002 would get an exception instead of an end."""
        client = page.online(max_bad_messages=2, reconnect=False)
        events = told(client, "close")
        page.socket.hear("[]")
        page.socket.hear("[]")
        assert page.socket.closed_with[0] == 4002
        page.socket.end(4002)
        page.run()
        assert events[0][1].code == 4002
        assert client.state is ConnectionState.CLOSED


class TestComingBack:
    def test_follows_a_loss(self, page):
        client = page.online()
        events = told(client, "disconnect", "reconnect", "open")
        page.socket.end(4003, "restart")
        page.advance(1)
        page.socket.open()
        page.run()
        assert [name for name, _ in events] == ["disconnect", "reconnect", "open"]
        assert events[0][1] == DisconnectEvent(4003, "restart")
        assert client.state is ConnectionState.OPEN

    def test_ends_after_max_reconnects(self, page):
        client = page.online(max_reconnects=2)
        events = told(client, "close")
        for _ in range(3):
            page.socket.end()
            page.advance(1)
        assert events[0][1].code == 1001
        assert len(page.page.sockets) == 3

    def test_sends_what_was_called_meanwhile(self, page):
        client = page.online(offline_queue=True)
        page.socket.end()
        call = page.start(client.call("Heartbeat", {}))
        page.advance(1)
        page.socket.open()
        page.run()
        page.socket.hear(json.dumps([3, json.loads(page.socket.sent[0])[1], {}]))
        page.run()
        assert call.result == {}

    def test_goes_where_reconfigure_says(self, page):
        client = page.online()
        client.reconfigure(endpoint="wss://other.example", password="secret")
        page.socket.end()
        page.advance(1)
        assert page.socket.url == "wss://CP1:secret@other.example/CP1"
        with pytest.raises(ValueError, match="expected the identity 'CP1', got 'CP2'"):
            client.reconfigure(identity="CP2")
