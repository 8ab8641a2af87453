"""Messages of a blocking client that outlive connections: its tickets, and the iteration over outcomes."""

import asyncio

import pytest

from ocpp_transports import ClosedError, TimeoutError
from ocpp_transports.blocking import BlockingClient, BlockingTicket
from ocpp_transports.outbox import MessageAnswered, MessageNotSent, OutboxConfig
from tests.kinds import mistyped
from tests.transports.blocking.waiting import SECONDS

OPEN = OutboxConfig(gate="open")
START = {"connectorId": 1, "idTag": "tag", "meterStart": 0, "timestamp": "2026-01-01T00:00:00Z"}
STOP = {"meterStop": 5, "timestamp": "2026-01-01T01:00:00Z"}


@pytest.fixture
def station(loop):
    """A client without a server."""
    endpoint = "ws://127.0.0.1:9/ocpp"
    with BlockingClient("CP1", endpoint, protocols=["ocpp1.6"], loop=loop, offline_queue=True) as client:
        yield client


def test_a_message_is_stored_before_and_answered_after_the_connection(connect, server, tmp_path):
    server.handle("StartTransaction", lambda ctx: {"transactionId": 17, "idTagInfo": {"status": "Accepted"}})
    stopped = []
    server.handle("StopTransaction", lambda ctx: stopped.append(ctx.params["transactionId"]) or {})
    tickets: list[BlockingTicket] = []

    def enqueue(client):
        start = client.enqueue("StartTransaction", START, key="start")
        stop = client.enqueue("ocpp1.6", "StopTransaction", STOP, transaction=start)
        start.accepted(max_wait=SECONDS)
        tickets.extend((start, stop))

    path = tmp_path / "station.db"
    with connect(before=enqueue, offline_queue=path, offline_queue_config=OPEN) as (client, _):
        start, stop = tickets
        assert isinstance(stop.outcome(max_wait=SECONDS), MessageAnswered)
        assert (client.transaction_id(start), stopped) == (17, [17])
        outcomes = client.outcomes(max_wait=SECONDS)
        assert [next(outcomes), next(outcomes)] == [start, stop]
        assert (start.number, start.action, start.key) == (1 << 32, "StartTransaction", "start")
        assert client.enqueue("StartTransaction", START, key="start") == start
        start.acknowledge()


def test_a_wait_that_takes_too_long_loses_nothing(station):
    ticket = station.enqueue("Heartbeat")
    outcomes = station.outcomes(max_wait=0.01)
    with pytest.raises(TimeoutError, match=r"no outcome within 0\.01 s"):
        ticket.outcome(max_wait=0.01)
    with pytest.raises(TimeoutError, match=r"no outcome within 0\.01 s"):
        next(outcomes)
    ticket.cancel()
    assert isinstance(ticket.outcome(), MessageNotSent)
    assert next(outcomes).is_settled
    outcomes.close()
    assert list(outcomes) == []


def test_the_iteration_and_the_waits_end_with_the_client(station):
    ticket, outcomes = station.enqueue("Heartbeat"), station.outcomes()
    station.close()
    assert list(outcomes) == [ticket]  # settled as not sent: its store was in memory
    with pytest.raises(ClosedError, match="connect"):
        station.enqueue("Heartbeat")


def test_a_client_that_is_not_open_does_not_use_an_event_loop_of_the_caller(loop):
    client = BlockingClient("CP1", "ws://127.0.0.1:9", protocols=["ocpp1.6"], loop=loop, offline_queue=True)

    async def notebook():
        client.enqueue("Heartbeat")

    with pytest.raises(ClosedError, match="enter the block or"):
        asyncio.run(notebook())
    with client:
        client.enqueue("Heartbeat").accepted(max_wait=SECONDS)
    with pytest.raises(RuntimeError, match="cannot enqueue: the client has no outbox"):
        BlockingClient("CP1", "ws://127.0.0.1:9", loop=loop).enqueue("Heartbeat")


def test_misuse_raises_as_in_the_asynchronous_client(station, loop):
    with pytest.raises(TypeError, match="expected the Ticket of a StartTransaction, got int"):
        station.enqueue("StopTransaction", STOP, transaction=mistyped(17))
    with pytest.raises(TypeError, match="expected the Ticket of a StartTransaction, got int"):
        station.transaction_id(mistyped(17))
    with pytest.raises(ValueError, match="max_wait >= 0 seconds"):
        station.enqueue("Heartbeat").outcome(max_wait=-1)
    with pytest.raises(RuntimeError, match="no outbox; pass offline_queue=True or a path"):
        BlockingClient("CP1", "ws://127.0.0.1:9", loop=loop).outcomes()
