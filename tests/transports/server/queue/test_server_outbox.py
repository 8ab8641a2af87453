"""Commands for stations that are away: they wait, are delivered once, and nobody waits for them in silence."""

import json

import anyio
import anyio.lowlevel
import pytest

from ocpp_core import v16, v21
from ocpp_core.outbox.commands import StoreBack, StoreDegraded, StoreFailed
from ocpp_transports import CallDroppedError, ClosedError, OCPPClient, RPCError, StationKey
from ocpp_transports.channel import UpgradeOffer
from ocpp_transports.events import ErrorEvent
from ocpp_transports.memory import memory_channels
from ocpp_transports.outbox import (
    MemoryStore,
    MessageAnswered,
    MessageDropped,
    MessageNotSent,
    MessageUnknown,
    NotSentReason,
    SQLiteStore,
    StoreError,
    UnknownReason,
)
from tests.transports.outbox.fake_store import FakeStore
from tests.transports.pairs import SECONDS, client_of, serving

pytestmark = pytest.mark.anyio

BOOT = {"chargePointModel": "M", "chargePointVendor": "V"}
OFFER = UpgradeOffer("/ocpp/CP1", [("Host", "csms.example")], ("ocpp1.6",))
ACCEPTED = {"status": "Accepted", "currentTime": "2026-01-01T00:00:00Z", "interval": 60}


async def within(awaitable_function):
    with anyio.fail_after(SECONDS):
        return await awaitable_function()


async def accept(ctx):
    return ACCEPTED


def central(**options):
    """Run a server with a queue, which accepts every BootNotification."""
    return serving(**{"offline_queue": True, "boot_timeout": 0, **options})


def answering(station, received=None):
    """Let a station respond to commands; return the list of their connectors."""
    received = [] if received is None else received

    @station.handle("ChangeAvailability")
    def change(ctx):
        received.append(ctx.params["connectorId"])
        return {"status": "Accepted"}

    return received


def command(number):
    return "ChangeAvailability", {"connectorId": number, "type": "Operative"}


class TestDelivery:
    async def test_commands_survive_a_restart_and_reach_the_station_once_it_is_registered(self, tmp_path):
        path = tmp_path / "csms.db"
        async with central(offline_queue=path) as (server, _):
            tickets = [server.enqueue("CP1", *command(number), key=f"k{number}") for number in range(3)]
            expired = server.enqueue("CP1", *command(9), ttl=0.01)
            await within(tickets[-1].accepted)
            assert (await within(expired.outcome)).reason is NotSentReason.EXPIRED
            assert server.stats().queued_messages == 3

        async with central(offline_queue=path) as (server, listener), client_of(listener) as station:
            server.handle("BootNotification", accept)
            server.handle("Heartbeat", lambda ctx: {"currentTime": "2026-01-01T00:00:00Z"})
            received = answering(station)
            again = server.enqueue("CP1", *command(0), key="k0")
            assert (again.number, again.station) == (tickets[0].number, StationKey("", "CP1"))
            await station.connect()
            await station.call("Heartbeat")
            assert received == []
            await station.call("BootNotification", BOOT)
            assert (await within(again.outcome)).payload == {"status": "Accepted"}
            outcomes = server.outcomes()
            told = [await within(outcomes.__anext__) for _ in range(4)]
            assert received == [0, 1, 2]
            assert {ticket.number for ticket in told} == {ticket.number for ticket in (*tickets, expired)}
            for ticket in told:
                ticket.acknowledge()
            assert server.stats().queued_messages == 0

        async with central(offline_queue=path) as (server, _):
            assert server.enqueue("CP1", *command(0), key="k0").number != tickets[0].number

    async def test_a_station_that_registered_before_gets_commands_without_a_new_boot(self):
        async with central() as (server, listener), client_of(listener) as station:
            server.handle("BootNotification", accept)
            received = answering(station)
            await station.connect()
            await station.call("BootNotification", BOOT)
            await (await server.wait_for_client("CP1")).close(force=True)
            ticket = server.enqueue("CP1", *command(1))
            assert isinstance(await within(ticket.outcome), MessageAnswered)
            assert received == [1]

    async def test_a_station_that_does_not_boot_gets_commands_after_boot_timeout(self):
        async with central(boot_timeout=0.02) as (server, listener), client_of(listener) as station:
            answering(station)
            ticket = server.enqueue("CP1", *command(1))
            await station.connect()
            assert isinstance(await within(ticket.outcome), MessageAnswered)

    async def test_a_required_registration_opens_the_gate(self):
        async with central(registration="required") as (server, listener), client_of(listener) as station:
            server.handle("BootNotification", accept)
            received = answering(station)
            await station.connect()
            handle = await server.wait_for_client("CP1")
            first = handle.enqueue(v16.ChangeAvailability(connectorId=1, type="Operative"))
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(handle.call, *command(2))
                await anyio.wait_all_tasks_blocked()
                assert received == []
                await station.call("BootNotification", BOOT)
                assert isinstance(await within(first.outcome), MessageAnswered)
            assert sorted(received) == [1, 2]

    async def test_a_station_of_a_namespace_gets_the_commands_for_its_key(self):
        async with central(namespace=None) as (server, listener):
            server.route("/ocpp/{tenant}/{identity}")
            server.handle("BootNotification", accept)
            other = server.enqueue(StationKey("other", "CP1"), *command(1))
            ticket = server.enqueue(StationKey("acme", "CP1"), *command(2))
            async with OCPPClient("CP1", f"ws://127.0.0.1:{listener.port}/ocpp/acme", protocols=["ocpp1.6"]) as station:
                received = answering(station)
                await station.connect()
                await station.call("BootNotification", BOOT)
                assert isinstance(await within(ticket.outcome), MessageAnswered)
            assert (received, other.is_settled) == ([2], False)

    async def test_a_station_on_a_websocket_of_another_library_gets_commands(self):
        async with central(boot_timeout=0.01) as (server, _), anyio.create_task_group() as tasks:
            ticket = server.enqueue("CP1", "ClearCache")
            incoming = server.incoming(OFFER)
            await incoming.decision()
            ours, theirs = memory_channels()
            tasks.start_soon(incoming.carry, theirs)
            _, message_id, action, _ = json.loads(await within(ours.receive))
            await ours.send(f'[3,"{message_id}",{{"status":"Accepted"}}]')
            assert (action, (await within(ticket.outcome)).payload) == ("ClearCache", {"status": "Accepted"})
            await ours.close(1000, "")

    async def test_a_station_of_a_route_gets_commands_of_the_version_of_the_route(self):
        async with central() as (server, _):
            server.route("/new/{identity}", protocols=["ocpp2.1"])
            ticket = server.enqueue(StationKey("", "CP1"), v21.ClearCache())
            assert ticket.action == "ClearCache"

    async def test_a_command_of_another_version_is_settled_as_invalid(self):
        async with central(protocols=["ocpp1.6", "ocpp2.0.1"]) as (server, listener), client_of(listener) as station:
            server.handle("BootNotification", accept)
            ticket = server.enqueue("CP1", "ocpp2.0.1", "ClearCache", {})
            await station.connect()
            await station.call("BootNotification", BOOT)
            assert await within(ticket.outcome) == MessageNotSent(NotSentReason.INVALID)

    async def test_an_outcome_is_in_the_stream_once_also_if_its_key_is_enqueued_again(self):
        async with central() as (server, _):
            outcomes, keys = server.outcomes(), []
            for number in (1, 2):
                server.enqueue("CP1", *command(number), key=f"k{number}").cancel()
                keys.append((await within(outcomes.__anext__)).key)
                server.enqueue("CP1", *command(1), key="k1")
            assert keys == ["k1", "k2"]


class TestWhatGoesWrong:
    async def test_a_command_in_flight_when_the_connection_is_replaced_is_unknown_and_not_repeated(self):
        received, arrived = [], anyio.Event()
        async with central() as (server, listener), client_of(listener, reconnect=False) as old:
            server.handle("BootNotification", accept)

            @old.handle("ChangeAvailability")
            async def hang(ctx):
                received.append(ctx.params["connectorId"])
                arrived.set()
                await anyio.sleep_forever()

            await old.connect()
            await old.call("BootNotification", BOOT)
            ticket = server.enqueue("CP1", *command(1))
            later = server.enqueue("CP1", *command(2))
            await within(arrived.wait)
            async with client_of(listener) as new:
                answering(new, received)
                await new.connect()
                assert await within(ticket.outcome) == MessageUnknown(UnknownReason.LOST)
                assert isinstance(await within(later.outcome), MessageAnswered)
            assert received == [1, 2]

    async def test_closing_keeps_what_is_durable_and_tells_who_waits(self, tmp_path):
        async with central(offline_queue=SQLiteStore(tmp_path / "csms.db")) as (server, _):
            ticket = server.enqueue("CP1", *command(1))
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_refused_as_closed, ticket)
                await anyio.wait_all_tasks_blocked()
                await server.close()
        with pytest.raises(ClosedError, match="the outbox is not open"):
            server.enqueue("CP1", *command(2))

    async def test_closing_first_reports_everything_that_the_store_has_written(self):
        async with central(offline_queue=LateStore(keep=True)) as (server, _):
            tickets = [server.enqueue("CP1", "ClearCache") for _ in range(300)]
        for ticket in tickets:
            await within(ticket.accepted)

    async def test_closing_settles_what_is_in_memory(self):
        async with central() as (server, _):
            ticket = server.enqueue("CP1", *command(1))
        assert ticket._outcome == MessageNotSent(NotSentReason.CLOSED)

    async def test_a_store_that_cannot_be_opened_raises(self):
        with pytest.raises(StoreError):
            async with central(offline_queue=FakeStore(fails=True)):
                pass

    async def test_a_server_refuses_the_store_of_a_station_and_a_station_that_of_a_server(self, tmp_path):
        async with central(offline_queue=tmp_path / "csms.db") as (server, listener):
            await within(server.enqueue("CP1", *command(1)).accepted)
            await server.close()
        with pytest.raises(StoreError, match="messages of a server"):
            async with client_of(listener, offline_queue=tmp_path / "csms.db"):
                pass

    async def test_a_store_that_fails_stops_commands_until_it_works_again(self):
        store = FakeStore()
        errors: list[ErrorEvent] = []
        store.answers = False
        async with central(offline_queue=store) as (server, _):
            server.on("error", errors.append)
            ticket = server.enqueue("CP1", *command(1))
            await _until(lambda: store.batches)
            store.say(StoreFailed(1, StoreError("the disk is full")))
            with pytest.raises(StoreError, match="the disk is full"):
                await within(ticket.accepted)
            with pytest.raises(StoreError, match="the store cannot write"):
                server.enqueue("CP1", *command(2))
            assert "the disk is full" in str(errors[0].error)
            store.answers = True
            store.say(StoreBack())
            await _until(lambda: len(store.batches) > 1)
            await within(server.enqueue("CP1", *command(3)).accepted)

    async def test_full_queues_refuse_a_command(self):
        async with central(offline_queue_total=2, offline_queue_size=1) as (server, _):
            oldest = server.enqueue("CP1", *command(1), key="a")
            newest = server.enqueue("CP1", *command(2))
            assert isinstance(await within(oldest.outcome), MessageDropped)
            server.enqueue("CP2", *command(3), key="b")
            with pytest.raises(CallDroppedError, match=r"2 messages of .* are queued for all stations"):
                server.enqueue("CP3", *command(4))
            assert server.enqueue("CP2", *command(3), key="b").station == StationKey("", "CP2")
            newest.cancel()
            await within(newest.outcome)
            server.enqueue("CP3", *command(4))

    async def test_a_store_that_continues_in_memory_is_reported_and_commands_go_on(self):
        store = FakeStore()
        errors: list[ErrorEvent] = []
        async with central(offline_queue=store) as (server, _):
            server.on("error", errors.append)
            await within(server.enqueue("CP1", *command(1)).accepted)
            store.say(StoreDegraded(StoreError("the disk is full")))
            await _until(lambda: errors)
            assert "in memory only, until its store works again: the disk is full" in str(errors[0].error)
            await within(server.enqueue("CP1", *command(2)).accepted)
            written = len(store.batches)
            store.say(StoreBack())
            await within(server.enqueue("CP1", *command(3)).accepted)
            assert (len(store.batches), len(errors)) == (written + 1, 1)


class TestStrictMode:
    BAD = "ChangeAvailability", {"connectorId": "one"}

    async def test_refuses_a_bad_payload_at_once_if_only_one_version_is_possible(self):
        async with central(strict_mode=True) as (server, _):
            with pytest.raises(RPCError, match="type is missing"):
                server.enqueue("CP1", *self.BAD)
            server.enqueue("CP1", *command(1))
        async with central(strict_mode=True, protocols=["ocpp1.6", "ocpp2.0.1"]) as (server, _):
            with pytest.raises(RPCError, match="type is missing"):
                server.enqueue("CP1", "ocpp1.6", *self.BAD)
            assert server.queued == []

    async def test_refuses_for_a_connected_station_what_its_version_refuses(self):
        protocols = ["ocpp1.6", "ocpp2.0.1"]
        async with central(strict_mode=True, protocols=protocols) as (server, listener), client_of(listener) as station:
            await station.connect()
            handle = await server.wait_for_client("CP1")
            with pytest.raises(RPCError, match="type is missing"):
                handle.enqueue(*self.BAD)
            with pytest.raises(ValueError, match=r"expected a message for ocpp1\.6, got one for ocpp2\.0\.1"):
                server.enqueue("CP1", "ocpp2.0.1", "ClearCache")

    async def test_settles_what_turns_out_to_be_bad_when_the_station_connects(self):
        protocols = ["ocpp1.6", "ocpp2.0.1"]
        async with central(strict_mode=True, protocols=protocols) as (server, listener), client_of(listener) as station:
            server.handle("BootNotification", accept)
            ticket = server.enqueue("CP1", *self.BAD)
            await station.connect()
            await station.call("BootNotification", BOOT)
            assert await within(ticket.outcome) == MessageNotSent(NotSentReason.INVALID)

    async def test_leaves_an_absent_station_of_a_route_to_the_rules_of_its_route(self):
        async with central(strict_mode=True) as (server, _):
            server.route("/lax/{identity}", strict_mode=False)
            assert not server.enqueue(StationKey("", "CP1"), *self.BAD).is_settled


class TestQueued:
    async def test_lists_the_tickets_without_an_outcome_of_all_and_of_one_station(self, tmp_path):
        async with central(offline_queue=tmp_path / "csms.db") as (server, _):
            first, other = server.enqueue("CP1", *command(1)), server.enqueue("CP2", *command(2))
            second = server.enqueue(StationKey("", "CP1"), *command(3))
            assert (server.queued, server.queued_for("CP1")) == ([first, other, second], [first, second])
            first.cancel()
            await within(first.outcome)
            assert (server.queued, server.queued_for("CP3")) == ([other, second], [])
        async with central(offline_queue=tmp_path / "csms.db") as (server, listener), client_of(listener) as station:
            assert [each.number for each in server.queued_for("CP1")] == [second.number]
            await station.connect()
            assert (await server.wait_for_client("CP1")).queued == server.queued_for("CP1")


class TestMisuse:
    @pytest.mark.parametrize(
        ("args", "options", "error", "message"),
        [
            (("CP1", "Heartbeat"), {}, ValueError, "Heartbeat"),
            (("CP1", "ocpp2.1", "ClearCache"), {}, ValueError, "expected a message of ocpp1.6"),
            (("", "ClearCache"), {}, ValueError, "identity of a station"),
            (("CP\n1", "ClearCache"), {}, ValueError, "identity of a station"),
            ((7, "ClearCache"), {}, TypeError, "identity of a station"),
            (("CP1", "ClearCache"), {"lane": "transaction"}, TypeError, "StationEnqueueKeywords, got lane"),
            (("CP1", "ClearCache"), {"ttl": 0}, ValueError, "ttl"),
        ],
    )
    async def test_changes_nothing(self, args, options, error, message):
        async with central() as (server, _):
            with pytest.raises(error, match=message):
                server.enqueue(*args, **options)
            assert server.stats().queued_messages == 0

    async def test_an_absent_station_of_a_server_with_namespaces_needs_its_key(self):
        async with central(namespace="acme") as (server, _):
            with pytest.raises(ValueError, match="expected StationKey"):
                server.enqueue("CP1", *command(1))
            assert server.enqueue(StationKey("acme", "CP1"), *command(1)).station == StationKey("acme", "CP1")

    async def test_a_server_without_the_option_refuses_and_the_option_is_fixed(self):
        async with serving() as (server, _):
            with pytest.raises(RuntimeError, match="no offline_queue"):
                server.enqueue("CP1", *command(1))
            with pytest.raises(ValueError, match="cannot change offline_queue"):
                server.reconfigure(offline_queue=True)


class LateStore(MemoryStore):
    """A store that reports its batches when it closes."""

    def submit(self, batch):
        self._last = batch

    def close(self):
        if self._report is not None:
            super().submit(self._last)
        super().close()


async def _until(condition):
    with anyio.fail_after(SECONDS):
        while not condition():
            await anyio.lowlevel.checkpoint()


async def _refused_as_closed(ticket):
    with pytest.raises(ClosedError, match="it is kept"):
        await ticket.outcome()
