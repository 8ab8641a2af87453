"""The complete demo: a central system and a station for each version, with one outage each."""

import os
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import time
from typing import Final
from urllib.parse import urlsplit

import anyio
from anyio.abc import ByteReceiveStream, Process, TaskGroup
from anyio.streams.text import TextReceiveStream

from ocpp_apps.command_line import PASSWORD

from .cable import Cable
from .log import FROM_STATION, TO_STATION, Record, RecordLog, Write, read_record
from .outcome import Outcome, is_meter_value
from .plan import PROTOCOLS

__all__ = ["conduct"]

LIMIT: Final = 30.0
"""Seconds for the complete demo. It takes about five on an idle machine."""
OUTAGE: Final = 0.6
"""Seconds between the cut of a cable and its repair."""

_CUT_AFTER: Final = 2
"""Meter values."""


class Conductor:
    """Collects the records of the processes and interrupts the connection of each station once."""

    def __init__(self, show: Write, tasks: TaskGroup, cables: dict[str, Cable]) -> None:
        self.outcome: Outcome = Outcome(dict(stations()))
        self._log = RecordLog(self._log_own)
        self._show = show
        self._tasks = tasks
        self._cables = cables
        self._values = dict.fromkeys(cables, 0)

    async def follow(self, process: Process, source: str) -> None:
        """Read the records of a process until it ends. `source` is a station's identity or the server."""
        assert process.stdout is not None  # noqa: S101 - it was opened with a pipe
        async for line in _lines(process.stdout):
            self._received(read_record(line), source)

    def ended(self, source: str, code: int) -> None:
        """Store the exit code of a process."""
        self.outcome.exit_codes[source] = code

    def _received(self, record: Record, source: str) -> None:
        is_server = source == "server"
        self.outcome.add(record, by_server=is_server)
        if record.kind == "listening":
            for cable in self._cables.values():
                cable.plug(urlsplit(record.about).port or 0)
        # Both ends record every message. Show the record of the sender, and the connection as the station saw it.
        if record.arrow == (TO_STATION if is_server else FROM_STATION) or (record.kind == "link" and not is_server):
            self._show(record)
        if not is_server and is_meter_value(record):
            self._count(record.station)

    def _log_own(self, record: Record) -> None:
        self.outcome.add(record, by_server=False)
        self._show(record)

    def _count(self, station: str) -> None:
        self._values[station] += 1
        if self._values[station] == _CUT_AFTER:
            self._tasks.start_soon(self._cut, station)

    async def _cut(self, station: str) -> None:
        self._log.link(station, "cable cut")
        self._cables[station].cut()
        await anyio.sleep(OUTAGE)
        self._log.link(station, "cable mended")
        self._cables[station].mend()


def stations() -> list[tuple[str, str]]:
    """Return the identity and the subprotocol of a station for each version."""
    return [(f"CP-{protocol.removeprefix('ocpp').replace('.', '')}", protocol) for protocol in PROTOCOLS]


async def conduct(backend: str, show: Write) -> Outcome:
    """Run the complete demo and return its outcome."""
    begun = time()
    async with anyio.create_task_group() as tasks:
        cables = {identity: Cable() for identity, _ in stations()}
        for cable in cables.values():
            await cable.lay(tasks)
        conductor = Conductor(show, tasks, cables)
        with anyio.move_on_after(LIMIT):
            await _perform(conductor, backend, cables)
        tasks.cancel_scope.cancel()
    conductor.outcome.seconds = time() - begun
    return conductor.outcome


async def _perform(conductor: Conductor, backend: str, cables: dict[str, Cable]) -> None:
    """Start all processes, wait until the stations have ended, then end the server."""
    password = secrets.token_hex(16)
    server = ["server", "--port", "0", "--commands"]
    async with _process(server, backend, password) as central, anyio.create_task_group() as tasks:
        async with anyio.create_task_group() as running:
            tasks.start_soon(_follow_server, conductor, central, running.cancel_scope)
            for identity, protocol in stations():
                arguments = ["station", "--url", cables[identity].near, "--identity", identity, "--protocol", protocol]
                running.start_soon(_run_station, conductor, identity, arguments, backend, password)
        assert central.stdin is not None  # noqa: S101 - it was opened with a pipe
        await central.stdin.aclose()
        conductor.ended("server", await central.wait())


async def _follow_server(conductor: Conductor, central: Process, running: anyio.CancelScope) -> None:
    """Follow the server. If it ends, cancel the stations."""
    await conductor.follow(central, "server")
    running.cancel()


async def _run_station(conductor: Conductor, identity: str, arguments: list[str], backend: str, password: str) -> None:
    async with _process(arguments, backend, password) as process:
        await conductor.follow(process, identity)
        conductor.ended(identity, await process.wait())


@asynccontextmanager
async def _process(arguments: list[str], backend: str, password: str) -> AsyncIterator[Process]:
    """Run this program in a child process with another role.

    The child ends with the block. If this process is killed, the child ends as well.
    """
    command = [sys.executable, "-m", __package__ or "", *arguments, "--json", "--backend", backend]
    environment = {**os.environ, PASSWORD: password}
    process = await anyio.open_process(command, stderr=None, env=environment)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        with anyio.CancelScope(shield=True):
            await process.aclose()


async def _lines(stream: ByteReceiveStream) -> AsyncIterator[str]:
    """Read a stream line by line."""
    rest = ""
    async for chunk in TextReceiveStream(stream):
        *lines, rest = (rest + chunk).split("\n")
        for line in lines:
            yield line
