"""What a program for the package `ocpp` gains by changing its imports, in processor time.

The same program runs on both packages, on a connection without sockets: a central system that answers a request, and
one that makes a call. `threads` is the default of the package, which validates in threads; without them it blocks the
event loop for as long.

python benchmarks/compat.py [--rounds 500] [--repeats 5]
"""

import argparse
import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any, Final

from benchmarks.traffic import BOOT, METER_VALUES

PACKAGES: Final = {
    "ocpp, threads": ("ocpp", True),
    "ocpp": ("ocpp", False),
    "ocpp_transports.compat": ("ocpp_transports.compat", False),
}
REQUESTS: Final = {
    "Heartbeat": json.dumps([2, "1", "Heartbeat", {}]),
    "BootNotification": json.dumps([2, "1", "BootNotification", BOOT]),
    "MeterValues": json.dumps([2, "1", "MeterValues", METER_VALUES]),
}
ACCEPTED: Final = {"status": "Accepted"}


class Loopback:
    """A connection whose peer accepts every call at once."""

    charge_point: Any

    async def send(self, text: str) -> None:
        """Answer a request."""
        message = json.loads(text)
        if message[0] == 2:
            await self.charge_point.route_message(json.dumps([3, message[1], ACCEPTED]))


def make_central_system(package: str) -> Any:
    """Return a charge point of a package with handlers for the requests."""
    on = import_module(f"{package}.routing").on
    v16 = import_module(f"{package}.v16")
    answers = {
        "Heartbeat": v16.call_result.Heartbeat("2026-01-01T00:00:00Z"),
        "BootNotification": v16.call_result.BootNotification("2026-01-01T00:00:00Z", 300, "Accepted"),
        "MeterValues": v16.call_result.MeterValues(),
    }
    handlers = {f"on_{action}": on(action)(handler_of(f"on_{action}", answer)) for action, answer in answers.items()}
    connection = Loopback()
    connection.charge_point = type("CentralSystem", (v16.ChargePoint,), handlers)("CP1", connection)
    return connection.charge_point


def handler_of(name: str, answer: object) -> Callable[..., Awaitable[object]]:
    """Return a handler, which the packages find by its name."""

    async def handle(_: object, **__: object) -> object:
        return answer

    handle.__name__ = name
    return handle


def steps_of(package: str) -> dict[str, Callable[[], Awaitable[object]]]:
    """Return what is measured."""
    central_system = make_central_system(package)
    reset = import_module(f"{package}.v16").call.Reset
    steps: dict[str, Callable[[], Awaitable[object]]] = {
        f"answer {name}": lambda text=text: central_system.route_message(text)  # type: ignore[misc]  # a default
        for name, text in REQUESTS.items()
    }
    return steps | {"call Reset": lambda: central_system.call(reset(type="Soft"))}


async def best(step: Callable[[], Awaitable[object]], rounds: int, repeats: int) -> float:
    """Return the least microseconds of processor time, of all threads, for one `step`."""
    await step()  # loads schemas
    least = float("inf")
    for _ in range(repeats):
        start = time.process_time()
        for _ in range(rounds):
            await step()
        least = min(least, time.process_time() - start)
    return least / rounds * 1e6


async def measure(rounds: int, repeats: int) -> dict[str, dict[str, float]]:
    """Return the microseconds of each step, by package."""
    figures = {}
    for title, (package, threads) in PACKAGES.items():
        import_module(f"{package}.messages").ASYNC_VALIDATION = threads  # type: ignore[attr-defined]
        figures[title] = {name: await best(step, rounds, repeats) for name, step in steps_of(package).items()}
    return figures


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    figures = asyncio.run(measure(options.rounds, options.repeats))
    print(f"{'microseconds':26}" + "".join(f"{title:>24}" for title in figures))
    for step in next(iter(figures.values())):
        print(f"{step:26}" + "".join(f"{steps[step]:24.0f}" for steps in figures.values()))


if __name__ == "__main__":
    main()
