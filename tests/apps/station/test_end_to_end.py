"""Over real sockets, with the library's own server and client in strict mode."""

from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from ocpp_apps.csms import Csms
from ocpp_apps.station import Station, StationSettings
from ocpp_apps.station.anyio_clock import AnyioClock
from ocpp_transports import OCPPClient
from ocpp_transports.events import BadMessageEvent
from ocpp_transports.outbox import MemoryStore
from tests.apps.station.laboratory import VERSIONS

SECONDS = 10
pytestmark = pytest.mark.anyio


@asynccontextmanager
async def playing(protocol, *, make_clock=AnyioClock, **settings):
    """Run a station and its CSMS; yields the station, and the server's handle on it."""
    made = StationSettings(**{"connectors": 1, "protocol": protocol, "reboot_seconds": 0.05, **settings})
    strict: dict[str, Any] = {"strict_mode": True, "warm_up": False}
    async with anyio.create_task_group() as tasks, Csms(**strict).server as server:
        clock = make_clock(tasks)
        listener = await server.listen(0, "127.0.0.1")
        url = f"ws://127.0.0.1:{listener.port}"
        async with OCPPClient(
            "CP1", url, protocols=[protocol], backoff_min=0.01, offline_queue=MemoryStore(keep=True), **strict
        ) as client:
            station = Station(client, clock, made)
            await station.start()
            yield station, server
            await station.stop()
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize("protocol", VERSIONS)
async def test_a_start_that_is_given_up_may_be_tried_again(protocol):
    answer = {"status": "Pending", "currentTime": "2026-01-01T00:00:00Z", "interval": 3600}
    async with anyio.create_task_group() as tasks, Csms(warm_up=False).server as server:
        clock = AnyioClock(tasks)
        server.handle(protocol, "BootNotification", lambda _: answer)
        listener = await server.listen(0, "127.0.0.1")
        async with OCPPClient(
            "CP1", f"ws://127.0.0.1:{listener.port}", protocols=[protocol], offline_queue=MemoryStore(), warm_up=False
        ) as client:
            station = Station(client, clock, StationSettings(protocol=protocol))
            with anyio.move_on_after(0.2) as scope:
                await station.start()
            assert scope.cancelled_caught
            answer["status"] = "Accepted"
            with anyio.fail_after(SECONDS):
                assert await station.start() == protocol
            await station.stop()


async def until(station, condition):
    """Wait until the station has changed so."""
    changed = anyio.Event()
    cancel = station.watch(lambda: condition() and changed.set())
    with anyio.fail_after(SECONDS):
        if not condition():
            await changed.wait()
    cancel()


async def csms_of(server):
    with anyio.fail_after(SECONDS):
        return await server.wait_for_client("CP1")


def problems(station):
    return [(entry.kind, entry.action, entry.problem) for entry in station.log if entry.problem]


@pytest.mark.parametrize("protocol", VERSIONS)
class TestAStation:
    async def test_charges(self, protocol):
        async with playing(protocol) as (station, _):
            await station.plug_in(1)
            transaction = await station.begin(1)
            assert transaction.id is not None
            await station.end(1)
            await station.unplug(1)
            assert station.connectors[0].status == "Available"
            assert problems(station) == []

    async def test_is_commanded_and_reset(self, protocol):
        async with playing(protocol) as (station, server):
            csms = await csms_of(server)
            assert await csms.call("ClearCache", {}) == {"status": "Accepted"}
            await station.plug_in(1)
            await station.begin(1)
            kind = "Soft" if protocol == "ocpp1.6" else "Immediate"
            assert await csms.call("Reset", {"type": kind}) == {"status": "Accepted"}
            await until(station, lambda: station.boot_status == "")
            await until(station, lambda: station.boot_status == "Accepted" and station.connectors[0].reported)
            assert station.connectors[0].transaction is None
            assert problems(station) == []

    async def test_survives_a_lost_connection(self, protocol):
        async with playing(protocol) as (station, server):
            csms = await csms_of(server)
            await station.plug_in(1)
            await station.begin(1)
            await csms.close(force=True)
            await until(station, lambda: station.client.state.name != "OPEN")
            await station.end(1)
            await until(station, lambda: station.reconnects == 1 and station.queued == 0)
            assert station.connectors[0].transaction is None

    async def test_answers_in_broken_json_on_purpose(self, protocol):
        async with playing(protocol) as (station, server):
            csms = await csms_of(server)
            bad: list[BadMessageEvent] = []
            csms.on("bad_message", bad.append)
            station.faults.arm("malformed", action="ClearCache")
            assert await csms.safe_call("ClearCache", {}, timeout=0.2) is None
            assert len(bad) == 1
            assert await csms.call("ClearCache", {}) == {"status": "Accepted"}

    async def test_answers_with_a_wrong_type_on_purpose(self, protocol):
        async with playing(protocol) as (station, server):
            csms = await csms_of(server)
            station.faults.arm("wrong_type", action="ClearCache")
            with pytest.raises(Exception, match="TypeConstraintViolation"):
                await csms.call("ClearCache", {}, timeout=SECONDS)
            assert await csms.call("ClearCache", {}) == {"status": "Accepted"}

    async def test_calls_with_a_wrong_type_on_purpose(self, protocol):
        async with playing(protocol) as (station, _):
            station.faults.arm("wrong_type", action="Authorize")
            await station.plug_in(1)
            with pytest.raises(Exception, match="TypeConstraintViolation"):
                await station.begin(1)
            assert [entry.kind for entry in station.log if entry.action == "Authorize"] == ["CALL", "CALLERROR"]
