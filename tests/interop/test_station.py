"""The simulated station, commanded by a central system of other people: PyPI's ocpp and websockets."""

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import anyio
import pytest

from ocpp_apps.station import Station, StationSettings
from ocpp_apps.station.anyio_clock import AnyioClock
from ocpp_transports import OCPPClient
from tests.interop.peer_process import PATIENCE, PeerProcess

pytestmark = pytest.mark.anyio

_NOW: Final = "2026-03-01T12:00:00Z"
_ACCEPTED: Final = {"status": "Accepted"}
_SILENT: Final = (
    "FirmwareStatusNotification", "MeterValues", "NotifyEvent", "NotifyReport", "SecurityEventNotification",
    "StatusNotification",
)  # fmt: skip
_ANSWERS: Final[dict[str, dict[str, Any]]] = {
    "BootNotification": {"currentTime": _NOW, "interval": 300, **_ACCEPTED},
    "Heartbeat": {"currentTime": _NOW},
    **{name: {} for name in _SILENT},
}
_NOT_IN_16: Final = frozenset({"NotifyEvent", "NotifyReport", "SecurityEventNotification"})


def _answers(protocol: str) -> dict[str, Any]:
    """Tell the peer how to answer a station."""
    if protocol == "ocpp1.6":
        about: dict[str, Any] = {"idTagInfo": _ACCEPTED}
        own = {"Authorize": about, "StartTransaction": {**about, "transactionId": 17}, "StopTransaction": about}
    else:
        own = {"Authorize": {"idTokenInfo": _ACCEPTED}, "TransactionEvent": {"idTokenInfo": _ACCEPTED}}
    common = {name: answer for name, answer in _ANSWERS.items() if protocol != "ocpp1.6" or name not in _NOT_IN_16}
    return {name: {"result": answer} for name, answer in {**common, **own}.items()}


@pytest.fixture(scope="module")
def csms() -> Iterator[PeerProcess]:
    """Run the other implementation, which checks every message that it gets against its own schemas."""
    with PeerProcess([sys.executable, str(Path(__file__).parent / "peer_pypi.py")]) as process:
        yield process


class _Visit:
    """A station and the central system that commands it."""

    def __init__(self, station: Station, csms: PeerProcess, identity: str) -> None:
        self.station = station
        self._csms = csms
        self._identity = identity

    async def order(self, action: str, payload: dict[str, Any]) -> Any:
        """Have the central system call the station; returns the answer."""
        return await self._csms.do("call", identity=self._identity, action=action, payload=payload)

    async def told(self, action: str) -> dict[str, Any]:
        """Give the payload of the next message of this action that the central system got."""
        event = await self._csms.event("handled", identity=self._identity, action=action)
        payload: dict[str, Any] = event["payload"]
        return payload

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until the station has changed so."""
        changed = anyio.Event()

        def look() -> None:
            if condition():
                changed.set()

        cancel = self.station.watch(look)
        if not condition():
            await changed.wait()
        cancel()


@asynccontextmanager
async def _visit(csms: PeerProcess, protocol: str, identity: str) -> AsyncIterator[_Visit]:
    port = (await csms.do("listen", name=identity, protocols=[protocol], password=None, handlers=_answers(protocol)))[
        "port"
    ]
    settings = StationSettings(protocol=protocol, reboot_seconds=0.05)
    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            async with OCPPClient(
                identity,
                f"ws://127.0.0.1:{port}",
                protocols=[protocol],
                offline_queue=True,
                strict_mode=True,
                warm_up=False,
            ) as client:
                station = Station(client, AnyioClock(tasks), settings)
                await station.start()
                yield _Visit(station, csms, identity)
                await station.stop()
            tasks.cancel_scope.cancel()
    assert [entry for entry in station.log if entry.problem] == []
    await csms.do("stop", name=identity)


@pytest.fixture
async def visit(csms: PeerProcess, request: pytest.FixtureRequest, identity: str) -> AsyncIterator[_Visit]:
    async with _visit(csms, request.param, identity) as made:
        yield made


@pytest.mark.parametrize("visit", ["ocpp1.6"], indirect=True)
class TestA16Station:
    async def test_starts_and_stops_a_transaction(self, visit: _Visit) -> None:
        await visit.station.plug_in(1)
        assert await visit.order("RemoteStartTransaction", {"idTag": "TAG", "connectorId": 1}) == _ACCEPTED
        start = await visit.told("StartTransaction")
        assert (start["connectorId"], start["idTag"]) == (1, "TAG")
        await visit.until(lambda: visit.station.queued == 0)  # the peer tells of a CALL before it answers
        assert await visit.order("RemoteStopTransaction", {"transactionId": 17}) == _ACCEPTED
        stop = await visit.told("StopTransaction")
        assert (stop["transactionId"], stop["reason"]) == (17, "Remote")

    async def test_takes_settings(self, visit: _Visit) -> None:
        name = "MeterValueSampleInterval"
        assert await visit.order("ChangeConfiguration", {"key": name, "value": "7"}) == _ACCEPTED
        answer = await visit.order("GetConfiguration", {"key": [name, "Nonsense"]})
        assert answer == {
            "configurationKey": [{"key": name, "readonly": False, "value": "7"}],
            "unknownKey": ["Nonsense"],
        }

    async def test_sends_what_is_triggered(self, visit: _Visit) -> None:
        await visit.told("BootNotification")
        for message in ("BootNotification", "Heartbeat", "MeterValues", "FirmwareStatusNotification"):
            assert await visit.order("TriggerMessage", {"requestedMessage": message}) == _ACCEPTED
            await visit.told(message)

    async def test_resets(self, visit: _Visit) -> None:
        await visit.told("BootNotification")
        await visit.station.plug_in(1)
        await visit.station.begin(1)
        assert await visit.order("Reset", {"type": "Hard"}) == _ACCEPTED
        assert (await visit.told("StopTransaction"))["reason"] == "HardReset"
        await visit.told("BootNotification")


@pytest.mark.parametrize("visit", ["ocpp2.0.1", "ocpp2.1"], indirect=True)
class TestA2Station:
    async def test_starts_and_stops_a_transaction(self, visit: _Visit) -> None:
        await visit.station.plug_in(1)
        who = {"idToken": {"idToken": "TAG", "type": "Central"}, "remoteStartId": 5}
        assert await visit.order("RequestStartTransaction", {"evseId": 1, **who}) == _ACCEPTED
        begun = await visit.told("TransactionEvent")
        assert (begun["eventType"], begun["transactionInfo"]["remoteStartId"]) == ("Started", 5)
        running = {"transactionId": begun["transactionInfo"]["transactionId"]}
        assert await visit.order("RequestStopTransaction", running) == _ACCEPTED
        ended = await visit.told("TransactionEvent")
        assert (ended["eventType"], ended["seqNo"], ended["triggerReason"]) == ("Ended", 1, "RemoteStop")

    async def test_takes_variables(self, visit: _Visit) -> None:
        place = {"component": {"name": "SampledDataCtrlr"}, "variable": {"name": "TxUpdatedInterval"}}
        given = await visit.order("SetVariables", {"setVariableData": [{**place, "attributeValue": "7"}]})
        assert given["setVariableResult"][0]["attributeStatus"] == "Accepted"
        read = await visit.order("GetVariables", {"getVariableData": [place]})
        assert read["getVariableResult"][0]["attributeValue"] == "7"

    async def test_reports_its_device_model(self, visit: _Visit) -> None:
        asked = {"requestId": 3, "reportBase": "FullInventory"}
        assert await visit.order("GetBaseReport", asked) == _ACCEPTED
        parts = [await visit.told("NotifyReport")]
        while parts[-1]["tbc"]:
            parts.append(await visit.told("NotifyReport"))
        assert [part["seqNo"] for part in parts] == list(range(len(parts)))
        assert sum(len(part["reportData"]) for part in parts) == len(visit.station.configuration)

    async def test_sends_what_is_triggered(self, visit: _Visit) -> None:
        for message in ("Heartbeat", "MeterValues", "FirmwareStatusNotification"):
            assert await visit.order("TriggerMessage", {"requestedMessage": message}) == _ACCEPTED
            await visit.told(message)

    async def test_resets(self, visit: _Visit) -> None:
        await visit.told("BootNotification")
        await visit.station.plug_in(1)
        await visit.station.begin(1)
        await visit.told("TransactionEvent")
        assert await visit.order("Reset", {"type": "Immediate"}) == _ACCEPTED
        ended = await visit.told("TransactionEvent")
        assert ended["transactionInfo"]["stoppedReason"] == "ImmediateReset"
        assert (await visit.told("BootNotification"))["reason"] == "RemoteReset"
