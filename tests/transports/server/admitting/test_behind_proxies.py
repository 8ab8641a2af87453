"""A server behind proxies, over real sockets: the PROXY protocol before TLS, limits by address, profiles 2 and 3."""

import hashlib
import ssl
import struct
from contextlib import asynccontextmanager
from ipaddress import ip_address
from urllib.parse import quote

import anyio
import anyio.lowlevel
import pytest
import trustme
from anyio.abc import SocketAttribute

from ocpp_transports import OCPPServer, SecurityProfile, TLSOptions, UnexpectedHttpResponse
from ocpp_transports._hosts import _arrival
from ocpp_transports._server._admitting._quota import SocketGate
from ocpp_transports.events import ConnectionFailedEvent
from tests.transports.pairs import SECONDS, client_of, first, knock, reset, serving, station_of, upgrade

pytestmark = pytest.mark.anyio

STATION = "192.0.2.7"
LINE = f"PROXY TCP4 {STATION} 127.0.0.1 4711 9000\r\n".encode()
UNKNOWN = b"PROXY UNKNOWN\r\n"
LOCAL = b"\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"
HEALTH = b"GET /health HTTP/1.1\r\nHost: csms\r\n\r\n"
LISTED = {"trusted_proxies": ["127.0.0.1"]}

AUTHORITY = trustme.CA()
ISSUED = AUTHORITY.issue_cert("station.example", common_name="CP1", organization_name="ACME")
LEAF = ISSUED.cert_chain_pems[0].bytes()
STATION_TLS = TLSOptions(cert=LEAF, key=ISSUED.private_key_pem.bytes(), ca=AUTHORITY.cert_pem.bytes())
SERVER = AUTHORITY.issue_cert("127.0.0.1", "localhost")
SERVER_TLS = TLSOptions(
    cert=SERVER.cert_chain_pems[0].bytes(), key=SERVER.private_key_pem.bytes(), ca=AUTHORITY.cert_pem.bytes()
)
PROFILE_3 = {"security_profile": SecurityProfile.TLS_CERT, "tls_terminated": True}
PASSING = {
    **PROFILE_3,
    **LISTED,
    "forwarded_header": "x-forwarded-for",
    "certificate_header": "X-Client-Cert",
    "certificate_verify_header": "X-Client-Verify",
}
PASSED = {
    "X-Forwarded-For": STATION,
    "X-Forwarded-Proto": "https",
    "X-Client-Cert": quote(LEAF.decode()),
    "X-Client-Verify": "SUCCESS",
}


def announcing(common_name, *, flags=7, verify=0):
    """Write a header of version 2 with what a proxy knows of TLS."""
    name = common_name.encode()
    about = struct.pack(">BIBH", flags, verify, 0x22, len(name)) + name
    body = ip_address(STATION).packed * 2 + bytes(4) + struct.pack(">BH", 0x20, len(about)) + about
    return LOCAL[:12] + struct.pack(">BBH", 0x21, 0x11, len(body)) + body


@asynccontextmanager
async def listening(*, ssl=None, **options):
    """Run a server with a listener that demands a PROXY header."""
    async with OCPPServer(**{"protocols": ["ocpp1.6"], **LISTED, **options}) as server:
        yield server, await server.listen(0, "127.0.0.1", ssl=ssl, proxy_protocol=True)


class Relay:
    """A proxy that only passes bytes on, after a header; `port` is its own."""

    def __init__(self, own, port, header):
        self.port, self._to, self._header = own, port, header

    async def serve(self, station):
        async with (
            station,
            await anyio.connect_tcp("127.0.0.1", self._to) as server,
            anyio.create_task_group() as tasks,
        ):
            await server.send(self._header)
            tasks.start_soon(self._pass_on, station, server)
            await self._pass_on(server, station)
            tasks.cancel_scope.cancel()

    async def _pass_on(self, source, target):
        try:
            async for chunk in source:
                await target.send(chunk)
            await target.send_eof()
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass


@asynccontextmanager
async def relaying(listener, header):
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as own, anyio.create_task_group() as tasks:
        relay = Relay(own.extra(SocketAttribute.local_port), listener.port, header)
        tasks.start_soon(own.serve, relay.serve)
        yield relay
        tasks.cancel_scope.cancel()


class TestAListenerForProxies:
    @pytest.mark.parametrize("secure", [False, True])
    async def test_serves_stations_by_the_address_in_their_header(self, secure):
        tls = {"tls": TLSOptions(ca=AUTHORITY.cert_pem.bytes())} if secure else {}
        seen = []
        async with listening(ssl=SERVER_TLS if secure else None) as (server, listener):
            server.auth(lambda accept, reject, handshake: (seen.append(handshake.remote_address), accept()))
            server.handle("Heartbeat", lambda ctx: {"currentTime": "2026-01-01T00:00:00Z"})
            async with (
                relaying(listener, LINE) as relay,
                client_of(relay, scheme="wss" if secure else "ws", **tls) as client,
            ):
                await client.connect()
                assert await client.call("Heartbeat") == {"currentTime": "2026-01-01T00:00:00Z"}
        assert seen == [STATION]

    @pytest.mark.parametrize("header", [LINE, UNKNOWN, LOCAL, announcing("CP1")])
    async def test_answers_health_checks(self, header):
        async with listening(http=True) as (_, listener):
            status, _, body = await knock(listener, header + HEALTH)
        assert (status, body) == (200, '{"status":"ok"}')

    @pytest.mark.parametrize("secure", [False, True])
    @pytest.mark.parametrize(
        ("data", "reason"),
        [
            (HEALTH, "does not begin with a PROXY header"),
            (b"PROXY TCP4 192.0.2.7 127.0.0.1 1 99999\r\n", "invalid port"),
            (LINE[:20], "left within its PROXY header"),
        ],
    )
    async def test_closes_and_counts_out_what_does_not_begin_with_one(self, secure, data, reason):
        async with listening(http=True, ssl=SERVER_TLS if secure else None) as (server, listener):
            failures, incidents = server.events("connection_failed"), server.events("security")
            async with await anyio.connect_tcp("127.0.0.1", listener.port) as stream:
                await stream.send(data)
                if reason.startswith("left"):
                    await stream.send_eof()
                with anyio.fail_after(SECONDS):
                    event = await anext(failures)
                    assert await received(stream) == b""
            assert reason in event.reason
            assert event.remote_address == "127.0.0.1"
            assert (await first(incidents)).kind == "bad_proxy_header"
            await until_open(server, 0)

    @pytest.mark.parametrize("is_reset", [False, True])
    @pytest.mark.parametrize(("secure", "data"), [(False, b""), (True, b""), (True, LOCAL)])
    async def test_reports_no_health_check_that_leaves(self, secure, data, is_reset):
        failures: list[ConnectionFailedEvent] = []
        async with listening(ssl=SERVER_TLS if secure else None) as (server, listener):
            server.on("connection_failed", failures.append)
            async with await anyio.connect_tcp("127.0.0.1", listener.port) as stream:
                await stream.send(data) if data else None
                await until_open(server, 1)
                if is_reset:
                    reset(stream)
                else:
                    await stream.send_eof()
                    with anyio.fail_after(SECONDS):
                        await received(stream)
            await until_open(server, 0)
        assert failures == []

    async def test_gives_a_header_a_deadline(self, monkeypatch):
        monkeypatch.setattr(_arrival, "HEADER_TIMEOUT", 0.01)
        async with listening() as (server, listener):
            failures = server.events("connection_failed")
            async with await anyio.connect_tcp("127.0.0.1", listener.port) as stream:
                await stream.send(LINE[:20])
                with anyio.fail_after(SECONDS):
                    event = await anext(failures)
                    assert await received(stream) == b""
            assert event.reason == "no PROXY header within 0.01 s"
            await until_open(server, 0)

    async def test_closes_the_sockets_of_other_peers(self):
        async with listening(trusted_proxies=["10.0.0.1"]) as (server, listener):
            failures = server.events("connection_failed")
            async with await anyio.connect_tcp("127.0.0.1", listener.port) as stream:
                with anyio.fail_after(SECONDS):
                    event = await anext(failures)
                    assert await received(stream) == b""
            assert event.reason == "the peer is not in trusted_proxies"

    async def test_ends_with_the_server_while_headers_are_awaited(self):
        async with (
            listening(ssl=SERVER_TLS) as (server, listener),
            await anyio.connect_tcp("127.0.0.1", listener.port) as stream,
        ):
            with anyio.fail_after(SECONDS):
                await until_open(server, 1)
                await server.close()
                assert await received(stream) == b""

    async def test_limits_the_sockets_of_each_station_and_not_those_of_the_proxy(self):
        async with listening(max_sockets_per_address=2, max_sockets=50) as (server, listener):
            streams = []
            for last in (1, 1, 2, 2, 3):
                streams.append(await anyio.connect_tcp("127.0.0.1", listener.port))
                await streams[-1].send(LINE.replace(b"192.0.2.7", b"192.0.2.%d" % last))
            over = await anyio.connect_tcp("127.0.0.1", listener.port)
            with anyio.fail_after(SECONDS):
                await until_open(server, 6)
                await over.send(LINE.replace(b"192.0.2.7", b"192.0.2.1"))
                assert await received(over) == b""
                for stream in [*streams, over]:
                    await stream.aclose()
                await until_open(server, 0)

    async def test_needs_to_know_its_proxies(self):
        async with OCPPServer(protocols=["ocpp1.6"]) as server:
            with pytest.raises(ValueError, match="expected trusted_proxies with proxy_protocol=True"):
                await server.listen(0, "127.0.0.1", proxy_protocol=True)
            with pytest.raises(TypeError, match="expected proxy_protocol as bool"):
                await server.listen(0, "127.0.0.1", proxy_protocol=1)  # type: ignore[arg-type]  # what is refused
        async with listening() as (server, listener):
            with pytest.raises(ValueError, match="expected trusted_proxies with proxy_protocol=True"):
                server.reconfigure(trusted_proxies=[])
            await listener.aclose()
            server.reconfigure(trusted_proxies=[])


async def until_open(server, count):
    """Wait until so many sockets are counted."""
    with anyio.fail_after(SECONDS):
        while server.stats().sockets != count:
            await anyio.lowlevel.checkpoint()


async def received(stream):
    """Return what comes until the end of the stream."""
    data = b""
    try:
        async for chunk in stream:
            data += chunk
    except (anyio.BrokenResourceError, anyio.ClosedResourceError):
        pass
    return data


class TestLimitsByAddress:
    async def test_and_gates_see_the_station(self):
        gates = {"denied_addresses": [STATION], "allowed_addresses": ["192.0.2.0/24"]}
        async with serving(forwarded_header="x-forwarded-for", http=True, **gates, **LISTED) as (_, listener):
            for address, status in ((STATION, 403), ("192.0.2.8", 200), ("6.6.6.6, 192.0.2.8", 200), ("6.6.6.6", 403)):
                request = HEALTH[:-2] + f"X-Forwarded-For: {address}\r\n\r\n".encode()
                assert (await knock(listener, request))[0] == status

    async def test_are_those_of_the_station_that_a_proxy_reports(self):
        async with (
            serving(
                forwarded_header="x-forwarded-for", max_handshakes_per_address=1, auth=never_deciding, **LISTED
            ) as (server, listener),
            await anyio.connect_tcp("127.0.0.1", listener.port) as waiting,
        ):
            await waiting.send(upgrade("/ocpp/CP1", f"X-Forwarded-For: {STATION}"))
            with anyio.fail_after(SECONDS):
                while not server.stats().handshakes:
                    await anyio.lowlevel.checkpoint()
                status, _, body = await knock(listener, upgrade("/ocpp/CP2", f"X-Forwarded-For: {STATION}"))
                assert (status, body) == (503, "Busy")
                async with await anyio.connect_tcp("127.0.0.1", listener.port) as other:
                    await other.send(upgrade("/ocpp/CP3", "X-Forwarded-For: 192.0.2.8"))
                    while server.stats().handshakes < 2:
                        await anyio.lowlevel.checkpoint()


async def never_deciding(accept, reject, handshake):
    await anyio.sleep_forever()


def test_the_sockets_of_a_trusted_proxy_are_limited_in_all_only():
    turned_away = []
    gate = SocketGate(lambda address, limit: turned_away.append(address))
    gate.limit, gate.limit_by_address, gate.trusts = 3, 1, lambda address: address == "10.0.0.1"
    assert all(gate.admit("10.0.0.1") for _ in range(2))
    assert gate.admit("192.0.2.1")
    assert gate.admit("10.0.0.1") is None
    assert turned_away == ["10.0.0.1"]


class TestProfile2:
    async def test_needs_tls_up_to_the_proxy(self):
        options = {
            "security_profile": SecurityProfile.TLS_BASIC,
            "tls_terminated": True,
            "forwarded_header": "x-forwarded-for",
            "credentials": {"CP1": "secret"},
        }
        asked = [
            ("127.0.0.1", "http", 403),
            ("127.0.0.1", None, 403),
            ("10.0.0.1", "https", 403),
            ("127.0.0.1", "https", 401),
        ]
        for proxy, proto, expected in asked:
            async with serving(trusted_proxies=[proxy], **options) as (server, listener):
                incidents = server.events("security")
                fields = [f"X-Forwarded-For: {STATION}", *([f"X-Forwarded-Proto: {proto}"] if proto else [])]
                assert (await knock(listener, upgrade("/ocpp/CP1", *fields)))[0] == expected
                kinds = {403: "tls_required", 401: "bad_credentials"}
                ignored = [] if proxy == "127.0.0.1" else ["forwarded_header_ignored"]
                for kind in [*ignored, kinds[expected]]:
                    assert (await first(incidents)).kind == kind


class TestProfile3:
    """The rules for certificates work behind a proxy as they do without one."""

    async def connect(self, listener, identity="CP1", **more):
        headers = {name: value for name, value in {**PASSED, **more}.items() if value is not None}
        async with client_of(listener, identity, headers=headers) as client:
            await client.connect()

    @pytest.mark.parametrize(
        "rule",
        [
            {},
            {"certificate_organization": "ACME"},
            {"certificate_pins": {"CP1": hashlib.sha256(ssl.PEM_cert_to_DER_cert(LEAF.decode())).hexdigest()}},
            {"identify": lambda certificate, identity: certificate["subjectAltName"] == (("DNS", "station.example"),)},
        ],
        ids=["identify", "organization", "pin", "function"],
    )
    async def test_accepts_the_certificate_that_the_proxy_passes_on(self, rule):
        async with serving(**PASSING, **rule) as (server, listener):
            headers = dict(PASSED)
            async with client_of(listener, headers=headers) as client:
                await client.connect()
                station = await station_of(server)
                assert station.handshake.remote_address == STATION
                assert station.handshake.client_certificate["notAfter"].endswith("GMT")

    @pytest.mark.parametrize(
        ("identity", "changed", "rule", "status"),
        [
            ("CP2", {}, {}, 401),
            ("CP1", {"X-Client-Cert": None}, {}, 401),
            ("CP1", {"X-Client-Verify": None}, {"identify": "any"}, 401),
            ("CP1", {}, {"certificate_organization": "Other"}, 401),
            ("CP1", {}, {"certificate_pins": {"CP1": "0" * 64}}, 401),
            ("CP1", {}, {"trusted_proxies": ["10.0.0.1"]}, 403),
        ],
    )
    async def test_refuses_any_other(self, identity, changed, rule, status):
        async with serving(**{**PASSING, **rule}) as (_, listener):
            with pytest.raises(UnexpectedHttpResponse) as refused:
                await self.connect(listener, identity, **changed)
        assert refused.value.status == status

    @pytest.mark.parametrize(
        ("header", "identity", "status"),
        [
            (announcing("CP1"), "CP1", 101),
            (announcing("CP1"), "CP2", 401),
            (announcing("CP1", flags=1), "CP1", 401),
            (UNKNOWN, "CP1", 403),
            (LINE, "CP1", 101),  # the proxy states nothing of TLS: it must refuse what it cannot verify
        ],
    )
    async def test_reads_the_name_in_a_proxy_header(self, header, identity, status):
        async with (
            listening(**PROFILE_3) as (_, listener),
            await anyio.connect_tcp("127.0.0.1", listener.port) as stream,
        ):
            await stream.send(header + upgrade(f"/ocpp/{identity}"))
            with anyio.fail_after(SECONDS):
                assert (await stream.receive()).split()[1] == b"%d" % status

    async def test_takes_the_certificate_of_tls_that_passes_through_the_proxy(self):
        options = {"security_profile": SecurityProfile.TLS_CERT, "tls": SERVER_TLS}
        async with (
            listening(**options) as (server, listener),
            relaying(listener, announcing("CP2")) as relay,
            client_of(relay, scheme="wss", security_profile=3, tls=STATION_TLS) as client,
        ):
            await client.connect()
            assert (await station_of(server)).handshake.remote_address == STATION
