"""Send a million messages through one process, and check that every container has its starting size afterwards.

    python tools/leaks.py                                  1,000,000 messages on each event loop, a process for each
    python tools/leaks.py --messages 100000 --connects 2000 --timeouts 2000 --backend trio

A server and ten stations run in one process and call each other. Then stations connect, call and disconnect: half of
them with identities of their own, half in turn with the same ten. Then calls in both directions time out, and their
responses arrive late. Before and after, when everything is idle, these are compared: the size of every container that
the server, a station and the modules of the library hold, the number of instances of each class of the library, the
tasks, sockets and timers, and the memory. A difference is listed, and sets the exit code to 1.
"""

import argparse
import gc
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import anyio

from ocpp_transports import HandlerContext, OCPPClient, OCPPServer, TimeoutError
from tools.containers import container_sizes, objects_by_type
from tools.leftovers import under_way
from tools.soak_sockets import BACKENDS

__all__ = ["Load", "Outcome", "run_load"]

_COMING: Final = 10
"""Stations that connect and disconnect at the same time."""
_AT_ONCE: Final = 50
"""Calls of a station in progress."""
_TIMEOUT: Final = 0.02
_POLL: Final = 0.002
_PAUSE: Final = 0.05
"""Seconds between two looks at what is there."""
_RESULTS: Final[dict[str, dict[str, Any]]] = {
    "DataTransfer": {"status": "Accepted"},
    "GetLocalListVersion": {"listVersion": 1},
    "Heartbeat": {"currentTime": "2026-03-01T12:00:00Z"},
}
_SETTLING: Final = 10.0
"""Seconds in which the ends of connections and late responses must be done."""
_OPTIONS: Final[dict[str, Any]] = {
    "logging": False,
    "call_concurrency": _AT_ONCE,
    "ping_interval": 0,  # a timer at a random time
    "answer_window": 1.0,  # the default of two minutes would keep the responses of a whole run
}
_STORED: Final = ("AnswerMemory.", "Answers.", "_Share.", "instances of Answers", "instances of _Share")
"""The stored responses, which are bounded and expire, but are removed only when others are stored."""
_TIMERS: Final = ("SharedTimers._buckets", "_Bucket._buckets", "_Bucket.entries", "Timers._armed")
_SLACK: Final = {
    "Timers._heap": 28,
    "Timers._heap[]": 84,
    "Timers._armed[]": 24,
    **dict.fromkeys(("instances of _Timer", "instances of _Bucket", "instances of _Entry"), 28),
    **dict.fromkeys(_TIMERS, 12),
    "instances of LateConstructor": 16,
}
"""By name, how much sizes may differ.

A heap of timers has up to 16 that were cancelled (`ocpp_core.timers`). The server and each station keep the timer that
limits the time of handlers until it fires, 30 seconds after it was started; stations may share one. A LateConstructor
ends when an object of its class is first made, which may happen at any time.
"""
_STATM: Final = Path("/proc/self/statm")
_MEMORY: Final = 8192
"""KiB by which memory may differ: the allocator keeps pages."""


@dataclass(frozen=True, slots=True)
class Load:
    """How much to do."""

    messages: int
    """CALLs and their responses; half of the calls go to the server, half to stations."""
    connects: int
    timeouts: int
    stations: int = 10

    @property
    def first(self) -> "Load":
        """What is done first: much is made when it is first used.

        Each session also remembers the IDs of its last 16 responses and 64 timeouts.
        """
        return Load(80 * self.stations, 2 * _COMING, 2 * 65 * self.stations)


@dataclass
class Outcome:
    """What is there before and after."""

    before: Counter[str] = field(default_factory=Counter)
    after: Counter[str] = field(default_factory=Counter)
    resident: list[int] = field(default_factory=list)
    """KiB of memory before, and after each phase."""
    seconds: float = 0.0

    @property
    def differences(self) -> dict[str, tuple[int, int]]:
        """Everything whose size is another one: its size before and after."""
        return _differences(self.before, self.after)


def _differences(before: Counter[str], after: Counter[str]) -> dict[str, tuple[int, int]]:
    names = sorted(before.keys() | after.keys())
    pairs = {name: (before[name], after[name]) for name in names}
    return {name: pair for name, pair in pairs.items() if abs(pair[0] - pair[1]) > _SLACK.get(name, 0)}


class _Process:
    """A server, its stations, and what they do."""

    def __init__(self) -> None:
        self.server = OCPPServer(protocols=["ocpp1.6"], **_OPTIONS)
        self._handle(self.server)
        self.stations: list[OCPPClient] = []
        self.port = 0
        self._are_late = anyio.Event()
        self._late = 0  # calls that timed out, and have no response

    def client(self, identity: str) -> OCPPClient:
        url = f"ws://127.0.0.1:{self.port}/ocpp"
        client = OCPPClient(identity, url, protocols=["ocpp1.6"], **_OPTIONS)
        self._handle(client)
        return client

    async def exchange(self, calls: int) -> None:
        """Make calls in both directions at once."""
        share = max(1, calls // (2 * len(self.stations)))
        async with anyio.create_task_group() as tasks:
            for station in self.stations:
                to_station = partial(self.server.call, station.identity)
                tasks.start_soon(_repeat, share, partial(station.call, "DataTransfer", {"vendorId": "x"}))
                tasks.start_soon(_repeat, share, partial(to_station, "GetLocalListVersion", {}))

    async def connect(self, times: int) -> None:
        """Connect, call and disconnect: with new identities, and in turn with the same ones."""
        async with anyio.create_task_group() as tasks:
            for first in range(_COMING):
                tasks.start_soon(self._come_and_go, range(first, times, _COMING), f"again-{first}")

    async def _come_and_go(self, numbers: range, identity: str) -> None:
        for number in numbers:
            is_new = number % 2
            async with self.client(f"new-{number}" if is_new else identity) as client:
                await client.connect()
                await client.call("Heartbeat", {})
                await client.close(force=not number % 5)

    async def time_out(self, calls: int) -> None:
        """Make calls in both directions that time out; their responses follow when all of some have."""
        left = max(1, calls // (2 * len(self.stations)))
        while left > 0:
            self._are_late = anyio.Event()
            async with anyio.create_task_group() as tasks:
                for station in self.stations:
                    to_station = partial(self.server.call, station.identity)
                    for call in (
                        partial(station.call, "Authorize", {"idTag": "x"}),
                        partial(to_station, "ClearCache", {}),
                    ):
                        tasks.start_soon(_repeat, min(left, _AT_ONCE), partial(self._expire, call))
            self._are_late.set()
            while self._late:  # noqa: ASYNC110 - a round that begins before would add to a backlog
                await anyio.sleep(_POLL)
            left -= _AT_ONCE

    async def _expire(self, call: Callable[..., Awaitable[object]]) -> None:
        self._late += 1
        try:
            await call(timeout=_TIMEOUT)
        except TimeoutError:
            return
        raise AssertionError("expected a call to time out")

    def _handle(self, peer: OCPPServer | OCPPClient) -> None:
        """Handle the requests of both directions."""
        for action, result in _RESULTS.items():
            peer.handle(action, _answering(result), custom=True)
        for action in ("Authorize", "ClearCache"):
            peer.handle(action, self._accept_late, custom=True)

    async def _accept_late(self, _: HandlerContext) -> dict[str, Any]:
        await self._are_late.wait()
        self._late -= 1
        return {"status": "Accepted"}


def _answering(result: dict[str, Any]) -> Callable[[HandlerContext], dict[str, Any]]:
    return lambda _: result


async def _repeat(times: int, call: Callable[[], Awaitable[object]]) -> None:
    """Make a call so often, some of them at once."""
    left = iter(range(times))

    async def work() -> None:
        for _ in left:
            await call()

    async with anyio.create_task_group() as tasks:
        for _ in range(min(times, _AT_ONCE)):
            tasks.start_soon(work)


async def _play(load: Load) -> Outcome:
    process, outcome = _Process(), Outcome()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(process.server)
        listener = await process.server.listen(0, "127.0.0.1", backlog=256)
        process.port = listener.port
        for number in range(load.stations):
            station = await stack.enter_async_context(process.client(f"CP{number}"))
            await station.connect()
            process.stations.append(station)
        await _do(process, load.first, [])
        outcome.before = await _at_rest(process)
        outcome.resident.append(_resident())
        began = time.perf_counter()
        await _do(process, load, outcome.resident)
        outcome.seconds = time.perf_counter() - began
        outcome.after = await _at_rest(process, outcome.before)
        outcome.resident.append(_resident())
    return outcome


async def _do(process: _Process, load: Load, resident: list[int]) -> None:
    await process.exchange(load.messages // 2)
    resident.append(_resident())
    await process.connect(load.connects)
    resident.append(_resident())
    await process.time_out(load.timeouts)


async def _at_rest(process: _Process, expected: Counter[str] | None = None) -> Counter[str]:
    """Return what is there when it is as expected, or no longer changes; the last connections take a moment to end."""
    before = await _everything(process)
    with anyio.move_on_after(_SETTLING):
        while True:
            there = await _everything(process)
            if not _differences(before if expected is None else expected, there):
                return there
            before = there
    return before


async def _everything(process: _Process) -> Counter[str]:
    await anyio.sleep(_PAUSE)
    gc.collect()
    roots = {"server": process.server, "stations": process.stations}
    objects = objects_by_type(gc.get_objects())
    named = Counter({f"instances of {name}": number for name, number in objects.items()})
    found = container_sizes(roots) + named + under_way()
    return Counter({name: number for name, number in found.items() if not name.startswith(_STORED)})


def _resident() -> int:
    gc.collect()
    return int(_STATM.read_text().split()[1]) * 4 if _STATM.exists() else 0


def run_load(backend: str, load: Load) -> Outcome:
    """Run a load on a new event loop, in this process."""
    name, options = BACKENDS[backend]
    return anyio.run(_play, load, backend=name, backend_options=options)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a load on each selected event loop, print the results, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=1_000_000, help="default: %(default)s")
    parser.add_argument("--connects", type=int, default=20_000, help="default: %(default)s")
    parser.add_argument("--timeouts", type=int, default=20_000, help="default: %(default)s")
    parser.add_argument("--backend", choices=BACKENDS, nargs="*", default=[*BACKENDS], help="default: all")
    wanted = parser.parse_args(arguments)
    load = Load(wanted.messages, wanted.connects, wanted.timeouts)
    if len(wanted.backend) == 1:
        return _report(wanted.backend[0], load)
    amounts = [f"--messages={load.messages}", f"--connects={load.connects}", f"--timeouts={load.timeouts}"]
    codes = [
        subprocess.run([sys.executable, __file__, *amounts, "--backend", backend], check=False).returncode
        for backend in wanted.backend
    ]
    return int(any(codes))


def _report(backend: str, load: Load) -> int:
    outcome = run_load(backend, load)
    shown = " ".join(f"{size:,}" for size in outcome.resident)
    print(
        f"{backend}: {load.messages:,} messages, {load.connects:,} connects, {load.timeouts:,} timeouts in "
        f"{outcome.seconds:.0f} s; {len(outcome.before)} sizes compared, {len(outcome.differences)} differ\n"
        f"  KiB of memory before, after messages, after connects, and at the end: {shown}",
        flush=True,
    )
    for name, (before, after) in outcome.differences.items():
        print(f"  DIFFERENT: {name}: {before:,} before, {after:,} after")
    has_grown = outcome.resident[-1] > outcome.resident[0] + _MEMORY
    if has_grown:
        print(f"  GROWN: the memory, by {outcome.resident[-1] - outcome.resident[0]:,} KiB")
    return int(has_grown or bool(outcome.differences))


if __name__ == "__main__":
    sys.exit(main())
