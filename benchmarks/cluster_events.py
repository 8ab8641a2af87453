"""What it costs a server to write its events for other programs: the CPU of one process, at a rate of messages.

    python -m benchmarks.cluster_events redis://127.0.0.1:6379 [--json]

Events of messages are made at the rate and observed as those of connections are. What the loop itself costs, without an
observer, is measured first and subtracted.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple

import anyio

from ocpp_core.actions import Direction
from ocpp_core.cluster.records import NodeId
from ocpp_transports._logging._log import Log, logger_of
from ocpp_transports._runtime._current import current_runtime
from ocpp_transports.cluster._events._observing import EventWriter
from ocpp_transports.cluster._events._publisher import EventPublisher
from ocpp_transports.cluster.events import EventsOut
from ocpp_transports.cluster.redis import RedisBackend
from ocpp_transports.events import MessageEvent

FRAME = [2, "5725455f29ae2e94679ff756-1", "MeterValues", {"connectorId": 1, "transactionId": 4711, "meterValue": [
    {"timestamp": "2030-01-01T00:00:00.000Z", "sampledValue": [
        {"value": "230.1", "measurand": "Voltage", "unit": "V"},
        {"value": "123456", "measurand": "Energy.Active.Import.Register", "unit": "Wh"}]}]}]  # fmt: skip
"""284 bytes as compact JSON."""
STATION: Any = SimpleNamespace(identity="CP000123", namespace="")


class EventsCost(NamedTuple):
    """What writing events took."""

    cpu: float
    """Part of a core that this process used, without the making of the messages."""
    dropped: int
    """Events that were not written: 0 unless Redis is too slow."""


async def measure(url: str, rate: int = 10_000, seconds: float = 5.0) -> EventsCost:
    """Write events to Redis at a rate, in messages a second, and return what it took."""
    log = Log(logger_of(False), "benchmark", is_station=False)
    runtime = current_runtime("benchmark", in_block=True, log=log)
    settings, dropped = EventsOut(keep=60), [0]

    def drop() -> None:
        dropped[0] += 1

    streams = RedisBackend(url, logging=False).new_events(2)
    publisher = EventPublisher(NodeId("benchmark.0000000000000001"), settings, streams, runtime, log, drop)
    writer = EventWriter(settings, runtime.wall, lambda line, is_message: publisher.add(line, is_message=is_message))
    publisher.open()
    idle = await _cpu(lambda _event, _station: None, rate, seconds)
    busy = await _cpu(writer.observe, rate, seconds)
    await publisher.aclose(2)
    await runtime.aclose()
    return EventsCost(busy - idle, dropped[0])


async def _cpu(observe: Callable[[MessageEvent, Any], None], rate: int, seconds: float) -> float:
    began, used, made = time.monotonic(), _used(), 0
    while (passed := time.monotonic() - began) < seconds:
        while made < passed * rate:
            observe(MessageEvent(Direction.IN, FRAME, "MeterValues", None), STATION)
            made += 1
        await anyio.sleep(0.002)
    return (_used() - used) / passed


def _used() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    cost = anyio.run(measure, sys.argv[1], backend="asyncio", backend_options={"use_uvloop": True})
    print(json.dumps(cost._asdict()) if "--json" in sys.argv else f"{cost.cpu:.1%} of a core, {cost.dropped} dropped")
