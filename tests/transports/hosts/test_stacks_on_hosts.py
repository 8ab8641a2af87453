"""The engines on real hosts: stations and a central system of driver, stack and dispatcher alone."""

import random
from itertools import count
from typing import Any

import anyio
import pytest

from ocpp_core import ClientConfig, ClientStack, LinkConfig, ServerStack, SessionConfig, UpgradeTarget
from ocpp_core.backoff import ExponentialBackoff
from ocpp_core.client_states import Online
from ocpp_core.errors import ConnectionLostError, RPCError, RPCGenericError
from ocpp_core.inputs import Accept, Close, Connect, StartCall
from ocpp_transports._driver._driver import Driver
from ocpp_transports._handlers._dispatcher import Dispatcher
from ocpp_transports._handlers._held import GRACE
from ocpp_transports._handlers._table import Handlers
from tests.transports.fake_host import FakeDelegate

pytestmark = pytest.mark.anyio
LINK = LinkConfig()
HANDSHAKE = (
    b"GET /CP1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: ocpp1.6\r\n\r\n"
)


class Side(FakeDelegate):
    """One end of a conversation: a driver, the handlers of its peer's calls, and what was told."""

    def __init__(self, stack, runtime, **carrier):
        super().__init__()
        self.handlers = Handlers()
        self.driver = Driver(stack, runtime, self, handshake=self, **carrier)
        self.dispatcher: Dispatcher[Any] = Dispatcher(
            self.driver,
            [self.handlers],
            client=self,
            protocol="ocpp1.6",
            observer=self,
            hold_until=runtime.now() + GRACE,
        )

    def handler_failed(self, context, error):
        """Note nothing: the peer has the error."""

    def handler_missing(self, action):
        """Note nothing: the peer has the error."""

    def upgrade_requested(self, action):
        self.driver.feed(Accept(action.subprotocols[0]))

    def dispatched(self, action):
        self.dispatcher.dispatched(action)

    def abandoned(self, request):
        self.dispatcher.abandoned(request)

    async def call(self, action, payload=None):
        with anyio.fail_after(20):
            return await self.driver.ask(lambda token: StartCall(token, action, payload or {}))


class System:
    """A central system on a port, and the stations that connect to it."""

    def __init__(self, net):
        self._net = net
        self._ids = map(str, count(1)).__next__
        self._session = SessionConfig(call_concurrency=2000, max_queued=2000)
        self._changed = anyio.Event()
        self.served, self.stations = [], []

    def _serve(self, connection, facts):
        runtime = self._net.runtime
        stack = ServerStack(LINK, self._session, random=random.Random(1), ids=self._ids, now=runtime.now())
        self.served.append(Side(stack, runtime, connection=connection))
        self._changed.set()
        return self.served[-1].driver

    async def until_served(self, number):
        """Wait for the side of the central system on the connection of this number, the first one being 1."""
        with anyio.fail_after(10):
            while len(self.served) < number:
                self._changed = anyio.Event()
                await self._changed.wait()
        return self.served[number - 1]

    async def listen(self, ssl=None):
        return await self._net.listen(self._serve, ssl=ssl)

    async def connect(self, *, ssl=None, server_ssl=None):
        """Connect a station; returns both sides."""
        port = await self.listen(server_ssl)
        backoff = ExponentialBackoff(minimum=0.01, maximum=0.01)
        client = ClientConfig(protocols=("ocpp1.6",), session=self._session, backoff=backoff)
        target = UpgradeTarget(f"127.0.0.1:{port}", "/CP1")
        stack = ClientStack(client, LINK, target, random=random.Random(2), ids=self._ids)
        self.stations.append(Side(stack, self._net.runtime, dialer=self._net.dialer(port, ssl=ssl)))
        with anyio.fail_after(10):
            assert await self.stations[-1].driver.ask(Connect) == "ocpp1.6"
        return self.stations[-1], await self.until_served(1)


@pytest.fixture
async def system(net):
    system = System(net)
    yield system
    for station in system.stations:
        station.driver.feed(Close(drain=False))
        station.driver.stop()


@pytest.fixture
async def raw_peer(system):
    """A stream to the central system whose handshake and first message arrive at once; it reads no more than told."""
    async with await anyio.connect_tcp("127.0.0.1", await system.listen()) as peer:
        await peer.send(HANDSHAKE + frame('[2,"early","Count",{"n":0}]'))
        yield peer


def frame(text):
    """Make a short masked text frame (RFC 6455 §5.2) with the key 0."""
    return bytes([0x81, 0x80 | len(text)]) + bytes(4) + text.encode()


async def answer_later(ctx):
    return {"n": ctx.params["n"]}


def answer(ctx):
    return {"n": ctx.params["n"]}


class TestCalls:
    @pytest.mark.parametrize("handler", [answer, answer_later])
    async def test_1500_pipelined_are_all_answered(self, system, handler):
        station, central = await system.connect()
        central.handlers.handle("Count", handler)
        results = {}

        async def call(n):
            results[n] = await station.call("Count", {"n": n})

        async with anyio.create_task_group() as tasks:
            for n in range(1500):
                tasks.start_soon(call, n)
        assert results == {n: {"n": n} for n in range(1500)}

    async def test_go_both_ways_at_once(self, system):
        station, central = await system.connect()
        for side in (station, central):
            side.handlers.handle("Count", answer_later)

        async def talk(side):
            for n in range(100):
                assert await side.call("Count", {"n": n}) == {"n": n}

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(talk, station)
            tasks.start_soon(talk, central)

    async def test_may_be_made_from_a_handler_to_the_caller(self, system):
        station, central = await system.connect()

        @central.handlers.handle("BootNotification")
        async def boot(ctx):
            return await ctx.client.call("GetConfiguration")

        station.handlers.handle("GetConfiguration", lambda ctx: {"configurationKey": []})
        assert await station.call("BootNotification") == {"configurationKey": []}

    async def test_fail_with_the_error_of_the_handler(self, system):
        station, central = await system.connect()

        @central.handlers.handle("Authorize")
        def authorize(ctx):
            raise RPCGenericError("not today", {"try": "tomorrow"})

        with pytest.raises(RPCError) as caught:
            await station.call("Authorize")
        assert (caught.value.code, caught.value.description) == ("GenericError", "not today")
        assert caught.value.details == {"try": "tomorrow"}

    async def test_cancelled_by_their_callers_disturb_no_other(self, system):
        station, central = await system.connect()
        gate = anyio.Event()

        @central.handlers.handle("Slow")
        async def slow(ctx):
            await gate.wait()

        central.handlers.handle("Count", answer)
        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(station.call, "Slow")
            await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
        assert await station.call("Count", {"n": 1}) == {"n": 1}
        gate.set()
        assert await station.call("Count", {"n": 2}) == {"n": 2}

    async def test_travel_over_tls(self, system, tls):
        station, central = await system.connect(ssl=tls.client, server_ssl=tls.server)
        central.handlers.handle("Count", answer_later)
        payload = {"n": "x" * 300_000}
        assert await station.call("Count", payload) == payload


class TestTheLossOfAConnection:
    async def test_fails_calls_and_abandons_handlers(self, system):
        station, central = await system.connect()
        began, abandoned = anyio.Event(), anyio.Event()

        @central.handlers.handle("Slow")
        async def slow(ctx):
            began.set()
            await ctx.disconnected.wait()
            abandoned.set()

        async def lose():
            with pytest.raises(ConnectionLostError) as caught:
                await station.call("Slow")
            assert caught.value.sent

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lose)
            with anyio.fail_after(5):
                await began.wait()
            central.driver.connection.close(abort=True)
        with anyio.fail_after(5):
            await abandoned.wait()

    async def test_is_followed_by_another_connection(self, system):
        station, central = await system.connect()
        central.driver.connection.close(abort=True)
        again = await system.until_served(2)
        again.handlers.handle("Count", answer)
        opened = anyio.Event()
        station.on["state"] = lambda state: opened.set() if isinstance(state, Online) else None
        with anyio.fail_after(5):
            await opened.wait()
        assert await station.call("Count", {"n": 1}) == {"n": 1}


class TestARawPeer:
    async def test_whose_first_message_came_with_the_handshake_is_answered(self, system, raw_peer):
        central = await system.until_served(1)
        central.handlers.handle("Count", answer)
        data = b""
        with anyio.fail_after(5):
            while not data.endswith(b'[3,"early",{"n":0}]'):
                data += await raw_peer.receive()
        assert data.startswith(b"HTTP/1.1 101 ")

    @pytest.mark.usefixtures("impatient")
    async def test_that_reads_nothing_is_dropped_and_the_calls_to_it_fail(self, system, raw_peer):
        central = await system.until_served(1)
        with anyio.fail_after(5):
            assert await raw_peer.receive()
        errors = []

        async def call():
            with pytest.raises(ConnectionLostError) as caught:
                await central.call("DataTransfer", {"data": "x" * 900_000})
            errors.append(caught.value)

        async with anyio.create_task_group() as tasks:
            for _ in range(25):
                tasks.start_soon(call)
        assert len(errors) == 25
        assert central.driver.gave_up
