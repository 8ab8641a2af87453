"""OCPP messages that a world delivers in a second of processor time: Heartbeats each virtual second.

A CALL and its response are two messages. Client, server, handlers and network share one core. The engine's laboratory,
which has no event loop, is measured beside it: on a busy machine, compare the ratios.

    python benchmarks/laboratory.py [--stations 1 100 1000] [--messages 20000] [--json]
"""

import argparse
import asyncio
import json
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Final, Literal, NamedTuple

from ocpp_core.testing import Laboratory
from ocpp_transports import HandlerContext, OCPPServer
from ocpp_transports.laboratory import World

_TIME: Final = {"currentTime": "2026-01-01T00:00:00Z"}
_WARM_UP: Final = 3


class _Variant(NamedTuple):
    title: str
    level: Literal["bytes", "messages"] = "bytes"
    is_async: bool = False
    faults: Mapping[str, float] = {}


_VARIANTS: Final = (
    _Variant("bytes, plain handler"),
    _Variant("bytes, async handler", is_async=True),
    _Variant("bytes, jitter, loss and chops", faults={"jitter": 0.05, "loss": 0.01, "chop": 0.1}),
    _Variant("messages, plain handler", "messages"),
    _Variant("messages, async handler", "messages", is_async=True),
)


def _plain(_: HandlerContext) -> dict[str, Any]:
    return _TIME


async def _async(_: HandlerContext) -> dict[str, Any]:
    return _TIME


async def _story(lab: World, variant: _Variant, stations: int, seconds: int) -> float:
    """Return the messages a second of processor time."""
    server = OCPPServer(protocols=["ocpp1.6"], logging=False)
    server.handle("Heartbeat", _async if variant.is_async else _plain)
    await lab.server(server)
    lab.set(**variant.faults)  # type: ignore[arg-type]  # the names of conditions
    answered = 0

    async def beat(number: int) -> None:
        nonlocal answered
        client = lab.client(f"CP{number}", "ocpp1.6", logging=False)
        await asyncio.sleep(number / stations)
        await client.connect()
        while True:
            await client.call("Heartbeat", {})
            answered += 1
            await asyncio.sleep(1)

    tasks = [asyncio.create_task(beat(number)) for number in range(stations)]
    await lab.run(seconds=_WARM_UP)
    answered, begun = 0, time.process_time()
    await lab.run(seconds=seconds)
    rate = 2 * answered / (time.process_time() - begun)
    for task in tasks:
        task.cancel()
    return rate


def _world(variant: _Variant, stations: int, seconds: int) -> float:
    with World(seed=1, level=variant.level) as lab:
        return lab.play(_story(lab, variant, stations, seconds))


def _engines(stations: int, seconds: int) -> float:
    lab = Laboratory()
    lab.server.handlers["Heartbeat"] = lambda _: dict(_TIME)
    ends = [lab.connect(identity=f"CP{number}") for number in range(stations)]
    begun = time.process_time()
    for _ in range(seconds):
        for end in ends:
            end.call("Heartbeat")
        lab.run_for(1)
    return 2 * stations * seconds / (time.process_time() - begun)


def _best(measure: Callable[[], float], repeats: int) -> float:
    return max(measure() for _ in range(repeats))


def _rates(stations: int, messages: int, repeats: int) -> Iterator[tuple[str, float]]:
    """Iterate over what is measured, and the messages a second."""
    seconds = max(1, messages // 2 // stations)
    for variant in _VARIANTS:
        yield variant.title, _best(partial(_world, variant, stations, seconds), repeats)
    yield "engines alone", _best(partial(_engines, stations, seconds), repeats)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stations", type=int, nargs="+", default=[1, 100, 1000])
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=3, help="the best one counts")
    parser.add_argument("--json", action="store_true", help='print {"STATIONS TITLE": messages a second}')
    options = parser.parse_args()
    measured = {}
    for stations in options.stations:
        for title, rate in _rates(stations, options.messages, options.repeats):
            measured[f"{stations} {title}"] = rate
            if not options.json:
                print(f"{stations:5} stations, {title:30} {rate:8,.0f} messages/s")
    if options.json:
        print(json.dumps(measured))


if __name__ == "__main__":
    main()
