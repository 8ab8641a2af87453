"""The order in which functions of the application get a thread."""

import anyio
import pytest
from anyio.lowlevel import checkpoint

from ocpp_transports._callbacks._fair_turns import FairTurns

pytestmark = pytest.mark.anyio


async def settle():
    for _ in range(5):
        await checkpoint()


async def test_each_key_gets_one_turn_in_rotation():
    turns, order = FairTurns(1), []

    async def wait(key):
        await turns.acquire(key)
        order.append(key)

    async with anyio.create_task_group() as tasks:
        await turns.acquire("flood")
        for key in ("flood", "flood", "flood", "other", "third", "other"):
            tasks.start_soon(wait, key)
            await settle()
        for _ in range(6):
            turns.release()
            await settle()
    assert order == ["flood", "other", "third", "flood", "other", "flood"]


@pytest.mark.parametrize("has_its_turn", [False, True])
async def test_one_that_is_cancelled_leaves_its_turn_to_the_next(has_its_turn):
    turns = FairTurns(1)

    async def wait():
        await turns.acquire("b")
        turns.release()  # asyncio does not cancel it any more at this moment

    await turns.acquire("a")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await settle()
        if has_its_turn:
            turns.release()
        tasks.cancel_scope.cancel()
    if not has_its_turn:
        turns.release()
    with anyio.fail_after(50):
        await turns.acquire("c")
