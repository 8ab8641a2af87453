"""What a server does while it closes: it finishes what is at work, and refuses whoever comes."""

from contextlib import suppress
from functools import partial

import anyio
import pytest

from ocpp_transports import ConnectionLostError, OCPPServer, UnexpectedHttpResponse
from ocpp_transports.events import CloseEvent
from tests.transports.pairs import SECONDS, client_of, first, knock, never, serving, station_of

pytestmark = pytest.mark.anyio
HEALTH = b"GET /health HTTP/1.1\r\nHost: csms.example\r\n\r\n"


class AtWork:
    """A handler of a server that waits to be released."""

    def __init__(self, server):
        self.begun, self.release = anyio.Event(), anyio.Event()
        server.handle("Heartbeat", self.handle)

    async def handle(self, _):
        self.begun.set()
        await self.release.wait()
        return {"currentTime": "2026-01-01T00:00:00Z"}


@pytest.fixture
async def draining():
    """Run a server that closes while it serves a CALL; yields it, its listener and the handler."""
    answers = []
    async with serving(http=True) as (server, listener), client_of(listener, reconnect=False) as client:
        handler = AtWork(server)

        async def call():
            answers.append(await client.call("Heartbeat"))

        await client.connect()
        async with client.events("close") as closes, anyio.create_task_group() as tasks:
            tasks.start_soon(call)
            await handler.begun.wait()
            tasks.start_soon(server.close)
            await anyio.wait_all_tasks_blocked()
            yield server, listener, handler
            handler.release.set()
            assert await first(closes) == CloseEvent(1001, "")
    assert answers == [{"currentTime": "2026-01-01T00:00:00Z"}]


class TestAServerThatCloses:
    async def test_answers_the_calls_at_work(self, draining):
        server, _, _ = draining
        assert server.is_draining
        assert [station.identity for station in server.clients] == ["CP1"]

    async def test_refuses_newcomers_on_its_open_port_and_says_when_to_return(self, draining):
        _, listener, _ = draining
        assert not listener.closed
        async with client_of(listener, "CP2", reconnect=False) as late:
            with pytest.raises(UnexpectedHttpResponse) as refused:
                await late.connect()
        assert refused.value.status == 503
        assert dict(refused.value.headers)["retry-after"] == "10"

    async def test_answers_plain_requests_so_that_nobody_takes_it_for_dead(self, draining):
        _, listener, _ = draining
        assert (await knock(listener, HEALTH))[0] == 200

    async def test_is_closed_when_the_last_handler_has_answered(self, draining):
        server, listener, handler = draining
        async with server.events("closed") as ends:
            handler.release.set()
            assert await first(ends) == CloseEvent(1001, "")
        assert listener.closed


class Deaf:
    """Handlers that do not end when they should."""

    @staticmethod
    async def never_returns(_):
        await never()

    @staticmethod
    async def swallows_its_cancellation(_):
        with suppress(BaseException):
            await never()

    @staticmethod
    async def raises_late(_):
        try:
            await never()
        finally:
            raise LookupError("late")


@pytest.mark.parametrize("handler", [Deaf.never_returns, Deaf.swallows_its_cancellation, Deaf.raises_late])
async def test_it_ends_whatever_a_handler_does(handler):
    async with serving(drain_timeout=0.02) as (server, listener), client_of(listener, reconnect=False) as client:
        begun = anyio.Event()

        @server.handle("Heartbeat")
        async def heartbeat(context):
            begun.set()
            await handler(context)

        await client.connect()
        async with client.events("close") as closes, anyio.create_task_group() as tasks:
            tasks.start_soon(client.safe_call, "Heartbeat")
            await begun.wait()
            with anyio.fail_after(SECONDS):
                await server.close()
            assert await first(closes) == CloseEvent(1001, "")


class TestAHandlerThatCloses:
    async def test_its_server_does_not_wait_for_itself(self):
        await self._close_from(lambda server, context: server.close())

    async def test_its_connection_does_not_wait_for_itself(self):
        await self._close_from(lambda server, context: context.client.close())

    async def _close_from(self, close):
        async with serving(drain_timeout=3600) as (server, listener), client_of(listener, reconnect=False) as client:
            done = anyio.Event()

            @server.handle("Heartbeat")
            async def handle(context):
                await close(server, context)
                done.set()

            await client.connect()
            with anyio.fail_after(SECONDS):
                with pytest.raises(ConnectionLostError):
                    await client.call("Heartbeat")
                await done.wait()


class TestAWindow:
    async def test_closes_all_within_it(self):
        async with serving(close_window=0.1) as (server, listener), anyio.create_task_group() as tasks:

            async def come(identity):
                async with client_of(listener, identity, reconnect=False) as client, client.events("close") as ends:
                    await client.connect()
                    assert await first(ends) == CloseEvent(1001, "")

            for identity in ("CP1", "CP2", "CP3"):
                tasks.start_soon(come, identity)
                await station_of(server, identity)
            with anyio.fail_after(SECONDS):
                await server.close()
            assert server.clients == ()

    async def test_serves_the_stations_until_their_turn_and_ends_by_force(self):
        async with (
            serving() as (server, listener),
            client_of(listener, "CP1", reconnect=False) as one,
            client_of(listener, "CP2", reconnect=False) as two,
            anyio.create_task_group() as tasks,
        ):
            server.handle("Heartbeat", lambda _: {})
            for client in (one, two):
                await client.connect()
                await station_of(server, client.identity)
            with anyio.fail_after(SECONDS):
                async with server.events("close") as closes:
                    tasks.start_soon(partial(server.close, window=3600))
                    left = (await anext(closes)).client.identity
                stays = two if left == "CP1" else one
                assert await stays.call("Heartbeat") == {}
                await server.close(force=True)

    @pytest.mark.parametrize("window", [-1, 3601, float("inf"), "5", True])
    async def test_that_is_no_time_is_refused(self, window):
        with pytest.raises(ValueError, match="expected window 0 to 3600 seconds, got "):
            await OCPPServer().close(window=window)
        with pytest.raises(ValueError, match="close_window 0 to 3600 seconds"):
            OCPPServer(close_window=window)
