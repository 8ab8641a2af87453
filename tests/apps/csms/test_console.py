"""The central system by its commands: lines of text, at stations of every version."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from ocpp_apps.csms import HELP, Console, Csms, transactions
from ocpp_apps.station import Station, StationSettings
from ocpp_apps.station.asyncio_clock import AsyncioClock
from ocpp_transports.memory import MemoryOCPPClient
from tests.apps.station.test_end_to_end import until
from tests.interop.raw import hello, knock

pytestmark = pytest.mark.anyio
START = {"connectorId": 1, "idTag": "T", "meterStart": 0, "timestamp": "2026-01-01T00:00:00Z"}
VERSIONS = ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # the clock that the page has, too


@pytest.fixture
async def csms() -> AsyncIterator[Csms]:
    csms = Csms()
    async with csms.server:
        yield csms


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def console(csms: Csms, told: list[str]) -> Console:
    return Console(csms, told.append)


@pytest.fixture(params=VERSIONS)
async def station(request: pytest.FixtureRequest, csms: Csms) -> AsyncIterator[Station]:
    async with MemoryOCPPClient("CP1", csms.server, protocols=[request.param], offline_queue=True) as client:
        station = Station(client, AsyncioClock(), StationSettings(protocol=request.param))
        await station.start()
        yield station
        await station.stop()


class TestACommand:
    async def test_lists_stations_with_their_transactions(self, console: Console, station: Station) -> None:
        assert await console.command("list") == f"CP1 ({station.protocol}) {{}}"
        await station.plug_in(1)
        transaction = await station.begin(1)
        assert transaction is not None
        await station.set_power(1, 100)
        assert await console.command("list") == f"CP1 ({station.protocol}) {{{transaction.id!r}: 1}}"

    async def test_starts_and_stops_a_session(self, console: Console, station: Station) -> None:
        await station.plug_in(1)
        assert json.loads(await console.command("start CP1"))["status"] == "Accepted"
        (connector,) = station.connectors
        await until(station, lambda: connector.transaction is not None and not station.queued)
        assert json.loads(await console.command("stop CP1"))["status"] == "Accepted"

    async def test_reads_and_changes_a_setting(self, console: Console, station: Station) -> None:
        name = "HeartbeatInterval" if station.protocol == "ocpp1.6" else "OCPPCommCtrlr.HeartbeatInterval"
        assert "Accepted" in await console.command(f"set CP1 {name} 123")
        assert "123" in await console.command(f"read CP1 {name}")

    async def test_calls_anything(self, console: Console, station: Station) -> None:
        answer = await console.command('call CP1 DataTransfer {"vendorId": "nobody special"}')
        assert json.loads(answer)["status"].startswith("Unknown")

    async def test_takes_a_payload_as_it_is(self, console: Console, station: Station) -> None:
        heard: list[list[Any]] = []
        station.client.on("message", lambda event: heard.append(event.frame))
        await console.command("""call CP1 DataTransfer {"vendorId":"O 'Brien","data":"two  spaces"}""")
        assert {"vendorId": "O 'Brien", "data": "two  spaces"} in [frame[-1] for frame in heard]

    async def test_restarts_a_station(self, console: Console, station: Station) -> None:
        assert json.loads(await console.command("reset CP1"))["status"] == "Accepted"


class TestACommandThatCannotBeDone:
    @pytest.mark.parametrize("line", ["", "brew", "help"])
    async def test_what_it_does_not_know_it_answers_by_the_list(self, console: Console, line: str) -> None:
        assert await console.command(line) == HELP

    @pytest.mark.parametrize(
        "line", ["start CP9", "stop CP9", "call CP9 Reset {", "start", "start CP1 one", "list all of them", 'read "']
    )
    async def test_it_says_why(self, console: Console, line: str) -> None:
        assert (await console.command(line)).startswith("failed: ")

    async def test_no_station_is_told(self, console: Console) -> None:
        assert await console.command("list") == "no station is connected"


class TestAStationThatReportsEverNewTransactions:
    async def test_fills_no_memory(self, csms: Csms, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(transactions, "MOST", 3)
        for identity in ("CP1", "CP2", "CP3", "CP4"):
            async with MemoryOCPPClient(identity, csms.server, protocols=["ocpp1.6"]) as client:
                await client.connect()
                for _ in range(5):
                    await client.call("StartTransaction", START)
            assert len(csms.transactions(identity)) == (3 if identity != "CP4" else 0)

    async def test_one_that_has_ended_them_makes_room(self, csms: Csms, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(transactions, "MOST", 1)
        for identity in ("CP1", "CP2"):
            async with MemoryOCPPClient(identity, csms.server, protocols=["ocpp1.6"]) as client:
                await client.connect()
                number = (await client.call("StartTransaction", START))["transactionId"]
                assert csms.transactions(identity) == {number: 1}
                stop = {"transactionId": number, "meterStop": 0, "timestamp": "2026-01-01T00:00:00Z"}
                assert await client.call("StopTransaction", stop) == {}
                assert csms.transactions(identity) == {}

    async def test_what_the_schema_forbids_is_not_kept(self, csms: Csms) -> None:
        event = {"eventType": "Started", "transactionInfo": {"transactionId": "x" * 37}}
        async with MemoryOCPPClient("CP1", csms.server, protocols=["ocpp2.0.1"]) as client:
            await client.connect()
            await client.call("TransactionEvent", event)
            assert csms.transactions("CP1") == {}
            event = {**event, "transactionInfo": {"transactionId": "x"}, "evse": {"id": "1" * 1000}}
            await client.call("TransactionEvent", event)
            assert csms.transactions("CP1") == {"x": 0}


class TestAPageOfAnotherOrigin:
    async def test_is_refused(self, csms: Csms) -> None:
        port = (await csms.server.listen(0, "127.0.0.1")).port
        answer = await knock(port, hello("/CP1", ("Origin", "https://evil.example")))
        assert answer.status == 403


class TestWhatStationsSay:
    async def test_cannot_command_the_terminal(self, csms: Csms, console: Console, told: list[str]) -> None:
        async with MemoryOCPPClient("CP1", csms.server, protocols=["ocpp1.6"]) as client:
            client.handle("ocpp1.6", "DataTransfer", lambda _: {"status": "Accepted", "data": "\x9b2J\u202e é"})
            await client.connect()
            answer = await console.command('call CP1 DataTransfer {"vendorId": "Example"}')
            assert answer == '{"status": "Accepted", "data": "\\x9b2J\\u202e é"}'
            answer = await console.command("call CP\x9b2J Reset")
            assert answer == "failed: cannot call 'CP\\x9b2J': the station is not connected"
            assert told == ["CP1 is connected and speaks ocpp1.6"]
