"""The server of a soak, and stations with random behaviour."""

import random
import socket
import struct
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final

import anyio
from anyio.abc import SocketAttribute, SocketStream

from ocpp_transports import (
    ConnectionFailedError,
    ConnectionState,
    HandlerContext,
    OCPPClient,
    OCPPError,
    OCPPServer,
    OCPPServerClient,
    UnexpectedHttpResponse,
)

from .ledger import Ledger

__all__ = ["Csms", "Station"]

_REQUEST: Final = (
    "GET /ocpp/{} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: ocpp1.6\r\n\r\n"
)
_RESET: Final = struct.pack("ii", 1, 0)


class Csms:
    """The server, with fast, slow, hanging and failing handlers."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.server = OCPPServer(
            protocols=["ocpp1.6"],
            logging=False,
            close_timeout=0.5,
            drain_timeout=0.5,
            handshake_timeout=2.0,
            ping_interval=0.2,
            pong_timeout=5.0,
            call_timeout=0.5,
            max_bad_messages=10,
            auth=self._auth,
        )
        register_handlers(self.server, ledger)

    async def _auth(self, accept: Callable[[], None], reject: Callable[[int], None], handshake: Any) -> None:
        await anyio.sleep(random.random() * 0.01)
        if handshake.identity.endswith("7") and random.random() < 0.3:
            reject(403)
        accept()


def register_handlers(peer: OCPPServer | OCPPClient, ledger: Ledger) -> None:
    """Handle requests at once, slowly, never, later, or with an error."""

    def echo(ctx: HandlerContext) -> dict[str, Any]:
        ledger.ran(ctx)
        return ctx.params

    async def slow(ctx: HandlerContext) -> dict[str, Any]:
        ledger.ran(ctx)
        await anyio.sleep(random.random() * 0.05)
        return ctx.params

    async def never(ctx: HandlerContext) -> None:
        ledger.ran(ctx)
        await ctx.disconnected.wait()

    def fail(ctx: HandlerContext) -> None:
        ledger.ran(ctx)
        raise ZeroDivisionError

    for action, handler in (("Echo", echo), ("Slow", slow), ("Never", never), ("Fail", fail)):
        peer.handle(action, handler, custom=True)


class Station:
    """One station with random behaviour."""

    def __init__(self, identity: str, port: int, csms: Csms, rng: random.Random) -> None:
        self.identity = identity
        self.port = port
        self.csms = csms
        self.ledger = csms.ledger
        self.rng = rng

    async def live(self, acts: int) -> None:
        """Connect, do random things, and disconnect."""
        doing: Sequence[Callable[[OCPPClient], Awaitable[None]]] = (
            self.talk,
            self.talk,
            self.burst,
            self.give_up,
            self.be_called,
            self.be_cut,
            self.cut,
            self.babble,
            self.twin,
            self.leave_and_return,
        )
        async with self.client(offline_queue=self.rng.random() < 0.3) as client:
            await self.come(client)
            for _ in range(acts):
                act = self.rng.choice(doing)
                self.ledger.acts[act.__name__] += 1
                await act(client)
            await self.vandalise()
            self.ledger.acts["farewell"] += 1
            await client.close(force=self.rng.random() < 0.2, await_pending=self.rng.random() < 0.5)

    def client(self, **options: Any) -> OCPPClient:
        """Return a client with this identity and short timeouts."""
        client = OCPPClient(
            self.identity,
            f"ws://127.0.0.1:{self.port}/ocpp",
            protocols=["ocpp1.6"],
            logging=False,
            backoff_min=0.005,
            backoff_max=0.05,
            close_timeout=0.5,
            drain_timeout=0.5,
            call_timeout=0.5,
            call_ttl=5.0,
            call_concurrency=self.rng.choice((1, 1, 4)),
            **options,
        )
        register_handlers(client, self.ledger)
        return client

    async def come(self, client: OCPPClient) -> None:
        """Connect, with retries until it succeeds."""
        while client.state is ConnectionState.CLOSED:
            with suppress(UnexpectedHttpResponse, ConnectionFailedError):
                await client.connect()

    # Behaviour

    async def call(self, client: OCPPClient, action: str, **options: Any) -> None:
        """Make a call that the ledger records."""
        await self.ledger.call(partial(client.call, **options), action)

    async def talk(self, client: OCPPClient) -> None:
        """Make one call and wait for its outcome."""
        await self.call(client, self.rng.choice(("Echo", "Slow", "Fail", "Unknown")))

    async def burst(self, client: OCPPClient) -> None:
        """Make many calls at once, some of which time out."""
        async with anyio.create_task_group() as tasks:
            for _ in range(self.rng.randrange(2, 20)):
                tasks.start_soon(partial(self.call, client, "Slow", timeout=0.02 + self.rng.random() * 0.2))

    async def give_up(self, client: OCPPClient) -> None:
        """Make calls and cancel them."""
        with anyio.move_on_after(self.rng.random() * 0.03):
            async with anyio.create_task_group() as tasks:
                for action in ("Slow", "Never", "Echo"):
                    tasks.start_soon(self.call, client, action)

    async def be_called(self, client: OCPPClient) -> None:
        """Make calls from the server and to it at the same time."""
        call = partial(self.csms.server.call, self.identity)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.ledger.call, call, "Echo")
            tasks.start_soon(self.ledger.call, call, "Slow")
            tasks.start_soon(self.talk, client)

    async def be_cut(self, client: OCPPClient) -> None:
        """Make the server close the connection during a burst of calls."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.burst, client)
            await anyio.sleep(self.rng.random() * 0.02)
            station = self.csms.server.get_client(self.identity)
            if station is not None:
                await self.end(station)

    async def end(self, station: OCPPServerClient) -> None:
        """Close the connection at the server in a random way."""
        await station.close(force=self.rng.random() < 0.5, await_pending=self.rng.random() < 0.5)

    async def cut(self, client: OCPPClient) -> None:
        """Drop the connection during a burst of calls, and reconnect."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.burst, client)
            await anyio.sleep(self.rng.random() * 0.02)
            await client.close(force=True)
        await self.come(client)

    async def babble(self, client: OCPPClient) -> None:
        """Send texts that are not OCPP-J messages, and continue."""
        nonsense = ("hello", "[2,", '[3,"x",{}]', '[9,"x"]', '[2,5,"Echo",{}]', '[2,"x","Echo",[]]', "[" * 500)
        for _ in range(self.rng.randrange(1, 15)):
            with suppress(OCPPError):
                await client.send_raw(self.rng.choice(nonsense))
        await self.talk(client)

    async def twin(self, client: OCPPClient) -> None:
        """Connect a second client with the same identity, which replaces the first connection."""
        async with self.client(reconnect=False) as other:
            with suppress(UnexpectedHttpResponse, ConnectionFailedError):
                await other.connect()
            await self.talk(other)
            await self.talk(client)

    async def leave_and_return(self, client: OCPPClient) -> None:
        """Close the connection and open another one."""
        await client.close()
        await self.come(client)

    async def vandalise(self) -> None:
        """Send bytes and end the connection as no client of this library does."""
        self.ledger.acts["vandalise"] += 1
        request = _REQUEST.format(f"vandal-{self.identity}").encode()
        frames = self.rng.randbytes(self.rng.randrange(1, 200))
        call = b'\x81\x96\0\0\0\0[2,"1","Echo",{"n":0}]'
        words = self.rng.choice((frames, request[:50], request, request + frames, request + call * 3, b""))
        async with await anyio.connect_tcp("127.0.0.1", self.port) as stream:
            with suppress(anyio.BrokenResourceError):
                await stream.send(words)
                await self.go(stream)

    async def go(self, stream: SocketStream) -> None:
        """End a stream with a reset, after a short read, or with a close."""
        way = self.rng.randrange(3)
        if way == 0:
            raw_socket = stream.extra(SocketAttribute.raw_socket)
            raw_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        elif way == 1:
            with anyio.move_on_after(0.05), suppress(anyio.EndOfStream):
                while True:
                    await stream.receive()
