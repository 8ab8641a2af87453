"""Connection middleware on a server: what a station gets, what the application learns, and what ends a middleware."""

import anyio
import pytest

from tests.transports.pairs import SECONDS, client_of, first, knock, pair, serving, station_of, upgrade

pytestmark = pytest.mark.anyio


async def refusing(ctx, proceed):
    ctx.reject(403, "Banned", headers={"x-reason": "list"})


class TestAMiddleware:
    async def test_refuses_with_headers_on_the_wire_and_tells_the_application(self):
        async with (
            serving(connection_middleware=[refusing]) as (server, listener),
            server.events("upgrade_aborted") as all_,
        ):
            status, headers, body = await knock(listener, upgrade())
            assert (status, headers["x-reason"], body) == (403, "list", "Banned")
            assert (await first(all_)).status == 403

    async def test_tells_the_station_nothing_of_an_exception(self):
        async with serving() as (server, listener), server.events("error") as errors:

            @server.connection_middleware
            async def broken(ctx, proceed):
                raise RuntimeError("oops secret")

            status, _, body = await knock(listener, upgrade())
            assert (status, body) == (500, "Internal Server Error")
            assert str((await first(errors)).error) == "oops secret"

    async def test_that_only_proceeds_leaves_both_sides_with_one_subprotocol(self):
        async def proceeding(ctx, proceed):
            await proceed()

        ours, theirs = ["ocpp2.0.1", "ocpp1.6"], ["ocpp2.1", "ocpp1.6", "ocpp2.0.1"]
        server = {"connection_middleware": [proceeding], "protocols": ours}
        async with pair(server=server, protocols=theirs) as (client, station):
            assert client.protocol == station.protocol == "ocpp2.0.1"

    async def test_gives_the_session_to_the_handle(self):
        async with serving() as (server, listener), client_of(listener) as client:

            @server.connection_middleware
            async def tenant(ctx, proceed):
                ctx.session["tenant"] = ctx.handshake.path.split("/")[1]
                await proceed()

            await client.connect()
            assert (await station_of(server)).session == {"tenant": "ocpp"}

    async def test_that_never_ends_is_cancelled_at_the_handshake_timeout(self):
        async with serving(handshake_timeout=0.2) as (server, listener):
            waiting = Waiting()
            server.connection_middleware(waiting.middleware)
            assert (await knock(listener, upgrade()))[0] == 408
            await waiting.wait_for_end()

    async def test_is_cancelled_when_the_station_leaves(self):
        async with serving() as (server, listener):
            waiting = Waiting()
            server.connection_middleware(waiting.middleware)
            async with await anyio.connect_tcp("127.0.0.1", listener.port) as stream:
                await stream.send(upgrade())
                await waiting.begun.wait()
                assert server.stats().handshakes == 1
            await waiting.wait_for_end()
            assert server.stats().handshakes == 0

    async def test_is_cancelled_when_the_server_closes(self):
        async with serving() as (server, listener), anyio.create_task_group() as tasks:
            waiting = Waiting()
            server.connection_middleware(waiting.middleware)

            async def come():
                assert (await knock(listener, upgrade()))[0] == 503

            tasks.start_soon(come)
            await waiting.begun.wait()
            await server.close()
            await waiting.wait_for_end()

    async def test_counts_as_a_handshake_that_waits(self):
        async with serving(max_handshakes=1) as (server, listener):
            waiting = Waiting()
            server.connection_middleware(waiting.middleware)
            async with await anyio.connect_tcp("127.0.0.1", listener.port) as stream:
                await stream.send(upgrade())
                await waiting.begun.wait()
                assert (await knock(listener, upgrade()))[0] == 503

    async def test_that_waits_after_the_rest_does_not_let_too_many_stations_in(self):
        async with serving(max_connections=1) as (server, listener), anyio.create_task_group() as tasks:
            passed: list[str] = []
            both = anyio.Event()

            @server.connection_middleware
            async def slow(ctx, proceed):
                await proceed()
                passed.append(ctx.handshake.identity)
                if len(passed) == 2:
                    both.set()
                await both.wait()

            async def come(identity):
                async with await anyio.connect_tcp("127.0.0.1", listener.port) as stream:
                    await stream.send(upgrade(f"/{identity}"))
                    statuses.append((await stream.receive()).split()[1])
                    if len(statuses) == 2:
                        answered.set()
                    await answered.wait()

            statuses: list[bytes] = []
            answered = anyio.Event()
            tasks.start_soon(come, "CP1")
            tasks.start_soon(come, "CP2")
            with anyio.fail_after(SECONDS):
                await answered.wait()
        assert sorted(statuses) == [b"101", b"503"]

    async def test_must_be_a_list_of_functions(self):
        async with serving() as (server, _):
            with pytest.raises(TypeError, match="connection_middleware as a list of functions, got function"):
                server.reconfigure(connection_middleware=refusing)
            with pytest.raises(TypeError, match="connection_middleware as functions, got int"):
                server.reconfigure(connection_middleware=[1])


class Waiting:
    """A middleware that begins and never ends by itself."""

    def __init__(self):
        self.begun = anyio.Event()
        self.ended = anyio.Event()

    async def middleware(self, ctx, proceed):
        self.begun.set()
        try:
            await anyio.sleep_forever()
        finally:
            self.ended.set()

    async def wait_for_end(self):
        with anyio.fail_after(SECONDS):
            await self.ended.wait()
