"""Opens a TCP connection on asyncio: the addresses of a host race, 0.25 s apart (RFC 8305).

asyncio's own race loses a connected socket when it is cancelled at the wrong moment, and uvloop has none: there, one
address that drops packets would keep a station from all the others.
"""

import asyncio
import socket
from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from itertools import chain, zip_longest
from typing import Any, Final, TypeAlias

import anyio

__all__ = ["connect", "interleaved"]

_HEAD_START: Final = 0.25
"""Seconds between two attempts (RFC 8305 §5, Connection Attempt Delay)."""

_AddressInfo: TypeAlias = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]


async def connect(host: str, port: int) -> socket.socket:
    """Connect a non-blocking socket; raises OSError if no address of the host can be reached."""
    race = _Race(await _resolve(host, port))
    try:
        await race.run()
    except BaseException:
        if race.winner is not None:
            race.winner.close()
        raise
    return race.result()


async def _resolve(host: str, port: int) -> list[_AddressInfo]:
    """Resolve a host; a numeric address needs no thread."""
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    else:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    return list(interleaved(found))


def interleaved(addresses: Sequence[_AddressInfo]) -> Iterator[_AddressInfo]:
    """Alternate between the address families, the resolver's first one first (RFC 8305 §4)."""
    first = [address for address in addresses if address[0] == addresses[0][0]]
    others = [address for address in addresses if address[0] != addresses[0][0]]
    pairs = zip_longest(first, others)
    return (address for address in chain.from_iterable(pairs) if address is not None)


class _Race:
    def __init__(self, addresses: list[_AddressInfo]) -> None:
        self.winner: socket.socket | None = None
        self._addresses = addresses
        self._errors: list[OSError] = []

    async def run(self) -> None:
        async with anyio.create_task_group() as tasks:
            for address in self._addresses:
                failed = anyio.Event()
                tasks.start_soon(self._attempt, address, failed, tasks.cancel_scope)
                with anyio.move_on_after(_HEAD_START):
                    await failed.wait()

    async def _attempt(self, address: _AddressInfo, failed: anyio.Event, race: anyio.CancelScope) -> None:
        family, kind, protocol, _, where = address
        connecting = socket.socket(family, kind, protocol)
        try:
            connecting.setblocking(False)  # the parameter is positional-only
            await asyncio.get_running_loop().sock_connect(connecting, where)
        except OSError as error:
            connecting.close()
            self._errors.append(error)
            failed.set()
        except BaseException:
            connecting.close()
            raise
        else:
            self._arrive(connecting)
            race.cancel()

    def _arrive(self, connected: socket.socket) -> None:
        if self.winner is None:
            self.winner = connected
        else:
            connected.close()

    def result(self) -> socket.socket:
        if self.winner is not None:
            return self.winner
        if len(self._errors) == 1:
            raise self._errors[0]
        raise OSError("; ".join(map(str, self._errors)) or "the host has no address")
