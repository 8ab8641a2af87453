"""Calls of a process to random stations, and what became of each."""

import random
from typing import Any

import anyio

from ocpp_transports import OCPPError

from .journal import Journal
from .plan import CALLS_A_SECOND, Plan

__all__ = ["call_until_stopped"]


async def call_until_stopped(caller: Any, name: str, plan: Plan, journal: Journal) -> None:
    """Call at a steady rate until there is the file `stop`, then wait for the outcomes; each call has its number."""
    source = random.Random(name)

    async def call(number: str) -> None:
        identity = plan.identity(source.randrange(plan.stations))
        journal.write("call", number, identity)
        try:
            await caller.call(identity, "DataTransfer", {"vendorId": "trial", "data": number}, timeout=10, ttl=10)
            outcome = "answered"
        except OCPPError as error:
            outcome = "unknown" if getattr(error, "sent", True) else "unsent"
        journal.write("end", number, outcome)

    async with anyio.create_task_group() as tasks:
        number = 0
        while not (journal.folder / "stop").exists():
            number += 1
            tasks.start_soon(call, f"{name}-{number}")
            await anyio.sleep(source.expovariate(CALLS_A_SECOND))
    journal.write("settled", name)
