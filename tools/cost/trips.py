"""Three trips through a client and a server on asyncio, from the input to the written bytes.

The client and the server are those of the public interface. The event loop gives them transports without a network:
their protocols see what asyncio shows them, and the code below plays the peer.
"""

import asyncio
import json
import socket
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from ocpp_transports import OCPPClient, OCPPServer

from .peer import REQUEST, TEXT, accepting, call_text, frame, unmasked
from .tracing import Tracer, Trip

__all__ = ["LIMITS", "Limit", "take_trips"]

_WARM_UP: Final = 3
"""Stations and calls before the traced one, since some objects are created on first use."""
_PING_INTERVAL: Final = 60.0
"""Ping interval in seconds, so long that the first ping is due after the handshake timer at any jitter."""
_TIME: Final = {"currentTime": "2026-03-01T12:00:00.000Z"}


class Limit(NamedTuple):
    """The most that a trip may take."""

    calls: int
    """Calls of Python functions in our packages."""
    files: int
    """Distinct files that these functions are in."""

    def allows(self, trip: Trip) -> bool:
        """Return True if a trip is within the limit."""
        return len(trip) <= self.calls and len(trip.files) <= self.files


LIMITS: Final = {
    "inbound CALL: from its bytes to the write of the response": Limit(35, 14),
    "outbound call: from `call` to the write": Limit(25, 13),
    "upgrade: from the bytes of the request to an open station": Limit(81, 23),
}


class _Transport(asyncio.Transport):
    """A transport without a network: `receive` plays the peer, and what is written ends the trip."""

    def __init__(self, protocol: asyncio.BufferedProtocol, connected: socket.socket, wrote: Callable[[], None]) -> None:
        super().__init__({"socket": connected, "peername": ("127.0.0.1", 1)})
        self.written: list[bytes] = []
        self.wrote = wrote
        self._protocol = protocol
        self._connected = connected
        self._is_closing = False

    def receive(self, data: bytes) -> None:
        """Pass bytes to the protocol as an event loop does."""
        memoryview(self._protocol.get_buffer(-1))[: len(data)] = data
        self._protocol.buffer_updated(len(data))

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.wrote()
        self.written.append(bytes(data))

    def write_eof(self) -> None:
        self.close()

    def close(self) -> None:
        if not self._is_closing:
            self._is_closing = True
            self._connected.close()
            asyncio.get_running_loop().call_soon(self._protocol.connection_lost, None)

    abort = close

    def is_closing(self) -> bool:
        return self._is_closing

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass


class _Loop(asyncio.SelectorEventLoop):
    """An event loop that wraps its sockets into such transports and connects none of them. Its time does not pass."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: asyncio.Queue[_Transport] = asyncio.Queue()
        self.tracer = Tracer()

    def time(self) -> float:
        return 0.0

    async def sock_connect(self, sock: socket.socket, address: Any) -> None:
        pass

    async def connect_accepted_socket(  # type: ignore[override]  # the needed parameters
        self, protocol_factory: Callable[[], asyncio.BufferedProtocol], sock: socket.socket
    ) -> tuple[_Transport, asyncio.BufferedProtocol]:
        return await self.create_connection(protocol_factory, sock=sock)

    async def create_connection(  # type: ignore[override]  # the needed parameters
        self, protocol_factory: Callable[[], asyncio.BufferedProtocol], *, sock: socket.socket
    ) -> tuple[_Transport, asyncio.BufferedProtocol]:
        protocol = protocol_factory()
        transport = _Transport(protocol, sock, self.tracer.stop)
        protocol.connection_made(transport)
        await self.opened.put(transport)
        return transport, protocol


async def _serve(loop: _Loop) -> tuple[Trip, Trip]:
    """Return the trips of an inbound CALL and of an upgrade."""
    server = OCPPServer(protocols=["ocpp1.6"], ping_interval=_PING_INTERVAL)
    server.handle("Heartbeat", lambda _: _TIME)
    async with server:
        port = (await server.listen(0, "127.0.0.1")).port
        upgrade = inbound = Trip()
        for number in range(_WARM_UP):
            upgrade, station = await _let_in(loop, port, number)
            inbound = _receive_call(loop.tracer, station)
        await server.close(force=True)
    return inbound, upgrade


async def _let_in(loop: _Loop, port: int, number: int) -> tuple[Trip, _Transport]:
    with socket.create_connection(("127.0.0.1", port)):
        station = await loop.opened.get()
    station.wrote = lambda: None  # the station is open after the 101 is written
    with loop.tracer.recording():
        station.receive(REQUEST.replace(b"CP1", b"CP%d" % number))
    assert station.written.pop().startswith(b"HTTP/1.1 101 ")
    station.wrote = loop.tracer.stop
    return loop.tracer.trip, station


def _receive_call(tracer: Tracer, station: _Transport) -> Trip:
    for number in range(_WARM_UP):
        call = frame(TEXT, call_text(number, "Heartbeat", "{}").encode(), masked=True)
        with tracer.recording():
            station.receive(call)
        assert b"currentTime" in station.written.pop()
    return tracer.trip


async def _call(loop: _Loop) -> Trip:
    """Return the trip of an outbound call."""
    async with OCPPClient("CP1", "ws://127.0.0.1/ocpp", protocols=["ocpp1.6"]) as client:
        connecting = asyncio.create_task(client.connect())
        server = await loop.opened.get()
        server.receive(accepting(server.written.pop()))
        await connecting
        for _ in range(_WARM_UP):
            calling = asyncio.create_task(_traced(loop.tracer, client))
            await asyncio.sleep(0)
            _, message_id, action, _ = json.loads(unmasked(server.written.pop()))
            assert action == "Heartbeat"
            server.receive(frame(TEXT, json.dumps([3, message_id, _TIME]).encode(), masked=False))
            assert await calling == _TIME
        await client.close(force=True)
    return loop.tracer.trip


async def _traced(tracer: Tracer, client: OCPPClient) -> dict[str, Any]:
    with tracer.recording():
        return await client.call("Heartbeat", {})


async def _take_all(loop: _Loop) -> tuple[Trip, Trip, Trip]:
    inbound, upgrade = await _serve(loop)
    return inbound, await _call(loop), upgrade


def take_trips() -> dict[str, Trip]:
    """Play the three trips and return each with its name in `LIMITS`."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, _Loop)
        return dict(zip(LIMITS, runner.run(_take_all(loop)), strict=True))
