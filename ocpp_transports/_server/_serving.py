"""A server as a whole program: it serves until SIGINT or SIGTERM, then closes its connections and ends."""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final, Literal, Protocol, TypeAlias

import anyio

from ocpp_transports._driver._interfaces import Handle
from ocpp_transports._runtime._interrupts import Interrupts

__all__ = ["Loop", "draining", "expect_loop", "run_on", "until_closed"]

Loop: TypeAlias = Literal["asyncio", "uvloop", "trio"]
"""An event loop by its name; `uvloop` and `trio` must be installed."""

_LOOPS: Final = ("asyncio", "uvloop", "trio")
_Spawn: TypeAlias = Callable[[Coroutine[Any, Any, None]], Handle]


class _Server(Protocol):
    """The part of a server that is needed to close it at a signal; see `OCPPServer` for each method."""

    def once(self, name: Literal["closing"], listener: Callable[[Any], None], /) -> object:
        """Call `listener` when the server begins to close."""

    def off(self, name: Literal["closing"], listener: Callable[[Any], None], /) -> None:
        """Remove the listener."""

    async def close(self, *, force: bool = False) -> object:
        """Close the server."""


def expect_loop(loop: object) -> None:
    """Raise ValueError unless it is the name of an event loop."""
    if loop not in _LOOPS:
        raise ValueError(f"expected loop as one of {', '.join(_LOOPS)}, got {loop!r}")


def run_on(loop: Loop, serve: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a program on this event loop; see `OCPPServer.run`."""
    expect_loop(loop)
    backend = "trio" if loop == "trio" else "asyncio"
    try:
        anyio.run(serve, backend=backend, backend_options={"use_uvloop": True} if loop == "uvloop" else None)
    except KeyboardInterrupt:  # before it listened, or because signals cannot be received
        return


async def until_closed(server: _Server, interrupts: Interrupts, spawn: _Spawn) -> None:
    """Wait for a signal, or until the server is closed, and close it."""

    def wake(_: object) -> None:
        interrupts.wake()

    server.once("closing", wake)
    try:
        await interrupts.next()
    finally:
        server.off("closing", wake)
    await _close(server, interrupts, spawn)


async def _close(server: _Server, interrupts: Interrupts, spawn: _Spawn) -> None:
    """Close; at the next signal drop all connections."""

    async def hasten() -> None:
        await interrupts.next()
        await server.close(force=True)

    hastening = spawn(hasten())
    try:
        await server.close()
    finally:
        hastening.cancel()


@asynccontextmanager
async def draining(server: _Server, spawn: _Spawn) -> AsyncIterator[None]:
    """Close the server at a signal, then hand the signal on; see `OCPPServer.draining`."""
    with Interrupts() as interrupts:

        async def drain() -> None:
            number = await interrupts.next()
            try:
                await _close(server, interrupts, spawn)
            finally:
                if number is not None:
                    interrupts.hand_on(number)

        task = spawn(drain())
        try:
            yield
        finally:
            task.cancel()
