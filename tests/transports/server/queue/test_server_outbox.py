"""Commands for stations that are away: they wait, are delivered once, and nobody waits for them in silence."""

import anyio
import pytest

from ocpp_core import v16
from ocpp_transports import ClosedError, StationKey
from ocpp_transports.outbox import (
    MessageAnswered,
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

    async def test_a_command_of_another_version_is_settled_as_invalid(self):
        async with central(protocols=["ocpp1.6", "ocpp2.0.1"]) as (server, listener), client_of(listener) as station:
            server.handle("BootNotification", accept)
            ticket = server.enqueue("CP1", "ocpp2.0.1", "ClearCache", {})
            await station.connect()
            await station.call("BootNotification", BOOT)
            assert await within(ticket.outcome) == MessageNotSent(NotSentReason.INVALID)


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


async def _refused_as_closed(ticket):
    with pytest.raises(ClosedError, match="it is kept"):
        await ticket.outcome()
