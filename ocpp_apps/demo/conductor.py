"""The whole demo: starts a central system and a station for each version as processes, and cuts their cables once."""

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
from .log import FROM_STATION, TO_STATION, Log, Record, Write, read_record
from .outcome import Outcome, is_meter_value
from .plan import PROTOCOLS

__all__ = ["conduct"]

LIMIT: Final = 30.0
"""Seconds for everything; it takes five where nothing else runs."""
OUTAGE: Final = 0.6
"""Seconds between the cut of a cable and its repair."""

_CUT_AFTER: Final = 2
"""Meter values."""


class Conductor:
    """Follows what the processes tell, and does what the story needs from outside."""

    def __init__(self, show: Write, tasks: TaskGroup, cables: dict[str, Cable]) -> None:
        self.outcome = Outcome(dict(stations()))
        self._log = Log(self._heard_here)
        self._show = show
        self._tasks = tasks
        self._cables = cables
        self._values = dict.fromkeys(cables, 0)

    async def follow(self, process: Process, teller: str) -> None:
        """Read the records of a process until it ends; `teller` is a station, or the server."""
        assert process.stdout is not None  # noqa: S101 - it was opened with a pipe
        async for line in _lines(process.stdout):
            self._heard(read_record(line), teller)

    def ended(self, teller: str, code: int) -> None:
        """Note the exit code of a process."""
        self.outcome.exit_codes[teller] = code

    def _heard(self, record: Record, teller: str) -> None:
        is_server = teller == "server"
        self.outcome.add(record, by_server=is_server)
        if record.kind == "listening":
            for cable in self._cables.values():
                cable.plug(urlsplit(record.about).port or 0)
        # Both ends tell of every message: it is shown as its sender saw it, and the connection as the station did.
        if record.arrow == (TO_STATION if is_server else FROM_STATION) or (record.kind == "link" and not is_server):
            self._show(record)
        if not is_server and is_meter_value(record):
            self._count(record.station)

    def _heard_here(self, record: Record) -> None:
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
    """Name a station for each version."""
    return [(f"CP-{protocol.removeprefix('ocpp').replace('.', '')}", protocol) for protocol in PROTOCOLS]


async def conduct(backend: str, show: Write) -> Outcome:
    """Run the whole demo and return what came of it."""
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
    """Start everybody, wait for the stations to end, then end the server."""
    password = secrets.token_hex(16)
    server = ["server", "--port", "0", "--commands"]
    async with _process(server, backend, password) as central, anyio.create_task_group() as tasks:
        async with anyio.create_task_group() as stories:
            tasks.start_soon(_follow_server, conductor, central, stories.cancel_scope)
            for identity, protocol in stations():
                story = ["station", "--url", cables[identity].near, "--identity", identity, "--protocol", protocol]
                stories.start_soon(_tell_story, conductor, identity, story, backend, password)
        assert central.stdin is not None  # noqa: S101 - it was opened with a pipe
        await central.stdin.aclose()
        conductor.ended("server", await central.wait())


async def _follow_server(conductor: Conductor, central: Process, stories: anyio.CancelScope) -> None:
    """Follow the server; without it there is nothing to wait for."""
    await conductor.follow(central, "server")
    stories.cancel()


async def _tell_story(conductor: Conductor, identity: str, arguments: list[str], backend: str, password: str) -> None:
    async with _process(arguments, backend, password) as process:
        await conductor.follow(process, identity)
        conductor.ended(identity, await process.wait())


@asynccontextmanager
async def _process(arguments: list[str], backend: str, password: str) -> AsyncIterator[Process]:
    """Run this program again in another role; it does not outlive the block, and ends by itself if we are killed."""
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
