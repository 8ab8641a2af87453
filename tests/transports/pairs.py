"""Servers and clients over loopback sockets, and raw sockets for what no client of ours would send."""

import socket
import struct
from contextlib import asynccontextmanager

import anyio
from anyio.abc import SocketAttribute

from ocpp_transports import OCPPClient, OCPPServer
from tests.link.wire import CLOSE, answer, frame

SECONDS = 50
"""How long a test waits for what has to happen."""


@asynccontextmanager
async def serving(**options):
    """Run a server of OCPP 1.6 (or as the options say) on a free port; yields it with its listener."""
    async with OCPPServer(**{"protocols": ["ocpp1.6"], **options}) as server:
        yield server, await server.listen(0, "127.0.0.1")


def client_of(listener, identity="CP1", *, scheme="ws", **options):
    """Make a client of OCPP 1.6 (or as the options say) that comes back at once."""
    settings = {"protocols": ["ocpp1.6"], "backoff_min": 0.01, "backoff_max": 0.02, "call_timeout": SECONDS}
    return OCPPClient(identity, f"{scheme}://127.0.0.1:{listener.port}/ocpp", **{**settings, **options})


@asynccontextmanager
async def pair(*, server=None, **options):
    """Connect a client, whose options these are; yields the client and the server's handle on it."""
    protocols = options.get("protocols", ["ocpp1.6"])
    async with (
        serving(**{"protocols": protocols, **(server or {})}) as (csms, listener),
        client_of(listener, **options) as client,
    ):
        await client.connect()
        yield client, await station_of(csms)


async def station_of(server, identity="CP1"):
    """Wait for a station, and for the listeners that were told of it."""
    with anyio.fail_after(SECONDS):
        return await server.wait_for_client(identity)


def refusing(status=503):
    """Run a server that refuses everybody."""
    return serving(auth=lambda accept, reject, handshake: reject(status, "Not today"))


async def never():
    """Take for ever."""
    await anyio.sleep_forever()


async def first(stream):
    """Wait for the next event of a stream."""
    with anyio.fail_after(SECONDS):
        return await anext(stream)


REQUEST = (
    "GET {target} HTTP/1.1\r\nHost: csms.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{headers}\r\n"
)


def upgrade(target="/ocpp/CP1", *headers, protocol="ocpp1.6"):
    """Write an upgrade request."""
    lines = [*headers, *([f"Sec-WebSocket-Protocol: {protocol}"] if protocol else [])]
    return REQUEST.format(target=target, headers="".join(f"{line}\r\n" for line in lines)).encode()


async def knock(listener, request, *, eof=False):
    """Send bytes to a listener; returns status, headers and body of the answer, all there is until the end.

    With `eof` this side ends first: a server that refuses bytes unread waits for that.
    """
    data = b""
    with anyio.fail_after(SECONDS):
        async with await anyio.connect_tcp("127.0.0.1", listener.port) as stream:
            await stream.send(request)
            if eof:
                await stream.send_eof()
            try:
                async for chunk in stream:
                    data += chunk
            except anyio.BrokenResourceError:
                pass
    head, _, body = data.partition(b"\r\n\r\n")
    first_line, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return int(first_line.split()[1]), headers, body.decode()


class Staying:
    """A server that says a close frame to whoever comes, and then leaves the stream as it is until it leaves itself."""

    def __init__(self, port, leave):
        self.port = port
        self.leave = leave
        self.streams = 0

    async def serve(self, stream):
        async with stream:
            request = b""
            while b"\r\n\r\n" not in request:
                request += await stream.receive()
            await stream.send(answer(request, ("Sec-WebSocket-Protocol", "ocpp1.6")))
            self.streams += 1  # before the client can know of the end
            await stream.send(frame(CLOSE, (1012).to_bytes(2) + b"restart", masked=False))
            await never()


@asynccontextmanager
async def staying():
    """Run a server that closes every WebSocket and no stream."""
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as tasks:
        server = Staying(listener.extra(SocketAttribute.local_port), tasks.cancel_scope.cancel)
        tasks.start_soon(listener.serve, server.serve)
        yield server
        server.leave()


def reset(stream):
    """Have the stream reset by its close."""
    raw = stream.extra(SocketAttribute.raw_socket)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
