"""The whole scenario of the demo in one process, without sockets: the cable is cut by the test."""

from typing import Any

import anyio
import pytest

from ocpp_apps.csms import Csms
from ocpp_apps.demo import scenario
from ocpp_apps.demo.log import Record, RecordLog
from ocpp_apps.demo.outcome import STEPS, Outcome, is_meter_value
from ocpp_apps.demo.plan import PROTOCOLS
from ocpp_apps.demo.scenario import ScenarioError, perform
from ocpp_apps.demo.server import CommandingCsms
from ocpp_apps.demo.tap import follow_client
from ocpp_transports import create_rpc_error
from ocpp_transports.events import MessageEvent
from ocpp_transports.memory import MemoryOCPPClient

pytestmark = pytest.mark.anyio
COMMANDS = {
    "ocpp1.6": ["GetConfiguration", "ChangeConfiguration", "RemoteStartTransaction", "Reset"],
    "ocpp2.0.1": ["GetVariables", "SetVariables", "RequestStartTransaction", "Reset"],
    "ocpp2.1": ["GetVariables", "SetVariables", "RequestStartTransaction", "Reset"],
}


@pytest.fixture(autouse=True)
def _shorter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenario, "PERIOD", 0.02)


def client_of(csms: CommandingCsms | Csms, protocol: str) -> MemoryOCPPClient:
    options: dict[str, Any] = {"strict_mode": True, "warm_up": False, "backoff_min": 0.01, "backoff_max": 0.01}
    return MemoryOCPPClient("CP1", csms.server, protocols=[protocol], offline_queue=True, **options)


class Stage:
    """A station and its central system, whose records are collected; the cable is cut once, for a short time."""

    def __init__(self, protocol: str, *, strict: bool = True) -> None:
        self.protocol = protocol
        self.outcome = Outcome({"CP1": protocol})
        self.csms = CommandingCsms(RecordLog(self._served), password=None, strict=strict)
        self.client = client_of(self.csms, protocol)
        self.told: list[Record] = []
        self._log = RecordLog(self._told)
        follow_client(self.client, self._log)

    async def play(self, *, commands: bool, patience: float) -> None:
        async with self.csms.server, anyio.create_task_group() as tasks:
            if commands:
                await tasks.start(self._command)
            with anyio.fail_after(30):
                await perform(self.client, protocol=self.protocol, patience=patience)
            tasks.cancel_scope.cancel()

    async def _command(self, *, task_status: anyio.abc.TaskStatus[None]) -> None:
        async with anyio.create_task_group() as tasks:
            task_status.started()
            await self.csms.command_all(tasks)

    def _served(self, record: Record) -> None:
        self.outcome.add(record, by_server=True)

    def _told(self, record: Record) -> None:
        self.outcome.add(record, by_server=False)
        self.told.append(record)
        if is_meter_value(record) and sum(is_meter_value(one) for one in self.told) == 2:
            self._log.link("CP1", "cable cut")
            self.client.cut()


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_every_step_happens(protocol: str) -> None:
    stage = Stage(protocol)
    await stage.play(commands=True, patience=20)
    stage.outcome.exit_codes = {"CP1": 0, "server": 0}
    assert stage.outcome.missing() == []
    assert [one.name for one in stage.told if one.arrow == "<-"] == COMMANDS[protocol]


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_without_commands_a_driver_charges(protocol: str) -> None:
    stage = Stage(protocol)
    await stage.play(commands=False, patience=0)
    assert [one.name for one in stage.told if one.arrow == "<-"] == []
    commanded = {"setting read", "setting changed", "remote start", "reset", "boot again", "closed"}
    stage.outcome.exit_codes = {"CP1": 0, "server": 0}
    assert stage.outcome.missing() == [f"CP1: {name}" for name in STEPS if name in commanded]


async def test_a_central_system_that_takes_everything_is_reported() -> None:
    with pytest.raises(ExceptionGroup) as failure:
        await Stage("ocpp1.6", strict=False).play(commands=False, patience=0)
    assert failure.group_contains(
        ScenarioError, match="^expected a CALLERROR to a wrong StatusNotification, got a CALLRESULT$", depth=2
    )


async def test_a_central_system_that_refuses_what_is_right_is_reported() -> None:
    csms = Csms(strict_mode=True, warm_up=False)

    @csms.server.handle("ocpp1.6", "StatusNotification")
    def refuse(_: object) -> None:
        raise create_rpc_error("GenericError")

    async with csms.server:
        with pytest.raises(ExceptionGroup) as failure:
            await perform(client_of(csms, "ocpp1.6"), protocol="ocpp1.6", patience=0)
    expected = "^expected a CALLRESULT to StatusNotification, got GenericError$"  # once, for as many as there are
    assert failure.group_contains(ScenarioError, match=expected)


async def test_a_connection_that_is_closed_for_good_ends_the_scenario() -> None:
    csms = Csms(strict_mode=True, warm_up=False)
    client = client_of(csms, "ocpp1.6")

    @client.on("message")
    async def close(event: MessageEvent) -> None:
        if event.action == "MeterValues":
            await client.close()

    async with csms.server:
        with anyio.fail_after(30), pytest.raises(ExceptionGroup) as failure:
            await perform(client, protocol="ocpp1.6", patience=0)
    assert failure.group_contains(ScenarioError, match="closed for good")
