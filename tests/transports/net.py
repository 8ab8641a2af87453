"""Real hosts for tests: the two kinds of them on every event loop, and engines that say what happened to them."""

from contextlib import asynccontextmanager
from typing import Any

import anyio
from anyio.streams.tls import TLSStream

from ocpp_core.actions import CloseStream, SendBytes
from ocpp_core.inputs import BytesReceived, Congested, StreamLost
from ocpp_transports._driver._driver import Driver
from ocpp_transports._logging._log import LOGGER, Log
from ocpp_transports._runtime._base import Address
from ocpp_transports._runtime._current import current_runtime
from tests.transports.fake_host import FakeDelegate, FakeEngine
from tests.transports.pairs import reset

SECONDS = 50
"""How long a test waits for what has to happen."""


class Probe(FakeEngine):
    """An engine that a test can wait for, and drive by hand."""

    def __init__(self, on=None):
        super().__init__(on)
        self.driver: Any = None
        self.facts: Any = None
        self._changed = anyio.Event()

    def handle(self, event, now):
        super().handle(event, now)
        if type(event) is StreamLost and BytesReceived in self.on:  # a loss is an end too
            self.actions.extend(self.on[BytesReceived](BytesReceived(b"", event.attempt)))
        self._changed.set()
        self._changed = anyio.Event()

    async def changed(self):
        """Wait for the next input."""
        await self._changed.wait()

    async def until(self, condition):
        """Wait until this holds."""
        with anyio.fail_after(SECONDS):
            while not condition():
                await self._changed.wait()

    async def until_over(self):
        await self.until(lambda: self.ends)

    async def until_received(self, data):
        await self.until(lambda: self.received.startswith(data))

    def do(self, *actions):
        """Have the driver perform these."""
        self.actions.extend(actions)
        self.driver.feed(None)

    def attach(self, connection, facts):
        """Drive this engine on an accepted connection; what `connected` of a listener has to do."""
        self.facts = facts
        return self._drive(connection._owner, connection=connection)

    def dial_with(self, runtime, dialer):
        """Drive this engine on the connections of a client."""
        self._drive(runtime, dialer=dialer)

    def _drive(self, runtime, **carrier):
        self.driver = Driver(self, runtime, FakeDelegate(), **carrier)
        self._changed.set()
        self._changed = anyio.Event()
        return self.driver

    @property
    def received(self):
        return b"".join(event.data for event in self.events if type(event) is BytesReceived)

    def has_ended(self, attempt):
        return BytesReceived(b"", attempt) in self.events or StreamLost(attempt) in self.events

    @property
    def ends(self):
        """How often the end of a stream was fed, orderly or not."""
        return sum(type(event) is StreamLost or getattr(event, "data", None) == b"" for event in self.events)

    @property
    def congestion(self):
        return [event.on for event in self.events if type(event) is Congested]


def echo(event):
    """Answer bytes by the same, and the end by a close."""
    return [SendBytes(event.data)] if event.data else [CloseStream()]


class Net:
    """One kind of host: sockets as the event loop's own runtime has them, or anyio's streams over them."""

    def __init__(self, kind, tasks):
        self.kind = kind
        self.runtime: Any = current_runtime("Test", in_block=True, log=Log(LOGGER, "Test"))
        self._tasks = tasks

    async def listen(self, connected, *, ssl=None):
        """Serve a port of this machine; returns the port."""
        if self.kind == "sockets":
            context = None if ssl is None else lambda: ssl
            return (await self.runtime.listen(0, "127.0.0.1", ssl=context, connected=connected)).port
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
        self._tasks.start_soon(self._accept, listener, ssl, connected)
        return listener.extra(anyio.abc.SocketAttribute.local_port)

    async def _accept(self, listener, ssl, connected):
        async def accept_stream(stream):
            try:
                secured = await TLSStream.wrap(stream, server_side=True, ssl_context=ssl) if ssl else stream
            except (OSError, anyio.BrokenResourceError, anyio.EndOfStream):
                await anyio.aclose_forcefully(stream)
            else:
                self.runtime.accept_stream(secured, connected)

        async with listener:
            await listener.serve(accept_stream)

    def dialer(self, port, *, ssl=None, host="127.0.0.1", server_hostname=None):
        """Make the dialer of a client; `port` may be a function that is asked at every attempt."""
        where = port if callable(port) else lambda: port
        if self.kind == "sockets":
            return self.runtime.dialer(lambda: Address(host, where(), ssl, server_hostname))
        hostname = {"tls_hostname": server_hostname or host} if ssl else {}
        return self.runtime.stream_dialer(lambda: anyio.connect_tcp(host, where(), ssl_context=ssl, **hostname))

    async def serve(self, probe, *, ssl=None):
        """Serve one connection by this probe; returns the port."""
        return await self.listen(probe.attach, ssl=ssl)

    async def connect(self, port):
        """Connect a plain stream to a port of this machine."""
        return await anyio.connect_tcp("127.0.0.1", port)

    def reset(self, stream):
        """Reset a stream by its close."""
        reset(stream)

    @asynccontextmanager
    async def pair(self, probe):
        """Connect a plain stream to this probe."""
        async with await self.connect(await self.serve(probe)) as peer:
            await probe.until(lambda: probe.driver)
            yield peer

    address = "127.0.0.1"
    """The address from which `connect` comes."""

    @property
    def is_empty(self):
        return not (self.runtime.streams or self.runtime._tasks or self.runtime._listeners)


async def read_all(stream):
    """Read until the end, however it comes."""
    data = bytearray()
    with anyio.fail_after(SECONDS):
        try:
            async for chunk in stream:
                data += chunk
        except (anyio.BrokenResourceError, OSError):
            data += b"<broken>"
    return bytes(data)
