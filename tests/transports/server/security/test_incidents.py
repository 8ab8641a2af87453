"""What a server reports as a security event: each incident once, with its cause and without credentials."""

import logging

import anyio
import pytest

from ocpp_transports import OCPPServer, UnexpectedHttpResponse
from ocpp_transports.channel import Accept, Reject, UpgradeOffer
from ocpp_transports.plain_http import PlainRequest
from tests.link.wire import TEXT, frame
from tests.transports.pairs import SECONDS, client_of, first, knock, never, serving, station_of, upgrade
from tests.transports.test_channel import TestChannel

pytestmark = pytest.mark.anyio

BASIC = {"security_profile": 1, "credentials": {"CP1": "right secret"}}
SECRET = "wrong-secret"


async def kinds_of(server, count, incidents):
    """Wait for so many incidents, and for the end of the server; gives the kinds of all."""
    found = [await first(incidents) for _ in range(count)]
    await server.close()
    return [each.kind for each in [*found, *[each async for each in incidents]]]


@pytest.fixture
def records(caplog):
    caplog.set_level(logging.DEBUG)
    return caplog


class TestARefusal:
    @pytest.mark.parametrize(
        ("header", "identity", "detail"),
        [
            (None, "CP1", "no password"),
            ("Bearer x", "CP1", "no password for this identity"),
            ("Basic Q1AxOndyb25nLXNlY3JldA==", "CP1", "wrong password"),
            ("Basic Q1AyOndyb25nLXNlY3JldA==", "CP2", "unknown station"),
        ],
    )
    async def test_for_bad_credentials_says_what_is_bad_to_the_operator_only(self, header, identity, detail, records):
        headers = [] if header is None else [f"Authorization: {header}"]
        async with serving(**BASIC) as (server, listener), server.events("security") as incidents:
            answer = await knock(listener, upgrade(f"/ocpp/{identity}?token={SECRET}", *headers))
            incident = await first(incidents)
            assert answer[::2] == (401, "Unauthorized")
            assert (incident.kind, incident.identity, incident.detail) == ("bad_credentials", identity, detail)
            assert (incident.status, incident.reason, incident.remote_address) == (401, "Unauthorized", "127.0.0.1")
        assert SECRET not in repr(incident)
        assert SECRET not in records.text
        (record,) = [record for record in records.records if record.name == "ocpp_ws_io.security"]
        assert record.identity == identity

    async def test_by_auth_is_one_of_bad_credentials_if_it_is_a_401(self):
        def auth(accept, reject, handshake):
            reject(401 if handshake.identity == "CP1" else 410)

        async with serving(auth=auth) as (server, listener), server.events("security") as incidents:
            for identity in ("CP1", "CP2"):
                await knock(listener, upgrade(f"/ocpp/{identity}"))
            assert await kinds_of(server, 2, incidents) == ["bad_credentials", "refused_by_application"]

    async def test_by_middleware_is_one_of_its_own_unless_it_hides_another(self):
        async def middleware(ctx, proceed):
            try:
                if ctx.handshake.identity == "CP1":
                    await proceed()
            finally:
                ctx.reject(503, "Not today")

        options = {"connection_middleware": [middleware], **BASIC}
        async with serving(**options) as (server, listener), server.events("security") as incidents:
            for identity in ("CP1", "CP2"):
                assert (await knock(listener, upgrade(f"/ocpp/{identity}")))[0] == 503
            assert await kinds_of(server, 2, incidents) == ["bad_credentials", "refused_by_application"]

    async def test_because_the_application_failed_is_reported_too(self):
        def auth(accept, reject, handshake):
            raise LookupError(SECRET)

        async with serving(auth=auth) as (server, listener), server.events("security") as incidents:
            await knock(listener, upgrade())
            assert await kinds_of(server, 1, incidents) == ["decision_failed"]

    @pytest.mark.parametrize("request_bytes", [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nHost: " + b"x" * 99_999])
    async def test_of_what_is_no_request_is_one_incident(self, request_bytes, records):
        async with serving() as (server, listener), server.events("security") as incidents:
            await knock(listener, request_bytes, eof=True)
            assert await kinds_of(server, 1, incidents) == ["malformed_handshake"]
        assert {record.name for record in records.records if record.levelname == "WARNING"} == {"ocpp_ws_io.security"}

    @pytest.mark.parametrize("request_bytes", [b"", b"GET /ocpp/CP1 HTT", upgrade()])
    async def test_because_it_takes_too_long_is_one_incident(self, request_bytes):
        async def auth(accept, reject, handshake):
            await never()

        options = {"auth": auth, "handshake_timeout": 0.05}
        async with serving(**options) as (server, listener), server.events("security") as incidents:
            assert (await knock(listener, request_bytes))[0] == 408
            assert await kinds_of(server, 1, incidents) == ["handshake_timeout"]

    async def test_of_versions_is_one_also_if_the_websocket_is_opened_first(self):
        options = {"unmatched_protocol": "upgrade-then-close"}
        async with serving(**options) as (server, listener), server.events("security") as incidents:
            async with await anyio.connect_tcp("127.0.0.1", listener.port) as stream:
                await stream.send(upgrade(protocol="ocpp0.1, token-of-a-client"))
                incident = await first(incidents)
            assert (incident.kind, incident.identity, incident.status) == ("bad_subprotocol", "CP1", 1002)
            assert incident.detail == "offered ocpp0.1 and 1 other name"
            assert await kinds_of(server, 0, incidents) == []

    async def test_because_the_server_closes_is_none(self):
        asked = anyio.Event()

        async def auth(accept, reject, handshake):
            asked.set()
            await never()

        async with (
            serving(auth=auth) as (server, listener),
            server.events("security") as incidents,
            await anyio.connect_tcp("127.0.0.1", listener.port) as stream,
        ):
            await stream.send(upgrade())
            with anyio.fail_after(SECONDS):
                await asked.wait()
            await stream.send_eof()
            assert await kinds_of(server, 0, incidents) == []
            assert b" 503 " in await stream.receive()

    async def test_leaves_no_socket_behind(self):
        async with serving(**BASIC) as (server, listener), server.events("security") as incidents:
            for _ in range(5):
                await knock(listener, upgrade())
                await first(incidents)
            with anyio.fail_after(SECONDS):
                while server.stats().sockets:  # noqa: ASYNC110 - nobody tells of it
                    await anyio.sleep(0.001)


class TestAConnection:
    @pytest.mark.parametrize(
        ("sent", "options", "kind", "status"),
        [
            (frame(TEXT, b"x" * 200), {"max_message_size": 100}, "message_too_big", 1009),
            (frame(TEXT, b"{}", masked=False), {}, "protocol_violation", 1002),
            (frame(TEXT, b"\xff"), {}, "protocol_violation", 1007),
            (frame(TEXT, b"{}") * 2, {"max_bad_messages": 2}, "too_many_bad_messages", 1002),
        ],
    )
    async def test_that_breaks_a_limit_is_one_incident(self, sent, options, kind, status):
        async with serving(**options) as (server, listener), server.events("security") as incidents:
            async with await anyio.connect_tcp("127.0.0.1", listener.port) as stream:
                await stream.send(upgrade() + sent)
                await stream.send_eof()
                incident = await first(incidents)
            assert (incident.kind, incident.identity, incident.status) == (kind, "CP1", status)
            assert await kinds_of(server, 0, incidents) == []

    async def test_that_is_replaced_is_one_incident(self):
        async with serving() as (server, listener), server.events("security") as incidents:
            async with client_of(listener, reconnect=False) as older, client_of(listener) as newer:
                await older.connect()
                await station_of(server)
                await newer.connect()
                incident = await first(incidents)
            assert (incident.kind, incident.identity, incident.status) == ("replaced", "CP1", 4000)
            assert await kinds_of(server, 0, incidents) == []

    async def test_that_ends_by_itself_or_by_the_application_is_none(self):
        async with serving() as (server, listener), server.events("security") as incidents:
            for code in (1000, 1009, 4000):
                async with client_of(listener, reconnect=False) as client:
                    await client.connect()
                    station = await station_of(server)
                    await (client if code == 1009 else station).close(code)
            assert await kinds_of(server, 0, incidents) == []

    async def test_whose_output_is_not_read_is_one_incident(self):
        async with OCPPServer(protocols=["ocpp1.6"], send_timeout=0.05) as server:
            incoming, incidents = server.incoming(offer()), server.events("security")
            assert isinstance(await incoming.decision(), Accept)
            incoming.start_carrying(TestChannel(send=never))
            station = await station_of(server)
            await station.send_raw('[2,"1","Heartbeat",{}]')
            incident = await first(incidents)
            assert (incident.kind, incident.identity) == ("output_not_read", "CP1")


def offer(address="192.0.2.7", **headers):
    return UpgradeOffer("/ocpp/CP1", [*headers.items()], ("ocpp1.6",), address)


class TestTheGates:
    @pytest.mark.parametrize(
        ("options", "address", "headers", "status"),
        [
            ({"allowed_addresses": ["192.0.2.0/24"]}, "192.0.2.7", {}, None),
            ({"allowed_addresses": ["192.0.2.0/24"]}, "198.51.100.1", {}, 403),
            ({"denied_addresses": ["2001:db8::/32"]}, "2001:db8::7", {}, 403),
            ({"allowed_origins": []}, None, {"Origin": "https://evil.example"}, 403),
            ({"allowed_origins": []}, None, {}, None),
        ],
    )
    async def test_hold_for_connections_of_other_libraries(self, options, address, headers, status):
        async with OCPPServer(protocols=["ocpp1.6"], **options) as server:
            answer = await server.incoming(offer(address, **headers)).decision()
            assert (answer.status if isinstance(answer, Reject) else None) == status

    async def test_of_addresses_hold_for_plain_requests_too(self):
        request = b"GET /health HTTP/1.1\r\nHost: csms.example\r\n\r\n"
        async with serving(http=True, denied_addresses=["127.0.0.1"]) as (server, listener):
            async with server.events("security") as incidents:
                assert (await knock(listener, request))[0] == 403
                assert (await first(incidents)).kind == "denied_address"
            server.reconfigure(denied_addresses=())
            assert (await knock(listener, request))[0] == 200

    async def test_of_addresses_hold_for_plain_requests_of_other_libraries(self):
        async with OCPPServer(http=True, allowed_addresses=["192.0.2.0/24"]) as server:
            for address, status in (("192.0.2.7", 200), ("198.51.100.1", 403), (None, 403)):
                request = PlainRequest("GET", "/health", remote_address=address)
                assert (await server.http_response(request)).status == status

    async def test_of_the_rate_tells_a_client_when_to_come_back(self):
        async with serving(handshake_rate=0.001, handshake_burst=1, **BASIC) as (server, listener):
            async with client_of(listener, security_profile=1, password=SECRET, reconnect=False) as guesser:
                with pytest.raises(UnexpectedHttpResponse, match="401"):
                    await guesser.connect()
            async with client_of(listener, security_profile=1, password="right secret") as station:
                with pytest.raises(UnexpectedHttpResponse, match="429") as caught:
                    await station.connect()
            assert 990 <= float(dict(caught.value.headers)["retry-after"]) <= 1000
            server.reconfigure(handshake_rate=1e9)
