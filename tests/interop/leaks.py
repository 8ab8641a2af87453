"""What must not be left when a test is over: tasks, sockets and timers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import anyio.lowlevel

from tools.leftovers import under_way

__all__ = ["nothing_may_be_left"]


@asynccontextmanager
async def nothing_may_be_left() -> AsyncIterator[None]:
    """Compare what is under way before and after the block; what is on its way out has a moment for it."""
    before = under_way()
    yield
    with anyio.move_on_after(2):
        while under_way() - before:
            await anyio.lowlevel.checkpoint()
    assert not under_way() - before
