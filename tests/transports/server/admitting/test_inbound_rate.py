"""A limit of the CALLs a second, on every event loop; `tests/core/inbound/test_rate.py` tests what it decides."""

from math import inf

import anyio
import pytest

from ocpp_transports import RPCGenericError
from ocpp_transports.events import RateExceededEvent
from tests.transports.pairs import SECONDS, pair

pytestmark = pytest.mark.anyio


async def test_a_station_that_waits_for_no_answer_is_held_back_and_refused_until_the_limit_is_lifted():
    outcomes: list[str] = []
    told: list[RateExceededEvent] = []
    three = anyio.Event()
    # A turn comes so rarely that no test lives to see it.
    async with pair(server={"inbound_rate": 0.001, "inbound_burst": 2, "max_delayed": 2}, call_concurrency=5) as (
        client,
        station,
    ):
        station.on("rate_exceeded", told.append)
        station.handle("Heartbeat", lambda ctx: {"currentTime": "2026-01-01T00:00:00Z"})

        async def call() -> None:
            try:
                await client.call("Heartbeat", {})
            except RPCGenericError as error:
                outcomes.append(error.description)
            else:
                outcomes.append("answered")
            if len(outcomes) == 3:
                three.set()

        with anyio.fail_after(SECONDS):
            async with anyio.create_task_group() as tasks:
                for _ in range(5):
                    tasks.start_soon(call)
                await three.wait()
                assert sorted(outcomes) == ["answered", "answered", "too many CALLs a second, try again later"]
                station.reconfigure(inbound_rate=inf)
        assert outcomes[3:] == ["answered", "answered"]
        assert [(event.action, event.refused) for event in told] == [
            ("Heartbeat", False),
            ("Heartbeat", False),
            ("Heartbeat", True),
        ]
