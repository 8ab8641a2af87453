"""The session pulls from the client's offline queue, whatever that is, whenever the window has a free slot."""

from dataclasses import replace
from math import inf
from random import Random

import pytest

from ocpp_core.actions import Settle
from ocpp_core.client import ClientEngine
from ocpp_core.config import ClientConfig, SessionConfig
from ocpp_core.errors import CallCancelledError, ConnectionLostError, OCPPError, RPCError, TimeoutError
from ocpp_core.inputs import CancelCall, Close, Connect, Notify, StartCall, TransportOpened
from ocpp_core.outbound.call import prepare_call
from ocpp_core.outbound.memory_queue import MemoryQueue
from tests.core.player import (
    CONNECT,
    STEADY,
    Player,
    Strict,
    a_client,
    attempt_of,
    call,
    come_back,
    counting_ids,
    lose,
    sent,
    settled,
)
from tests.tables import each

RETRY = 60.0
Entry = tuple[str, dict[str, int]]


class Journal:
    """Keeps every call until it is answered, in `entries`, which outlive the engine; a failed one waits `RETRY` s."""

    def __init__(self, entries, config, emit):
        self.entries = entries
        self.emit = emit
        self.failed, self.deadline = False, inf
        self.waiting = []
        for action, payload in entries:
            restored = prepare_call(StartCall(0, action, payload), config.session, 0.0)
            self.waiting.append(replace(restored, token=None, on_settled=self.settled))

    def __len__(self):
        return len(self.waiting)

    def configure(self, config):
        pass

    def has_id(self, message_id):
        return any(kept.message_id == message_id for kept in self.waiting)

    def add(self, kept):
        self.entries.append((kept.action, kept.payload))
        self.waiting.append(kept)
        kept.on_settled = self.settled

    def first(self, now):
        if self.failed:
            self.failed, self.deadline = False, now + RETRY
        if now < self.deadline < inf:
            return None
        self.deadline = inf
        return self.waiting[0] if self.waiting else None

    def take(self, kept):
        self.waiting.remove(kept)

    def settled(self, kept, result, error):
        if error is None or (isinstance(error, RPCError) and error.remote):
            self.entries.remove((kept.action, kept.payload))
            return
        self.failed = not isinstance(error, ConnectionLostError)
        self.waiting.insert(0, replace(kept, token=None, message_id=None, on_settled=self.settled))

    def cancel(self, token):
        for kept in [kept for kept in self.waiting if kept.token == token]:
            self.waiting.remove(kept)
            self.entries.remove((kept.action, kept.payload))
            self.emit(Settle(token, None, CallCancelledError("cancelled", sent=False)))

    def expire(self, now):
        pass

    def close(self):
        for kept in self.waiting:
            if kept.token is not None:
                self.emit(Settle(kept.token, None, OCPPError("kept for the next run")))
                kept.token = None


def a_station(entries):
    """A client whose calls are kept in `entries`."""
    config = ClientConfig(protocols=("ocpp1.6",), offline_queue=True, backoff=STEADY)
    return Player(
        ClientEngine(
            config,
            random=Random(1),
            ids=counting_ids(),
            offline_queue=lambda config, emit: Journal(entries, config, emit),
        )
    )


def meter(token):
    return StartCall(token, "MeterValues", {"connectorId": token})


def online(client):
    client.play(Connect(CONNECT))
    return client.play(TransportOpened("ocpp1.6", attempt=attempt_of(client)))


def answer(client, message_id):
    return client.hear(f'[3,"{message_id}",{{}}]', attempt=attempt_of(client))


def connectors(done):
    return [frame[3]["connectorId"] for frame in sent(done)]


class TestAQueueOfTheHost:
    def test_keeps_a_call_over_lost_connections_until_it_is_answered(self):
        entries: list[Entry] = []
        client = a_station(entries)
        client.play(meter(1), meter(2))
        assert connectors(online(client)) == [1]
        assert isinstance(settled(lose(client))[1], ConnectionLostError)
        assert len(entries) == 2
        assert connectors(come_back(client)) == [1]
        assert connectors(answer(client, "id-2")) == [2]
        answer(client, "id-3")
        assert entries == []

    def test_keeps_it_over_a_restart(self):
        entries: list[Entry] = []
        client = a_station(entries)
        client.play(meter(1), meter(2))
        assert set(settled(client.play(Close()))) == {1, 2}
        client = a_station(entries)
        assert connectors(online(client)) == [1]
        done = answer(client, "id-1")
        assert (connectors(done), settled(done)) == ([2], {}), "nobody waits for what was called before the restart"
        answer(client, "id-2")
        assert entries == []

    def test_is_told_of_an_outcome_before_the_next_call_is_written(self):
        """Else it would send the answered call again: it is still the first one."""
        client = a_station([])
        client.play(meter(1), meter(2))
        online(client)
        assert connectors(client.hear('[4,"id-1","GenericError","",{}]', attempt=1)) == [2]

    def test_has_a_call_wait_until_its_time_while_others_are_written(self):
        entries: list[Entry] = []
        client = a_station(entries)
        client.play(StartCall(1, "MeterValues", {"connectorId": 1}, timeout=5))
        online(client)
        done = client.wait(5)
        assert (type(settled(done)[1]), sent(done), len(entries)) == (TimeoutError, [], 1)
        assert [frame[2] for frame in sent(client.play(call(2)))] == ["Heartbeat"]
        answer(client, "id-2")
        assert client.engine.deadline == 5 + RETRY
        assert connectors(client.wait(RETRY)) == [1]

    def test_is_told_once_of_a_call_that_is_cancelled_and_answered(self):
        entries: list[Entry] = []
        client = a_station(entries)
        client.play(meter(1))
        online(client)
        client.play(CancelCall(1))
        assert len(entries) == 1
        answer(client, "id-1")
        assert len(entries) == 1

    def test_may_refuse_a_call_and_its_caller_is_told(self):
        class Full(MemoryQueue):
            def add(self, kept):
                raise OSError("no space left")

        config = ClientConfig(protocols=("ocpp1.6",), offline_queue=True, backoff=STEADY)
        client = Player(ClientEngine(config, random=Random(1), ids=counting_ids(), offline_queue=Full))
        with pytest.raises(OSError, match="no space left"):
            client.play(meter(1))
        online(client)
        client.play(meter(1), meter(2))
        lost = settled(lose(client))
        assert {token: (type(error), error.sent) for token, error in lost.items()} == {
            1: (ConnectionLostError, True),
            2: (ConnectionLostError, False),
        }
        assert "no space left" in str(lost[2])
        come_back(client)
        assert connectors(client.play(meter(3))) == [3]


class TestTheChoice:
    @staticmethod
    def a_busy_client(**settings):
        """Online, one CALL outstanding, two kept offline."""
        client = a_client(offline_queue=True, backoff=STEADY, **settings)
        client.play(meter(1), meter(2), meter(3))
        assert connectors(online(client)) == [1]
        assert client.engine.queued == 2
        return client

    def order(self, client):
        """The connectors of what is written from now on, each answered."""
        order = []
        for number in range(1, 9):
            order += connectors(answer(client, f"id-{number}"))
        return order

    def test_is_the_older_call(self):
        client = self.a_busy_client()
        client.play(meter(4))
        assert self.order(client) == [2, 3, 4]

    def test_prefers_an_urgent_call_of_the_session(self):
        client = self.a_busy_client()
        client.play(StartCall(4, "MeterValues", {"connectorId": 4}, urgent=True), meter(5))
        assert self.order(client) == [4, 2, 3, 5]

    def test_prefers_an_urgent_call_that_was_kept(self):
        client = a_client(offline_queue=True)
        urgent = StartCall(2, "MeterValues", {"connectorId": 2}, urgent=True)
        client.play(meter(1), urgent, StartCall(3, "MeterValues", {"connectorId": 3}, urgent=True))
        assert connectors(online(client)) == [2]
        client.play(StartCall(4, "MeterValues", {"connectorId": 4}, urgent=True))
        assert self.order(client) == [3, 4, 1]

    def test_stays_the_same_over_a_lost_connection(self):
        client = self.a_busy_client()
        client.play(meter(4), StartCall(5, "MeterValues", {"connectorId": 5}, urgent=True))
        assert set(settled(lose(client))) == {1}
        assert client.engine.queued == 4
        assert connectors(come_back(client)) == [5]
        assert self.order(client) == [2, 3, 4]

    def test_leaves_what_it_does_not_take_to_cancel_and_to_expire(self):
        client = a_client(offline_queue=True)
        client.play(meter(1), meter(2), StartCall(3, "MeterValues", {"connectorId": 3}, ttl=5))
        online(client)
        assert isinstance(settled(client.play(CancelCall(2)))[2], CallCancelledError)
        assert isinstance(settled(client.wait(5))[3], TimeoutError)

    def test_knows_the_ids_of_what_is_kept(self):
        client = a_client(offline_queue=True)
        client.play(meter(1), call(2, message_id="mine"))
        client.play(Connect(CONNECT), TransportOpened("ocpp2.1", attempt=1))
        for command in (call(3, message_id="mine"), Notify(3, "NotifyPeriodicEventStream", {}, message_id="mine")):
            with pytest.raises(ValueError, match="expected an unused message id"):
                client.play(command)

    @each("problem", ["version", "schema", "action"])
    def test_settles_what_cannot_be_written_and_goes_on(self, problem):
        client = a_client(offline_queue=True, session=SessionConfig(validator=Strict()))
        wrong = {
            "version": call(1, protocol="ocpp2.1"),
            "schema": StartCall(1, "Heartbeat", {"bad": 1}),
            "action": StartCall(1, "NotSpecified", {}),
        }
        client.play(wrong[problem], call(2))
        done = online(client)
        assert isinstance(settled(done)[1], OCPPError)
        assert len(sent(done)) == 1

    def test_takes_nothing_for_a_session_that_closes_by_itself(self):
        client = self.a_busy_client(session=SessionConfig(max_bad_messages=1, close_timeout=5))
        client.hear("{", attempt=1)
        assert (sent(client.wait(4)), client.engine.queued) == ([], 2)
        client.wait(1)
        assert connectors(come_back(client)) == [2]


def test_a_queue_in_memory_can_be_derived_from():
    class TransactionsFirst(MemoryQueue):
        def first(self, now):
            return next((kept for kept in self if kept.action == "StopTransaction"), None) or super().first(now)

    config = ClientConfig(protocols=("ocpp1.6",), offline_queue=True)
    engine = ClientEngine(config, random=Random(1), ids=counting_ids(), offline_queue=TransactionsFirst)
    client = Player(engine)
    client.play(call(1), StartCall(2, "StopTransaction", {}))
    assert [frame[2] for frame in sent(online(client))] == ["StopTransaction"]
    assert [frame[2] for frame in sent(answer(client, "id-1"))] == ["Heartbeat"]
