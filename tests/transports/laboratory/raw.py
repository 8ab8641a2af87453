"""Plain protocols at both ends of virtual connections, which record what happens to them."""

import asyncio
from contextvars import copy_context

from ocpp_transports._runtime._base import Address
from ocpp_transports.laboratory._network._listener import VirtualListener
from ocpp_transports.laboratory._network._network import Network

PORT = 9000


class Peer(asyncio.Protocol):
    """One end: each event with its virtual time."""

    def __init__(self):
        self.events = []
        self.is_paused = False

    def _note(self, *event):
        self.events.append((round(asyncio.get_running_loop().time(), 3), *event))

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self._note(data)

    def eof_received(self):
        self._note("eof")

    def connection_lost(self, exc):
        self._note("lost", type(exc))

    def pause_writing(self):
        self.is_paused = True

    def resume_writing(self):
        self.is_paused = False
        self._note("resumed")

    @property
    def data(self):
        return b"".join(event[1] for event in self.events if isinstance(event[1], bytes))

    @property
    def last(self):
        return self.events[-1]


class Lab:
    """A network with one port, whose ends are peers."""

    def __init__(self, seed="1", **conditions):
        self.net = Network(asyncio.get_running_loop(), seed)
        self.net.set(None, None, {"latency": 0.5, **conditions})
        self.accepted = []
        self.listener = self.net.listen(
            VirtualListener(PORT, "host", self._accept, self.net.forget_listener, reuse_port=False, is_tls=False)
        )

    def _accept(self, link):
        peer = Peer()
        self.accepted.append(peer)
        link.accept(peer, copy_context(), {})

    async def dial(self, name="CP1", port=PORT):
        peer = Peer()
        await self.net.connect(peer, Address("host", port, station=name), copy_context(), {})
        return peer

    async def pair(self, name="CP1"):
        """Return both ends of a connection."""
        station = await self.dial(name)
        await asyncio.sleep(1)
        return station, self.accepted[-1]
