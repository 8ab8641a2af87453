"""OCPPClient: connecting, coming back, closing."""

import ssl
from contextlib import asynccontextmanager
from math import inf

import anyio
import pytest

from ocpp_transports import (
    CallDroppedError,
    ClosedError,
    ConnectionFailedError,
    ConnectionLostError,
    ConnectionState,
    OCPPBackoff,
    OCPPClient,
    SecurityProfile,
    TLSOptions,
    UnexpectedHttpResponse,
)
from ocpp_transports.events import (
    CloseEvent,
    ConnectingEvent,
    DisconnectEvent,
    ErrorEvent,
    OpenEvent,
    ReconnectEvent,
)
from tests.transports.pairs import SECONDS, client_of, first, pair, serving, station_of

pytestmark = pytest.mark.anyio


@pytest.fixture
async def silent_port():
    """A port that accepts connections and never says a word."""
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
        yield listener


@asynccontextmanager
async def refusing(status=503):
    """A server that refuses everybody."""
    async with serving(auth=lambda accept, reject, handshake: reject(status, "Not today")) as served:
        yield served


class Port:
    """Stands for a listener where a test has only a port."""

    def __init__(self, listener):
        self.port = listener.extra(anyio.abc.SocketAttribute.local_port)


class TestConstruction:
    """Bad arguments raise at once, with what was expected."""

    @pytest.mark.parametrize(
        ("given", "error", "expected"),
        [
            ({"identity": ""}, ValueError, "non-empty identity"),
            ({"identity": 7}, TypeError, "identity as str"),
            ({"endpoint": "http://csms"}, ValueError, "ws:// or wss://"),
            ({"endpoint": "ws://csms/#x"}, ValueError, "fragment"),
            ({"protocols": []}, ValueError, "distinct subprotocol names"),
            ({"protocols": "ocpp1.6"}, TypeError, "list of subprotocol names"),
            ({"protocols": ["ocpp 1.6"]}, ValueError, "distinct subprotocol names"),
            ({"security_profile": 4}, ValueError, "4 is not a valid SecurityProfile"),
            ({"password": "secret"}, ValueError, "no password"),
            ({"security_profile": 1}, ValueError, "a password"),
            ({"security_profile": 1, "password": 5}, TypeError, "password as str or bytes"),
            ({"security_profile": 1, "password": "x", "identity": "a:b"}, ValueError, "without ':'"),
            ({"security_profile": 2, "password": "x"}, ValueError, "wss://"),
            ({"tls": TLSOptions()}, ValueError, "no tls options"),
            ({"headers": {"Host": "x"}}, ValueError, "no Host header"),
            ({"headers": {"X": "a\r\nb"}}, ValueError, "control characters"),
            ({"headers": {"X": 1}}, TypeError, "str to str"),
            (
                {"security_profile": 1, "password": "x", "headers": {"authorization": "y"}},
                ValueError,
                "no Authorization header",
            ),
            ({"call_timeout": 0}, ValueError, "call_timeout > 0 seconds"),
            ({"call_timeout": "30"}, ValueError, "call_timeout > 0 seconds"),
            ({"call_concurrency": 0}, ValueError, "call_concurrency >= 1"),
            ({"backoff_min": 0}, ValueError, "0 < minimum <= maximum"),
            ({"backoff_min": 5, "backoff_max": 1}, ValueError, "0 < minimum <= maximum"),
            ({"ping_interval": -1}, ValueError, "ping_interval >= 0"),
            ({"pong_timeout": -1}, ValueError, "pong_timeout >= 0"),
            ({"connect_timeout": -1}, ValueError, "connect_timeout >= 0"),
            ({"max_reconnects": -1}, ValueError, "max_reconnects >= 0"),
            ({"offline_queue_size": 0}, ValueError, "offline_queue_size >= 1"),
            ({"reconnect": "no"}, TypeError, "reconnect as bool"),
            ({"strict_mode": "ocpp1.6"}, TypeError, "strict_mode as bool or a list"),
            ({"strict_mode": ["ocpp2.1"]}, ValueError, "strict_mode to name some of"),
            ({"strict_mode": True, "protocols": ["vendor1"]}, ValueError, "vendor1"),
            ({"strict_mode": True, "strict_mode_methods": "Heartbeat"}, TypeError, "list of actions"),
            ({"compression": "yes"}, TypeError, "compression as bool or Compression"),
            ({"logging": "DEBUG"}, TypeError, "logging as bool"),
            ({"id_factory": "id"}, TypeError, "id_factory as a function"),
            ({"handler_grace": -1}, ValueError, "handler_grace >= 0"),
            ({"call_timeoutt": 1}, TypeError, "call_timeoutt"),
        ],
    )
    async def test_refuses(self, anyio_backend_name, given, error, expected):
        arguments = {"identity": "CP1", "endpoint": "ws://csms.example/ocpp", "protocols": ["ocpp1.6"], **given}
        with pytest.raises(error, match=expected):
            OCPPClient(arguments.pop("identity"), arguments.pop("endpoint"), **arguments)

    async def test_reads_certificates_at_once(self):
        with pytest.raises(FileNotFoundError):
            OCPPClient("CP1", "wss://csms.example", protocols=["ocpp1.6"], tls=TLSOptions(ca="/nonexistent"))

    async def test_shows_no_secret(self):
        client = OCPPClient("CP1", "ws://csms.example", protocols=["ocpp1.6"], security_profile=1, password="hunter2")
        assert repr(client) == "<OCPPClient 'CP1' None CLOSED>"
        assert "hunter2" not in repr(client._options)

    async def test_defaults_are_those_of_the_documentation(self):
        options = OCPPClient("CP1", "ws://csms.example", protocols=["ocpp1.6"])._options
        expected = {
            "security_profile": SecurityProfile.NONE,
            "reconnect": True,
            "max_reconnects": inf,
            "backoff_min": 1,
            "backoff_max": 30,
            "call_timeout": 30,
            "call_ttl": inf,
            "call_concurrency": 1,
            "retry_initial_connect": False,
            "close_timeout": 5,
            "ping_interval": 30,
            "connect_timeout": 30,
            "strict_mode": False,
            "max_bad_messages": inf,
            "respond_with_detailed_errors": False,
            "offline_queue": False,
            "offline_queue_size": 100,
            "handler_grace": 1,
        }
        assert {name: getattr(options, name) for name in expected} == expected
        assert options.link.pong_timeout == 35

    async def test_takes_every_kind_of_option(self):
        client = OCPPClient(
            "CP1",
            "wss://csms.example",
            protocols=("ocpp2.1", "ocpp1.6"),
            tls=ssl.create_default_context(),
            backoff=OCPPBackoff(),
            ping_interval=0,
            pong_timeout=0,
            connect_timeout=0,
            strict_mode=["ocpp1.6"],
            strict_mode_methods=["Heartbeat"],
            compression=True,
            logging=False,
        )
        assert (client.identity, client.endpoint, client.protocol) == ("CP1", "wss://csms.example", None)
        assert client.security_profile is SecurityProfile.NONE
        assert (client._options.link.ping_interval, client._options.link.pong_timeout) == (inf, inf)


class TestConnecting:
    async def test_gives_the_negotiated_subprotocol(self):
        async with serving() as (_, listener), client_of(listener, protocols=["ocpp2.1", "ocpp1.6"]) as client:
            assert await client.connect() == "ocpp1.6"
            assert (client.protocol, client.state) == ("ocpp1.6", ConnectionState.OPEN)

    async def test_sends_identity_query_and_headers(self):
        async with serving() as (server, listener):
            options = {"query": {"a": "b c"}, "headers": {"X-Model": "T1"}}
            async with client_of(listener, "CP/1 ü", **options) as client:
                await client.connect()
                handshake = (await station_of(server, "CP/1 ü")).handshake
                assert handshake.path == "/ocpp/CP%2F1%20%C3%BC"
                assert handshake.query == {"a": "b c"}
                assert handshake.headers["x-model"] == "T1"
                assert handshake.headers["user-agent"].startswith("ocpp-ws-io")
                assert handshake.headers["host"] == f"127.0.0.1:{listener.port}"

    async def test_user_agent_may_be_set(self):
        async with serving() as (server, listener), client_of(listener, headers={"user-agent": "Mine"}) as client:
            await client.connect()
            assert (await station_of(server)).handshake.headers["user-agent"] == "Mine"

    async def test_fails_with_the_status_of_a_refusal(self):
        async with refusing(503) as (_, listener), client_of(listener) as client:
            with pytest.raises(UnexpectedHttpResponse) as caught:
                await client.connect()
            assert caught.value.status == 503
            assert dict(caught.value.headers)["retry-after"]
            assert client.state is ConnectionState.CLOSED

    async def test_fails_where_nobody_listens(self, silent_port):
        port = Port(silent_port)
        await silent_port.aclose()
        async with client_of(port) as client:
            with pytest.raises(ConnectionFailedError):
                await client.connect()

    async def test_fails_in_time_where_nobody_answers(self, silent_port):
        async with client_of(Port(silent_port), connect_timeout=0.05) as client:
            with pytest.raises(ConnectionFailedError):
                await client.connect()
            assert client.state is ConnectionState.CLOSED

    async def test_may_be_tried_again(self):
        answers = iter([401, None])

        def auth(accept, reject, handshake):
            status = next(answers)
            accept() if status is None else reject(status)

        async with serving(auth=auth) as (_, listener), client_of(listener) as client:
            with pytest.raises(UnexpectedHttpResponse):
                await client.connect()
            assert await client.connect() == "ocpp1.6"

    async def test_is_for_closed_clients(self):
        async with pair() as (client, _):
            with pytest.raises(RuntimeError, match="expected a closed client to connect, it is OPEN"):
                await client.connect()

    async def test_cancelled_leaves_nothing_behind(self, silent_port):
        async with client_of(Port(silent_port)) as client:
            with anyio.move_on_after(0.05):
                await client.connect()
            assert client.state is ConnectionState.CLOSED

    async def test_outside_a_block_works_on_asyncio_and_says_what_to_do_on_trio(self, anyio_backend_name):
        async with serving() as (_, listener):
            client = client_of(listener)
            if anyio_backend_name == "trio":
                with pytest.raises(RuntimeError, match="async with OCPPClient"):
                    await client.connect()
                return
            assert await client.connect() == "ocpp1.6"
            assert await client.close() == CloseEvent(1000, "")
            assert client._runtime is None
            assert await client.connect() == "ocpp1.6"
            await client.close()

    async def test_a_failed_connect_outside_a_block_leaves_nothing_behind(self, anyio_backend_name):
        if anyio_backend_name == "trio":
            return
        async with refusing() as (_, listener):
            client = client_of(listener)
            with pytest.raises(UnexpectedHttpResponse):
                await client.connect()
            assert client._runtime is None

    async def test_offers_all_protocols_again_after_a_reconnect(self):
        offers = []

        def auth(accept, reject, handshake):
            offers.append(handshake.protocols)
            accept()

        async with (
            serving(auth=auth) as (server, listener),
            client_of(listener, protocols=["ocpp2.1", "ocpp1.6"]) as client,
            client.events("open") as opens,
        ):
            await client.connect()
            await first(opens)
            await (await station_of(server)).close()
            await first(opens)
        assert offers == [("ocpp2.1", "ocpp1.6")] * 2

    async def test_works_again_after_a_close(self):
        async with serving() as (_, listener), client_of(listener) as client:
            for _ in range(2):
                assert await client.connect() == "ocpp1.6"
                assert await client.close() == CloseEvent(1000, "")


class TestReconnecting:
    async def test_tells_of_every_step(self):
        async with pair(backoff_min=0.01, backoff_max=0.01) as (client, station), client.events() as events:
            await station.close(4001, "go away")
            assert await first(events) == DisconnectEvent(4001, "go away")
            reconnect = await first(events)
            assert isinstance(reconnect, ReconnectEvent)
            assert reconnect.attempt == 1
            assert 0.005 <= reconnect.delay <= 0.01
            assert await first(events) == ConnectingEvent(client._options.address.url)
            assert await first(events) == OpenEvent("ocpp1.6")

    async def test_keeps_handlers_and_protocol(self):
        async with serving() as (server, listener), client_of(listener) as client, client.events("open") as opens:
            client.handle("Reset", lambda ctx: {"status": "Accepted"})
            await client.connect()
            await first(opens)
            await (await station_of(server)).close()
            assert client.protocol == "ocpp1.6"
            await first(opens)
            assert await server.call("CP1", "Reset", {"type": "Soft"}) == {"status": "Accepted"}

    async def test_switched_off_ends_with_the_connection(self):
        async with pair(reconnect=False) as (client, station), client.events("disconnect", "close") as events:
            await station.close(4001, "go away")
            assert await first(events) == DisconnectEvent(4001, "go away")
            assert await first(events) == CloseEvent(4001, "go away")
            assert client.state is ConnectionState.CLOSED

    async def test_gives_up_after_max_reconnects(self):
        async with serving() as (server, listener):
            options = {"max_reconnects": 2, "backoff_min": 0.01, "backoff_max": 0.01}
            async with client_of(listener, **options) as client, client.events("reconnect", "close") as events:
                await client.connect()
                server.auth(lambda accept, reject, handshake: reject(403))
                await (await station_of(server)).close()
                seen = [await first(events) for _ in range(2)]
                assert [event.attempt for event in seen] == [1, 2]
                assert (await first(events)).code == 1001

    async def test_retry_initial_connect_raises_and_goes_on(self):
        answers = iter([403, None])

        def auth(accept, reject, handshake):
            status = next(answers)
            accept() if status is None else reject(status)

        async with (
            serving(auth=auth) as (_, listener),
            client_of(listener, retry_initial_connect=True) as client,
            client.events("open") as opens,
        ):
            with pytest.raises(UnexpectedHttpResponse):
                await client.connect()
            assert client.state is ConnectionState.CONNECTING
            assert await first(opens) == OpenEvent("ocpp1.6")

    async def test_failed_attempts_are_errors_to_listeners(self):
        async with refusing() as (_, listener), client_of(listener) as client, client.events("error") as errors:
            with pytest.raises(UnexpectedHttpResponse):
                await client.connect()
            event = await first(errors)
            assert isinstance(event, ErrorEvent)
            assert isinstance(event.error, UnexpectedHttpResponse)

    async def test_closing_while_waiting_ends_it(self):
        async with (
            pair(backoff_min=1000, backoff_max=1000) as (client, station),
            client.events("reconnect") as events,
        ):
            await station.close()
            await first(events)
            assert client.state is ConnectionState.CONNECTING
            assert await client.close() == CloseEvent(1000, "")
            assert client.state is ConnectionState.CLOSED


class TestClosing:
    async def test_arrives_with_code_and_reason(self):
        async with pair() as (client, station), station.events("close", "disconnect") as events:
            assert await client.close(4001, "maintenance") == CloseEvent(4001, "maintenance")
            assert await first(events) == DisconnectEvent(4001, "maintenance")
            assert await first(events) == CloseEvent(4001, "maintenance")

    async def test_again_gives_the_same_and_without_a_connection_nothing_happens(self):
        async with pair() as (client, _):
            assert await client.close(4001) == CloseEvent(4001, "")
            assert await client.close() == CloseEvent(4001, "")
        assert await OCPPClient("CP1", "ws://csms", protocols=["ocpp1.6"]).close() == CloseEvent(1000, "")

    async def test_waits_for_the_calls_in_flight(self):
        async with pair() as (client, station):
            requests = []

            @station.handle("Heartbeat")
            async def heartbeat(ctx):
                requests.append(ctx)
                await closing.wait()
                return {"currentTime": "now"}

            closing, results = anyio.Event(), []

            async def call():
                results.append(await client.call("Heartbeat", {}))

            async with anyio.create_task_group() as tasks, client.events("message") as messages:
                tasks.start_soon(call)
                await first(messages)
                tasks.start_soon(client.close)
                await anyio.wait_all_tasks_blocked()
                assert client.state is ConnectionState.CLOSING
                with pytest.raises(ClosedError):
                    await client.call("Heartbeat", {})
                closing.set()
            assert results == [{"currentTime": "now"}]

    @pytest.mark.parametrize("how", [{"await_pending": False}, {"force": True}])
    async def test_need_not_wait_for_them(self, how):
        async with pair() as (client, station):
            station.handle("Heartbeat", lambda ctx: _never())
            errors = []

            async def call():
                with pytest.raises(ClosedError) as caught:
                    await client.call("Heartbeat", {})
                errors.append(caught.value)

            async with anyio.create_task_group() as tasks, client.events("message") as messages:
                tasks.start_soon(call)
                await first(messages)
                await client.close(**how)
            assert errors[0].sent

    async def test_by_force_skips_the_close_handshake(self):
        async with pair() as (client, station), station.events("close") as events:
            await client.close(force=True)
            assert (await first(events)).code == 1006

    async def test_ends_although_a_call_times_out_meanwhile(self):
        async with pair() as (client, station):
            station.handle("Heartbeat", lambda ctx: _never())

            async def call():
                with pytest.raises(TimeoutError):
                    await client.call("Heartbeat", {}, timeout=0.05)

            async with anyio.create_task_group() as tasks, client.events("message") as messages:
                tasks.start_soon(call)
                await first(messages)
                with anyio.fail_after(SECONDS):
                    await client.close()

    async def test_cuts_a_long_reason(self):
        async with pair() as (client, station), station.events("close") as events:
            await client.close(4001, "ü" * 100)
            assert (await first(events)).reason == "ü" * 61

    @pytest.mark.parametrize("code", [999, 1005, 1006, 1015, 2000, 5000])
    async def test_refuses_a_code_that_must_not_be_sent(self, code):
        async with pair() as (client, _):
            with pytest.raises(ValueError, match="close code"):
                await client.close(code)
            assert client.state is ConnectionState.OPEN

    async def test_by_the_block_when_it_ends(self):
        async with serving() as (server, listener):
            async with client_of(listener) as client:
                await client.connect()
                events = (await station_of(server)).events("close")
            assert (await first(events)).code == 1000
            assert client.state is ConnectionState.CLOSED

    async def test_lets_the_exception_of_a_block_through_as_it_is(self):
        async with serving() as (_, listener):

            async def fail():
                async with client_of(listener) as client:
                    await client.connect()
                    raise KeyError("mine")

            with pytest.raises(KeyError, match="mine"):
                await fail()


async def _never():
    await anyio.sleep_forever()


class TestCallsWithoutAConnection:
    async def test_settle_as_not_sent(self):
        async with serving() as (_, listener):
            client = client_of(listener)
            with pytest.raises(ConnectionLostError) as caught:
                await client.call("Heartbeat", {})
            assert not caught.value.sent
            async with client:
                with pytest.raises(ConnectionLostError):
                    await client.call("Heartbeat", {})
                with pytest.raises(ConnectionLostError):
                    client.send_raw("[]")
                with pytest.raises(ConnectionLostError):
                    await client.send_raw('[2,"1","Heartbeat",{}]', expect_reply=True)

    async def test_check_their_arguments_first(self):
        client = OCPPClient("CP1", "ws://csms.example", protocols=["ocpp1.6"])
        with pytest.raises(ValueError, match="timeout > 0 seconds"):
            await client.call("Heartbeat", {}, timeout=0)
        with pytest.raises(ValueError, match="text of a CALL"):
            await client.send_raw("[3]", expect_reply=True)

    async def test_wait_in_the_offline_queue(self):
        async with serving() as (server, listener), client_of(listener, offline_queue=True) as client:
            seen, results = [], []
            server.handle("DataTransfer", lambda ctx: seen.append(ctx.params["vendorId"]) or {"status": "Accepted"})

            async def call(vendor):
                results.append(await client.call("DataTransfer", {"vendorId": vendor}))

            async with anyio.create_task_group() as tasks:
                for vendor in "abc":
                    tasks.start_soon(call, vendor)
                    await anyio.wait_all_tasks_blocked()
                assert client.pending == 3
                await client.connect()
            assert seen == ["a", "b", "c"]
            assert results == [{"status": "Accepted"}] * 3

    async def test_drop_the_oldest_one_of_a_full_queue(self):
        async with (
            serving() as (_, listener),
            client_of(listener, offline_queue=True, offline_queue_size=1) as client,
        ):
            errors = []

            async def call(expected):
                with pytest.raises(expected):
                    await client.call("Heartbeat", {})
                errors.append(expected)

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(call, CallDroppedError)
                await anyio.wait_all_tasks_blocked()
                tasks.start_soon(call, ClosedError)
                await anyio.wait_all_tasks_blocked()
                assert errors == [CallDroppedError]
                await client.close()


class TestReconfiguring:
    async def test_call_options_count_at_once(self):
        async with pair(call_timeout=1000) as (client, station):
            station.handle("Heartbeat", lambda ctx: _never())
            client.reconfigure(call_timeout=0.05)
            with pytest.raises(TimeoutError):
                await client.call("Heartbeat", {})

    async def test_the_address_counts_at_the_next_attempt(self):
        async with serving() as (server, one), serving() as (other, two), client_of(one) as client:
            await client.connect()
            client.reconfigure(endpoint=f"ws://127.0.0.1:{two.port}/other", headers={"X-New": "1"})
            assert client.state is ConnectionState.OPEN
            await (await station_of(server)).close()
            handshake = (await station_of(other)).handshake
            assert (handshake.path, handshake.headers["x-new"]) == ("/other/CP1", "1")

    @pytest.mark.parametrize(
        ("change", "error", "expected"),
        [
            ({"call_timeout": -1}, ValueError, "call_timeout > 0"),
            ({"endpoint": "wss://csms.example", "security_profile": 1, "password": "x"}, ValueError, "ws://"),
            ({"identity": "CP2"}, ValueError, "identity to stay"),
            ({"colour": "red"}, TypeError, "unknown option 'colour', expected one of: backoff, "),
        ],
    )
    async def test_bad_options_change_nothing(self, change, error, expected):
        client = OCPPClient("CP1", "ws://csms.example", protocols=["ocpp1.6"])
        before = client._options
        with pytest.raises(error, match=expected):
            client.reconfigure(**change)
        assert client._options is before


class TestEvents:
    async def test_of_a_whole_life_come_in_order(self):
        async with serving() as (_, listener), client_of(listener) as client:
            seen = []
            for name in ("connecting", "open", "reconnect", "disconnect", "close", "error"):
                client.on(name, lambda event, name=name: seen.append(name))
            await client.connect()
            await client.close()
            assert seen == ["connecting", "open", "close"]

    async def test_iteration_ends_after_the_close(self):
        async with serving() as (_, listener), client_of(listener) as client:
            events = client.events("open", "close")
            await client.connect()
            await client.close()
            assert [event async for event in events] == [OpenEvent("ocpp1.6"), CloseEvent(1000, "")]

    async def test_asynchronous_close_listeners_get_a_moment(self):
        async with serving() as (_, listener):
            client, told = client_of(listener), []

            @client.on("close")
            async def closed(event):
                await anyio.lowlevel.checkpoint()
                told.append(event)

            async with client:
                await client.connect()
        assert told == [CloseEvent(1000, "")]

    async def test_messages_of_both_directions_are_told(self):
        async with pair() as (client, station), client.events("message") as messages:
            station.handle("Heartbeat", lambda ctx: {"currentTime": "now"})
            await client.call("Heartbeat", {})
            sent, received = await first(messages), await first(messages)
            assert (sent.direction.name, sent.action, sent.payload) == ("OUT", "Heartbeat", {})
            assert (received.direction.name, received.action, received.payload) == (
                "IN",
                "Heartbeat",
                {"currentTime": "now"},
            )
            assert received.message_id == sent.message_id
            assert received.latency >= 0
            assert sent.latency is None

    async def test_broken_messages_are_told(self):
        async with pair() as (client, station), client.events("bad_message") as events:
            await station.send_raw("{nonsense")
            event = await first(events)
            assert event.message == "{nonsense"
            assert isinstance(event.error, Exception)

    async def test_pings_are_told(self):
        async with (
            pair(server={"ping_interval": 0.01}, ping_interval=0.01) as (client, _),
            client.events("ping") as pings,
            client.events("pong") as pongs,
        ):
            await first(pings)
            await first(pongs)
