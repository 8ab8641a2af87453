"""OCPPClient: construction, connecting, calls without a connection, options."""

import ssl
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
    ValidationRule,
    __version__,
)
from ocpp_transports.events import (
    CloseEvent,
)
from tests.kinds import mistyped
from tests.transports.pairs import client_of, first, never, pair, refusing, serving, station_of

pytestmark = pytest.mark.anyio


@pytest.fixture
async def silent_port():
    """A port that accepts connections and never says a word."""
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
        yield listener


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
            ({"security_profile": 4}, ValueError, "security profile of 0 to 3"),
            ({"password": "secret"}, ValueError, "no password"),
            ({"security_profile": 1}, ValueError, "a password"),
            ({"security_profile": 1, "password": 5}, TypeError, "password as str or bytes"),
            ({"security_profile": 1, "password": "x", "identity": "a:b"}, ValueError, "without ':'"),
            ({"security_profile": 2, "password": "x"}, ValueError, "wss://"),
            ({"tls": TLSOptions()}, ValueError, "no tls options"),
            ({"headers": {"Host": "x"}}, ValueError, "no Host header"),
            ({"headers": {"X": "a\r\nb"}}, ValueError, "control characters"),
            ({"headers": {"X": 1}}, TypeError, "str to str"),
            ({"headers": [("X", "1")]}, TypeError, "mapping of str to str"),
            ({"tls": "ca.pem"}, TypeError, "tls as TLSOptions or ssl.SSLContext"),
            ({"backoff": 5}, TypeError, "backoff as a Backoff"),
            ({"backoff": 0}, TypeError, "backoff as a Backoff"),
            ({"query": 0}, TypeError, "query as a mapping or a list of pairs"),
            ({"leniency": True}, TypeError, "leniency as Leniency"),
            ({"strict_mode": True, "strict_mode_validators": ["ocpp1.6"]}, TypeError, "made by create_validator"),
            (
                {"security_profile": 1, "password": "x", "headers": {"authorization": "y"}},
                ValueError,
                "no Authorization header",
            ),
            ({"call_timeout": 0}, ValueError, "call_timeout > 0 seconds"),
            ({"call_timeout": "30"}, ValueError, "call_timeout > 0 seconds"),
            ({"call_concurrency": 0}, ValueError, "call_concurrency >= 1"),
            ({"backoff_min": 0}, ValueError, "backoff_min > 0 seconds, got 0"),
            ({"backoff_min": 5, "backoff_max": 1}, ValueError, "backoff_min <= backoff_max < inf"),
            ({"ping_interval": -1}, ValueError, "ping_interval >= 0"),
            ({"pong_timeout": -1}, ValueError, "pong_timeout >= 0"),
            ({"connect_timeout": -1}, ValueError, "connect_timeout >= 0"),
            ({"max_reconnects": -1}, ValueError, "max_reconnects >= 0"),
            ({"offline_queue_size": 0}, ValueError, "offline_queue_size >= 1"),
            ({"reconnect": "no"}, TypeError, "reconnect as bool"),
            ({"strict_mode": "ocpp1.6"}, TypeError, 'strict_mode as bool or "report"'),
            ({"strict_mode": ["ocpp2.1"]}, TypeError, 'strict_mode as bool or "report"'),
            ({"strict_mode": 1}, TypeError, 'strict_mode as bool or "report"'),
            ({"strict_mode": True, "protocols": ["vendor1"]}, ValueError, "vendor1"),
            ({"strict_mode_rules": "off"}, TypeError, "strict_mode_rules as a list of ValidationRule, got str"),
            ({"strict_mode_rules": ["off"]}, TypeError, "strict_mode_rules as a list of ValidationRule, got one with"),
            ({"compression": "yes"}, TypeError, "compression as bool or Compression"),
            ({"compression": 0}, TypeError, "compression as bool or Compression"),
            ({"call_concurrency": 1.5}, ValueError, "call_concurrency >= 1 CALLs as an integer"),
            ({"ping_interval": 10**400}, ValueError, "ping_interval >= 0 seconds"),
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
            "refuse_when_busy": False,
            "max_held": 1000,
            "max_held_bytes": 131072,
            "answer_window": 120,
            "retry_initial_connect": False,
            "close_timeout": 5,
            "ping_interval": 30,
            "connect_timeout": 30,
            "strict_mode": False,
            "max_bad_messages": 1000,
            "bad_message_period": 3600,
            "respond_with_detailed_errors": False,
            "offline_queue": False,
            "offline_queue_size": 1000,
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
            strict_mode="report",
            strict_mode_rules=[ValidationRule("off", protocols=["ocpp1.6"], actions=["Heartbeat"])],
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
            async with client_of(listener, "CP 1 ü", **options) as client:
                await client.connect()
                handshake = (await station_of(server, "CP 1 ü")).handshake
                assert handshake.path == "/ocpp/CP%201%20%C3%BC"
                assert handshake.query == {"a": "b c"}
                assert handshake.headers["x-model"] == "T1"
                assert handshake.headers["user-agent"] == f"ocpp-ws-io/{__version__} (Python)"
                assert handshake.headers["host"] == f"127.0.0.1:{listener.port}"

    async def test_user_agent_may_be_set(self):
        async with serving() as (server, listener), client_of(listener, headers={"user-agent": "Mine"}) as client:
            await client.connect()
            assert (await station_of(server)).handshake.headers["user-agent"] == "Mine"

    async def test_fails_with_the_status_of_a_refusal_and_its_reason(self, caplog):
        async with refusing(503) as (_, listener), client_of(listener) as client:
            with pytest.raises(UnexpectedHttpResponse) as caught:
                await client.connect()
            assert (caught.value.status, caught.value.reason) == (503, "Not today")
            assert "expected HTTP status 101, got 503, with the reason 'Not today'" in caplog.text
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
            with pytest.raises(RuntimeError, match="cannot connect: the client is OPEN; close it first"):
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
        with pytest.raises(TypeError, match="validate as bool"):
            await client.call("Heartbeat", {}, validate=mistyped("no"))
        with pytest.raises(ValueError, match="text of a CALL"):
            await client.send_raw("[3]", expect_reply=True)
        with pytest.raises(TypeError, match="raw text"):
            client.send_raw(mistyped(b"[]"))

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
            station.handle("Heartbeat", lambda ctx: never())
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

    async def test_the_address_may_be_one_without_tls(self):
        client = OCPPClient("CP1", "wss://csms.example", protocols=["ocpp1.6"])
        async with serving() as (_, listener), client:
            client.reconfigure(endpoint=f"ws://127.0.0.1:{listener.port}")
            assert await client.connect() == "ocpp1.6"

    @pytest.mark.parametrize(
        ("change", "error", "expected"),
        [
            ({"call_timeout": -1}, ValueError, "call_timeout > 0"),
            ({"endpoint": "wss://csms.example", "security_profile": 1, "password": "x"}, ValueError, "ws://"),
            ({"identity": "CP2"}, ValueError, "expected the identity 'CP1', got 'CP2'"),
            ({"colour": "red"}, TypeError, "unknown option 'colour', expected one of: action_rates, answer_window, "),
        ],
    )
    async def test_bad_options_change_nothing(self, change, error, expected):
        client = OCPPClient("CP1", "ws://csms.example", protocols=["ocpp1.6"])
        before = client._options
        with pytest.raises(error, match=expected):
            client.reconfigure(**change)
        assert client._options is before
