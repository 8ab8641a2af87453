"""A client over its connections: connect, back off, come back, a new session each time."""

from dataclasses import replace
from math import inf

import pytest

from ocpp_core.actions import (
    Abandon,
    CloseTransport,
    OpenTransport,
    Report,
    ReportKind,
    Settle,
    StateChanged,
)
from ocpp_core.client_states import ClientClosing, Connecting, Idle, Online, Stopped, Waiting
from ocpp_core.config import LinkConfig, SessionConfig
from ocpp_core.errors import (
    ClosedError,
    ConnectionFailedError,
    ConnectionLostError,
    WebsocketUpgradeError,
)
from ocpp_core.inputs import (
    Close,
    Connect,
    Decline,
    Reconfigure,
    Reply,
    SendRaw,
    TextReceived,
    TransportFailed,
    TransportLost,
    TransportOpened,
)
from tests.core.player import (
    OFFLINE,
    REFUSED,
    STEADY,
    Strict,
    a_client,
    an_online_client,
    attempt_of,
    call,
    come_back,
    dispatched,
    entered,
    fail,
    kinds,
    lose,
    of,
    reports,
    sent,
    settled,
)
from tests.tables import each


class TestConnect:
    def test_dials_and_offers_the_protocols_in_order(self):
        client = a_client(connect_timeout=30)
        done = client.play(Connect(1))
        assert done == [StateChanged(Connecting(1, 30, 0)), OpenTransport(1, ("ocpp2.1", "ocpp1.6"))]

    def test_settles_with_the_subprotocol_that_was_chosen(self):
        client = a_client()
        client.play(Connect(1))
        done = client.play(TransportOpened("ocpp1.6", attempt=1))
        assert done == [StateChanged(Online(1, "ocpp1.6", 0, 0)), Settle(1, "ocpp1.6")]
        assert client.engine.session.version.name == "ocpp1.6"
        assert client.engine.deadline == inf

    def test_that_fails_is_told_and_leaves_the_client_idle(self):
        client = a_client()
        client.play(Connect(1))
        done = fail(client)
        assert settled(done) == {1: REFUSED}
        assert (reports(done), entered(done)) == ([ReportKind.CONNECT_FAILED], [Idle])
        assert client.engine.deadline == inf
        assert kinds(client.play(Connect(2))) == ["StateChanged", "OpenTransport"]

    def test_times_out(self):
        client = a_client(connect_timeout=30)
        client.play(Connect(1))
        done = client.wait(30)
        assert isinstance(settled(done)[1], ConnectionFailedError)
        assert str(settled(done)[1]) == "no connection within 30 s"
        assert of(CloseTransport, done)[0].abort is True

    def test_fails_if_the_connection_ends_during_the_handshake(self):
        client = a_client()
        client.play(Connect(1))
        assert isinstance(settled(client.play(TransportLost(attempt=1)))[1], ConnectionFailedError)

    @each("chosen", ["ocpp2.0.1", "OCPP1.6", "", None])
    def test_fails_on_a_subprotocol_that_was_not_offered(self, chosen):
        """RFC 6455 §4.1."""
        client = a_client()
        client.play(Connect(1))
        done = client.play(TransportOpened(chosen, attempt=1))
        assert isinstance(settled(done)[1], WebsocketUpgradeError)
        assert of(CloseTransport, done)[0].code == 1002
        assert isinstance(client.engine.state, Idle)

    @each("prepare", [[], [TransportOpened("ocpp1.6", attempt=1)]])
    def test_while_connecting_or_connected_raises(self, prepare):
        client = a_client()
        client.play(Connect(1), *prepare)
        before = client.engine.state
        with pytest.raises(RuntimeError, match="cannot connect: the client is"):
            client.play(Connect(2))
        assert client.engine.state == before

    def test_after_the_end_starts_anew(self):
        client = an_online_client()
        client.play(Close())
        client.play(TransportLost(1000, attempt=1))
        client.play(Connect(2))
        assert settled(client.play(TransportOpened("ocpp1.6", attempt=2))) == {2: "ocpp1.6"}

    def test_offers_all_protocols_again_each_time(self):
        """The version is of one connection; nothing is remembered from the last one."""
        client = an_online_client("ocpp1.6", backoff=STEADY)
        lose(client)
        come_back(client, "ocpp2.1")
        assert {action.subprotocols for action in of(OpenTransport, client.log)} == {("ocpp2.1", "ocpp1.6")}
        assert client.engine.session.version.name == "ocpp2.1"


class TestRetryOfTheFirstConnect:
    def test_is_off_unless_asked_for(self):
        client = a_client()
        client.play(Connect(1))
        fail(client)
        assert client.wait(3600) == []

    def test_rejects_the_connect_and_goes_on_trying(self):
        client = a_client(retry_initial_connect=True, backoff=STEADY)
        client.play(Connect(1))
        done = fail(client)
        assert (settled(done), entered(done)) == ({1: REFUSED}, [Waiting])
        assert client.engine.deadline == 10
        assert entered(come_back(client)) == [Online]

    def test_gives_up_like_any_other_retry(self):
        client = a_client(retry_initial_connect=True, backoff=STEADY, max_reconnects=1)
        client.play(Connect(1))
        fail(client)
        client.wait(10)
        assert entered(fail(client)) == [Stopped]

    def test_does_not_retry_what_can_not_heal(self):
        client = a_client(retry_initial_connect=True)
        client.play(Connect(1))
        assert entered(fail(client, WebsocketUpgradeError("bad key"), retry=False)) == [Stopped]


class TestStaleNews:
    """Every event of a transport names its attempt; others are ignored."""

    @each("attempt", [0, 1, 3])
    def test_of_another_attempt_is_ignored(self, attempt):
        client = an_online_client(backoff=STEADY)
        lose(client)
        client.wait(10)
        news = [
            TransportOpened("ocpp1.6", attempt=attempt),
            TransportFailed(REFUSED, attempt=attempt),
            TransportLost(attempt=attempt),
            TextReceived('[2,"a","Heartbeat",{}]', attempt=attempt),
        ]
        assert client.play(*news) == []
        assert attempt_of(client) == 2

    def test_after_a_given_up_attempt_is_ignored(self):
        client = a_client(connect_timeout=30)
        client.play(Connect(1))
        client.wait(30)
        assert client.play(TransportOpened("ocpp1.6", attempt=1), TransportLost(attempt=1)) == []

    def test_never_reaches_the_next_session(self):
        client = an_online_client(backoff=STEADY)
        client.play(call(1))
        lose(client)
        come_back(client)
        client.play(call(2, message_id="id-1"))
        assert client.hear('[3,"id-1",{}]', attempt=1) == []
        assert settled(client.hear('[3,"id-1",{"n":2}]', attempt=2)) == {2: {"n": 2}}


class TestRequestsAndConnections:
    def test_a_late_answer_never_leaves_on_the_next_connection(self):
        client = an_online_client(backoff=STEADY)
        assert dispatched(client.hear('[2,"a","Reset",{}]', '[2,"b","Reset",{}]', attempt=1)) == [1, 2]
        client.play(Decline(2))
        assert of(Abandon, lose(client)) == [Abandon(1), Abandon(2)]
        come_back(client)
        assert dispatched(client.hear('[2,"a","Reset",{}]', attempt=2)) == [3]
        assert client.play(Reply(1, {}), Reply(2, {})) == []
        assert sent(client.play(Reply(3, {}))) == [[3, "a", {}]]


class TestClose:
    def test_while_online_drains_closes_and_stays_away(self):
        client = an_online_client(backoff=STEADY)
        client.play(call(1))
        assert entered(client.play(Close(1001, "bye"))) == [ClientClosing]
        assert client.engine.state == ClientClosing(1, 1001, "bye")
        done = client.hear('[3,"id-1",{}]', attempt=1)
        assert of(CloseTransport, done) == [CloseTransport(1001, "bye")]
        done = client.play(TransportLost(1001, "bye", attempt=1))
        assert done == [StateChanged(Stopped(1001, "bye"))]
        assert client.engine.deadline == inf
        assert client.wait(3600) == []

    def test_while_connecting_gives_the_attempt_up(self):
        client = a_client()
        client.play(Connect(1))
        done = client.play(Close())
        assert isinstance(settled(done)[1], ClosedError)
        assert (of(CloseTransport, done)[0].abort, entered(done)) == (True, [Stopped])
        assert client.play(TransportOpened("ocpp1.6", attempt=1), TransportFailed(REFUSED, attempt=1)) == []
        assert client.wait(3600) == []

    @each("situation", ["idle", "waiting"])
    def test_without_a_connection_stops_at_once(self, situation):
        client = a_client()
        client.play(*OFFLINE[situation])
        assert client.play(Close(1001, "bye")) == [StateChanged(Stopped(1001, "bye"))]
        assert client.wait(3600) == []

    def test_twice_is_once(self):
        client = a_client()
        client.play(Close(1001))
        assert client.play(Close(1000)) == []
        assert client.engine.state == Stopped(1001, "")

    def test_can_be_forced_later(self):
        client = an_online_client()
        client.play(Close())
        assert client.play(Close(force=True)) == [CloseTransport(1000, "", abort=True)]

    def test_ends_even_if_the_peer_says_nothing(self):
        client = an_online_client(session=SessionConfig(close_timeout=5))
        client.play(Close())
        assert entered(client.wait(5)) == [Stopped]

    def test_refuses_calls_meanwhile(self):
        client = an_online_client(offline_queue=True)
        client.play(call(1), Close())
        errors = settled(client.play(call(2), SendRaw('[2,"r","X",{}]', token=3)))
        assert {type(error) for error in errors.values()} == {ClosedError}

    def test_while_the_loss_is_still_being_told_keeps_the_client_away(self):
        """A host may close before it takes the last action of the lost connection."""
        engine = an_online_client(offline_queue=True, backoff=STEADY).engine
        engine.handle(call(1), 0)
        engine.handle(call(2), 0)
        engine.handle(TransportLost(attempt=1), 0)
        assert engine.poll() is not None, "the CALL"
        told = [engine.poll()]
        engine.handle(Close(), 0)
        told += iter(engine.poll, None)
        assert {token: type(error) for token, error in settled(told).items()} == {
            1: ConnectionLostError,
            2: ClosedError,
        }
        assert entered(told) == [Waiting, Stopped]
        assert engine.deadline == inf

    def test_by_the_engine_after_too_many_bad_messages_is_not_for_good(self):
        """A station that stays away for the faults of its central system would have to be visited."""
        client = an_online_client(session=SessionConfig(max_bad_messages=1), offline_queue=True, backoff=STEADY)
        assert of(CloseTransport, client.hear("{", attempt=1)) == [CloseTransport(1002, "Too many bad messages")]
        assert client.play(call(1)) == []
        assert entered(client.play(TransportLost(1002, attempt=1))) == [Waiting]
        assert [frame[2] for frame in sent(come_back(client))] == ["Heartbeat"]

    def test_by_the_application_after_too_many_bad_messages_is_for_good(self):
        client = an_online_client(session=SessionConfig(max_bad_messages=1))
        client.hear("{", attempt=1)
        assert entered(client.play(Close())) == [ClientClosing]
        assert entered(client.play(TransportLost(1002, attempt=1))) == [Stopped]


class TestReconfigure:
    def test_of_the_client_reaches_the_session(self):
        client = an_online_client()
        config = client.engine.config
        client.play(Reconfigure(replace(config, session=SessionConfig(call_timeout=5))), call(1))
        assert client.engine.deadline == 5

    def test_of_the_session_lasts_over_reconnects(self):
        client = an_online_client(backoff=STEADY)
        client.play(Reconfigure(SessionConfig(call_timeout=5)))
        lose(client)
        come_back(client)
        client.play(call(1))
        assert client.engine.deadline == client.now + 5

    def test_of_the_protocols_counts_from_the_next_attempt(self):
        client = an_online_client(backoff=STEADY)
        client.play(Reconfigure(replace(client.engine.config, protocols=("ocpp2.1",))))
        lose(client)
        assert of(OpenTransport, client.wait(10)) == [OpenTransport(2, ("ocpp2.1",))]

    def test_with_the_config_of_another_layer_raises(self):
        with pytest.raises(TypeError, match="expected a ClientConfig or SessionConfig"):
            a_client().play(Reconfigure(LinkConfig()))


class TestStrictMode:
    @each(("subprotocol", "answers"), [("ocpp1.6", 0), ("ocpp2.1", 1)])
    def test_may_be_meant_for_some_versions_only(self, subprotocol, answers):
        client = an_online_client(subprotocol, validators={"ocpp2.1": Strict()})
        done = client.hear('[2,"a","Heartbeat",{"bad":1}]', attempt=1)
        assert len(sent(done)) == answers


def test_failures_are_reported_with_their_error():
    client = a_client()
    client.play(Connect(1))
    report = of(Report, fail(client))[0]
    assert (report.error, report.detail) == (REFUSED, "refused")
