"""A bounded sample of `make siege`: what hostile stations send is worked off in small turns, and nothing piles up.

How quick the others are served is for the siege itself to measure; here counts what does not depend on the machine.
"""

import logging
from contextlib import suppress
from functools import partial
from pathlib import Path
from select import select

import anyio
import pytest

from ocpp_core.actions import TURN
from ocpp_core.link import _incoming
from ocpp_core.link._incoming import IncomingFrames
from ocpp_core.link._reader import MessageReader
from ocpp_transports import ConnectionState
from ocpp_transports._driver._driver import Driver
from tests.transports.pairs import SECONDS, client_of, first, serving
from tools.attacks import ATTACKS, knock, reset
from tools.loads import LOADS
from tools.siege import admit

pytestmark = pytest.mark.anyio

HEALTHY, CALLS = 3, 10
AMOUNT = 4 * 65536
"""Bytes that an attack consists of here, or one of its messages where that is longer."""
MOST_UNREAD = 262_144
"""Bytes of a connection that may wait to be decoded; a message that has begun comes on top of it."""


class Watch:
    """Counts what is decoded between two turns of the event loop, and what waits to be."""

    def __init__(self, patch):
        self.frames = self.most_frames = self.most_unread = 0
        for name in ("whole_text", "whole_control"):
            patch.setattr(_incoming, name, self._counted(getattr(_incoming, name)))
        patch.setattr(MessageReader, "next", self._counted(MessageReader.next))
        patch.setattr(Driver, "_drain", self._turn(Driver._drain))
        patch.setattr(IncomingFrames, "_feed", self._fed(IncomingFrames._feed))

    def _counted(self, read):
        def counted(*args, **kwargs):
            found = read(*args, **kwargs)
            self.frames += found is not None
            return found

        return counted

    def _turn(self, drain):
        def turn(driver, began):
            self.frames = 0
            drain(driver, began)
            self.most_frames = max(self.most_frames, self.frames)

        return turn

    def _fed(self, feed):
        def fed(link, data):
            feed(link, data)
            self.most_unread = max(self.most_unread, len(link.unread))

        return fed


def attack(name, port):
    """Send a bounded amount, and leave by a reset; a server that reads no more, or throws us out, ends it before."""
    kind = ATTACKS[name]
    connection = knock(port, "BAD", compressed=kind.compressed)
    connection.settimeout(1 if kind.reads else 0.2)
    try:
        data = b"".join(map(kind.chunk, range(AMOUNT // len(kind.chunk(0)) or 1)))
        with suppress(OSError):
            for at in range(0, len(data), 65536):
                connection.sendall(data[at : at + 65536])
                if kind.reads and select([connection], [], [], 0)[0]:
                    connection.recv(1 << 20)
    finally:
        reset(connection)


def descriptors():
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0


async def besiege(attack, **options):
    """Serve healthy stations while others attack, until all of them and their descriptors are gone."""
    async with serving(protocols=["ocpp1.6"], compression=True, **options) as (server, listener):
        server.handle("Heartbeat", lambda ctx: {"currentTime": "2026-01-01T00:00:00Z"})
        server.handle("DataTransfer", lambda ctx: {"status": "Accepted"})
        answered = []

        async def station(number):
            async with client_of(listener, f"GOOD{number}", protocols=["ocpp1.6"], logging=False) as client:
                await client.connect()
                answered.extend([await client.call("Heartbeat", {}) for _ in range(CALLS)])

        await station(HEALTHY)  # before it, an event loop may not have all that it will need
        before = descriptors()
        with anyio.fail_after(3 * SECONDS):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(anyio.to_thread.run_sync, partial(attack, listener.port))
                for number in range(HEALTHY):
                    tasks.start_soon(station, number)
            while server.clients or descriptors() > before:  # noqa: ASYNC110 - the kernel sends no event
                await anyio.sleep(0.01)
        assert len(answered) == (HEALTHY + 1) * CALLS


@pytest.mark.slow
@pytest.mark.parametrize("name", ATTACKS)
async def test_everybody_else_is_served_and_nothing_piles_up(name, monkeypatch):
    watch = Watch(monkeypatch)
    await besiege(partial(attack, name), logging=False)
    assert watch.most_frames <= TURN
    assert watch.most_unread <= MOST_UNREAD


@pytest.mark.slow
@pytest.mark.parametrize("name", LOADS)
async def test_a_load_is_treated_as_it_must_be_and_leaves_nothing(name, monkeypatch, caplog):
    watch, count, right = Watch(monkeypatch), LOADS[name].count // 100, []
    await besiege(lambda port: right.append(LOADS[name].run(port, count)), auth=admit)
    assert right == [count]
    assert watch.most_frames <= TURN
    assert watch.most_unread <= MOST_UNREAD
    assert [record for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR] == []


async def test_a_station_that_is_reset_is_gone_although_much_of_what_it_sent_is_unread():
    async with serving(protocols=["ocpp1.6"], logging=False) as (server, listener):
        waiting = anyio.Event()

        async def handler(ctx):
            await waiting.wait()

        server.handle("DataTransfer", handler)
        connection = await anyio.to_thread.run_sync(knock, listener.port, "BAD")
        (station,) = server.clients
        connection.settimeout(0.2)
        with suppress(TimeoutError):  # nothing is taken any more, once there is no room for it
            for number in range(1000):
                await anyio.to_thread.run_sync(connection.sendall, ATTACKS["large"].chunk(number))
        async with station.events("close") as ends:
            reset(connection)
            await first(ends)
        assert station.state is ConnectionState.CLOSED
        assert server.clients == ()
        waiting.set()
