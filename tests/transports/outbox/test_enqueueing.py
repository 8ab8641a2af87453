"""The arguments of `OCPPClient.enqueue`, the misuse of tickets, and the options of the offline queue."""

import pytest

from ocpp_core import v201
from ocpp_transports import ClosedError, ConnectionFailedError, OCPPClient, RPCError
from ocpp_transports.outbox import MemoryStore, MessageNotSent, NotSentReason, SQLiteStore
from tests.transports.outbox.fake_store import OPEN, START, STOP, FakeStore, unreachable
from tests.transports.pairs import client_of, pair, serving

pytestmark = pytest.mark.anyio


class TestDiverting:
    async def test_a_message_that_is_diverted_may_be_sent_as_a_raw_text(self):
        async with pair(offline_queue=True, offline_queue_config=OPEN) as (
            station,
            csms,
        ):
            csms.handle("DataTransfer", lambda ctx: {"status": "Accepted", "data": ctx.params["vendorId"]})
            diverted = []
            station.divert_messages(lambda text: diverted.append(text) or True)
            ticket = station.enqueue("DataTransfer", {"vendorId": "V"})
            await ticket.accepted()
            (text,) = diverted
            station.send_raw(text.replace("V", "W"))
            assert (await ticket.outcome()).payload["data"] == "W"

    async def test_only_a_plain_function_of_one_text_diverts(self):
        async def later(text): ...

        station = unreachable(offline_queue=True)
        for function in (later, lambda: True, "text"):
            with pytest.raises(TypeError, match="function that diverts messages"):
                station.divert_messages(function)

    async def test_a_function_that_raises_is_logged_and_the_message_is_written(self, caplog):
        """It may be set before there is a connection."""
        async with serving() as (server, listener):
            server.handle("DataTransfer", lambda ctx: {"status": "Accepted"})
            async with client_of(listener, offline_queue=True, offline_queue_config=OPEN) as station:
                station.divert_messages(lambda text: {}[text])
                await station.connect()
                ticket = station.enqueue("DataTransfer", {"vendorId": "V"})
                assert (await ticket.outcome()).payload == {"status": "Accepted"}
        assert "a function that diverts messages raised" in caplog.text


class TestMisuse:
    async def test_without_the_option_there_is_no_outbox(self):
        async with pair() as (station, _):
            with pytest.raises(RuntimeError, match="pass offline_queue=True or a path"):
                station.enqueue("DataTransfer", {})

    @pytest.mark.parametrize(
        ("args", "options", "error", "expected"),
        [
            (("Reset", {"type": "Soft"}), {}, ValueError, "Reset"),
            (("ocpp2.0.1", "Heartbeat"), {}, ValueError, "expected a message of ocpp1.6"),
            ((v201.Heartbeat(),), {}, ValueError, "expected a message of ocpp1.6"),
            (("StopTransaction", STOP), {"transaction": 17}, TypeError, "the Ticket of a StartTransaction"),
            (("DataTransfer", {"vendorId": "V"}), {"ttl": 0}, ValueError, "ttl > 0"),
            (("DataTransfer", {"vendorId": "V"}), {"timeout": 1}, TypeError, "EnqueueKeywords, got timeout"),
            (("DataTransfer", {"vendorId": "V"}), {"peer": "CP2", "token": 1}, TypeError, "got peer, token"),
        ],
    )
    async def test_a_bad_argument_queues_nothing(self, args, options, error, expected):
        store = FakeStore()
        async with unreachable(offline_queue=store) as station:
            with pytest.raises(error, match=expected):
                station.enqueue(*args, **options)
        assert store.batches == []

    async def test_an_action_of_the_peer_is_queued_by_option(self):
        async with unreachable(offline_queue=True) as station:
            assert station.enqueue("Reset", {"type": "Soft"}, custom=True).action == "Reset"
            with pytest.raises(TypeError, match="custom as bool"):
                station.enqueue("Reset", {"type": "Soft"}, custom=1)

    async def test_a_bad_payload_is_refused_in_strict_mode(self):
        async with unreachable(offline_queue=True, strict_mode=True) as station:
            with pytest.raises(RPCError, match="idTag"):
                station.enqueue("Authorize", {})
            start = station.enqueue("StartTransaction", START)
            station.enqueue("StopTransaction", STOP, transaction=start, last=True)

    async def test_a_ticket_of_another_client_is_refused(self):
        async with unreachable(offline_queue=True) as one, unreachable(offline_queue=True) as other:
            start = one.enqueue("StartTransaction", START)
            other.enqueue("StartTransaction", START)
            with pytest.raises(ValueError, match="one of another"):
                other.enqueue("StopTransaction", STOP, transaction=start, last=True)

    async def test_a_store_belongs_to_one_client(self):
        store = MemoryStore()
        async with unreachable(offline_queue=store) as station:
            with pytest.raises(RuntimeError, match="store is open"):
                async with unreachable(offline_queue=store):
                    pass
            await station.enqueue("Heartbeat").accepted()  # it has it still

    async def test_nothing_is_acknowledged_before_its_outcome(self):
        async with unreachable(offline_queue=True) as station:
            with pytest.raises(RuntimeError, match="no outcome yet"):
                station.enqueue("DataTransfer", {"vendorId": "V"}).acknowledge()

    @pytest.mark.parametrize("anyio_backend", ["asyncio"])
    async def test_without_a_block_the_first_message_opens_a_store_in_memory(self):
        station = unreachable(offline_queue=True)
        ticket = station.enqueue("DataTransfer", {"vendorId": "V"})
        await ticket.accepted()
        await station.close()
        assert await ticket.outcome() == MessageNotSent(NotSentReason.CLOSED)
        with pytest.raises(ClosedError):
            station.enqueue("DataTransfer", {"vendorId": "V"})

    async def test_a_manual_gate_is_opened_with_a_bool(self):
        async with unreachable(offline_queue=True) as station:
            with pytest.raises(TypeError, match="expected a bool"):
                station.set_gate(1)

    @pytest.mark.parametrize("anyio_backend", ["asyncio"])
    async def test_without_a_block_connect_opens_the_outbox_and_a_failure_closes_it(self):
        store = FakeStore()
        station = unreachable(offline_queue=store)
        with pytest.raises(ClosedError):
            station.enqueue("DataTransfer", {"vendorId": "V"})
        with pytest.raises(ConnectionFailedError):
            await station.connect()
        assert store.is_closed


class TestOptions:
    @pytest.mark.parametrize(
        ("options", "error", "expected"),
        [
            ({"offline_queue": None}, TypeError, "as bool, a path or a store such as SQLiteStore.*, got NoneType"),
            ({"offline_queue": SQLiteStore}, TypeError, "got SQLiteStore"),
            ({"offline_queue": ""}, ValueError, "the path of a file, got ''"),
            ({"offline_queue": b"station.db"}, TypeError, "got bytes"),
            ({"offline_queue_config": {}}, TypeError, "OutboxConfig, got dict"),
            ({"offline_queue_config": OPEN}, ValueError, "expected no offline_queue_config without offline_queue"),
        ],
    )
    def test_wrong_ones_are_refused(self, options, error, expected):
        with pytest.raises(error, match=expected):
            OCPPClient("CP1", "ws://csms", **options)

    def test_the_queue_is_fixed(self):
        station = OCPPClient("CP1", "ws://csms", offline_queue=MemoryStore())
        with pytest.raises(ValueError, match="offline_queue: it is fixed"):
            station.reconfigure(offline_queue=MemoryStore())

    def test_a_path_is_not_touched_before_the_block(self, tmp_path):
        OCPPClient("CP1", "ws://csms", offline_queue=tmp_path / "station.db")
        assert list(tmp_path.iterdir()) == []
