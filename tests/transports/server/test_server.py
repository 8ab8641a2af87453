"""OCPPServer: construction, listening, closing."""

import gc
from contextlib import suppress
from pkgutil import resolve_name
from typing import Any

import anyio
import pytest

from ocpp_transports import ClosedError, ConnectionState, OCPPServer, UnexpectedHttpResponse, load_validator
from ocpp_transports._peer import _close_grace
from ocpp_transports.events import CloseEvent
from tests.kinds import mistyped
from tests.transports.pairs import SECONDS, client_of, first, knock, never, serving, station_of, upgrade

pytestmark = pytest.mark.anyio


class TestConstruction:
    @pytest.mark.parametrize(
        ("given", "error", "expected"),
        [
            ({"protocols": []}, ValueError, "distinct subprotocol names"),
            ({"credentials": {}}, ValueError, "no credentials"),
            ({"security_profile": 3, "credentials": {}}, ValueError, "no credentials"),
            ({"default_protocol": "ocpp1.2"}, ValueError, "default_protocol to be one of"),
            ({"unmatched_protocol": "close"}, ValueError, "'reject' or 'upgrade-then-close'"),
            ({"broken_escapes": "ignore"}, ValueError, "'reject' or 'keep'"),
            ({"tls": "server.pem"}, TypeError, "tls as TLSOptions or ssl.SSLContext"),
            ({"security_profile": 4}, ValueError, "security profile of 0 to 3"),
            ({"handshake_timeout": -1}, ValueError, "handshake_timeout >= 0"),
            ({"auth": 5}, TypeError, "auth as a callable"),
            ({"max_connections": 0}, ValueError, "max_connections >= 1"),
            ({"max_handshakes": 0}, ValueError, "max_handshakes >= 1"),
            ({"max_handshakes_per_address": 0}, ValueError, "max_handshakes_per_address >= 1"),
            ({"max_sockets": True}, ValueError, "max_sockets >= 1"),
            ({"max_sockets_per_address": 0.5}, ValueError, "max_sockets_per_address >= 2"),
            ({"identity_characters": "some"}, ValueError, "'standard', 'printable' or 'any'"),
            ({"max_identity_length": 0}, ValueError, "max_identity_length >= 1"),
            ({"max_identity_length": "5"}, ValueError, "max_identity_length >= 1"),
            ({"ignore_identity_case": "no"}, TypeError, "ignore_identity_case as bool"),
            ({"paths_without_identity": "/"}, TypeError, "list of paths"),
            ({"paths_without_identity": ["ocpp"]}, ValueError, "begin with '/'"),
            ({"require_connection_header": None}, TypeError, "require_connection_header as bool"),
            ({"identify": "any"}, ValueError, "no identify with security profile 0"),
            ({"security_profile": 3, "identify": None}, TypeError, "identify as a mapping, a function"),
            ({"security_profile": 3, "identify": "none"}, ValueError, "identify 'exact' or 'any'"),
            ({"max_tls_handshakes": 0}, ValueError, "max_tls_handshakes >= 1"),
            ({"tls_terminated": 1}, TypeError, "tls_terminated as bool"),
            ({"ports": 1}, TypeError, "unknown option 'ports', expected one of: action_rates, address_burst, "),
        ],
    )
    async def test_refuses(self, given, error, expected):
        with pytest.raises(error, match=expected):
            OCPPServer(**given)

    async def test_speaks_all_standard_versions_by_default(self):
        server = OCPPServer()
        assert server._options.protocols == ("ocpp2.1", "ocpp2.0.1", "ocpp1.6")
        assert repr(server) == "<OCPPServer, 0 listeners, 0 stations>"


class TestListening:
    @pytest.mark.parametrize("profile", [1, 2])
    async def test_needs_somebody_who_checks_passwords(self, profile):
        async with OCPPServer(protocols=["ocpp1.6"], security_profile=profile, tls_terminated=True) as server:
            with pytest.raises(ValueError, match="credentials, verify or an auth handler"):
                await server.listen(0, "127.0.0.1")

            @server.auth
            def auth(accept, reject, handshake):
                accept()

            await server.listen(0, "127.0.0.1")

    async def test_is_not_reconfigured_to_a_profile_that_nobody_checks(self):
        async with serving() as (server, _):
            with pytest.raises(ValueError, match="credentials, verify or an auth handler"):
                server.reconfigure(security_profile=1)

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
            assert (listener.closed, repr(server)[:25]) == (False, "<OCPPServer, 1 listeners,")
            await listener.aclose()
            assert (listener.closed, repr(server)[:25]) == (True, "<OCPPServer, 0 listeners,")
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

    async def test_on_what_is_no_host_raises(self):
        async with OCPPServer() as server:
            with pytest.raises(TypeError, match="host as text"):
                await server.listen(0, mistyped(5))

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


class TestAFullServer:
    async def test_refuses_by_503_whoever_has_no_place_yet(self):
        async with serving(max_connections=1) as (_, listener), client_of(listener, "CP1") as one:
            await one.connect()
            async with client_of(listener, "CP2") as two:
                with pytest.raises(UnexpectedHttpResponse) as refused:
                    await two.connect()
            assert refused.value.status == 503
            assert "retry-after" in dict(refused.value.headers)
            async with client_of(listener, "CP1") as again:
                assert await again.connect() == "ocpp1.6"

    async def test_has_a_place_again_when_a_station_is_gone(self):
        async with serving(max_connections=1) as (server, listener):
            async with client_of(listener, "CP1") as one:
                await one.connect()
                left = await station_of(server, "CP1")
            await left.close()
            async with client_of(listener, "CP2") as two:
                assert await two.connect() == "ocpp1.6"


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
            seen: list[Any] = []
            server.on("closing", lambda event: seen.append(("closing", server.is_draining)))
            server.on("closed", lambda event: seen.append(("closed", server.is_draining)))
            await server.listen(0, "127.0.0.1")
            assert server.is_draining is False
        assert seen == [("closing", True), ("closed", True)]
        assert bool(server.is_draining), "until it is opened again"
        async with server:
            assert server.is_draining is False

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

    async def test_refuses_whoever_still_comes(self):
        async with serving() as (server, listener), client_of(listener, reconnect=False) as client:
            client.handle("Reset", lambda ctx: never())
            await client.connect()
            station = await station_of(server)
            async with (
                await anyio.connect_tcp("127.0.0.1", listener.port) as late,
                anyio.create_task_group() as tasks,
                station.events("message") as messages,
                server.events("closing") as closings,
            ):
                await late.send(b"GET /ocpp/CP2 HTTP/1.1\r\n")
                tasks.start_soon(server.safe_call, "CP1", "Reset")
                await first(messages)
                tasks.start_soon(server.close)
                await first(closings)
                await late.send(upgrade("/ocpp/CP2").partition(b"\r\n")[2])
                assert (await late.receive()).startswith(b"HTTP/1.1 503 ")
                await late.aclose()
                with pytest.raises(RuntimeError, match="cannot listen: the server is closing"):
                    await server.listen(0, "127.0.0.1")
                await server.close(force=True)

    @pytest.mark.parametrize("step", ["_server._lifecycle._opening.warm_up_in_thread", "_runtime._tasks.open_sockets"])
    async def test_leaves_no_listener_that_began_before(self, step, monkeypatch):
        name = f"ocpp_transports.{step}"
        before = resolve_name(name)

        async def overtaken(*args, **options):
            result = await before(*args, **options)
            await server.close()
            return result

        async with OCPPServer(protocols=["ocpp1.6"]) as server:
            monkeypatch.setattr(name, overtaken)
            with pytest.raises(RuntimeError, match="cannot listen: the server is closing"):
                await server.listen(0, "127.0.0.1")
            assert (server.is_draining, server._is_listening()) == (True, False)

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

            server.on("closed", closed)
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
        monkeypatch.setattr(_close_grace, "MOMENT", 0.02)
        async with OCPPServer() as server:
            server.on("closed", lambda event: anyio.sleep_forever())
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
            seen: list[Any] = []
            server.on("closed", seen.append)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(server.close)
                tasks.start_soon(server.close)
            assert seen == [CloseEvent(1001, "")]

    async def test_by_a_cancellation_logs_no_error(self, caplog):
        with anyio.CancelScope() as block:
            async with serving():
                block.cancel()
        assert [record for record in caplog.records if record.levelname == "ERROR"] == []

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

    async def test_compiles_when_its_block_begins_for_connections_that_others_bring(self):
        validator = load_validator("ocpp1.6")
        async with OCPPServer(protocols=["ocpp1.6"], strict_mode=True, strict_mode_validators=[validator]):
            assert all(message.is_compiled for message in validator._messages["Heartbeat"].values())


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
                            await stream.send(
                                b"no request\r\n\r\n"
                            )  # for one that sends nothing, closing waits a second
                            await stream.receive()

                tasks.start_soon(come)
                for _ in range(turns):
                    await anyio.lowlevel.checkpoint()
                await server.close()
        gc.collect()
