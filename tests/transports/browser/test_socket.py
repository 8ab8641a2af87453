"""BrowserOCPPClient: the client in a page; here a fake one with a manual clock, in `tests/browser` a real one."""

import json

import pytest

from ocpp_core.actions import TURN
from ocpp_transports import (
    BrowserOCPPClient,
    ClosedError,
    ConnectionFailedError,
    ConnectionLostError,
    ConnectionState,
    OCPPClient,
    TimeoutError,
    WebsocketUpgradeError,
)
from ocpp_transports._browser._inbox import MOST_KEPT
from ocpp_transports._driver._limits import HIGH_WATER, SEND_TIMEOUT
from ocpp_transports.outbox import MemoryStore
from tests.kinds import mistyped
from tests.transports.fake_page import told


class TestTheOptions:
    def test_are_those_of_the_client_elsewhere_but_for_what_a_page_cannot_do(self):
        missing = {
            "headers", "tls", "security_profile", "ping_interval", "pong_timeout", "defer_pings_on_activity",
            "compression", "max_message_size", "warm_up",
        }  # fmt: skip
        with pytest.raises(
            TypeError, match=r"unknown option 'headers', expected one of: action_rates, answer_window, backoff, "
        ):
            BrowserOCPPClient("CP1", "ws://csms.example", protocols=["ocpp1.6"], **mistyped({"headers": {}}))
        for name in missing:
            with pytest.raises(TypeError, match="unknown option"):
                BrowserOCPPClient("CP1", "ws://csms.example", protocols=["ocpp1.6"], **mistyped({name: None}))

    def test_leave_the_surface_as_it_is_elsewhere(self):
        surface = {name for name in dir(OCPPClient) if not name.startswith("_")}
        assert surface - set(dir(BrowserOCPPClient)) == {"security_profile"}

    def test_refuse_a_file_for_the_offline_queue(self):
        BrowserOCPPClient("CP1", "ws://csms.example", offline_queue=MemoryStore())
        with pytest.raises(TypeError, match="expected offline_queue as bool or MemoryStore, got str"):
            BrowserOCPPClient("CP1", "ws://csms.example", offline_queue="station.db")

    @pytest.mark.parametrize("endpoint", ["http://csms.example", "ftp://x", "/ocpp", "ws://x/#fragment", "ws://u:p@x"])
    def test_refuse_what_a_page_would_take_for_a_url(self, endpoint):
        with pytest.raises(ValueError, match="expected"):
            BrowserOCPPClient("CP1", endpoint, protocols=["ocpp1.6"])

    def test_need_a_browser_to_connect(self):
        client = BrowserOCPPClient("CP1", "ws://csms.example", protocols=["ocpp1.6"])
        with pytest.raises(RuntimeError, match="expected a browser with Pyodide"):
            client.connect().send(None)


class TestTheUrl:
    def test_has_identity_and_query(self, page):
        page.start(page.client("CP /ü", query={"a": "b c"}).connect())
        assert page.socket.url == "ws://csms.example/ocpp/CP%20%2F%C3%BC?a=b+c"
        assert page.socket.subprotocols == ("ocpp1.6",)

    @pytest.mark.parametrize("password", ["pä:s/s@?#", "pä:s/s@?#".encode()])
    def test_carries_the_password_as_user_information(self, page, password):
        page.start(page.client("CP 1", password=password).connect())
        assert page.socket.url == "ws://CP%201:p%C3%A4%3As%2Fs%40%3F%23@csms.example/ocpp/CP%201"

    def test_refuses_an_identity_that_basic_credentials_cannot_name(self, page):
        with pytest.raises(ValueError, match="without ':'"):
            page.client("CP:1", password="secret")

    @pytest.mark.parametrize("identity", [".", ".."])
    def test_refuses_an_identity_that_browsers_take_for_a_way_up(self, page, identity):
        with pytest.raises(ValueError, match="keeps unchanged in a URL"):
            page.client(identity)

    def test_is_shown_without_the_password(self, page):
        client = page.client(password="secret")
        events = told(client, "connecting", "error")
        connected = page.start(client.connect())
        page.socket.error()
        page.run()
        assert "secret" not in f"{client!r} {events} {connected.error} {client._options}"
        assert events[0][1].url == "ws://csms.example/ocpp/CP1"


class TestConnecting:
    def test_ends_with_the_subprotocol(self, page):
        client = page.online()
        assert (client.state, client.protocol) == (ConnectionState.OPEN, "ocpp1.6")

    @pytest.mark.parametrize("ending", ["error", "end"])
    def test_fails_with_the_one_error_that_a_page_gets(self, page, ending):
        client = page.client()
        connected = page.start(client.connect())
        getattr(page.socket, ending)()
        page.run()
        assert type(connected.error) is ConnectionFailedError
        assert "a browser does not report why" in str(connected.error)
        assert client.state is ConnectionState.CLOSED
        assert page.socket.is_dropped

    def test_fails_once_where_an_error_is_followed_by_a_close(self, page):
        client = page.client(retry_initial_connect=True)
        page.start(client.connect())
        page.socket.error()
        page.socket.end()
        page.run()
        page.advance(1)
        assert len(page.page.sockets) == 2

    def test_fails_where_the_page_forbids_the_address(self, page):
        page.page.refuses = "the page refuses to open this WebSocket (SecurityError)"
        client = page.client()
        connected = page.start(client.connect())
        assert isinstance(connected.error, ConnectionFailedError)
        assert "SecurityError" in str(connected.error)

    def test_is_given_up_where_the_server_stays_silent(self, page):
        client = page.client(connect_timeout=5)
        connected = page.start(client.connect())
        page.advance(5)
        assert isinstance(connected.error, ConnectionFailedError)
        assert "no connection within 5 s" in str(connected.error)
        assert page.socket.is_dropped

    @pytest.mark.parametrize("subprotocol", ["", "ocpp2.1"])
    def test_refuses_a_subprotocol_that_was_not_offered(self, page, subprotocol):
        connected = page.start(page.client().connect())
        page.socket.open(subprotocol)
        page.run()
        assert isinstance(connected.error, WebsocketUpgradeError)
        assert page.socket.closed_with == (4002, "subprotocol not offered")

    def test_may_be_cancelled(self, page):
        client = page.client()
        connected = page.start(client.connect())
        connected.cancel()
        page.run()
        assert client.state is ConnectionState.CLOSED
        assert page.socket.is_dropped


class TestMessages:
    def test_go_out_and_come_in(self, page):
        client = page.online()
        answered = page.start(client.call("Heartbeat", {}))
        number = json.loads(page.socket.sent[0])[1]
        page.socket.hear(json.dumps([3, number, {"currentTime": "x"}]))
        page.run()
        assert answered.result == {"currentTime": "x"}

    def test_are_handled(self, page):
        client = page.online()
        client.handle("Reset", lambda ctx: {"status": "Accepted"})
        page.socket.hear('[2,"1","Reset",{"type":"Soft"}]')
        assert page.socket.sent == ['[3,"1",{"status":"Accepted"}]']

    def test_that_are_binary_are_bad(self, page):
        client = page.online()
        bad = told(client, "bad_message")
        page.socket.hear(b"[]")
        page.run()
        assert len(bad) == 1

    def test_of_an_older_socket_are_not_heard(self, page):
        client = page.online()
        client.handle("Reset", lambda ctx: {"status": "Accepted"})
        old = page.socket
        old.end()
        page.advance(1)
        page.socket.open()
        old.is_dropped = False  # as if its events were on their way already
        old.hear('[2,"1","Reset",{"type":"Soft"}]')
        old.end(1000)
        page.run()
        assert client.state is ConnectionState.OPEN
        assert page.socket.sent == []

    def test_are_not_sent_while_it_closes(self, page):
        client = page.online()
        page.start(client.close(await_pending=False))
        refused = page.start(client.call("Heartbeat", {}))
        assert isinstance(refused.error, ClosedError)
        assert page.socket.sent == page.socket.lost == []

    def test_that_the_server_s_close_overtakes_are_told_to_be_lost(self, page):
        client = page.online(reconnect=False, close_timeout=5)
        page.socket.state = "CLOSING"
        lost = page.start(client.call("Heartbeat", {}))
        assert not lost.is_over
        page.advance(5)
        assert isinstance(lost.error, ConnectionLostError)
        assert client.state is ConnectionState.CLOSED


class TestOutputThatDoesNotDrain:
    def test_is_the_end_after_a_while(self, page):
        client = page.online(reconnect=False, call_timeout=60)
        page.socket.buffered = HIGH_WATER + 1
        lost = page.start(client.call("Heartbeat", {}))
        page.advance(SEND_TIMEOUT - 1)
        assert not lost.is_over
        page.advance(2)
        assert isinstance(lost.error, ConnectionLostError)

    def test_is_forgotten_when_it_has_drained(self, page):
        client = page.online(call_timeout=60)
        page.socket.buffered = HIGH_WATER + 1
        page.start(client.call("Heartbeat", {}))
        page.advance(SEND_TIMEOUT / 2)
        page.socket.buffered = 0
        page.advance(SEND_TIMEOUT * 2)
        assert client.state is ConnectionState.OPEN


class TestManyMessagesAtOnce:
    """A browser hands over all that has arrived without a moment for the page in between."""

    def burst(self, page, count):
        client = page.online()
        seen = []
        client.handle("DataTransfer", lambda ctx: seen.append(ctx.params["data"]))
        for number in range(count):
            page.socket.hear(f'[2,"{number}","DataTransfer",{{"data":{number}}}]')
        return client, seen

    def test_are_worked_off_in_turns_and_in_order(self, page):
        _, seen = self.burst(page, 3 * TURN)
        assert seen == list(range(TURN)), "the others wait for their turn"
        page.run()
        assert seen == list(range(3 * TURN))

    def test_come_before_the_end_that_follows_them(self, page):
        client, seen = self.burst(page, 3 * TURN)
        page.socket.end(1000)
        assert client.state is ConnectionState.OPEN
        page.run()
        assert seen == list(range(3 * TURN))
        assert client.state is not ConnectionState.OPEN

    def test_are_dropped_with_a_connection_that_is_lost(self, page):
        client, seen = self.burst(page, 3 * TURN)
        page.socket.end(1006)
        assert client.state is not ConnectionState.OPEN
        page.run()
        assert len(seen) == TURN

    def test_are_dropped_with_a_connection_that_is_given_up(self, page):
        client, seen = self.burst(page, 3 * TURN)
        page.start(client.close(force=True))
        page.run()
        assert len(seen) == TURN

    def test_beyond_a_bound_are_the_end_of_the_connection(self, page):
        client, _ = self.burst(page, TURN)
        for _ in range(3):
            page.socket.hear("x" * (MOST_KEPT // 2))
        assert client.state is not ConnectionState.OPEN


class TestTimeouts:
    def test_ring_in_time(self, page):
        client = page.online(call_timeout=30)
        late = page.start(client.call("Heartbeat", {}))
        page.advance(29.9)
        assert not late.is_over
        page.advance(0.2)
        assert isinstance(late.error, TimeoutError)

    def test_that_ring_early_are_armed_again(self, page):
        """Browsers' timers ring up to 2 ms early."""
        client = page.online(call_timeout=30)
        late = page.start(client.call("Heartbeat", {}))
        page.runtime.ring_early(0.002)
        page.run()
        assert not late.is_over
        page.advance(0.003)
        assert isinstance(late.error, TimeoutError)

    def test_that_ring_after_the_answer_change_nothing(self, page):
        client = page.online(call_timeout=30)
        answered = page.start(client.call("Heartbeat", {}))
        number = json.loads(page.socket.sent[0])[1]
        page.runtime._now += 60  # a hidden tab: nothing rang
        page.socket.hear(json.dumps([3, number, {}]))
        page.run()
        assert answered.result == {}
