"""Nodes with direct carriers, and peers of them that misbehave."""

import socket
from contextlib import asynccontextmanager, suppress

import anyio
from anyio.streams.buffered import BufferedByteReceiveStream

from ocpp_core.cluster.calls.frames import HelloFrame, write_frame
from ocpp_core.cluster.records import NodeId
from ocpp_transports._logging._log import Log, logger_of
from ocpp_transports.cluster._direct._address import StreamAddress
from ocpp_transports.cluster._direct._carrier import DirectCarrier
from ocpp_transports.cluster._direct._settings import DirectSettings
from tests.transports.pairs import SECONDS

A, B = NodeId("a.0"), NodeId("b.0")
ANY_PORT = "tcp://127.0.0.1:0"


class Node:
    """A carrier, and what it reported."""

    def __init__(self, node, **settings):
        self.frames, self.received = anyio.create_memory_object_stream[tuple[NodeId, bytes]](100)
        self.losses, self.lost = anyio.create_memory_object_stream[NodeId](100)
        self.carrier = DirectCarrier(
            node,
            DirectSettings(**settings),
            Log(logger_of(False), "cluster", is_station=False),
            lambda sender, frame: self.frames.send_nowait((sender, frame)),
            self.losses.send_nowait,
        )

    async def listen(self, address):
        return str(await self.carrier.listen(StreamAddress.read(address)))

    async def next_frame(self):
        with anyio.fail_after(SECONDS):
            return await self.received.receive()

    async def next_loss(self):
        with anyio.fail_after(SECONDS):
            return await self.lost.receive()


@asynccontextmanager
async def nodes(*names, **settings):
    made = [Node(name, **settings) for name in names]
    try:
        yield made
    finally:
        for node in made:
            await node.carrier.aclose()
            for stream in (node.frames, node.received, node.losses, node.lost):
                stream.close()


def framed(data):
    return len(data).to_bytes(4) + data


@asynccontextmanager
async def mute_node(node):
    """Listen as a node that greets, and then neither reads nor writes; yields its address.

    Its sockets are plain ones, because an event loop reads before it is asked to.
    """

    async def greet():
        await anyio.wait_readable(listener)
        accepted.append(listener.accept()[0])
        accepted[0].sendall(framed(write_frame(HelloFrame(node, (1,)))))

    accepted: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(greet)
            yield f"tcp://127.0.0.1:{listener.getsockname()[1]}"
            tasks.cancel_scope.cancel()
        for each in accepted:
            each.close()


@asynccontextmanager
async def greeted(node):
    """Open a stream to a node as A would, by hand."""
    host, _, port = (await node.listen(ANY_PORT)).removeprefix("tcp://").partition(":")
    async with await anyio.connect_tcp(host, int(port)) as stream:
        await stream.send(framed(write_frame(HelloFrame(A, (1,)))))
        received = BufferedByteReceiveStream(stream)
        await received.receive_exactly(int.from_bytes(await received.receive_exactly(4)))
        yield stream


async def ends(stream):
    """Read until the other side ends the stream; whatever it sends before, such as empty frames, does not matter."""
    with anyio.fail_after(SECONDS), suppress(anyio.EndOfStream, anyio.BrokenResourceError):
        while True:
            await stream.receive()
