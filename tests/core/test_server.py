"""A server's end of a connection whose WebSocket somebody else speaks."""

from math import inf

import pytest

from ocpp_core.actions import CloseTransport, ReportKind, SendText, Settle, StateChanged, UpgradeRequested
from ocpp_core.config import LinkConfig, SessionConfig
from ocpp_core.errors import ConnectionLostError
from ocpp_core.inputs import (
    Accept,
    CancelCall,
    Close,
    Reconfigure,
    Reject,
    SendRaw,
    StartCall,
    TextReceived,
    Tick,
    TransportLost,
    TransportOpened,
    UpgradeReceived,
)
from ocpp_core.server import ServerEngine
from ocpp_core.session import Closed, Open
from ocpp_core.versions import OCPP16, OCPP21
from tests.core.player import Player, counting_ids, kinds, of
from tests.kinds import mistyped
from tests.tables import each

REQUEST = UpgradeReceived(7, "/ocpp/CP1", (("host", "csms.example"),), ("ocpp1.6", "ocpp2.1"))
ENDED = StateChanged(Closed(1006, ""))


def a_server(**options):
    """A new connection with 30 seconds for its handshake."""
    config = SessionConfig(**options)
    return Player(ServerEngine(config, handshake_timeout=30, ids=counting_ids(), now=0.0))


def asked(**options):
    """A connection whose request waits for the decision."""
    player = a_server(**options)
    player.play(REQUEST)
    return player


def accepted(accept=None):
    """A connection whose request was accepted; the host opens it."""
    player = asked()
    player.play(accept or Accept("ocpp1.6"))
    return player


def online(accept=None):
    player = accepted(accept)
    player.play(TransportOpened("ocpp1.6"))
    return player


class TestTheDecision:
    def test_is_asked_for_with_what_the_request_says(self):
        assert a_server().play(REQUEST) == [
            UpgradeRequested("/ocpp/CP1", {"host": "csms.example"}, ("ocpp1.6", "ocpp2.1"))
        ]

    def test_knows_no_empty_elements_of_the_offer(self):
        """RFC 9110 §5.6.1.2; an ASGI server hands them on."""
        (asked,) = a_server().play(UpgradeReceived(7, "/CP1", (("A", "1"), ("a", "2")), ("", "ocpp1.6", "")))
        assert (asked.headers, asked.subprotocols) == ({"a": "1, 2"}, ("ocpp1.6",))

    @each("offered", [("ocpp1.6", "ocpp1.6"), ("ocpp 1.6",)])
    def test_is_400_without_asking_for_an_offer_that_breaks_the_grammar(self, offered):
        report, settled, ended = a_server().play(UpgradeReceived(7, "/CP1", (), offered))
        assert (report.kind, settled.result.status) == (ReportKind.PROTOCOL_ERROR, 400)
        assert (settled.token, ended) == (7, ENDED)

    def test_to_accept_settles_the_request(self):
        accept = Accept("ocpp2.1")
        assert asked().play(accept) == [Settle(7, accept)]

    def test_to_reject_settles_the_request_and_ends(self):
        reject = Reject(403, (), "no")
        assert asked().play(reject) == [Settle(7, reject), ENDED]

    def test_is_408_when_nobody_made_it_in_time(self):
        player = asked()
        assert player.engine.deadline == 30
        assert player.wait(29.9) == []
        assert player.wait(0.2) == [Settle(7, Reject(408, (), "handshake timeout")), ENDED]
        assert player.engine.deadline == inf

    @each("late", [Accept("ocpp1.6"), Reject(403), TransportOpened("ocpp1.6"), Tick()])
    def test_is_ignored_when_it_comes_too_late(self, late):
        player = asked()
        player.wait(31)
        assert player.play(late, TransportLost()) == []

    def test_must_name_what_was_offered(self):
        with pytest.raises(ValueError, match=r"expected one of the offered subprotocols \('ocpp1.6', 'ocpp2.1'\)"):
            asked().play(Accept("ocpp2.0.1"))

    def test_must_have_the_status_of_an_error(self):
        with pytest.raises(ValueError, match="expected a status of 400 to 599, got 302"):
            asked().play(Reject(302))

    @each(
        ("player", "event"),
        [
            (a_server, Accept("ocpp1.6")),
            (a_server, TransportOpened("ocpp1.6")),
            (asked, REQUEST),
            (asked, TransportOpened("ocpp1.6")),
            (accepted, Reject(403)),
            (accepted, Accept("ocpp1.6")),
            (online, TransportOpened("ocpp1.6")),
            (online, Accept("ocpp1.6")),
        ],
    )
    def test_has_its_place_in_the_handshake(self, player, event):
        player = player()
        with pytest.raises(RuntimeError, match=f"cannot handle {type(event).__name__}: the handshake is"):
            player.play(event)

    def test_is_not_needed_when_the_host_does_not_wait_any_more(self):
        assert asked().play(CancelCall(8)) == []
        assert asked().play(CancelCall(7)) == [ENDED]

    def test_is_not_waited_for_when_the_peer_has_left(self):
        settle, ended = asked().play(TransportLost())
        assert isinstance(settle.error, ConnectionLostError)
        assert ended == ENDED

    def test_is_503_when_the_connection_is_to_be_closed(self):
        assert asked().play(Close(1001)) == [Settle(7, Reject(503, (), "closing")), ENDED]


class TestUntilItIsOpen:
    def test_the_host_has_the_rest_of_the_time(self):
        player = accepted()
        assert player.wait(31) == [ENDED]

    def test_the_peer_may_leave(self):
        assert accepted().play(TransportLost()) == [ENDED]
        assert a_server().play(TransportLost()) == [ENDED]

    def test_a_connection_without_a_request_ends_in_time(self):
        assert a_server().wait(31) == [ENDED]

    def test_calls_are_refused(self):
        (settle,) = accepted().play(StartCall(3, "Reset", {"type": "Soft"}))
        assert isinstance(settle.error, ConnectionLostError)
        assert not settle.error.sent
        (report,) = accepted().play(SendRaw("[]"))
        assert (report.kind, report.message) == (ReportKind.NOT_SENT, "[]")

    def test_a_close_is_kept_for_then(self):
        player = accepted()
        assert player.play(Close(4001, "bye", drain=False)) == []
        assert of(CloseTransport, player.play(TransportOpened("ocpp1.6"))) == [CloseTransport(4001, "bye")]

    def test_settings_are_kept_for_then(self):
        player = accepted()
        player.play(Reconfigure(SessionConfig(call_timeout=5)))
        player.play(TransportOpened("ocpp1.6"), StartCall(3, "Reset", {"type": "Soft"}))
        assert player.engine.deadline == 5

    def test_settings_of_other_engines_are_a_mistake(self):
        with pytest.raises(TypeError, match="expected a SessionConfig or LinkConfig, got str"):
            accepted().play(Reconfigure(mistyped("fast")))


class TestTheConversation:
    def test_begins_when_the_host_has_opened_it(self):
        player = accepted()
        assert player.play(TransportOpened("ocpp1.6")) == [StateChanged(Open())]
        assert player.engine.session.state == Open()
        assert player.engine.deadline == inf

    def test_has_the_version_of_the_subprotocol_or_the_one_that_was_named(self):
        assert online().engine.session.calls._version is OCPP16
        assert online(Accept(None, version=OCPP21)).engine.session.calls._version is OCPP21

    def test_has_the_settings_of_the_decision(self):
        player = online(Accept("ocpp1.6", config=SessionConfig(call_timeout=3)))
        player.play(StartCall(3, "Reset", {"type": "Soft"}))
        assert player.engine.deadline == 3

    def test_goes_both_ways(self):
        player = online()
        assert kinds(player.play(TextReceived('[2,"1","Heartbeat",{}]'))) == ["Dispatch"]
        (sent,) = player.play(StartCall(3, "Reset", {"type": "Soft"}))
        assert sent == SendText('[2,"id-1","Reset",{"type":"Soft"}]')

    def test_does_not_care_for_settings_of_a_websocket(self):
        assert online().play(Reconfigure(LinkConfig())) == []
        assert asked().play(Reconfigure(LinkConfig())) == []

    def test_ends_with_the_transport(self):
        assert online().play(TransportLost(4001, "bye")) == [StateChanged(Closed(4001, "bye"))]
