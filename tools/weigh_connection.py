"""Measure the memory of one idle connection in a server, or of one client, file by file.

    python tools/weigh_connection.py [asyncio|uvloop|trio] [server|client]

This counts Python's allocations with tracemalloc. The kernel's memory for a socket and the overhead of allocators are
not included; `make bench` measures the total from outside.
"""

import asyncio
import gc
import socket
import subprocess
import sys
import tracemalloc
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any, Final

import anyio

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from ocpp_transports import OCPPClient, OCPPServer  # noqa: E402 - the tools run without an installation

_FIRST: Final = 50
"""Connections before the measurement, since some objects are created on first use."""
_WEIGHED: Final = 500
_REQUEST: Final = (
    "GET /ocpp/CP{} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Protocol: ocpp1.6\r\n\r\n"
)
_HEARTBEAT: Final = b'[2,"1","Heartbeat",{}]'
_FRAME: Final = bytes((0x81, 0x80 | len(_HEARTBEAT), 0, 0, 0, 0)) + _HEARTBEAT


def _connect(port: int, first: int, count: int) -> list[socket.socket]:
    """Return connected stations after one Heartbeat each."""
    sockets = []
    for number in range(first, first + count):
        station = socket.create_connection(("127.0.0.1", port), timeout=10)
        station.sendall(_REQUEST.format(number).encode())
        assert station.recv(4096).startswith(b"HTTP/1.1 101 ")
        station.sendall(_FRAME)
        assert b"currentTime" in station.recv(4096)
        sockets.append(station)
    return sockets


def _server() -> OCPPServer:
    server = OCPPServer(protocols=["ocpp1.6"], strict_mode=True, logging=False)
    server.handle("Heartbeat", lambda _: {"currentTime": "2026-03-01T12:00:00.000Z"})
    return server


async def _weigh_server() -> tracemalloc.Snapshot:
    async with _server() as server:
        port = (await server.listen(0, "127.0.0.1")).port
        stations: list[socket.socket] = []

        async def connect(first: int, count: int) -> None:
            stations.extend(await anyio.to_thread.run_sync(_connect, port, first, count))

        snapshot = await _weigh(connect)
        for station in stations:
            station.close()
    return snapshot


async def _weigh_clients(port: int) -> tracemalloc.Snapshot:
    """Weigh clients, whose server is in another process."""
    async with AsyncExitStack() as stations:

        async def connect(first: int, count: int) -> None:
            for number in range(first, first + count):
                station = OCPPClient(
                    f"CP{number}", f"ws://127.0.0.1:{port}/ocpp", protocols=["ocpp1.6"], strict_mode=True
                )
                await stations.enter_async_context(station)
                await station.connect()
                await station.call("Heartbeat", {})

        return await _weigh(connect)


async def _weigh(connect: Callable[[int, int], Awaitable[None]]) -> tracemalloc.Snapshot:
    await connect(0, _FIRST)
    gc.collect()
    tracemalloc.start()
    await connect(_FIRST, _WEIGHED)
    gc.collect()
    snapshot = tracemalloc.take_snapshot()
    tracemalloc.stop()
    return snapshot


async def _serve() -> None:
    """Serve clients of another process until that ends this one."""
    async with _server() as server:
        print((await server.listen(0, "127.0.0.1")).port, flush=True)
        await anyio.sleep_forever()


def _place(filename: str) -> str:
    path = Path(filename)
    if path.is_relative_to(ROOT / "ocpp_core") or path.is_relative_to(ROOT / "ocpp_transports"):
        return str(path.relative_to(ROOT))
    return "/".join(path.parts[-2:])


def _show(snapshot: tracemalloc.Snapshot) -> None:
    sizes: Counter[str] = Counter()
    blocks: Counter[str] = Counter()
    for each in snapshot.statistics("filename"):
        name = each.traceback[0].filename
        if name not in (__file__, socket.__file__):  # the stations' own
            sizes[_place(name)] += each.size
            blocks[_place(name)] += each.count
    print(f"{'bytes':>8} {'blocks':>7}   each, of {_WEIGHED}")
    for place, size in sizes.most_common():
        if size >= 16 * _WEIGHED:
            print(f"{size / _WEIGHED:>8.0f} {blocks[place] / _WEIGHED:>7.1f}   {place}")
    print(f"{sizes.total() / _WEIGHED:>8.0f} {blocks.total() / _WEIGHED:>7.1f}   all")


def _run(loop: str, weigh: Callable[[], Any]) -> Any:
    if loop == "uvloop":
        import uvloop  # imported only on request

        return uvloop.run(weigh())
    return anyio.run(weigh, backend="trio" if loop == "trio" else "asyncio")


def main(loop: str = "asyncio", role: str = "server") -> None:
    """Measure on this event loop and print the table."""
    if loop == "serve":
        asyncio.run(_serve())
    elif role == "server":
        _show(_run(loop, _weigh_server))
    else:
        with subprocess.Popen([sys.executable, __file__, "serve"], stdout=subprocess.PIPE) as server:
            try:
                port = int(server.stdout.readline() if server.stdout else b"")
                _show(_run(loop, partial(_weigh_clients, port)))
            finally:
                server.terminate()


if __name__ == "__main__":
    main(*sys.argv[1:])
