"""The deadline of a call, and its repetition after a lost connection, over sockets."""

import anyio
import pytest

from ocpp_transports import NOREPLY, ConnectionLostError, RPCNotImplementedError, TimeoutError
from ocpp_transports.outbox import OutboxConfig
from tests.transports.outbox.fake_store import START, FakeStore
from tests.transports.pairs import SECONDS, client_of, first, never, pair, serving

pytestmark = pytest.mark.anyio


class TestADeadline:
    async def test_ends_a_call_in_the_queue_and_one_that_was_sent(self):
        async with pair() as (client, station):
            station.handle("Heartbeat", lambda ctx: never())
            errors = {}

            async def call(name, **options):
                with pytest.raises(TimeoutError, match="no response to Heartbeat within its deadline") as caught:
                    await client.call("Heartbeat", {}, **options)
                errors[name] = caught.value

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(lambda: call("sent", deadline=0.02))
                await anyio.wait_all_tasks_blocked()
                await call("waited", deadline=0.01)
            waited, sent = errors["waited"], errors["sent"]
            assert (waited.sent, waited.message_id, sent.sent, sent.message_id is None) == (False, None, True, False)
            assert client.pending == 1  # the peer is still busy with it

    async def test_ends_the_wait_for_a_connection(self):
        async with serving() as (_, listener), client_of(listener) as client:
            assert await client.safe_call("Heartbeat", {}, deadline=0.01) is None

    async def test_covers_all_attempts(self):
        async with pair() as (client, station):
            station.handle("Heartbeat", lambda ctx: NOREPLY)
            with anyio.fail_after(SECONDS), pytest.raises(TimeoutError) as caught:
                await client.call("Heartbeat", {}, timeout=0.01, deadline=0.05, retries=10**9, retry_delay=0.001)
            assert caught.value.sent

    async def test_is_no_limit_if_the_response_is_in_time(self):
        async with pair() as (client, station):
            station.handle("Heartbeat", lambda ctx: {"currentTime": "now"})
            assert await client.call("Heartbeat", {}, deadline=SECONDS) == {"currentTime": "now"}

    async def test_does_not_wait_for_a_store_that_never_reports(self, monkeypatch):
        monkeypatch.setattr("ocpp_transports._calls._calling._GRACE", 0.01)
        store = FakeStore()
        store.answers = False
        async with pair(offline_queue=store, offline_queue_config=OutboxConfig(gate="open")) as (client, _):
            client.enqueue("StartTransaction", START)
            with anyio.fail_after(SECONDS), pytest.raises(TimeoutError) as caught:
                await client.call("StartTransaction", START, deadline=0.01)
            assert caught.value.sent  # it is unknown whether the message was removed


class TestALostConnection:
    async def test_is_no_end_of_the_call_and_the_peer_acts_once(self):
        async with pair() as (client, station):
            seen = []

            @station.handle("DataTransfer")
            async def transfer(ctx):
                seen.append(ctx.message_id)
                await station.close(force=True)
                return {"status": "Accepted"}

            options = {"retries": 1, "retry_lost": True, "deadline": SECONDS, "retry_delay": 0.0}
            assert await client.call("DataTransfer", {"vendorId": "V"}, **options) == {"status": "Accepted"}
            assert len(seen) == 1

    async def test_is_waited_out_also_before_the_first_attempt(self):
        async with pair(backoff_min=0.05, backoff_max=0.05) as (client, station), client.events("reconnect") as waits:
            await station.close(force=True)
            await first(waits)
            options = {"retries": 1, "retry_lost": True, "deadline": SECONDS, "retry_delay": 0.0}
            with pytest.raises(RPCNotImplementedError):  # it was sent: this server has no handler
                await client.call("Heartbeat", {}, **options)

    async def test_without_another_one_until_the_deadline_is_a_timeout(self):
        async with serving() as (server, listener), client_of(listener) as client:
            await client.connect()
            await server.close()
            with anyio.fail_after(SECONDS), pytest.raises(TimeoutError, match="within its deadline"):
                await client.call("Heartbeat", {}, deadline=0.05, retry_delay=0.0, retries=3, retry_lost=True)

    async def test_of_a_station_s_handle_is_its_end(self):
        async with pair(reconnect=False) as (client, station):
            client.handle("Reset", lambda ctx: client.close(force=True))
            with anyio.fail_after(SECONDS), pytest.raises(ConnectionLostError):
                await station.call("Reset", {"type": "Soft"}, retries=10**9, retry_lost=True, deadline=SECONDS)

    async def test_that_is_not_followed_by_another_one_ends_the_call(self):
        async with serving() as (_, listener), client_of(listener) as client:
            with anyio.fail_after(SECONDS), pytest.raises(ConnectionLostError, match=r"call connect\(\) first"):
                await client.call("Heartbeat", {}, retries=10**9, retry_lost=True, deadline=SECONDS)
