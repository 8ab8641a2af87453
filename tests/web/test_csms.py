"""The central system beside the page: what it answers, and what it does by commands."""

import json
from collections.abc import AsyncIterator

import anyio
import pytest

from ocpp_apps.station import Station, StationSettings
from ocpp_apps.station.asyncio_clock import AsyncioClock
from ocpp_transports import OCPPClient
from tests.interop.raw import hello, knock
from tools.web import csms as csms_module
from tools.web.csms import HELP, DemoCsms

pytestmark = pytest.mark.anyio
START = {"connectorId": 1, "idTag": "T", "meterStart": 0, "timestamp": "2026-01-01T00:00:00Z"}
VERSIONS = ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # the pace that the page has, too


@pytest.fixture
async def csms() -> AsyncIterator[DemoCsms]:
    csms = DemoCsms(tell=lambda _: None)
    async with csms.server:
        yield csms


@pytest.fixture(params=VERSIONS)
async def station(request: pytest.FixtureRequest, csms: DemoCsms) -> AsyncIterator[Station]:
    port = (await csms.server.listen(0, "127.0.0.1")).port
    client = OCPPClient("CP1", f"ws://127.0.0.1:{port}", protocols=[request.param])
    station = Station(client, AsyncioClock(), StationSettings(protocol=request.param))
    await station.start()
    yield station
    await station.stop()


class TestACommand:
    async def test_lists_stations_with_their_transactions(self, csms: DemoCsms, station: Station) -> None:
        assert await csms.command("list") == f"CP1 ({station.protocol}) {{}}"
        await station.plug_in(1)
        transaction = await station.begin(1)
        assert transaction is not None
        await station.set_power(1, 100)
        assert await csms.command("list") == f"CP1 ({station.protocol}) {{{transaction.id!r}: 1}}"

    async def test_starts_and_stops_a_session(self, csms: DemoCsms, station: Station) -> None:
        await station.plug_in(1)
        assert json.loads(await csms.command("start CP1"))["status"] == "Accepted"
        (connector,) = station.connectors
        while "{}" in await csms.command("list") or connector.transaction is None or connector.transaction.id is None:  # noqa: ASYNC110 - the central system has no event for it
            await anyio.sleep(0.001)  # until both sides know of it
        assert json.loads(await csms.command("stop CP1"))["status"] == "Accepted"

    async def test_reads_and_changes_a_setting(self, csms: DemoCsms, station: Station) -> None:
        name = "HeartbeatInterval" if station.protocol == "ocpp1.6" else "OCPPCommCtrlr.HeartbeatInterval"
        assert "Accepted" in await csms.command(f"set CP1 {name} 123")
        assert "123" in await csms.command(f"read CP1 {name}")

    async def test_calls_anything(self, csms: DemoCsms, station: Station) -> None:
        answer = await csms.command('call CP1 DataTransfer {"vendorId": "nobody special"}')
        assert json.loads(answer)["status"].startswith("Unknown")

    async def test_takes_a_payload_as_it_is(self, csms: DemoCsms, station: Station) -> None:
        heard: list[object] = []
        station.client.on("message", lambda event: heard.append(event.frame))
        await csms.command("""call CP1 DataTransfer {"vendorId":"O 'Brien","data":"two  spaces"}""")
        assert {"vendorId": "O 'Brien", "data": "two  spaces"} in [frame[-1] for frame in heard]  # type: ignore[index]

    async def test_restarts_a_station(self, csms: DemoCsms, station: Station) -> None:
        assert json.loads(await csms.command("reset CP1"))["status"] == "Accepted"


class TestACommandThatCannotBeDone:
    @pytest.mark.parametrize("line", ["", "brew", "help"])
    async def test_what_it_does_not_know_it_answers_by_the_list(self, csms: DemoCsms, line: str) -> None:
        assert await csms.command(line) == HELP

    @pytest.mark.parametrize(
        "line", ["start CP9", "stop CP9", "call CP9 Reset {", "start", "list all of them", 'read "']
    )
    async def test_it_says_why(self, csms: DemoCsms, line: str) -> None:
        assert (await csms.command(line)).startswith("not done: ")

    async def test_no_station_is_told(self, csms: DemoCsms) -> None:
        assert await csms.command("list") == "no station is connected"


class TestAStationThatReportsEverNewTransactions:
    async def test_fills_no_memory(self, csms: DemoCsms, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(csms_module, "_MOST", 3)
        port = (await csms.server.listen(0, "127.0.0.1")).port
        for identity in ("CP1", "CP2", "CP3", "CP4"):
            async with OCPPClient(identity, f"ws://127.0.0.1:{port}", protocols=["ocpp1.6"]) as client:
                await client.connect()
                for _ in range(5):
                    await client.call("StartTransaction", START)
                running = (await csms.command("list")).partition("{")[2]
                assert running.count(":") == (3 if identity != "CP4" else 0)


class TestAPageOfAnotherOrigin:
    async def test_is_refused(self, csms: DemoCsms) -> None:
        port = (await csms.server.listen(0, "127.0.0.1")).port
        answer = await knock(port, hello("/CP1", ("Origin", "https://evil.example")))
        assert answer.status == 403


class TestWhatStationsSay:
    async def test_cannot_command_the_terminal(self) -> None:
        told: list[str] = []
        csms = DemoCsms(tell=told.append)
        async with csms.server:
            port = (await csms.server.listen(0, "127.0.0.1")).port
            client = OCPPClient("CP1", f"ws://127.0.0.1:{port}", protocols=["ocpp1.6"])
            client.handle("ocpp1.6", "DataTransfer", lambda _: {"status": "Accepted", "data": "\x9b2J\u202e é"})
            async with client:
                await client.connect()
                answer = await csms.command('call CP1 DataTransfer {"vendorId": "Example"}')
                assert answer == '{"status": "Accepted", "data": "\\x9b2J\\u202e é"}'
                assert await csms.command("call CP\x9b2J Reset") == "not done: 'CP\\x9b2J' is not connected"
        assert told[0] == "CP1 is connected and speaks ocpp1.6"
