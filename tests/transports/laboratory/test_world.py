"""An application's own server, handlers and middleware in a world: as its tests would use it."""

import asyncio
import os
import ssl
import subprocess
import sys
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from ocpp_apps.station import StationSettings
from ocpp_core.errors import ConnectionFailedError, OCPPError, RPCError, TimeoutError, UnexpectedHttpResponse
from ocpp_transports import OCPPClient, OCPPServer
from ocpp_transports.laboratory import World
from ocpp_transports.outbox import MemoryStore, MessageNotSent, NotSentReason, OutboxConfig, SQLiteStore

pytestmark = pytest.mark.filterwarnings("error")
PATH = {"PYTHONPATH": os.pathsep.join(sys.path)}
START = {"connectorId": 1, "idTag": "A", "meterStart": 0, "timestamp": "2026-01-01T00:00:00Z"}


@pytest.fixture
def lab():
    """A world that carries bytes; nothing may be left on its network in the end."""
    with World(seed=7) as lab:
        yield lab
    assert lab.network.links == {}


@pytest.fixture(params=["bytes", "messages"])
def each_lab(request):
    """A world of each level."""
    with World(seed=7, level=request.param) as lab:
        yield lab
    assert lab.network.links == {}


def make_server(**options):
    """Return the server of an application."""
    server = OCPPServer(protocols=["ocpp1.6"], **options)
    server.handle("Heartbeat", lambda ctx: {"currentTime": "2026-01-01T00:00:00Z"})
    server.handle(
        "BootNotification",
        lambda ctx: {"currentTime": "2026-01-01T00:00:00Z", "interval": 300, "status": "Accepted"},
    )
    server.handle("StatusNotification", lambda ctx: {})
    return server


class TestAWorld:
    def test_plays_handlers_auth_and_threads_of_an_application(self, each_lab):
        server = make_server()

        @server.auth
        async def auth(accept, reject, handshake):
            await asyncio.sleep(0.2)
            if handshake.identity == "CP1":
                accept()
            else:
                reject(403)

        @server.handle("Authorize")
        async def authorize(ctx):
            await asyncio.sleep(0.5)
            status = await asyncio.to_thread(lambda: "Accepted")
            return {"idTagInfo": {"status": status}}

        async def story():
            await each_lab.server(server)
            station = await each_lab.station("CP1", "ocpp1.6")
            station.answers["RemoteStartTransaction"] = lambda payload: {"status": "Accepted"}
            begun = each_lab.time
            await station.call("Authorize", {"idTag": "A"})
            assert round(each_lab.time - begun, 3) == 0.52
            await server.get_client("CP1").call("RemoteStartTransaction", {"idTag": "A"})
            request = await station.expect("RemoteStartTransaction", where=lambda payload: payload["idTag"] == "A")
            assert request.payload == {"idTag": "A"}
            with pytest.raises(UnexpectedHttpResponse, match="403"):
                await each_lab.station("CP2", "ocpp1.6")

        each_lab.play(story())

    def test_lets_an_offline_queue_survive_a_night(self, lab):
        server, seen = make_server(), []

        @server.handle("StartTransaction")
        async def start(ctx):
            await asyncio.sleep(0.1)
            seen.append(ctx.params["meterStart"])
            return {"transactionId": len(seen), "idTagInfo": {"status": "Accepted"}}

        async def story():
            await lab.server(server)
            station = await lab.station("CP1", "ocpp1.6", offline_queue=True)
            lab.partition("CP1")
            await lab.run(minutes=5)
            await station.lost()
            assert server.clients == ()  # both sides noticed by their pings
            calls = [
                asyncio.create_task(station.call("StartTransaction", START | {"meterStart": n})) for n in range(20)
            ]
            await lab.run(hours=9)
            lab.heal()
            assert [(await call)["transactionId"] for call in calls] == [*range(1, 21)]
            assert seen == [*range(20)]

        lab.play(story())

    def test_brings_a_storm_of_stations_back(self, each_lab):
        server, database = make_server(), asyncio.Semaphore(8)

        @server.handle("DataTransfer")
        async def transfer(ctx):
            async with database:
                await asyncio.sleep(0.05)
            return {"status": "Accepted"}

        async def story():
            await each_lab.server(server)
            stations = [await each_lab.station(f"CP{number}", "ocpp1.6") for number in range(30)]
            each_lab.set(refuse=True, jitter=0.1)
            each_lab.cut()
            await each_lab.run(minutes=2)
            assert server.clients == ()
            each_lab.set(refuse=False)
            async with asyncio.TaskGroup() as tasks:
                for station in stations:
                    tasks.create_task(back(station))
            assert len(server.clients) == 30

        async def back(station):
            await station.opened(within=120)
            await station.call("DataTransfer", {"vendorId": "x"})

        each_lab.play(story())

    def test_plays_middleware_that_calls_the_station_back(self, each_lab):
        server = make_server()
        server.handle("StartTransaction", lambda ctx: {"transactionId": 1, "idTagInfo": {"status": "Accepted"}})

        @server.use
        async def check(ctx, proceed):
            if ctx.action == "StartTransaction":
                found = await ctx.client.call("GetConfiguration", {"key": ["Site"]})
                if found["configurationKey"][0]["value"] != "north":
                    raise RPCError("SecurityError", "wrong site")
            return await proceed()

        async def story():
            await each_lab.server(server)
            station = await each_lab.station("CP1", "ocpp1.6")
            key = {"key": "Site", "readonly": True, "value": "south"}
            station.answers["GetConfiguration"] = {"configurationKey": [key]}
            with pytest.raises(RPCError, match="wrong site"):
                await station.call("StartTransaction", START)
            station.answers["GetConfiguration"] = {"configurationKey": [key | {"value": "north"}]}
            assert (await station.call("StartTransaction", START))["transactionId"] == 1

        each_lab.play(story())

    def test_shows_a_timeout_at_its_time(self, each_lab):
        async def story():
            server = await each_lab.server(make_server())
            station = await each_lab.station("CP1", "ocpp1.6")
            station.answers["Reset"] = lambda _: asyncio.sleep(3600, {"status": "Accepted"})
            begun = each_lab.time
            with pytest.raises(TimeoutError):
                await server.get_client("CP1").call("Reset", {"type": "Soft"}, timeout=30)
            assert each_lab.time - begun == 30

        each_lab.play(story())

    def test_plays_the_simulated_station_with_its_firmware(self, each_lab):
        server, seen = make_server(), []

        @server.handle("FirmwareStatusNotification")
        def status(ctx):
            seen.append((ctx.params["status"], round(each_lab.time)))

        async def story():
            await each_lab.server(server)
            station = await each_lab.simulated("CP1", StationSettings(transfer_seconds=3600))
            when = (each_lab.now() + timedelta(minutes=5)).isoformat()
            await server.get_client("CP1").call(
                "UpdateFirmware", {"location": "http://x/2.0.0.bin", "retrieveDate": when}
            )
            await each_lab.run(hours=3)
            assert seen == [("Downloading", 300), ("Downloaded", 3900), ("Installing", 3900), ("Installed", 7502)]
            assert station.firmware_version == "2.0.0"

        each_lab.play(story())

    @pytest.mark.parametrize("harm", ["freeze", "half_open"])
    def test_lets_a_server_notice_a_station_that_is_gone_in_silence(self, lab, harm):
        async def story():
            server = await lab.server(make_server(ping_interval=30, pong_timeout=10))
            station = await lab.station("CP1", "ocpp1.6", reconnect=False)
            getattr(lab, harm)("CP1")
            await lab.run(seconds=20)
            assert len(server.clients) == 1
            await lab.run(seconds=30)
            assert server.clients == ()
            await station.lost(within=300)

        lab.play(story())

    def test_waits_for_the_commits_of_a_durable_outbox(self, each_lab, tmp_path):
        server = make_server()
        server.handle("StartTransaction", lambda ctx: {"transactionId": 1, "idTagInfo": {"status": "Accepted"}})

        async def story():
            await each_lab.server(server)
            store, config = SQLiteStore(tmp_path / "queue.db"), OutboxConfig(gate="open")
            client = each_lab.client("CP1", "ocpp1.6", offline_queue=store, offline_queue_config=config)
            await client.connect()
            begun = each_lab.time
            await client.enqueue("StartTransaction", START).outcome()
            assert round(each_lab.time - begun, 3) == 0.02  # a round trip, and the disk takes no time

        each_lab.play(story())

    def test_lets_queued_messages_expire_while_a_station_is_off(self, lab):
        async def story():
            station = await lab.station("CP1", "ocpp1.6", connect=False, offline_queue=MemoryStore(keep=True))
            with suppress(OCPPError):  # nobody listens, so the message waits
                await station.client.connect()
            ticket = station.client.enqueue("DataTransfer", {"vendorId": "V"}, ttl=3600)
            await ticket.accepted()
            await station.client.close()
            await lab.run(hours=2)
            with suppress(OCPPError):
                await station.client.connect()
            assert await ticket.outcome() == MessageNotSent(NotSentReason.EXPIRED)
            assert lab.time < 7201

        lab.play(story())

    def test_that_is_closed_plays_no_more(self):
        with World() as lab:
            pass
        with pytest.raises(RuntimeError, match="cannot play: the world is closed"):
            lab.play(asyncio.sleep(0))

    def test_refuses_a_level_that_does_not_exist(self):
        other: Any = "frames"
        with pytest.raises(ValueError, match='expected level "bytes" or "messages"'):
            World(level=other)

    def test_closes_all_that_it_has_even_if_the_story_fails(self):
        async def story(lab):
            await lab.server(make_server())
            station = await lab.station("CP1", "ocpp1.6")
            lab.partition("CP1")
            station.answers["Reset"] = lambda _: asyncio.sleep(3600, {})
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError), World() as lab:
            lab.play(story(lab))
        assert lab.network.links == {}
        with pytest.raises(RuntimeError, match="cannot play: the world is closed"):
            lab.play(asyncio.sleep(0))

    def test_plays_no_tls_but_its_facts(self, lab):
        server = make_server()

        async def story():
            await server.listen(9443, ssl=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
            client = OCPPClient("CP1", "wss://csms:9443", protocols=["ocpp1.6"], reconnect=False)
            assert await client.connect() == "ocpp1.6"
            await client.close()
            with pytest.raises(ConnectionFailedError, match="one side speaks TLS, the other does not"):
                await lab.station("CP2", "ocpp1.6", port=9443)
            await server.close()

        lab.play(story())

    def test_has_several_servers_by_their_ports_and_one_wall_clock(self, each_lab):
        async def story():
            first, second = await each_lab.server(make_server()), await each_lab.server(make_server(), port=9001)
            await each_lab.station("CP1", "ocpp1.6")
            await each_lab.station("CP2", "ocpp1.6", port=9001)
            assert [[each.identity for each in server.clients] for server in (first, second)] == [["CP1"], ["CP2"]]
            with pytest.raises(OSError, match="cannot listen on port 9001"):
                await each_lab.server(make_server(), port=9001)
            before = each_lab.now()
            each_lab.step(3600)
            await each_lab.run(seconds=1)
            assert each_lab.now() - before == timedelta(seconds=3601)

        each_lab.play(story())


class TestAScriptedStation:
    def test_returns_a_request_once_its_answer_has_left_and_only_once(self, each_lab):
        async def story():
            server = await each_lab.server(make_server())
            station = await each_lab.station("CP1", "ocpp1.6")
            station.answers["Reset"] = lambda _: asyncio.sleep(5, {"status": "Accepted"})
            call = asyncio.create_task(server.get_client("CP1").call("Reset", {"type": "Hard"}))
            request = await station.expect("Reset")
            assert round(each_lab.time - request.time, 3) == 5.0
            await each_lab.run(seconds=0.011)
            each_lab.cut("CP1")  # the answer has arrived
            assert await call == {"status": "Accepted"}
            with pytest.raises(AssertionError, match="expected Reset within 2 s, got no request"):
                await station.expect("Reset", within=2)

        each_lab.play(story())

    def test_names_what_came_instead(self, lab):
        async def story():
            server = await lab.server(make_server())
            station = await lab.station("CP1", "ocpp1.6")
            station.answers["ClearCache"] = RPCError("SecurityError", "no")
            with pytest.raises(RPCError, match="no"):
                await server.get_client("CP1").call("ClearCache", {})
            with pytest.raises(RPCError, match="has no answer for Reset"):
                await server.get_client("CP1").call("Reset", {"type": "Soft"})
            with pytest.raises(AssertionError, match="got ClearCache, Reset"):
                await station.expect("UnlockConnector", within=1)
            with pytest.raises(AssertionError, match=r"expected CONNECTING or CLOSED within 1 s, got OPEN"):
                await station.lost(within=1)

        lab.play(story())


STORM = """
import asyncio, hashlib, logging
from ocpp_transports import OCPPServer
from ocpp_transports.laboratory import World
from ocpp_transports.outbox import MemoryStore, OutboxConfig, SQLiteStore
from ocpp_transports.laboratory._network import _flow

trace, fly = hashlib.sha256(), _flow.Flow.fly
def noted(flow, item, delay=0.0):
    trace.update(f"{flow._loop.time()!r} {item!r} {delay!r}".encode())
    fly(flow, item, delay)
_flow.Flow.fly = noted
logging.disable()

async def story(lab):
    server = OCPPServer(protocols=["ocpp1.6"])
    @server.handle("Heartbeat")
    async def heartbeat(ctx):
        await asyncio.sleep(lab.random.random())
        return {"currentTime": "2026-01-01T00:00:00Z"}
    await lab.server(server)
    lab.set(jitter=0.2, loss=0.05, chop=0.3, cut=0.01)
    stations = [lab.client(f"CP{n}", "ocpp1.6", offline_queue=True, call_timeout=5) for n in range(12)]
    async def beat(client):
        try:
            await client.connect()
        except Exception:
            pass
        while lab.time < 60:
            await client.safe_call("Heartbeat", {}, retries=2)
            await asyncio.sleep(1)
    tasks = [asyncio.create_task(beat(client)) for client in stations]
    for harm in (lab.freeze, lab.partition, lab.half_open):
        await lab.run(seconds=10)
        harm(*(f"CP{n}" for n in range(4)))
    await lab.run(seconds=10)
    lab.heal()
    await asyncio.gather(*tasks)
    await server.close()  # while the stations are connected

with World(seed=5) as lab:
    lab.play(story(lab))
print(trace.hexdigest(), lab.network.counts)
"""


def test_one_seed_gives_one_trace_whatever_the_hash_seed_closing_included():
    runs = [
        subprocess.Popen([sys.executable, "-c", STORM], stdout=subprocess.PIPE, env={"PYTHONHASHSEED": seed, **PATH})
        for seed in ("1", "2", "3")
    ]
    traces = {run.communicate(timeout=60)[0] for run in runs}
    assert len(traces) == 1
    assert b"chunks" in traces.pop()
