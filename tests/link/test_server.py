"""The server's handshake (RFC 6455 §4.2): every request is decided or answered, never met with silence."""

from math import inf

import pytest

from ocpp_core.actions import CloseStream, SendBytes, UpgradeRequested
from ocpp_core.config import LinkConfig
from ocpp_core.inputs import (
    Accept,
    BytesReceived,
    CloseLink,
    Reconfigure,
    Reject,
    Respond,
    SendMessage,
    TextReceived,
    Tick,
    TransportLost,
    TransportOpened,
)
from tests.kinds import an, only
from tests.link.wire import (
    ACCEPT,
    EOF,
    TEXT,
    drain,
    feed,
    frame,
    head_of,
    news,
    read_frames,
    request,
    sent,
    tick,
    upgrade_without,
)
from tests.link.wire import server_link as link


def pending(*more, **options):
    """A link whose upgrade request waits for the decision."""
    server = link(**options)
    feed(server, request(*more))
    return server


def offered_in(data):
    """The subprotocols that the host is shown."""
    return only(UpgradeRequested, feed(link(), data)).subprotocols


class TestTheUpgradeRequest:
    def test_it_is_shown_to_the_host_with_target_headers_and_offered_subprotocols(self):
        actions = feed(
            link(), request(("Sec-WebSocket-Protocol", "ocpp2.0.1, ocpp1.6"), line="GET /a%20b?x=1 HTTP/1.1")
        )
        (upgrade,) = actions
        assert isinstance(upgrade, UpgradeRequested)
        assert upgrade.target == "/a%20b?x=1"
        assert upgrade.subprotocols == ("ocpp2.0.1", "ocpp1.6")
        assert upgrade.headers["host"] == "csms.example"

    def test_several_protocol_lines_are_joined(self):
        lines = ("Sec-WebSocket-Protocol", "ocpp2.1"), ("Sec-WebSocket-Protocol", "ocpp1.6")
        assert offered_in(request(*lines)) == ("ocpp2.1", "ocpp1.6")

    @pytest.mark.parametrize(
        ("value", "offered"),
        [
            ("ocpp1.6,", ("ocpp1.6",)),
            (",ocpp1.6", ("ocpp1.6",)),
            ("ocpp2.1, ,, ocpp1.6 , ", ("ocpp2.1", "ocpp1.6")),
            (", ,", ()),
            ("", ()),
        ],
    )
    def test_empty_elements_of_the_offer_are_ignored(self, value, offered):
        """RFC 9110 §5.6.1.2."""
        assert offered_in(request(("Sec-WebSocket-Protocol", value))) == offered

    @pytest.mark.parametrize("line", [b"\r\n", b"\n"])
    def test_one_empty_line_before_the_request_is_ignored(self, line):
        """RFC 9112 §2.2, however the bytes arrive."""
        for size in (1, 2, 3, 1000):
            server, data = link(), line + request()
            actions = feed(server, *(data[at : at + size] for at in range(0, len(data), size)))
            assert [type(action) for action in actions] == [UpgradeRequested]

    def test_the_connection_header_may_be_dispensed_with(self):
        (action,) = feed(link(require_connection_header=False), request(without=["Connection"]))
        assert isinstance(action, UpgradeRequested)
        (action,) = feed(link(require_connection_header=False), upgrade_without("Connection", ","))
        assert isinstance(action, UpgradeRequested)
        answered = sent(feed(link(require_connection_header=False), upgrade_without("Connection", "keep-alive")))
        assert head_of(answered)[0] == 400

    def test_an_offer_is_not_needed(self):
        assert offered_in(request()) == ()

    def test_header_values_are_latin_1_text(self):
        (action,) = feed(link(), request(("Authorization", "Basic \xff")))
        assert an(UpgradeRequested, action).headers["authorization"] == "Basic \xff"

    @pytest.mark.parametrize(
        "more",
        [
            pytest.param(("Connection", "keep-alive, upgrade"), id="in a list, other case"),
            pytest.param(("Connection", "UPGRADE ,close"), id="with space"),
        ],
    )
    def test_connection_is_a_list_of_tokens(self, more):
        (action,) = feed(link(), request(more, without=["Connection"]))
        assert isinstance(action, UpgradeRequested)

    @pytest.mark.parametrize("upgrade", ["WebSocket", "h2c, websocket"])
    def test_upgrade_is_a_list_of_tokens(self, upgrade):
        (action,) = feed(link(), request(("Upgrade", upgrade), without=["Upgrade"]))
        assert isinstance(action, UpgradeRequested)


class TestAccept:
    def test_the_101_proves_the_key_and_names_the_subprotocol(self):
        server = pending(("Sec-WebSocket-Protocol", "ocpp2.1, ocpp1.6"))
        answered, opened = feed(server, Accept("ocpp1.6", [("X-Server", "s")]))
        status, headers, rest = head_of(an(SendBytes, answered).data)
        assert status == 101
        assert headers["sec-websocket-accept"] == ACCEPT
        assert headers["sec-websocket-protocol"] == "ocpp1.6"
        assert headers["x-server"] == "s"
        assert (headers["upgrade"], headers["connection"], rest) == ("websocket", "Upgrade", b"")
        assert opened == TransportOpened("ocpp1.6")

    def test_it_may_choose_no_subprotocol(self):
        server = pending(("Sec-WebSocket-Protocol", "ocpp1.6"))
        actions = feed(server, Accept(None))
        assert b"Sec-WebSocket-Protocol" not in sent(actions)
        assert news(actions) == [TransportOpened(None)]

    def test_frames_that_came_before_the_decision_are_the_first_ones(self):
        server = pending()
        assert feed(server, frame(TEXT, b"early")) == []
        assert news(feed(server, Accept(None))) == [TransportOpened(None), TextReceived("early")]

    def test_an_end_of_the_stream_behind_the_request_comes_after_its_frames(self):
        server = pending()
        server.handle(BytesReceived(frame(TEXT, b"early")), 0.0)
        server.handle(EOF, 0.0)
        server.handle(Accept(None), 0.0)
        assert news(drain(server)) == [TransportOpened(None), TextReceived("early"), CloseStream(), TransportLost(1006)]

    def test_an_unoffered_subprotocol_raises_and_changes_nothing(self):
        server = pending(("Sec-WebSocket-Protocol", "ocpp1.6"))
        with pytest.raises(ValueError, match="offered"):
            server.handle(Accept("ocpp2.1"), 0.0)
        assert news(feed(server, Accept("ocpp1.6"))) == [TransportOpened("ocpp1.6")]

    @pytest.mark.parametrize(
        "header",
        [
            ("Upgrade", "x"),
            ("connection", "x"),
            ("Sec-WebSocket-Accept", "x"),
            ("Content-Length", "0"),
            ("a b", "x"),
            ("a", "x\r\nb: c"),
        ],
    )
    def test_a_header_that_is_not_the_caller_s_or_malformed_raises_and_changes_nothing(self, header):
        server = pending()
        with pytest.raises(ValueError, match="header"):
            server.handle(Accept(None, [header]), 0.0)
        assert news(feed(server, Accept(None))) == [TransportOpened(None)]


class TestReject:
    def test_status_headers_and_body_are_the_caller_s(self):
        server = pending()
        actions = feed(server, Reject(404, [("X-Why", "route")], "no such route"))
        status, headers, body = head_of(sent(actions))
        assert (status, headers["x-why"], body) == (404, "route", b"no such route")
        assert (headers["connection"], headers["content-length"]) == ("close", "13")
        assert news(actions) == [CloseStream()]
        assert server.deadline == inf

    def test_401_challenges_the_client(self):
        headers = head_of(sent(feed(pending(), Reject(401))))[1]
        assert headers["www-authenticate"] == 'Basic realm="ocpp", charset="UTF-8"'

    def test_a_challenge_of_the_caller_s_own_stays(self):
        server = pending()
        headers = head_of(sent(feed(server, Reject(401, [("www-authenticate", 'Basic realm="mine"')]))))[1]
        assert headers["www-authenticate"] == 'Basic realm="mine"'

    def test_a_status_without_a_name_is_possible(self):
        assert sent(feed(pending(), Reject(499))).startswith(b"HTTP/1.1 499 \r\n")

    @pytest.mark.parametrize("status", [101, 200, 399, 600, 4001])
    def test_another_status_raises_and_changes_nothing(self, status):
        server = pending()
        with pytest.raises(ValueError, match="400 to 599"):
            server.handle(Reject(status), 0.0)
        assert news(feed(server, Accept(None))) == [TransportOpened(None)]

    def test_respond_to_a_plain_request_checks_its_arguments(self):
        server = link()
        feed(server, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        for wrong in (Respond(101), Respond(600), Respond(204, (), b"x"), Respond(200, [("Connection", "x")])):
            with pytest.raises(ValueError, match="expected"):
                server.handle(wrong, 0.0)
        assert head_of(sent(feed(server, Respond(426))))[1]["upgrade"] == "websocket"


class TestWaitingForTheDecision:
    def test_the_handshake_timer_answers_408(self):
        server = pending(handshake_timeout=10)
        assert server.deadline == 10
        assert tick(server, 9.9) == []
        actions = tick(server, 10)
        assert head_of(sent(actions))[0] == 408
        assert news(actions) == [CloseStream()]
        assert server.deadline == inf

    @pytest.mark.parametrize("data", [b"", b"GET / HT"])
    def test_it_runs_from_the_start_whatever_came(self, data):
        server = link(handshake_timeout=10)
        feed(server, *([data] if data else []), now=9)
        assert head_of(sent(tick(server, 10)))[0] == 408

    def test_early_data_is_bounded(self):
        server = pending(max_early_data=100)
        assert feed(server, b"x" * 100) == []
        actions = feed(server, b"x")
        assert head_of(sent(actions))[0] == 400

    def test_a_peer_that_leaves_ends_the_link(self):
        server = pending()
        assert feed(server, EOF) == [CloseStream()]
        assert server.deadline == inf

    @pytest.mark.parametrize("decision", [Accept(None), Reject(401)])
    def test_a_decision_that_comes_too_late_is_ignored(self, decision):
        server = pending()
        feed(server, EOF)
        assert feed(server, decision) == []

    @pytest.mark.parametrize("late", [Accept(None), Reject(401), Respond(200)])
    def test_a_second_decision_raises(self, late):
        server = pending()
        feed(server, Accept(None))
        with pytest.raises(RuntimeError, match="answered"):
            server.handle(late, 0.0)
        assert read_frames(sent(feed(server, SendMessage("still open")))) == [(0x81, b"still open")]

    @pytest.mark.parametrize("early", [Accept(None), Reject(401), Respond(200)])
    def test_a_decision_on_nothing_raises(self, early):
        server = link()
        with pytest.raises(RuntimeError, match="no such request"):
            server.handle(early, 0.0)
        assert isinstance(feed(server, request())[0], UpgradeRequested)

    def test_respond_does_not_answer_an_upgrade_nor_accept_a_plain_request(self):
        with pytest.raises(RuntimeError, match="cannot handle Respond: no such request is pending"):
            pending().handle(Respond(200), 0.0)
        plain = link()
        feed(plain, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(RuntimeError, match="cannot handle Accept: no such request is pending"):
            plain.handle(Accept(None), 0.0)

    def test_a_message_before_the_websocket_is_open_raises(self):
        server = pending()
        with pytest.raises(RuntimeError, match="not open"):
            server.handle(SendMessage("x"), 0.0)
        assert news(feed(server, Accept(None))) == [TransportOpened(None)]

    def test_closing_answers_503(self):
        actions = feed(pending(), CloseLink())
        assert head_of(sent(actions))[0] == 503
        assert news(actions) == [CloseStream()]

    def test_closing_by_force_or_before_any_request_drops_the_stream(self):
        assert feed(pending(), CloseLink(force=True)) == [CloseStream(abort=True)]
        assert feed(link(), CloseLink()) == [CloseStream(abort=True)]

    def test_the_running_timer_is_not_touched_by_new_settings(self):
        server = pending(handshake_timeout=10)
        feed(server, Reconfigure(LinkConfig(handshake_timeout=99)))
        assert server.deadline == 10

    def test_early_ticks_are_harmless(self):
        server = link()
        for now in range(30):
            assert feed(server, Tick(), now=now) == []

    def test_the_answer_is_one_action(self):
        assert len([a for a in feed(pending(), Reject(403, body="no")) if isinstance(a, SendBytes)]) == 1
