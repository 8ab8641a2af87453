"""The virtual network in place of real hosts, for the tests of what every host owes to its driver."""

import asyncio
import contextvars

import anyio
from anyio.abc import ByteStream

from ocpp_transports._logging._log import LOGGER, Log
from ocpp_transports._runtime._base import Address
from ocpp_transports.laboratory._network._byte_link import ByteLink
from ocpp_transports.laboratory._network._flow import Segment
from ocpp_transports.laboratory._network._network import Network
from ocpp_transports.laboratory._network._runtime import VirtualRuntime
from tests.transports.net import Net


class VirtualStream(ByteStream):
    """A plain stream over a virtual connection."""

    def __init__(self, reader, writer):
        self._reader, self._writer = reader, writer

    async def receive(self, max_bytes=65536):
        try:
            data = await self._reader.read(max_bytes)
        except OSError as error:
            raise anyio.BrokenResourceError from error
        if not data:
            raise anyio.EndOfStream
        return data

    async def send(self, item):
        self._writer.write(item)
        await self._writer.drain()

    async def send_eof(self):
        self._writer.write_eof()

    async def aclose(self):
        self._writer.close()
        await asyncio.sleep(0)

    def reset(self):
        end = self._writer.transport
        end.output.fly(Segment.RESET)
        end.vanish(None)


class VirtualNet(Net):
    """The virtual network of the running loop, as a kind of host."""

    address = "10.0.0.1"

    def __init__(self):
        self.kind = "sockets"
        self.network = Network(asyncio.get_running_loop(), "test")
        self.runtime = VirtualRuntime(Log(LOGGER, "Test"), self.network, "test")

    async def connect(self, port):
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        await self.network.connect(protocol, Address("host", port), contextvars.copy_context(), {})
        links = [link for link in self.network.links if isinstance(link, ByteLink)]
        (end,) = [link.ends[0] for link in links if link.ends[0].get_protocol() is protocol]
        return VirtualStream(reader, asyncio.StreamWriter(end, protocol, reader, asyncio.get_running_loop()))

    def reset(self, stream):
        stream.reset()

    @property
    def is_empty(self):
        return super().is_empty and not self.network._ports
