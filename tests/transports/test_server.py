"""OCPPServer: listening, letting stations in, keeping books of them, closing."""

import gc
from contextlib import suppress

import anyio
import pytest

from ocpp_transports import (
    ClosedError,
    ConnectionLostError,
    ConnectionState,
    OCPPServer,
    RPCNotImplementedError,
    UnexpectedHttpResponse,
    _farewells,
)
from ocpp_transports.events import CloseEvent, OpenEvent, UpgradeAbortedEvent
from tests.transports.pairs import SECONDS, client_of, first, knock, pair, serving, station_of, upgrade

pytestmark = pytest.mark.anyio


class TestConstruction:
    @pytest.mark.parametrize(
        ("given", "error", "expected"),
        [
            ({"protocols": []}, ValueError, "distinct subprotocol names"),
            ({"security_profile": 1}, ValueError, "credentials or an auth handler"),
            ({"security_profile": 2}, ValueError, "credentials or an auth handler"),
            ({"credentials": {}}, ValueError, "no credentials"),
            ({"security_profile": 3, "credentials": {}}, ValueError, "no credentials"),
            ({"default_protocol": "ocpp1.2"}, ValueError, "default_protocol to be one of"),
            ({"unmatched_protocol": "close"}, ValueError, "'reject' or 'upgrade-then-close'"),
            ({"handshake_timeout": -1}, ValueError, "handshake_timeout >= 0"),
            ({"auth": 5}, TypeError, "auth as a callable"),
            ({"tls_terminated": 1}, TypeError, "tls_terminated as bool"),
            ({"ports": 1}, TypeError, "ports"),
        ],
    )
    async def test_refuses(self, given, error, expected):
        with pytest.raises(error, match=expected):
            OCPPServer(**given)

    async def test_speaks_all_standard_versions_by_default(self):
        assert OCPPServer()._options.protocols == ("ocpp2.1", "ocpp2.0.1", "ocpp1.6")


class TestListening:
    async def test_on_several_ports_at_once(self):
        async with serving() as (server, one):
            two = await server.listen(0, "127.0.0.1")
            assert one.host == two.host == "127.0.0.1"
            assert one.port != two.port
            async with client_of(one, "CP1") as a, client_of(two, "CP2") as b:
                await a.connect()
                await b.connect()
                await station_of(server, "CP1")
                await station_of(server, "CP2")
                assert {client.identity for client in server.clients} == {"CP1", "CP2"}

    async def test_ends_for_one_port_without_touching_its_connections(self):
        async with serving() as (server, listener), client_of(listener) as client:
            server.handle("Heartbeat", lambda ctx: {})
            await client.connect()
            await listener.aclose()
            assert await client.call("Heartbeat") == {}

    async def test_on_a_taken_port_raises(self):
        async with serving() as (server, listener):
            with pytest.raises(OSError, match="in use"):
                await server.listen(listener.port, "127.0.0.1")

    @pytest.mark.parametrize("port", [-1, 65536, "9000", True, None])
    async def test_on_what_is_no_port_raises(self, port):
        async with OCPPServer() as server:
            with pytest.raises(ValueError, match="port from 0 to 65535"):
                await server.listen(port)

    async def test_outside_a_block_works_on_asyncio_and_says_what_to_do_on_trio(self, anyio_backend_name):
        server = OCPPServer(protocols=["ocpp1.6"])
        if anyio_backend_name == "trio":
            with pytest.raises(RuntimeError, match="async with OCPPServer"):
                await server.listen(0, "127.0.0.1")
            return
        listener = await server.listen(0, "127.0.0.1")
        async with client_of(listener) as client:
            await client.connect()
            await server.close()
        assert server._runtime is None

    async def test_is_possible_again_after_a_close(self):
        async with serving() as (server, _):
            await server.close()
            async with client_of(await server.listen(0, "127.0.0.1")) as client:
                assert await client.connect() == "ocpp1.6"


class TestStations:
    async def test_are_told_by_the_client_event(self):
        async with OCPPServer(protocols=["ocpp1.6"]) as server:
            seen = []
            server.on("client", seen.append)
            async with client_of(await server.listen(0, "127.0.0.1")) as client:
                await client.connect()
                station = await station_of(server)
            assert seen == [station]
            assert (station.identity, station.session) == ("CP1", {})

    async def test_are_open_to_listeners_that_were_told_of_them(self):
        opens = []
        async with serving() as (server, listener), client_of(listener) as client:
            server.on("client", lambda station: station.on("open", opens.append))
            await client.connect()
            await station_of(server)
        assert opens == [OpenEvent("ocpp1.6")]

    async def test_can_be_found_and_called_by_identity(self):
        async with serving() as (server, listener), client_of(listener) as client:
            client.handle("Reset", lambda ctx: {"status": "Accepted"})
            await client.connect()
            assert await server.wait_for_client("CP1") is server.get_client("CP1")
            assert await server.call("CP1", "Reset", {"type": "Soft"}) == {"status": "Accepted"}
            assert await server.call("CP1", "ocpp1.6", "Reset", {"type": "Soft"}) == {"status": "Accepted"}
            assert await server.safe_call("CP1", "Reset", {}) == {"status": "Accepted"}
            assert server.get_client("CP2") is None
            assert await server.safe_call("CP2", "Reset") is None
            with pytest.raises(ConnectionLostError) as caught:
                await server.call("CP2", "Reset")
            assert not caught.value.sent

    async def test_that_do_not_come_are_waited_for_in_vain(self):
        async with serving() as (server, _):
            with pytest.raises(TimeoutError, match="'CP1' did not connect within"):
                await server.wait_for_client("CP1", timeout=0.02)

    async def test_are_not_waited_for_beyond_the_end_of_the_server(self):
        async with serving() as (server, _):

            async def wait():
                with pytest.raises(ClosedError):
                    await server.wait_for_client("CP1")

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(wait)
                await anyio.wait_all_tasks_blocked()
                await server.close()

    async def test_that_are_gone_tell_nothing_more(self):
        async with pair() as (client, station):
            async with station.events("close") as closes:
                await client.close()
                await first(closes)
            assert [event async for event in station.events("message")] == []

    async def test_keep_what_auth_gave_them(self):
        def auth(accept, reject, handshake):
            accept(session={"tenant": "a"})

        async with pair(server={"auth": auth}) as (_, station):
            assert station.session == {"tenant": "a"}
            station.session["more"] = 1

    async def test_are_forgotten_when_they_leave(self):
        async with serving() as (server, listener), client_of(listener) as client:
            await client.connect()
            station = await station_of(server)
            async with station.events("close") as closes:
                await client.close()
                await first(closes)
            assert server.clients == ()

    async def test_share_the_handlers_of_the_server_and_prefer_their_own(self):
        async with serving() as (server, listener), client_of(listener) as client:
            server.handle("Heartbeat", lambda ctx: {"by": "server", "for": ctx.client.identity})
            server.handle("ocpp1.6", "StatusNotification", lambda ctx: {"by": "server"})
            await client.connect()
            station = await station_of(server)
            assert await client.call("Heartbeat") == {"by": "server", "for": "CP1"}
            assert await client.call("StatusNotification") == {"by": "server"}
            station.handle("Heartbeat", lambda ctx: {"by": "station"})
            assert await client.call("Heartbeat") == {"by": "station"}

    async def test_pass_the_middleware_of_the_server_first(self):
        async with serving() as (server, listener), client_of(listener) as client:
            seen = []

            async def outer(ctx, proceed):
                seen.append("server")
                return await proceed()

            async def inner(ctx, proceed):
                seen.append("station")
                return await proceed()

            server.use(outer)
            server.handle("Heartbeat", lambda ctx: {})
            client.handle("Reset", lambda ctx: {})
            await client.connect()
            station = await station_of(server)
            station.use(inner)
            await client.call("Heartbeat")
            await station.call("Reset")
            assert seen == ["server", "station"] * 2

    async def test_may_be_reconfigured_one_by_one(self):
        async with pair() as (client, station):
            client.handle("Reset", lambda ctx: anyio.sleep_forever())
            station.reconfigure(call_timeout=0.02)
            with pytest.raises(TimeoutError):
                await station.call("Reset")
            with pytest.raises(ValueError, match="call_timeout > 0"):
                station.reconfigure(call_timeout=0)

    async def test_that_come_later_get_the_servers_new_options(self):
        async with serving() as (server, listener), client_of(listener) as client:
            server.reconfigure(call_timeout=0.02)
            client.handle("Reset", lambda ctx: anyio.sleep_forever())
            await client.connect()
            await station_of(server)
            with pytest.raises(TimeoutError):
                await server.call("CP1", "Reset")


class TestTheFirstCall:
    """A CALL without a handler is held until the `client` listeners have returned, or one second has passed."""

    async def test_is_not_missed_by_handlers_registered_late_in_a_listener(self):
        async with serving() as (server, listener), client_of(listener) as client:

            @server.on("client")
            async def arrived(station):
                async with station.events("call") as calls:
                    await first(calls)
                station.handle("BootNotification", lambda ctx: {"status": "Accepted"})

            await client.connect()
            assert await client.call("BootNotification", {}) == {"status": "Accepted"}

    async def test_is_not_implemented_as_soon_as_all_listeners_have_returned(self):
        async with serving(handler_grace=1000) as (server, listener), client_of(listener) as client:

            @server.on("client")
            async def arrived(station):
                async with station.events("call") as calls:
                    await first(calls)

            await client.connect()
            with pytest.raises(RPCNotImplementedError):
                await client.call("BootNotification", {})

    async def test_is_not_implemented_in_time_although_a_listener_never_returns(self):
        async with serving(handler_grace=0.02) as (server, listener), client_of(listener) as client:
            server.on("client", lambda station: anyio.sleep_forever())
            await client.connect()
            with pytest.raises(RPCNotImplementedError):
                await client.call("BootNotification", {})

    async def test_is_served_although_a_listener_raises(self, caplog):
        async with serving() as (server, listener), client_of(listener) as client, server.events("error") as errors:

            @server.on("client")
            def arrived(station):
                raise RuntimeError("boom")

            server.handle("BootNotification", lambda ctx: {})
            await client.connect()
            assert await client.call("BootNotification", {}) == {}
            assert str((await first(errors)).error) == "boom"


class TestTheSameIdentityTwice:
    async def test_the_newest_connection_wins(self):
        async with serving() as (server, listener), client_of(listener, reconnect=False) as old:
            await old.connect()
            station = await station_of(server)
            async with (
                station.events("close") as closes,
                old.events("close") as old_closes,
                client_of(listener) as new,
            ):
                new.handle("Reset", lambda ctx: {"by": "new"})
                await new.connect()
                assert (await first(old_closes)).code == 4000
                await first(closes)
                assert server.get_client("CP1") is not station
                assert await server.call("CP1", "Reset") == {"by": "new"}
                assert len(server.clients) == 1

    async def test_the_late_end_of_the_old_one_does_not_touch_the_new_one(self):
        async with serving(close_timeout=0.05) as (server, listener):
            stream = await anyio.connect_tcp("127.0.0.1", listener.port)
            await stream.send(upgrade())  # a station that never answers a close frame
            old = await station_of(server)
            async with stream, old.events("close") as closes, client_of(listener) as new:
                await new.connect()
                assert server.get_client("CP1") is not old
                assert (await first(closes)).code == 1006
                assert server.get_client("CP1") is not None

    async def test_an_impostor_does_not_replace_the_station(self):
        async with (
            serving(security_profile=1, credentials={"CP1": "secret"}) as (server, listener),
            client_of(listener, security_profile=1, password="secret") as client,
            client_of(listener, security_profile=1, password="wrong") as impostor,
        ):
            await client.connect()
            station = await station_of(server)
            with pytest.raises(UnexpectedHttpResponse):
                await impostor.connect()
            assert server.get_client("CP1") is station
            assert station.state is ConnectionState.OPEN


class TestRefusals:
    """Every handshake gets an HTTP answer, never silence, never an exception's text."""

    @pytest.mark.parametrize(
        ("request_", "status"),
        [
            (upgrade("/"), 400),
            (upgrade("//["), 400),
            (upgrade("/ocpp/CP%E0%A4%A"), 400),
            (upgrade(protocol=None), 400),
            (upgrade(protocol="ocpp0.1"), 400),
            (upgrade(protocol="OCPP1.6"), 400),
            (upgrade(protocol="ocpp1.6, ocpp1.6"), 400),
            (upgrade(protocol="ocpp1.6,"), 400),
            (upgrade().replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"short"), 400),
            (upgrade().replace(b"Version: 13", b"Version: 12"), 426),
            (upgrade().replace(b"Upgrade: websocket", b"Upgrade: h2c"), 426),
            (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 426),
            (b"POST /ocpp/CP1 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 405),
            (b"nonsense\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nX: " + b"y" * 20_000 + b"\r\n\r\n", 431),
        ],
    )
    async def test_by_status(self, request_, status):
        async with serving() as (_, listener):
            answered, headers, body = await knock(listener, request_)
            assert answered == status
            assert headers["content-type"].startswith("text/plain")
            assert int(headers["content-length"]) == len(body.encode())
            if status == 426:
                assert headers["upgrade"] == "websocket"

    @pytest.mark.parametrize(
        ("target", "identity"),
        [("/ocpp/CP%20%2F%C3%BC", "CP /ü"), ("//CPX", "CPX"), ("/ocpp/CP1/?x=1", "CP1"), ("/ocpp/%2e%2e", "..")],
    )
    async def test_not_of_an_odd_identity(self, target, identity):
        async with serving() as (server, listener), await anyio.connect_tcp("127.0.0.1", listener.port) as stream:
            await stream.send(upgrade(target))
            assert (await station_of(server, identity)).identity == identity

    async def test_of_one_that_takes_too_long(self):
        async with serving(handshake_timeout=0.05) as (_, listener):
            assert (await knock(listener, b"GET / HTTP/1.1\r\n"))[0] == 408

    async def test_where_auth_never_decides(self):
        async def auth(accept, reject, handshake):
            try:
                await anyio.sleep_forever()
            finally:
                ended.set()

        ended = anyio.Event()
        async with serving(handshake_timeout=0.05, auth=auth) as (_, listener):
            assert (await knock(listener, upgrade()))[0] == 408
            with anyio.fail_after(SECONDS):
                await ended.wait()

    async def test_where_auth_raises(self, caplog):
        async def auth(accept, reject, handshake):
            raise RuntimeError("oops secret")

        async with serving(auth=auth) as (server, listener), server.events("error") as errors:
            status, _, body = await knock(listener, upgrade())
            assert status == 500
            assert "secret" not in body
            assert str((await first(errors)).error) == "oops secret"

    async def test_where_an_asynchronous_auth_rejects(self):
        async def auth(accept, reject, handshake):
            reject()

        async with serving(auth=auth) as (_, listener):
            status, headers, body = await knock(listener, upgrade())
            assert (status, body) == (401, "Unauthorized")
            assert headers["www-authenticate"].startswith("Basic")

    async def test_are_told(self):
        async with serving() as (server, listener), server.events("upgrade_aborted") as refusals:
            server.auth(lambda accept, reject, handshake: reject(403, "Blocked"))
            await knock(listener, upgrade())
            await knock(listener, upgrade("/"))
            assert await first(refusals) == UpgradeAbortedEvent("CP1", "127.0.0.1", 403, "Blocked")
            assert (await first(refusals)).identity is None

    async def test_cost_the_other_stations_nothing(self):
        async with serving() as (server, listener), client_of(listener) as client:
            server.handle("Heartbeat", lambda ctx: {})
            await client.connect()
            await knock(listener, b"nonsense\r\n\r\n")
            assert await client.call("Heartbeat") == {}


class TestAuth:
    async def test_may_decorate_and_is_there_once(self):
        server = OCPPServer(protocols=["ocpp1.6"])

        @server.auth
        def auth(accept, reject, handshake):
            accept()

        assert callable(auth)
        with pytest.raises(ValueError, match="one auth handler"):
            server.auth(auth)
        with pytest.raises(TypeError, match="auth as a callable"):
            OCPPServer().auth("no")

    async def test_may_choose_another_protocol_for_one_station(self):
        def auth(accept, reject, handshake):
            accept(protocol="ocpp1.6")

        protocols = ["ocpp2.1", "ocpp1.6"]
        async with pair(server={"auth": auth, "protocols": protocols}, protocols=protocols) as (client, station):
            assert client.protocol == station.protocol == "ocpp1.6"

    async def test_sees_the_whole_handshake(self):
        seen = []

        def auth(accept, reject, handshake):
            seen.append(handshake)
            accept()

        async with serving(auth=auth) as (_, listener), client_of(listener, query={"a": "1"}) as client:
            await client.connect()
        (handshake,) = seen
        assert (handshake.identity, handshake.path, dict(handshake.query)) == ("CP1", "/ocpp/CP1", {"a": "1"})
        assert (handshake.protocols, handshake.password) == (("ocpp1.6",), None)
        assert (handshake.remote_address, handshake.client_certificate) == ("127.0.0.1", None)


class TestStationsWithoutASubprotocol:
    async def test_may_be_taken_to_speak_a_default_one(self):
        async with (
            serving(default_protocol="ocpp1.6") as (server, listener),
            await anyio.connect_tcp("127.0.0.1", listener.port) as stream,
        ):
            await stream.send(upgrade(protocol=None))
            answer = await stream.receive()
            assert answer.startswith(b"HTTP/1.1 101 ")
            assert b"sec-websocket-protocol" not in answer.lower()
            assert (await station_of(server)).protocol == "ocpp1.6"

    async def test_may_be_upgraded_and_closed_at_once(self):
        async with (
            serving(unmatched_protocol="upgrade-then-close") as (server, listener),
            await anyio.connect_tcp("127.0.0.1", listener.port) as stream,
        ):
            await stream.send(upgrade(protocol="ocpp0.1"))
            data = b""
            while b"\x88" not in data:
                data += await stream.receive()
            head, _, frames = data.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 101 ")
            assert b"sec-websocket-protocol" not in head.lower()
            assert frames[2:4] == (1002).to_bytes(2)
            assert server.clients == ()


class TestClosing:
    async def test_ends_every_connection(self):
        async with serving() as (server, listener), client_of(listener, reconnect=False) as client:
            await client.connect()
            station = await station_of(server)
            async with client.events("close") as closes:
                assert await server.close(reason="maintenance") == CloseEvent(1001, "maintenance")
                assert await first(closes) == CloseEvent(1001, "maintenance")
            assert station.state is ConnectionState.CLOSED
            assert server.clients == ()

    async def test_tells_its_beginning_and_its_end(self):
        async with OCPPServer() as server:
            seen = []
            server.on("closing", lambda event: seen.append("closing"))
            server.on("close", lambda event: seen.append("close"))
            await server.listen(0, "127.0.0.1")
        assert seen == ["closing", "close"]

    async def test_ends_although_a_station_answers_nothing(self):
        async with (
            serving(close_timeout=0.05) as (server, listener),
            await anyio.connect_tcp("127.0.0.1", listener.port) as stream,
        ):
            await stream.send(upgrade())
            await station_of(server)
            with anyio.fail_after(SECONDS):
                await server.close()

    async def test_ends_although_a_call_is_never_answered(self):
        async with serving(drain_timeout=0.05) as (server, listener), client_of(listener, reconnect=False) as client:
            client.handle("Reset", lambda ctx: anyio.sleep_forever())
            await client.connect()
            station = await station_of(server)
            async with anyio.create_task_group() as tasks, station.events("message") as messages:

                async def call():
                    with pytest.raises(ClosedError) as caught:
                        await station.call("Reset")
                    assert caught.value.sent

                tasks.start_soon(call)
                await first(messages)
                with anyio.fail_after(SECONDS):
                    await server.close()

    async def test_refuses_whom_auth_has_not_decided_on(self):
        async def auth(accept, reject, handshake):
            asked.set()
            await anyio.sleep_forever()

        asked, answers = anyio.Event(), []
        async with serving(auth=auth) as (server, listener), anyio.create_task_group() as tasks:

            async def come():
                answers.append((await knock(listener, upgrade()))[:2])

            tasks.start_soon(come)
            await asked.wait()
            with anyio.fail_after(SECONDS):
                await server.close()
        ((status, headers),) = answers
        assert status == 503
        assert "retry-after" in headers

    async def test_ends_although_streams_say_nothing(self):
        async with serving() as (server, listener), await anyio.connect_tcp("127.0.0.1", listener.port):
            with anyio.fail_after(SECONDS):
                await server.close()

    async def test_gives_asynchronous_listeners_a_moment(self):
        async with serving() as (server, listener), client_of(listener, reconnect=False) as client:
            told = []

            async def closed(event):
                await anyio.lowlevel.checkpoint()
                told.append(event.code)

            server.on("close", closed)
            server.on("client", lambda station: station.on("close", closed))
            await client.connect()
            await station_of(server)
            await server.close()
        assert told == [1001, 1001]

    async def test_ends_although_a_listener_never_returns(self):
        async with serving() as (server, listener), client_of(listener, reconnect=False) as client:
            server.on("client", lambda station: anyio.sleep_forever())
            await client.connect()
            with anyio.fail_after(SECONDS):
                await server.close()

    async def test_ends_although_a_listener_of_its_end_never_returns(self, monkeypatch):
        monkeypatch.setattr(_farewells, "MOMENT", 0.02)
        async with OCPPServer() as server:
            server.on("close", lambda event: anyio.sleep_forever())
            await server.listen(0, "127.0.0.1")
            with anyio.fail_after(SECONDS):
                await server.close()

    async def test_may_come_from_a_handler(self):
        async with serving() as (server, listener), client_of(listener, reconnect=False) as client:
            done = anyio.Event()

            @server.handle("Heartbeat")
            async def heartbeat(ctx):
                await server.close(await_pending=False)
                done.set()

            await client.connect()
            await client.safe_call("Heartbeat")
            with anyio.fail_after(SECONDS):
                await done.wait()

    async def test_twice_at_once_ends_once(self):
        async with serving() as (server, listener), client_of(listener, reconnect=False) as client:
            await client.connect()
            await station_of(server)
            seen = []
            server.on("close", seen.append)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(server.close)
                tasks.start_soon(server.close)
            assert seen == [CloseEvent(1001, "")]

    async def test_without_anything_to_close_returns(self):
        assert await OCPPServer().close() == CloseEvent(1001, "")

    async def test_with_a_code_that_must_not_be_sent_raises(self):
        with pytest.raises(ValueError, match="close code"):
            await OCPPServer().close(1006)


class TestStrictMode:
    async def test_compiles_in_a_worker_thread_before_it_listens(self):
        async with OCPPServer(protocols=["ocpp1.6"], strict_mode=True) as server:
            await server.listen(0, "127.0.0.1")
            validator = server._options.validators["ocpp1.6"]
            assert all(message.is_compiled for kinds in validator._messages.values() for message in kinds.values())


class TestComingWhileTheServerCloses:
    @pytest.mark.parametrize("turns", range(4))
    async def test_leaves_no_socket_open(self, turns):
        """A connection that is accepted in the very moment is not lost; an unclosed socket fails the test run."""
        for _ in range(5):
            server = OCPPServer(protocols=["ocpp1.6"])
            async with server, anyio.create_task_group() as tasks:
                listener = await server.listen(0, "127.0.0.1")

                async def come(port=listener.port):
                    with suppress(OSError, anyio.BrokenResourceError, anyio.EndOfStream):
                        async with await anyio.connect_tcp("127.0.0.1", port) as stream:
                            await stream.receive()

                tasks.start_soon(come)
                for _ in range(turns):
                    await anyio.lowlevel.checkpoint()
                await server.close()
        gc.collect()
