"""Handshakes that go wrong, over real sockets: each gets an HTTP answer and an end, and costs nobody else a thing."""

from functools import partial

import anyio
import pytest

from ocpp_transports import ConnectionState
from ocpp_transports.events import UpgradeAbortedEvent
from tests.interop.raw import connected, hello, leaving_the_good_one, refused, serves_a_good_station, station
from tests.link.wire import CLOSE, PING, PONG, TEXT, frame, request
from tests.transports.pairs import SECONDS, client_of, first, serving, station_of

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("nothing_left")]

KEY = "dGhlIHNhbXBsZSBub25jZQ=="


def without(name, *values):
    """A good request but for one header, which has these values instead."""
    return request(("Sec-WebSocket-Protocol", "ocpp1.6"), *((name, value) for value in values), without=[name])


@pytest.fixture(scope="module")
async def csms(anyio_backend):
    """A server that lives through all that the tests of this module do to it."""
    async with serving() as (server, listener):
        await serves_a_good_station(server, listener)
        yield server, listener


MALFORMED = {
    "bytes of no protocol": b"\x00\x01\x02\x03",
    "a TLS client's first words": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(300),
    "a request of HTTP/0.9": b"GET /CP1\r\n\r\n",
    "a header without a colon": b"GET /CP1 HTTP/1.1\r\nHost\r\n\r\n",
    "a NUL in a header": b"GET /CP1 HTTP/1.1\r\nHost: x\x00\r\n\r\n",
    "a space in the target": hello("/CP 1"),
    "eight-bit characters in the target": b"GET /CP\xc3\xbc HTTP/1.1\r\nHost: x\r\n\r\n",
    "no Host": request(("Sec-WebSocket-Protocol", "ocpp1.6"), without=["Host"]),
    "two Hosts": hello("/CP1", ("Host", "other.example")),
    "a negative Content-Length": hello("/CP1", ("Content-Length", "-1")),
    "a body": hello("/CP1", ("Content-Length", "5")) + b"hello",
    "a chunked body": hello("/CP1", ("Transfer-Encoding", "chunked")) + b"5\r\nhello\r\n0\r\n\r\n",
    "both lengths, as smugglers send": hello("/CP1", ("Transfer-Encoding", "chunked"), ("Content-Length", "5")),
    "an upgrade by HTTP/1.0": request(("Sec-WebSocket-Protocol", "ocpp1.6"), line="GET /CP1 HTTP/1.0"),
    "no Connection: Upgrade": without("Connection", "keep-alive"),
}
KEYS = {
    "no key": without("Sec-WebSocket-Key"),
    "two keys": without("Sec-WebSocket-Key", KEY, KEY),
    "a key of 15 bytes": without("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAA"),
    "a key that is no base64": without("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZ!=="),
}
TARGETS = {
    "no identity": hello("/"),
    "slashes only": hello("////"),
    "a query only": hello("/?identity=CP1"),
    "an open bracket as host": hello("//["),
    "an absolute URL with one": hello("http://["),
    "an absolute URL without a path": hello("ws://csms.example"),
    "an asterisk": hello("*"),
    "no leading slash": hello("CP1"),
    "a fragment": hello("/CP1#x"),
    "a cut escape": hello("/ocpp/CP%E0%A4%A"),
    "an escape of no hexadecimal": hello("/CP%zz"),
    "an escaped NUL": hello("/CP%00"),
    "an escaped line break": hello("/CP%0d%0aX-Injected:%201"),
    "an overlong escape of a slash": hello("/%c0%af"),
    "an escaped surrogate": hello("/%ed%a0%80"),
    "an escaped slash": hello("/ocpp/a%2Fb"),
    "escaped dots": hello("/ocpp/%2e%2e"),
    "a right-to-left override": hello("/ocpp/CP%E2%80%AE1"),
}
SUBPROTOCOLS = {
    "none": hello(offer=None),
    "another version": hello(offer="ocpp2.0.1"),
    "another case": hello(offer="OCPP1.6"),
    "an empty list": hello(offer=""),
    "commas only": hello(offer=", ,"),
    "the same twice": hello(offer="ocpp1.6, ocpp1.6"),
    "the same on two lines": hello("/CP1", ("Sec-WebSocket-Protocol", "ocpp1.6")),
    "a name that is no token": hello(offer="ocpp 1.6"),
    "a name beyond ASCII": hello(offer="öcpp1.6"),
}


class TestMalformedRequests:
    @pytest.mark.parametrize("data", [*MALFORMED.values(), *KEYS.values()], ids=[*MALFORMED, *KEYS])
    async def test_are_400(self, csms, data):
        assert (await refused(*csms, data)).status == 400

    @pytest.mark.parametrize("data", TARGETS.values(), ids=TARGETS)
    async def test_name_no_station_are_400(self, csms, data):
        assert (await refused(*csms, data)).status == 400

    @pytest.mark.parametrize("data", SUBPROTOCOLS.values(), ids=SUBPROTOCOLS)
    async def test_offer_no_subprotocol_of_ours_are_400(self, csms, data):
        answer = await refused(*csms, data)
        assert answer.status == 400
        assert "sec-websocket-protocol" not in answer.headers

    async def test_cut_off_by_the_peers_end_are_400(self, csms):
        server, listener = csms
        async with connected(listener.port) as raw:
            await raw.send(b"GET /CP1 HTTP/1.1\r\nHos")
            await raw.half_close()
            assert (await raw.refusal()).status == 400
            await serves_a_good_station(server, listener)

    @pytest.mark.parametrize(
        "head",
        [
            pytest.param(b"GET /" + b"a" * 200_000, id="an endless request line"),
            pytest.param(b"GET /CP1 HTTP/1.1\r\nX: " + b"y" * 200_000, id="an endless header"),
            pytest.param(b"GET /CP1 HTTP/1.1\r\n" + b"A: b\r\n" * 50_000, id="endless headers"),
            pytest.param(hello("/CP1", ("X", "y" * 16_384)), id="a little too much, and whole"),
        ],
    )
    async def test_over_16_kib_are_431(self, csms, head):
        assert (await refused(*csms, head)).status == 431


class TestOtherRequests:
    @pytest.mark.parametrize("method", ["POST", "PUT", "OPTIONS", "CONNECT", "BREW"])
    async def test_by_another_method_are_405_and_name_the_right_one(self, csms, method):
        line = f"{method} /CP1 HTTP/1.1"
        answer = await refused(*csms, request(("Sec-WebSocket-Protocol", "ocpp1.6"), line=line))
        assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")

    @pytest.mark.parametrize("versions", [["12"], ["13", "8"], ["thirteen"], []], ids=str)
    async def test_of_another_websocket_version_are_426_and_name_the_right_one(self, csms, versions):
        answer = await refused(*csms, without("Sec-WebSocket-Version", *versions))
        assert (answer.status, answer.headers["sec-websocket-version"]) == (426, "13")

    @pytest.mark.parametrize(
        "data",
        [
            pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", id="a browser"),
            pytest.param(b"GET /metrics HTTP/1.0\r\n\r\n", id="HTTP/1.0"),
            pytest.param(without("Upgrade", "h2c"), id="another protocol"),
            pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nand a bod", id="a body"),
        ],
    )
    async def test_that_want_no_websocket_are_426_and_told_what_this_port_speaks(self, csms, data):
        answer = await refused(*csms, data)
        assert (answer.status, answer.headers["upgrade"]) == (426, "websocket")

    async def test_of_http_2_are_505(self, csms):
        assert (await refused(*csms, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")).status == 505


class TestOddIdentities:
    @pytest.mark.parametrize(
        ("target", "identity"),
        [
            ("/CP1", "CP1"),
            ("/a/b/c/CP1", "CP1"),
            ("//CPX", "CPX"),
            ("/ocpp/CP1/", "CP1"),
            ("/ocpp/CP1//?a=%zz&b=[", "CP1"),
            ("/ocpp/CP%20%C3%BC", "CP ü"),
            ("/ocpp/%F0%9F%94%8C", "🔌"),
            ("/ocpp/RDAM|123", "RDAM|123"),
            ("/ocpp/CP%2525", "CP%25"),
            ("ws://csms.example/ocpp/CP1", "CP1"),
        ],
    )
    async def test_are_read_as_they_were_meant(self, csms, target, identity):
        server, listener = csms
        async with connected(listener.port) as raw:
            await raw.send(hello(target))
            assert (await raw.head()).startswith(b"HTTP/1.1 101 ")
            assert (await station_of(server, identity)).identity == identity
            await raw.text([2, "1", "Nonsense", {}])


class TestSlowPeers:
    @pytest.mark.parametrize(
        "begun",
        [
            pytest.param(b"", id="one that says nothing"),
            pytest.param(b"SSH-2.0-OpenSSH_9.9\r\n", id="one of another protocol that waits for us"),
            pytest.param(hello()[:-2], id="one that never ends its headers"),
        ],
    )
    async def test_are_408(self, begun):
        async with serving(handshake_timeout=0.1) as (server, listener), connected(listener.port) as raw:
            if begun:
                await raw.send(begun)
            assert (await raw.refusal()).status == 408
            server.reconfigure(handshake_timeout=SECONDS)
            await serves_a_good_station(server, listener)

    async def test_cost_the_others_no_time(self):
        async with serving() as (server, listener), connected(listener.port) as slow:
            await slow.send(hello()[:50])
            await serves_a_good_station(server, listener)
            await slow.send(hello()[50:])
            assert (await slow.head()).startswith(b"HTTP/1.1 101 ")

    async def test_may_send_byte_by_byte(self):
        async with serving() as (_, listener), connected(listener.port) as raw:
            await raw.send(*(bytes([byte]) for byte in hello()))
            assert (await raw.head()).startswith(b"HTTP/1.1 101 ")


class TestEarlyData:
    async def test_is_kept_until_the_station_is_in(self):
        asked, decide = anyio.Event(), anyio.Event()

        async def auth(accept, reject, handshake):
            asked.set()
            await decide.wait()
            accept()

        async with serving(auth=auth) as (server, listener), connected(listener.port) as raw:
            server.handle("Count", lambda ctx: ctx.params, custom=True)
            await raw.send(hello() + frame(TEXT, b'[2,"1","Count",{"n":1}]'))
            with anyio.fail_after(SECONDS):
                await asked.wait()
            await raw.send(frame(PING, b"early"), frame(TEXT, b'[2,"2","Count",{"n":2}]'))
            decide.set()
            assert (await raw.head()).startswith(b"HTTP/1.1 101 ")
            assert await raw.message() == [3, "1", {"n": 1}]
            assert await raw.frame() == (PONG, b"early")
            assert await raw.message() == [3, "2", {"n": 2}]

    async def test_over_64_kib_is_400(self):
        async def auth(accept, reject, handshake):
            await anyio.sleep_forever()

        async with serving(auth=leaving_the_good_one(auth)) as (server, listener):
            answer = await refused(server, listener, hello(), bytes(65537))
            assert answer.status == 400

    async def test_that_is_garbage_is_a_broken_frame(self):
        async with serving() as (server, listener), connected(listener.port) as raw:
            await raw.send(hello() + b"GET /CP1 HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await raw.head()).startswith(b"HTTP/1.1 101 ")
            assert (await raw.closed())[0] == 1002
            await raw.end()
            await serves_a_good_station(server, listener)


class TestPolicies:
    async def test_a_default_protocol_is_for_those_who_offer_none(self):
        async with serving(default_protocol="ocpp1.6") as (server, listener), connected(listener.port) as raw:
            await raw.send(hello(offer=None))
            head = await raw.head()
            assert head.startswith(b"HTTP/1.1 101 ")
            assert b"sec-websocket-protocol" not in head.lower()
            assert (await station_of(server)).protocol == "ocpp1.6"
            assert (await refused(server, listener, hello(offer="ocpp0.1"))).status == 400

    @pytest.mark.parametrize("offer", [None, "ocpp0.1"])
    async def test_upgrade_then_close_is_for_those_with_nothing_in_common(self, offer):
        async with serving(unmatched_protocol="upgrade-then-close") as (server, listener):
            async with connected(listener.port) as raw:
                await raw.send(hello(offer=offer) + frame(TEXT, b'[2,"1","Heartbeat",{}]'))
                head = await raw.head()
                assert head.startswith(b"HTTP/1.1 101 ")
                assert b"sec-websocket-protocol" not in head.lower()
                assert await raw.closed() == (1002, "no subprotocol in common")
                await raw.send(frame(CLOSE))
                await raw.end()
            assert server.clients == ()
            await serves_a_good_station(server, listener)


class TestAClosingServer:
    async def test_answers_503_to_whom_it_is_asked_by_and_says_when_to_come_back(self):
        async with serving() as (server, listener), station(listener.port) as stuck:
            busy = await station_of(server)
            async with anyio.create_task_group() as tasks, server.events("closing", "upgrade_aborted") as events:
                tasks.start_soon(partial(busy.safe_call, "Reset", {"type": "Soft"}))
                called = await stuck.message()
                async with connected(listener.port) as late:
                    tasks.start_soon(server.close)
                    await first(events)  # it closes, and waits for that answer
                    await late.send(hello("/ocpp/CP2"))
                    answer = await late.refusal()
                    assert (answer.status, answer.headers["retry-after"]) == (503, "10")
                assert await first(events) == UpgradeAbortedEvent(None, "127.0.0.1", 503, "Closing")
                await stuck.text([3, called[1], {"status": "Accepted"}])
                assert (await stuck.closed())[0] == 1001
                await stuck.reset()

    async def test_leaves_no_stranger_connected(self):
        async with serving() as (server, listener), connected(listener.port) as silent:
            async with client_of(listener, reconnect=False) as client:
                await client.connect()
                await server.close()
                assert client.state is ConnectionState.CLOSED
            await silent.end()
