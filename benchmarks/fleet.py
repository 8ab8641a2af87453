"""A process with many stations of this library, which measures itself and prints one JSON object.

First each station sends a Heartbeat and a MeterValues per period, then all send as fast as possible.

    python benchmarks/fleet.py asyncio|uvloop PORT --stations 4000 --period 3 --rush 3 [--standard-library]
"""

import argparse
import asyncio
import json
import os
import time
from collections.abc import Coroutine, Iterable
from operator import itemgetter
from typing import Any, Final

from benchmarks.accelerators import STANDARD_LIBRARY, hide_if_asked
from benchmarks.compiled import COMPILED, expect_form
from benchmarks.loops import run
from benchmarks.process import resident_bytes
from benchmarks.traffic import HEARTBEAT, METER_VALUES, OCPP16_MIX

hide_if_asked()

from ocpp_transports import OCPPClient  # noqa: E402 - after the accelerators are hidden

_AT_ONCE: Final = 50
"""Stations that connect at the same time."""
_FIRST: Final = 20
"""Stations that call before memory is measured, so that one-time allocations are not counted."""


class _Fleet:
    def __init__(self, port: int) -> None:
        self._endpoint = f"ws://127.0.0.1:{port}/ocpp"
        self.stations: list[OCPPClient] = []

    async def grow(self, count: int) -> None:
        """Connect stations up to this number, each with one answered Heartbeat."""
        while len(self.stations) < count:
            first = len(self.stations)
            new = [self._station(number) for number in range(first, min(first + _AT_ONCE, count))]
            await _together(_open(station) for station in new)
            self.stations += new

    def _station(self, number: int) -> OCPPClient:
        return OCPPClient(
            f"CP{number}", self._endpoint, protocols=[OCPP16_MIX.protocol], strict_mode=True, reconnect=False
        )

    async def steady(self, period: float) -> int:
        """Send one Heartbeat and one MeterValues from each station, spread evenly over a period."""
        start = asyncio.get_running_loop().time()
        spacing = period / len(self.stations)
        await _together(
            _in_turn(station, start + number * spacing, start + period, period / 2)
            for number, station in enumerate(self.stations)
        )
        return 2 * len(self.stations)

    async def rush(self, seconds: float) -> int:
        """Call from each station as soon as its last call is answered. Returns the number of responses."""
        end = asyncio.get_running_loop().time() + seconds
        return sum(await asyncio.gather(*(_hurry(station, end) for station in self.stations)))


async def _together(coroutines: Iterable[Coroutine[Any, Any, None]]) -> None:
    await asyncio.gather(*coroutines)


async def _open(station: OCPPClient) -> None:
    await station.connect()
    await station.call("Heartbeat", HEARTBEAT)


async def _in_turn(station: OCPPClient, heartbeat: float, end: float, half: float) -> None:
    """Send a Heartbeat and a MeterValues, half a period apart and both within the period."""
    meter_values = heartbeat + half if heartbeat + half < end else heartbeat - half
    calls = ((heartbeat, "Heartbeat", HEARTBEAT), (meter_values, "MeterValues", METER_VALUES))
    for when, action, payload in sorted(calls, key=itemgetter(0)):
        await asyncio.sleep(when - asyncio.get_running_loop().time())
        await station.call(action, payload)


async def _hurry(station: OCPPClient, end: float) -> int:
    answers = 0
    now = asyncio.get_running_loop().time
    while now() < end:
        await station.call("Heartbeat", HEARTBEAT)
        await station.call("MeterValues", METER_VALUES)
        answers += 2
    return answers


async def _timed(talk: Coroutine[Any, Any, int]) -> tuple[int, float, float]:
    """Return the number of responses with their processor time and duration."""
    cpu, wall = time.process_time(), time.monotonic()
    answers = await talk
    return answers, time.process_time() - cpu, time.monotonic() - wall


async def _measure(options: argparse.Namespace) -> None:
    fleet = _Fleet(options.port)
    await fleet.grow(_FIRST)
    await fleet.steady(min(options.period, 1))
    before = resident_bytes(os.getpid())
    await fleet.grow(_FIRST + options.stations)
    bytes_each = (resident_bytes(os.getpid()) - before) / options.stations
    _, steady_cpu, steady_wall = await _timed(fleet.steady(options.period))
    answers, rush_cpu, rush_wall = await _timed(fleet.rush(options.rush))
    result = {
        "bytes_each": bytes_each,
        "steady_share": steady_cpu / steady_wall,
        "rush_rate": answers / rush_wall,
        "rush_us": rush_cpu / answers * 1e6,
    }
    print(json.dumps(result), flush=True)
    os._exit(0)  # closing thousands of stations is not measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("loop", choices=["asyncio", "uvloop"])
    parser.add_argument("port", type=int)
    parser.add_argument("--stations", type=int, required=True)
    parser.add_argument("--period", type=float, required=True, help="seconds of the steady rate")
    parser.add_argument("--rush", type=float, required=True, help="seconds at the greatest rate")
    parser.add_argument(STANDARD_LIBRARY, action="store_true", help="hide the extra `speed`")
    parser.add_argument(COMPILED, action="store_true", help="fail unless the library is compiled")
    options = parser.parse_args()
    expect_form()
    run(options.loop, _measure(options))


if __name__ == "__main__":
    main()
