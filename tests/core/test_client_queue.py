"""Calls of a client that has no connection: settled as not sent, or kept in the offline queue."""

from dataclasses import replace

import pytest

from ocpp_core.actions import (
    ReportKind,
    Settle,
)
from ocpp_core.errors import (
    CallCancelledError,
    CallDroppedError,
    ClosedError,
    ConnectionLostError,
    OCPPError,
    TimeoutError,
)
from ocpp_core.inputs import (
    CancelCall,
    Close,
    Connect,
    Notify,
    Reconfigure,
    SendRaw,
    StartCall,
    TransportLost,
    TransportOpened,
)
from tests.core.player import (
    CONNECT,
    OFFLINE,
    STEADY,
    a_client,
    an_online_client,
    attempt_of,
    call,
    come_back,
    fail,
    kinds,
    lose,
    reports,
    sent,
    settled,
)
from tests.kinds import mistyped
from tests.tables import each


class TestCallsWithoutAConnection:
    @each("situation", OFFLINE)
    def test_settle_as_not_sent(self, situation):
        client = a_client()
        client.play(*OFFLINE[situation])
        done = client.play(call(1), SendRaw('[2,"r","Heartbeat",{}]', token=2), Notify(3, "X", {}))
        expected = ClosedError if situation == "stopped" else ConnectionLostError
        assert {type(error) for error in settled(done).values()} == {expected}
        assert {error.sent for error in settled(done).values()} == {False}
        assert list(settled(done)) == [1, 2, 3]

    def test_raise_if_they_can_not_be_made(self):
        client = a_client()
        with pytest.raises(TypeError, match="dict as payload"):
            client.play(StartCall(1, "Heartbeat", mistyped(None)))
        with pytest.raises(ValueError, match="text of a CALL"):
            client.play(SendRaw("hello", token=1))
        with pytest.raises(TypeError, match="an action name, got None"):
            client.play(Notify(1, mistyped(None), {}))

    def test_that_are_lost_on_the_way_are_not_repeated(self):
        client = an_online_client(backoff=STEADY)
        client.play(call(1), call(2))
        done = settled(lose(client))
        assert {token: error.sent for token, error in done.items()} == {1: True, 2: False}
        assert sent(come_back(client)) == []


class TestOfflineQueue:
    @each("situation", ["idle", "connecting", "waiting"])
    def test_keeps_calls_until_there_is_a_connection_and_sends_them_in_order(self, situation):
        client = a_client(offline_queue=True, backoff=STEADY)
        client.play(*OFFLINE[situation])
        assert settled(client.play(call(1), call(2, message_id="mine"))) == {}
        assert client.engine.queued == 2
        if situation == "idle":
            client.play(Connect(CONNECT))
        elif situation == "waiting":
            client.wait(10)
        done = client.play(TransportOpened("ocpp1.6", attempt=attempt_of(client)), call(3))
        assert sent(done) == [[2, "id-1", "Heartbeat", {}]]
        assert sent(client.hear('[3,"id-1",{}]', attempt=attempt_of(client))) == [[2, "mine", "Heartbeat", {}]]
        assert sent(client.hear('[3,"mine",{}]', attempt=attempt_of(client))) == [[2, "id-2", "Heartbeat", {}]]
        assert client.engine.queued == 0

    def test_keeps_what_a_lost_connection_did_not_write_but_nothing_that_it_did(self):
        client = an_online_client(offline_queue=True, backoff=STEADY)
        client.play(call(1), call(2), call(3))
        assert list(settled(lose(client))) == [1]
        client.play(call(4))
        assert client.engine.queued == 3
        come_back(client)
        for message_id in ("id-2", "id-3", "id-4"):
            client.hear(f'[3,"{message_id}",{{}}]', attempt=2)
        assert list(settled(client.log)) == [CONNECT, 1, 2, 3, 4]

    def test_keeps_a_call_made_while_the_loss_is_still_being_told(self):
        """A host may run the caller of the first settled call before it takes the next action."""
        client = an_online_client(offline_queue=True, backoff=STEADY).engine
        client.handle(call(1), 0)
        client.handle(TransportLost(attempt=1), 0)
        assert client.poll() is not None, "the CALL"
        assert isinstance(client.poll(), Settle), "its caller learns of the loss"
        client.handle(call(2), 0)
        assert kinds(iter(client.poll, None)) == ["StateChanged"]
        assert client.queued == 1

    def test_says_once_that_calls_wait_for_a_connect_that_nobody_asked_for(self):
        client = a_client(offline_queue=True)
        done = client.play(call(1), call(2))
        assert reports(done) == [ReportKind.WAITS_FOR_CONNECT]

    def test_refuses_calls_of_a_stopped_client_until_it_connects_again(self):
        client = an_online_client(offline_queue=True, max_reconnects=0)
        lose(client)
        error = settled(client.play(call(1)))[1]
        assert isinstance(error, ClosedError)
        assert (str(error), error.sent) == (
            "cannot send Heartbeat: the client is closed; call connect() first",
            False,
        )
        client.play(Connect(CONNECT))
        assert settled(client.play(call(2))) == {}
        assert client.engine.queued == 1

    def test_overflows_by_dropping_the_oldest(self):
        client = a_client(offline_queue=True, offline_queue_size=2)
        done = client.play(call(1), call(2), call(3))
        assert {token: type(error) for token, error in settled(done).items()} == {1: CallDroppedError}

    def test_never_sends_a_call_whose_time_to_live_is_over(self):
        client = a_client(offline_queue=True)
        client.play(call(1, ttl=5), call(2, ttl=50))
        assert client.engine.deadline == 5
        done = client.wait(5)
        assert isinstance(settled(done)[1], TimeoutError)
        client.play(Connect(CONNECT))
        client.now = 60  # the connection comes before the late tick
        done = client.play(TransportOpened("ocpp1.6", attempt=1))
        assert (sent(done), type(settled(done)[2])) == ([], TimeoutError)

    def test_counts_the_time_out_from_the_write(self):
        client = a_client(offline_queue=True)
        client.play(call(1, timeout=5))
        client.wait(3600)
        client.play(Connect(CONNECT), TransportOpened("ocpp1.6", attempt=1))
        assert client.engine.deadline == 3605

    def test_forgets_a_cancelled_call(self):
        client = a_client(offline_queue=True)
        client.play(call(1))
        error = settled(client.play(CancelCall(1)))[1]
        assert (type(error), error.sent) == (CallCancelledError, False)
        client.play(Connect(CONNECT))
        assert sent(client.play(TransportOpened("ocpp1.6", attempt=1))) == []

    def test_tells_callers_whose_version_was_not_chosen(self):
        client = a_client(offline_queue=True)
        client.play(call(1, protocol="ocpp2.1"), call(2, protocol="ocpp1.6"), Connect(CONNECT))
        done = client.play(TransportOpened("ocpp1.6", attempt=1))
        assert isinstance(settled(done)[1], OCPPError)
        assert [frame[1] for frame in sent(done)] == ["id-1"]

    def test_survives_a_failed_connect(self):
        client = a_client(offline_queue=True)
        client.play(call(1), Connect(CONNECT))
        assert list(settled(fail(client))) == [CONNECT]
        assert client.engine.queued == 1

    @each("situation", ["idle", "connecting", "waiting"])
    def test_ends_with_the_client(self, situation):
        client = a_client(offline_queue=True)
        client.play(*OFFLINE[situation])
        client.play(call(1))
        assert isinstance(settled(client.play(Close()))[1], ClosedError)
        assert client.engine.queued == 0

    def test_ends_when_the_client_gives_up(self):
        client = a_client(offline_queue=True, retry_initial_connect=True, max_reconnects=0)
        client.play(*OFFLINE["connecting"])
        client.play(call(1))
        assert isinstance(settled(fail(client))[1], ClosedError)

    def test_can_be_switched_on_off_and_resized(self):
        client = an_online_client(backoff=STEADY)
        config = client.engine.config
        client.play(Reconfigure(replace(config, offline_queue=True)), call(1), call(2), call(3), call(4))
        assert list(settled(lose(client))) == [1]
        done = client.play(Reconfigure(replace(config, offline_queue=True, offline_queue_size=2)))
        assert {token: type(error) for token, error in settled(done).items()} == {2: CallDroppedError}
        client.play(Reconfigure(replace(config, offline_queue=False)))
        assert isinstance(settled(client.play(call(5)))[5], ConnectionLostError)
