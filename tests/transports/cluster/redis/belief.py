"""What the servers of a cluster believe, and calls that are repeated until Redis serves again."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio

from ocpp_transports import ClosedError, ConnectionLostError, OCPPServer

__all__ = ["SECONDS", "answered_again", "believed", "soon_believed_once"]

SECONDS = 60
"""Until calls work again at the latest; this takes about 4 s."""


def believed(server: OCPPServer, identity: str) -> int | None:
    """Return the fence of a station that this server believes to have at this moment."""
    member: Any = server._cluster
    fence: int | None = member._node.believes(identity, anyio.current_time())
    return fence


@asynccontextmanager
async def soon_believed_once(
    servers: Sequence[OCPPServer], identities: Sequence[str], lease: float
) -> AsyncIterator[None]:
    """Look all the time at what nodes believe: two may believe in a station for the time of a lease."""
    since: dict[str, float] = {}

    async def watch() -> None:
        while True:
            for identity in identities:
                fences = [fence for server in servers if (fence := believed(server, identity)) is not None]
                if len(fences) <= 1:
                    since.pop(identity, None)
                elif anyio.current_time() > since.setdefault(identity, anyio.current_time()) + lease:
                    raise AssertionError(f"two nodes believe in {identity}")
            await anyio.sleep(0.005)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch)
        yield
        tasks.cancel_scope.cancel()


async def answered_again(call: Callable[[], Awaitable[Any]]) -> Any:
    """Call until there is a result, and return it."""
    with anyio.fail_after(SECONDS):
        while True:
            with suppress(ClosedError, ConnectionLostError), anyio.move_on_after(3):
                return await call()
            await anyio.sleep(0.05)
