"""The offline queue of `OCPPClient`: messages outlive connections and restarts, and nobody waits in silence."""

from functools import partial

import anyio
import pytest

from ocpp_core import v16
from ocpp_core.outbox.commands import StoreBack, Stored, StoreDegraded, StoreFailed
from ocpp_transports import ClosedError
from ocpp_transports.events import ErrorEvent
from ocpp_transports.outbox import (
    MemoryStore,
    MessageAnswered,
    MessageNotSent,
    NotSentReason,
    OutboxConfig,
    SQLiteStore,
    StoreError,
)
from tests.transports.outbox.fake_store import OPEN, START, STOP, FakeStore, unreachable
from tests.transports.pairs import SECONDS, client_of, first, serving

pytestmark = pytest.mark.anyio


class Central:
    """What a central system received, and whether it registers the station."""

    def __init__(self, server):
        self.received = []
        for action, response in (
            ("StartTransaction", {"transactionId": 17, "idTagInfo": {"status": "Accepted"}}),
            ("StopTransaction", {}),
            ("DataTransfer", {"status": "Accepted"}),
            ("BootNotification", {"status": "Accepted", "currentTime": "2026-01-01T00:00:00Z", "interval": 60}),
        ):
            server.handle(action, self._answering(response))

    def _answering(self, response):
        def answer(ctx):
            self.received.append((ctx.action, ctx.params))
            return response

        return answer


@pytest.fixture
async def central():
    async with serving() as (server, listener):
        yield Central(server), listener, server


async def within(awaitable_function):
    with anyio.fail_after(SECONDS):
        return await awaitable_function()


async def refused_as_closed(call):
    with pytest.raises(ClosedError, match="it is kept"):
        await call()


class TestDelivery:
    async def test_a_message_is_delivered_after_a_restart_with_the_id_of_its_transaction(self, central, tmp_path):
        csms, listener, _ = central
        path = tmp_path / "station.db"
        async with client_of(listener, offline_queue=path) as station:
            start = station.enqueue("StartTransaction", START, key="tx-1")
            stop = station.enqueue("StopTransaction", STOP, transaction=start, last=True)
            await within(stop.accepted)
        assert csms.received == []

        async with client_of(listener, offline_queue=path) as station:
            again = station.enqueue("StartTransaction", START, key="tx-1")
            assert again.number == start.number
            await station.connect()
            await station.call("BootNotification", {"chargePointModel": "M", "chargePointVendor": "V"})
            assert (await within(again.outcome)).payload["transactionId"] == 17
            outcomes = station.outcomes()
            for number in (start.number, stop.number):
                ticket = await within(outcomes.__anext__)
                assert ticket.number == number
                ticket.acknowledge()
        assert csms.received[1:] == [("StartTransaction", START), ("StopTransaction", {**STOP, "transactionId": 17})]

        async with client_of(listener, offline_queue=SQLiteStore(path)) as station:
            assert station.enqueue("StartTransaction", START, key="tx-1").number != start.number

    async def test_a_message_in_memory_is_delivered_after_a_lost_connection(self, central):
        csms, listener, server = central
        async with client_of(listener, offline_queue=True, offline_queue_config=OPEN) as station:
            await station.connect()
            handle = await server.wait_for_client("CP1")
            await handle.close(force=True)
            ticket = station.enqueue(v16.DataTransfer(vendorId="V"))
            assert isinstance(await within(ticket.outcome), MessageAnswered)
        assert csms.received == [("DataTransfer", {"vendorId": "V"})]

    async def test_a_model_and_a_version_are_taken_as_call_takes_them(self, central):
        csms, listener, _ = central
        async with client_of(listener, offline_queue=True, offline_queue_config=OPEN) as station:
            tickets = [
                station.enqueue(v16.models.DataTransferRequest(vendor_id="A")),
                station.enqueue("ocpp1.6", "DataTransfer", {"vendorId": "B"}),
            ]
            await station.connect()
            for ticket in tickets:
                await within(ticket.outcome)
        assert [params["vendorId"] for _, params in csms.received] == ["A", "B"]

    async def test_messages_wait_for_the_registration(self, central):
        csms, listener, _ = central
        async with client_of(listener, offline_queue=True) as station:
            await station.connect()
            later = station.enqueue("DataTransfer", {"vendorId": "V"})
            boot = station.enqueue("BootNotification", {"chargePointModel": "M", "chargePointVendor": "V"}, urgent=True)
            await within(later.outcome)
            assert boot.is_settled
        assert [action for action, _ in csms.received] == ["BootNotification", "DataTransfer"]

    async def test_messages_wait_for_a_manual_gate(self, central):
        _, listener, _ = central
        manual = OutboxConfig(gate="manual")
        async with client_of(listener, offline_queue=True, offline_queue_config=manual) as station:
            ticket = station.enqueue("DataTransfer", {"vendorId": "V"})
            await station.connect()
            assert not ticket.is_settled
            station.set_gate(True)
            assert isinstance(await within(ticket.outcome), MessageAnswered)

    async def test_new_settings_apply_to_messages_that_wait(self, central):
        _, listener, _ = central
        async with client_of(listener, offline_queue=True, offline_queue_size=1) as station:
            dropped = station.enqueue("DataTransfer", {"vendorId": "A"})
            ticket = station.enqueue("DataTransfer", {"vendorId": "B"})
            assert dropped.is_settled
            station.reconfigure(offline_queue_config=OPEN)
            await station.connect()
            assert isinstance(await within(ticket.outcome), MessageAnswered)

    async def test_a_message_that_is_cancelled_in_time_is_not_sent(self):
        async with unreachable(offline_queue=True) as station:
            ticket = station.enqueue("DataTransfer", {"vendorId": "V"})
            ticket.cancel()
            assert await within(ticket.outcome) == MessageNotSent(NotSentReason.CANCELLED)
            ticket.cancel()

    async def test_the_transaction_id_is_known_until_the_transaction_ends(self, central):
        _, listener, _ = central
        async with client_of(listener, offline_queue=True, offline_queue_config=OPEN) as station:
            start = station.enqueue("StartTransaction", START)
            assert station.transaction_id(start) is None
            await station.connect()
            await within(start.outcome)
            assert station.transaction_id(start) == 17
            await within(station.enqueue("StopTransaction", STOP, transaction=start, last=True).outcome)
            assert station.transaction_id(start) is None


class TestClosing:
    async def test_who_waits_for_an_outcome_learns_that_the_message_is_kept(self, tmp_path):
        waits, told = anyio.Event(), anyio.Event()

        async def wait(ticket):
            waits.set()
            with pytest.raises(ClosedError, match="it is kept"):
                await ticket.outcome()
            told.set()

        async with anyio.create_task_group() as tasks, unreachable(offline_queue=str(tmp_path / "x.db")) as station:
            ticket = station.enqueue("DataTransfer", {"vendorId": "V"})
            tasks.start_soon(wait, ticket)
            await waits.wait()
            await station.close()
            await within(told.wait)
            await within(ticket.accepted)
        with pytest.raises(ClosedError, match="it is kept"):
            await ticket.outcome()

    async def test_messages_in_memory_are_settled(self):
        async with unreachable(offline_queue=True) as station:
            ticket = station.enqueue("DataTransfer", {"vendorId": "V"})
        assert await ticket.outcome() == MessageNotSent(NotSentReason.CLOSED)

    async def test_messages_in_memory_are_kept_by_option_and_sent_after_the_next_registration(self, central):
        csms, listener, _ = central
        async with client_of(listener, offline_queue=MemoryStore(keep=True)) as station:
            await station.connect()
            start = station.enqueue("StartTransaction", START)
            await station.close()
            stop = station.enqueue("StopTransaction", STOP, transaction=start, last=True)
            assert station.queued == [start, stop]
            await station.connect()
            await station.call("BootNotification", {"chargePointModel": "M", "chargePointVendor": "V"})
            await within(stop.outcome)
            assert station.queued == []
        assert [action for action, _ in csms.received] == ["BootNotification", "StartTransaction", "StopTransaction"]
        assert csms.received[-1][1]["transactionId"] == 17

    @pytest.mark.parametrize("anyio_backend", ["asyncio"])  # on trio a client needs its block
    async def test_a_transaction_id_in_memory_is_kept_outside_of_a_block_too(self, central):
        csms, listener, _ = central
        station = client_of(listener, offline_queue=True, offline_queue_config=OPEN)
        await station.connect()
        start = station.enqueue("StartTransaction", START)
        await within(start.outcome)
        await station.close()
        await station.connect()
        await within(station.enqueue("StopTransaction", STOP, transaction=start, last=True).outcome)
        await station.close()
        assert csms.received[-1][1]["transactionId"] == 17

    async def test_a_stream_of_outcomes_ends_after_the_last_one(self):
        async with unreachable(offline_queue=True) as station:
            ticket = station.enqueue("DataTransfer", {"vendorId": "V"})
            outcomes = station.outcomes()
            await station.close()
            with anyio.fail_after(SECONDS):
                assert [each async for each in outcomes] == [ticket]

    async def test_a_stream_that_is_closed_stays_empty(self):
        async with unreachable(offline_queue=True) as station:
            outcomes = station.outcomes()
            await outcomes.aclose()
            station.enqueue("DataTransfer", {"vendorId": "V"}).cancel()
            assert [each async for each in outcomes] == []

    async def test_a_closed_outbox_takes_nothing(self):
        async with unreachable(offline_queue=True) as station:
            ticket = station.enqueue("DataTransfer", {"vendorId": "V"})
        for use in (lambda: station.enqueue("DataTransfer", {}), ticket.acknowledge, station.outcomes):
            with pytest.raises(ClosedError, match="connect"):
                use()

    async def test_what_the_store_did_not_report_is_not_accepted(self):
        store = FakeStore()
        store.answers = False
        async with unreachable(offline_queue=store) as station:
            ticket = station.enqueue("DataTransfer", {"vendorId": "V"})
        assert store.is_closed
        with pytest.raises(ClosedError, match="before DataTransfer was stored"):
            await ticket.accepted()

    async def test_the_outcome_of_a_call_that_was_queued_is_reported_if_its_caller_is_gone(self, central):
        _, listener, _ = central
        async with client_of(listener, offline_queue=FakeStore()) as station:
            await station.connect()
            station.enqueue("StartTransaction", START)  # the gate is closed, so the call waits behind it
            async with anyio.create_task_group() as tasks:
                call = partial(station.call, "StopTransaction", {**STOP, "transactionId": 3})
                tasks.start_soon(refused_as_closed, call)
                await anyio.wait_all_tasks_blocked()
                await station.close(await_pending=False)
            station.reconfigure(offline_queue_config=OPEN)
            await station.connect()
            outcomes = station.outcomes()
            actions = [(await within(outcomes.__anext__)).action for _ in range(2)]
            assert actions == ["StartTransaction", None]

    async def test_a_ticket_is_valid_after_the_client_connects_again(self, central, tmp_path):
        csms, listener, _ = central
        station = client_of(listener, offline_queue=SQLiteStore(tmp_path / "x.db"), offline_queue_config=OPEN)
        async with station:
            ticket = station.enqueue("DataTransfer", {"vendorId": "V"})
        async with station:
            await station.connect()
            assert isinstance(await within(ticket.outcome), MessageAnswered)
        assert len(csms.received) == 1


class TestAStoreThatFails:
    async def test_a_store_that_cannot_be_opened_refuses_the_block_and_leaves_the_client_usable(self):
        store = FakeStore(fails=True)
        station = unreachable(offline_queue=store)
        with pytest.raises(StoreError, match="another process"):
            async with station:
                pass
        store._fails = False
        async with station:
            await within(station.enqueue("DataTransfer", {"vendorId": "V"}).accepted)
        assert store.is_closed

    async def test_a_failure_is_an_event_and_rejects_what_was_not_stored(self, caplog):
        store = FakeStore()
        events: list[ErrorEvent] = []
        async with unreachable(offline_queue=store) as station:
            station.on("error", events.append)
            kept = station.enqueue("DataTransfer", {"vendorId": "kept"})
            await within(kept.accepted)
            store.answers = False
            lost = station.enqueue("DataTransfer", {"vendorId": "lost"})
            store.say(StoreFailed(store.batches[-1].number, OSError("disk full")))
            with pytest.raises(StoreError, match="disk full"):
                await within(lost.accepted)
            with pytest.raises(StoreError, match="cannot enqueue"):
                station.enqueue("DataTransfer", {"vendorId": "refused"})
            store.answers = True
            store.say(StoreBack())
            await anyio.wait_all_tasks_blocked()
            await within(station.enqueue("DataTransfer", {"vendorId": "later"}).accepted)
        assert "disk full" in str(events[0].error)
        assert "disk full" in caplog.text

    async def test_in_memory_is_an_event_and_the_outbox_continues(self, caplog):
        store = FakeStore()
        async with unreachable(offline_queue=store) as station, station.events("error") as errors:
            store.say(StoreDegraded(OSError("no space")))
            ticket = station.enqueue("DataTransfer", {"vendorId": "V"})
            await ticket.accepted()
            event = await first(errors)
            assert "in memory only, until its store works again: no space" in str(event.error)
            store.say(StoreBack())
            await station.enqueue("DataTransfer", {"vendorId": "V"}).accepted()
        assert "store works again" in caplog.text

    async def test_a_store_that_raises_has_failed(self):
        class Raising(FakeStore):
            def submit(self, batch):
                raise ValueError("a mistake")

        async with unreachable(offline_queue=Raising()) as station:
            with pytest.raises(StoreError, match="a mistake"):
                await within(station.enqueue("DataTransfer", {"vendorId": "V"}).accepted)

    async def test_a_wrong_report_does_not_end_the_event_loop(self, caplog):
        store = FakeStore()
        async with unreachable(offline_queue=store) as station:
            store.say(Stored(99))
            await anyio.wait_all_tasks_blocked()
            await within(station.enqueue("DataTransfer", {"vendorId": "V"}).accepted)
        assert "wrong report" in caplog.text
