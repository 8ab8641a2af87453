"""What an application gets wrong is said at once, in its own words: what was expected, what was given, and where."""

import logging
from datetime import UTC, datetime
from functools import partial, wraps
from math import inf, nan
from types import coroutine

import pytest

from ocpp_core.messages import encode_payload
from ocpp_transports import ConnectionLostError, OCPPClient, OCPPServer
from ocpp_transports._calls._call_options import read_options
from tests.transports.pairs import first, pair, serving


def server(**options):
    return OCPPServer(**{"protocols": ["ocpp1.6"], **options})


def client(**options):
    return OCPPClient("CP1", "ws://127.0.0.1:9", **{"protocols": ["ocpp1.6"], **options})


class TestOptions:
    @pytest.mark.parametrize("given", ["5", [1], object(), None])
    @pytest.mark.parametrize(
        ("make", "name"),
        [
            (server, "max_connections"),
            (server, "max_message_size"),
            (server, "handshake_timeout"),
            (client, "call_timeout"),
            (client, "max_reconnects"),
            (client, "max_retry_after"),
            (client, "backoff_min"),
            (client, "backoff_max"),
            (client, "offline_queue_size"),
        ],
    )
    def test_that_are_no_numbers_are_named(self, make, name, given):
        with pytest.raises((TypeError, ValueError), match=f"^expected .*{name} "):
            make(**{name: given})

    @pytest.mark.parametrize("given", [5, 2.5, "abc", True])
    @pytest.mark.parametrize("name", ["strict_mode_rules", "strict_mode_validators", "query"])
    def test_that_are_no_collections_are_named(self, name, given):
        with pytest.raises(TypeError, match=f"^expected {name} as a"):
            client(**{name: given})

    @pytest.mark.parametrize("query", [["a"], [("a",)], [("a", "b", "c")]])
    def test_of_a_query_that_holds_no_pairs_are_named(self, query):
        with pytest.raises(TypeError, match=r"^expected query as a mapping or a list of pairs \(name, value\)"):
            client(query=query)

    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ({"CP1": 1}, "got int for identity 'CP1'"),
            ({"CP1": None}, "got NoneType for identity 'CP1'"),
            ({1: "secret"}, "got str for identity 1"),
        ],
    )
    def test_of_credentials_say_whose_are_wrong_and_repeat_none(self, given, expected):
        with pytest.raises(TypeError, match="expected credentials of str to str or bytes") as caught:
            server(security_profile=1, credentials=given)
        assert str(caught.value).endswith(expected)
        assert "secret" not in str(caught.value)


def decorated(function):
    """What many decorators do: the wrapper takes anything, and tells the signature of what it wraps."""

    @wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, "injected", **kwargs)

    return wrapper


class TestArguments:
    """Of functions that an application registers."""

    @pytest.mark.parametrize("made", [lambda: None, lambda context, other: {}, lambda *, context: {}])
    def test_of_a_handler_are_counted(self, made):
        with pytest.raises(TypeError, match=r"takes 1 argument \(context\) as handler of Heartbeat, got .*<lambda>\("):
            server().handle("Heartbeat", made)

    @pytest.mark.parametrize(
        ("register", "expected"),
        [
            (lambda made: server().handle(made), r"2 arguments \(action, context\) as handler of all other actions"),
            (lambda made: server().on("client", made), r"1 argument \(event\) as listener of 'client'"),
            (lambda made: client().once("open", made), r"1 argument \(event\) as listener of 'open'"),
            (lambda made: server().use(made), r"2 arguments \(context, proceed\) as middleware"),
            (
                lambda made: server().connection_middleware(made),
                r"2 arguments \(context, proceed\) as connection_middleware",
            ),
            (lambda made: server().auth(made), r"3 arguments \(accept, reject, handshake\) as auth"),
            (lambda made: server(auth=made), r"3 arguments \(accept, reject, handshake\) as auth"),
            (lambda made: server(credentials=made, security_profile=1), r"1 argument \(identity\) as credentials"),
            (lambda made: server(identify=made), r"2 arguments \(certificate, identity\) as identify"),
            (lambda made: client(id_factory=lambda one: ""), "0 arguments as id_factory"),
            (lambda made: client(mend_text=made), r"1 argument \(text\) as mend_text"),
            (lambda made: read_options({"check": made}), r"1 argument \(payload\) as check"),
        ],
    )
    def test_of_everything_that_is_registered_are_counted(self, register, expected):
        with pytest.raises(TypeError, match=f"^expected a function that takes {expected}, got "):
            register(lambda: None)

    def test_of_what_mends_texts_are_for_a_plain_function(self):
        async def mend(text):
            return text

        for register in (client, server):
            with pytest.raises(TypeError, match="expected mend_text as a plain function, got a coroutine function"):
                register(mend_text=mend)

    @pytest.mark.parametrize(
        "made",
        [
            lambda context: {},
            lambda *args: {},
            lambda context, other=None: {},
            decorated(lambda context, injected: {}),
            partial(lambda one, context: {}, 1),
            print,
            dict.fromkeys,
            [].append,
            type("Callable", (), {"__call__": lambda self, context: {}})(),
            type("Class", (), {"__init__": lambda self, context: None}),
        ],
    )
    def test_that_fit_or_cannot_be_known_pass(self, made):
        assert server().handle("Heartbeat", made) is made

    def test_are_those_of_a_function_that_runs_when_it_is_called(self):
        """Nothing iterates over what a generator function returns: it would be accepted, and never run."""

        def generator(argument):
            yield argument

        async def asynchronous(argument):
            yield argument

        made = [generator, asynchronous, partial(generator), type("Has", (), {"handle": asynchronous})().handle]
        for function in made:
            with pytest.raises(TypeError, match=r"^expected a function or coroutine function as .*, got generator"):
                server().handle("Heartbeat", function)
            with pytest.raises(TypeError, match=r"^expected a function or coroutine function as .*, got generator"):
                server().on("client", function)
            with pytest.raises(TypeError, match=r"^expected a function or coroutine function as .*, got generator"):
                server().observe(function)
        server().handle("Heartbeat", coroutine(generator))

    def test_of_a_method_do_not_count_itself(self):
        class Handlers:
            def fits(self, context):
                return {}

            def lacks_one(self):
                return {}

        server().handle("Heartbeat", Handlers().fits)
        with pytest.raises(TypeError, match=r"got TestArguments.*lacks_one\(\)$"):
            server().handle("Heartbeat", Handlers().lacks_one)


@pytest.mark.anyio
class TestCalls:
    @pytest.mark.parametrize("how", ["call", "call_immediate", "safe_call"])
    async def test_with_an_unknown_option_say_where_parameters_go(self, how):
        with pytest.raises(
            TypeError, match="unknown option 'idTag' of a call, expected one of: check, custom, deadline, message_id, "
        ) as caught:
            await getattr(client(), how)("Authorize", idTag="mine")
        assert "CallOptions" not in str(caught.value)
        assert "call(action, {'idTag': …})" in str(caught.value)

    async def test_of_a_server_do_as_well(self):
        async with serving() as (csms, _):
            with pytest.raises(TypeError, match="unknown option 'idTag' of a call"):
                await csms.call("CP1", "Authorize", idTag="mine")

    async def test_with_a_check_that_takes_other_arguments_are_not_made(self):
        with pytest.raises(TypeError, match=r"^expected a function that takes 1 argument \(payload\) as check, got "):
            await client().call("Heartbeat", check=lambda: None)

    async def test_before_connect_say_what_to_do(self):
        with pytest.raises(ConnectionLostError, match=r"not connected; call connect\(\) first"):
            await client().call("Heartbeat")


@pytest.mark.anyio
class TestArgumentsOfAServer:
    @pytest.mark.parametrize("backlog", ["5", -1, True, None])
    async def test_to_listen_are_named(self, backlog):
        with pytest.raises(ValueError, match=r"^expected backlog >= 0, got "):
            await server().listen(0, "127.0.0.1", backlog=backlog)

    @pytest.mark.parametrize("timeout", ["5", -1, nan, None, True, 10**400])
    async def test_to_wait_are_named(self, timeout):
        with pytest.raises(ValueError, match=r"^expected timeout >= 0 seconds, got "):
            await server().wait_for_client("CP1", timeout=timeout)

    @pytest.mark.parametrize("code", ["1000", 1000.0, None])
    async def test_to_close_are_named(self, code):
        with pytest.raises(ValueError, match=r"^expected a close code of "):
            await server().close(code)


NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("payload", "error", "expected"),
    [
        ({"currentTime": NOW}, TypeError, r"a datetime (use write_time()) at payload.currentTime"),
        ({"a": [{"timestamp": NOW}]}, TypeError, r"a datetime (use write_time()) at payload.a[0].timestamp"),
        ({"a": NOW.date()}, TypeError, r"a date at payload.a"),
        ({"a": {"b-c": {1}}}, TypeError, r"a set at payload.a['b-c']"),
        ({"a": (1, b"x")}, TypeError, r"a bytes at payload.a[1]"),
        ({"a": {(1, 2): 3}}, TypeError, r"a key of type tuple at payload.a"),
        ({"a": nan}, ValueError, r"nan at payload.a"),
        ({"a": [0.0, -inf]}, ValueError, r"-inf at payload.a[1]"),
        ({"a": "\ud800"}, ValueError, r"text with a lone surrogate at payload.a"),
        ({"a": {"\ud800": 1}}, ValueError, r"a key with a lone surrogate at payload.a"),
        ({"k" * 500: NOW}, TypeError, f"a datetime (use write_time()) at payload.{'k' * 192}…"),
    ],
)
def test_a_payload_that_json_cannot_express_is_named_by_its_path(payload, error, expected):
    with pytest.raises(error) as caught:
        encode_payload(payload)
    assert str(caught.value) == f"expected JSON values in the payload, got {expected}"


@pytest.mark.anyio
@pytest.mark.parametrize("host", ["127.0.0.1", None])
async def test_a_port_that_cannot_be_had_is_named_with_its_address(host):
    async with serving() as (csms, listener):
        where = host or "all addresses"
        with pytest.raises(OSError, match=f"cannot listen on {where} port {listener.port}: .*in use"):
            await csms.listen(listener.port, host)


@pytest.mark.anyio
async def test_a_large_limit_is_told_in_full(caplog):
    unlimited = {"reconnect": False, "max_outgoing_size": inf}
    async with pair(**unlimited) as (client, station), station.events("close") as closes:
        client.send_raw(" " * (1 << 20) + " ")
        assert (await first(closes)).code == 1009
    assert "a message of more than 1048576 bytes" in caplog.text


def test_the_logger_prints_nothing_by_itself():
    assert any(isinstance(handler, logging.NullHandler) for handler in logging.getLogger("ocpp_ws_io").handlers)
