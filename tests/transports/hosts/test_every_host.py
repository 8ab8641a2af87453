"""What holds whatever carries the messages: sockets, another library's WebSocket, an ASGI server, a page, memory."""

from functools import partial

import anyio
import pytest

from ocpp_core.actions import Direction
from ocpp_transports import (
    ConnectionFailedError,
    ConnectionLostError,
    ConnectionState,
    OCPPServer,
    RPCInternalError,
    RPCNotImplementedError,
    SecurityProfile,
    UnexpectedHttpResponse,
)
from ocpp_transports.events import CloseEvent, DisconnectEvent
from tests.conftest import BACKENDS
from tests.transports.carriers import CARRIERS
from tests.transports.pairs import SECONDS, first, never, station_of

pytestmark = pytest.mark.anyio

LOOPS = {parameter.values[0][0]: parameter for parameter in BACKENDS if parameter.id != "uvloop"}


@pytest.fixture(
    params=[
        pytest.param((name, LOOPS[loop].values[0]), id=f"{name}-{loop}")
        for name, (_, loops) in CARRIERS.items()
        for loop in loops
    ]
)
def host(request):
    return request.param


@pytest.fixture
def anyio_backend(host):
    return host[1]


@pytest.fixture
def serving(host):
    """Run a server of OCPP 1.6 (or as the options say); yields it and what makes clients of it."""
    carrier, _ = CARRIERS[host[0]]

    def run(**options):
        server = OCPPServer(**{"protocols": ["ocpp1.6"], **options})
        server.handle("Heartbeat", lambda ctx: {"currentTime": "2026-01-01T00:00:00Z"})
        return carrier(server)

    return run


@pytest.fixture
def refusal(host):
    """The error of a refused client: a page is never told the status."""
    return ConnectionFailedError if host[0] == "page" else UnexpectedHttpResponse


class TestCalls:
    @pytest.mark.parametrize("protocol", ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"])
    async def test_go_both_ways_in_every_version(self, serving, protocol):
        async with serving(protocols=[protocol]) as door, door.client(protocols=[protocol]) as client:
            client.handle("Reset", lambda ctx: {"status": "Accepted"})
            assert await client.connect() == protocol
            assert await client.call("Heartbeat", {}) == {"currentTime": "2026-01-01T00:00:00Z"}
            station = await station_of(door.server)
            assert await station.call("Reset", {"type": "Soft"}) == {"status": "Accepted"}

    async def test_may_be_made_by_a_handler(self, serving):
        async with serving() as door, door.client() as client:

            @client.handle("TriggerMessage")
            async def trigger(ctx):
                return {"status": (await ctx.client.call("Heartbeat", {}))["currentTime"]}

            await client.connect()
            answer = await (await station_of(door.server)).call("TriggerMessage", {})
            assert answer == {"status": "2026-01-01T00:00:00Z"}

    async def test_keep_their_order(self, serving):
        async with serving() as door, door.client(call_concurrency=50) as client:
            called, seen = [], []
            door.server.handle("DataTransfer", lambda ctx: seen.append(ctx.params["data"]))

            async def call(number):
                called.append(number)
                await client.call("DataTransfer", {"vendorId": "v", "data": number})

            await client.connect()
            async with anyio.create_task_group() as tasks:
                for number in range(200):
                    tasks.start_soon(call, number)
            assert seen == called
            assert len(seen) == 200

    async def test_may_be_long(self, serving):
        async with serving() as door, door.client() as client:
            door.server.handle("DataTransfer", lambda ctx: {"status": "Accepted", "data": ctx.params["data"]})
            await client.connect()
            data = "ü" * 300_000
            assert (await client.call("DataTransfer", {"vendorId": "v", "data": data}))["data"] == data

    async def test_without_a_handler_are_answered_by_not_implemented(self, serving):
        async with serving() as door, door.client() as client:
            await client.connect()
            with pytest.raises(RPCNotImplementedError):
                await client.call("Authorize", {"idTag": "1"})

    async def test_that_are_repeated_under_their_id_have_one_answer_and_one_handler(self, serving):
        async with serving() as door, door.client() as client:
            begun, copied = [], anyio.Event()

            async def authorize(ctx):
                begun.append(ctx.message_id)
                await copied.wait()
                return {"served": len(begun)}

            def sent(event):
                if event.frame[1] == "same" and event.direction is Direction.OUT:
                    sent_ids.append("same")
                    if len(sent_ids) > 1:
                        copied.set()

            sent_ids = []
            door.server.handle("Authorize", authorize)
            client.on("call", sent)
            await client.connect()
            answer = {"served": 1}
            assert (
                await client.call("Authorize", {}, message_id="same", timeout=0.1, retries=100, retry_delay=0.01)
                == answer
            )
            assert await client.call("Authorize", {}, message_id="same") == answer, "now it is remembered"
            assert begun == ["same"]

    async def test_begin_in_the_order_of_arrival_whatever_serves_them(self, serving):
        async with serving() as door, door.client(call_concurrency=6) as client:
            begun = []

            async def start(ctx):
                begun.append(ctx.action)
                await anyio.lowlevel.checkpoint()

            door.server.handle("StartTransaction", start)
            for action in ("MeterValues", "StopTransaction"):
                door.server.handle(action, lambda ctx: begun.append(ctx.action))
            await client.connect()
            called = []

            async def call(action):
                called.append(action)
                await client.call(action, {})

            async with anyio.create_task_group() as tasks:
                for action in ("StartTransaction", "MeterValues", "StopTransaction") * 2:
                    tasks.start_soon(call, action)
            assert begun == called

    async def test_in_flight_at_a_loss_have_an_unknown_outcome(self, serving):
        async with serving() as door, door.client(reconnect=False) as client:
            door.server.handle("Authorize", lambda ctx: never())
            await client.connect()
            station = await station_of(door.server)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(partial(station.close, 4001, await_pending=False))
                with pytest.raises(ConnectionLostError) as lost:
                    await client.call("Authorize", {"idTag": "1"})
            assert lost.value.sent


class TestABurst:
    """Nothing of it is lost or refused, and nobody else waits for it."""

    @pytest.mark.parametrize("kind", ["plain", "slow"])
    async def test_of_calls_and_sends_is_served_whole_and_in_order(self, serving, kind):
        begun, gate = [], anyio.Event()

        def plain(ctx):
            begun.append((ctx.action, ctx.params["n"]))
            return {}

        async def slow(ctx):
            plain(ctx)
            await gate.wait()

        names = ("StartTransaction", "NotifyPeriodicEventStream")
        async with (
            serving(protocols=["ocpp2.1"]) as door,
            door.client(protocols=["ocpp2.1"], call_concurrency=1000) as client,
        ):
            for name in names:
                door.server.handle(name, {"plain": plain, "slow": slow}[kind], custom=True)
            await client.connect()
            answers = []

            async def call(number):
                answers.append(await client.call("StartTransaction", {"n": number}))

            with anyio.fail_after(SECONDS):
                async with anyio.create_task_group() as tasks:
                    for number in range(300):
                        tasks.start_soon(call, number)
                    await client.notify("NotifyPeriodicEventStream", {"n": -1})
                    for number in range(500):
                        await client.notify("NotifyPeriodicEventStream", {"n": number})
                    gate.set()
                assert await client.call("StartTransaction", {"n": 300}) == {}
        assert answers == [{}] * 300
        assert sorted(n for name, n in begun if name == names[0]) == list(range(301))
        assert [n for name, n in begun if name == names[1]] == list(range(-1, 500))

    async def test_of_handlers_that_call_their_peer_ends(self, serving):
        async with serving() as door, door.client(call_concurrency=200) as client:

            async def start(ctx):
                return await ctx.client.call("DataTransfer", {"vendorId": "v", "data": ctx.params["data"]})

            door.server.handle("StartTransaction", start)
            client.handle("DataTransfer", lambda ctx: {"status": "Accepted", "data": ctx.params["data"]})
            await client.connect()
            answers = set()

            async def call(number):
                answers.add((await client.call("StartTransaction", {"data": str(number)}))["data"])

            with anyio.fail_after(SECONDS):
                async with anyio.create_task_group() as tasks:
                    for number in range(132):
                        tasks.start_soon(call, number)
            assert answers == {str(number) for number in range(132)}

    async def test_of_one_station_keeps_no_other_waiting(self, serving):
        async with (
            serving() as door,
            door.client("BUSY", call_concurrency=1000) as busy,
            door.client("CALM") as calm,
        ):
            served = []
            door.server.handle("DataTransfer", lambda ctx: served.append(ctx.client.identity))
            await busy.connect()
            await calm.connect()

            async def call():
                await busy.call("DataTransfer", {"vendorId": "v"})

            with anyio.fail_after(SECONDS):
                async with anyio.create_task_group() as tasks:
                    for _ in range(1000):
                        tasks.start_soon(call)
                    await anyio.lowlevel.checkpoint()
                    await calm.call("DataTransfer", {"vendorId": "v"})
            assert served.index("CALM") < len(served) - 1, "it did not have to wait for the last of the others"
            assert len(served) == 1001


class TestAHandlerThatNeverReturns:
    async def test_is_answered_for_after_a_while(self, serving):
        async with serving(handler_timeout=0.05) as door, door.client() as client:
            door.server.handle("Authorize", lambda ctx: never())
            await client.connect()
            async with (await station_of(door.server)).events("handler_error") as errors:
                with pytest.raises(RPCInternalError):
                    await client.call("Authorize", {"idTag": "1"})
                assert isinstance((await first(errors)).error, TimeoutError)


class TestTheHandshake:
    async def test_tells_auth_who_comes_and_starts_the_session(self, serving):
        seen = []

        async def auth(accept, reject, handshake):
            seen.append(handshake)
            accept(session={"tenant": 7})

        async with serving(auth=auth) as door, door.client("CP ü", query={"a": "b"}) as client:
            await client.connect()
            station = await station_of(door.server, "CP ü")
            assert station.session == {"tenant": 7}
            assert station.handshake is seen[0]
            assert (seen[0].identity, seen[0].protocols) == ("CP ü", ("ocpp1.6",))
            assert (seen[0].path, dict(seen[0].query)) == ("/ocpp/CP%20%C3%BC", {"a": "b"})
            assert seen[0].headers["host"]
            assert seen[0].remote_address == "127.0.0.1"

    async def test_is_refused_by_the_status_that_auth_gives(self, serving, refusal):
        def auth(accept, reject, handshake):
            reject(418, "Teapot")

        async with (
            serving(auth=auth) as door,
            door.server.events("upgrade_aborted") as refused,
            door.client() as client,
        ):
            with pytest.raises(refusal) as failed:
                await client.connect()
            assert getattr(failed.value, "status", 418) == 418
            assert getattr(failed.value, "reason", "Teapot") == "Teapot"
            assert (await first(refused)).status == 418
            assert client.state is ConnectionState.CLOSED

    async def test_is_refused_by_500_and_nothing_more_when_auth_raises(self, serving, refusal):
        def auth(accept, reject, handshake):
            raise RuntimeError("secret")

        async with serving(auth=auth, logging=False) as door, door.client() as client:
            with pytest.raises(refusal) as failed:
                await client.connect()
            assert getattr(failed.value, "status", 500) == 500
            assert "secret" not in str(failed.value)

    async def test_compares_passwords(self, serving, host, refusal):
        profile = {} if host[0] == "page" else {"security_profile": 1}
        async with serving(security_profile=1, credentials={"CP1": "pä ss:@/"}) as door:
            async with door.client(password="pä ss:@/", **profile) as client:
                await client.connect()
                assert (await station_of(door.server)).security_profile is SecurityProfile.BASIC
            async with door.client(password="wrong", **profile) as client:
                with pytest.raises(refusal) as failed:
                    await client.connect()
                assert getattr(failed.value, "status", 401) == 401

    async def test_chooses_what_the_server_prefers_and_refuses_where_nothing_is_in_common(self, serving, refusal):
        async with serving(protocols=["ocpp2.1", "ocpp1.6"]) as door:
            async with door.client(protocols=["ocpp1.6", "ocpp2.1"]) as client:
                assert await client.connect() == "ocpp2.1"
                assert (await station_of(door.server)).protocol == "ocpp2.1"
            async with door.client(protocols=["ocpp2.0.1"]) as client:
                with pytest.raises(refusal):
                    await client.connect()

    async def test_ends_by_408_where_nobody_decides(self, serving, refusal):
        async def auth(accept, reject, handshake):
            await never()

        async with (
            serving(auth=auth, handshake_timeout=0.25) as door,
            door.server.events("upgrade_aborted") as refused,
            door.client() as client,
        ):
            with pytest.raises(refusal):
                await client.connect()
            assert (await first(refused)).status == 408

    async def test_is_refused_by_503_where_the_server_is_full(self, serving, refusal):
        async with serving(max_connections=1) as door, door.client("CP1") as one, door.client("CP2") as two:
            await one.connect()
            await station_of(door.server)
            with pytest.raises(refusal) as failed:
                await two.connect()
            assert getattr(failed.value, "status", 503) == 503


class TestTheEnd:
    async def test_by_the_server_shows_its_code_and_reason_to_the_client(self, serving):
        async with serving() as door, door.client(reconnect=False) as client, client.events("disconnect") as events:
            await client.connect()
            assert await (await station_of(door.server)).close(4001, "bye ü") == CloseEvent(4001, "bye ü")
            assert await first(events) == DisconnectEvent(4001, "bye ü")

    async def test_by_the_client_shows_its_code_and_reason_to_the_server(self, serving):
        async with serving() as door, door.client() as client:
            await client.connect()
            async with (await station_of(door.server)).events("close") as events:
                assert await client.close(4002, "done") == CloseEvent(4002, "done")
                assert await first(events) == CloseEvent(4002, "done")

    async def test_by_force_is_1006(self, serving):
        async with serving() as door, door.client() as client:
            await client.connect()
            async with (await station_of(door.server)).events("close") as events:
                assert (await client.close(force=True)).code == 1006
                assert isinstance(await first(events), CloseEvent)

    async def test_after_too_many_bad_messages(self, serving):
        async with (
            serving(max_bad_messages=2) as door,
            door.client(reconnect=False) as client,
            client.events("disconnect") as events,
        ):
            await client.connect()
            for _ in range(2):
                await client.send_raw("[]")
            assert (await first(events)).code == 1002

    async def test_of_a_connection_that_a_newer_one_replaces(self, serving):
        async with (
            serving() as door,
            door.client(reconnect=False) as old,
            door.client() as new,
            old.events("disconnect") as events,
        ):
            await old.connect()
            await station_of(door.server)
            await new.connect()
            assert (await first(events)).code == 4000
            assert await new.call("Heartbeat", {})
            assert len(door.server.clients) == 1

    async def test_of_a_server_is_the_end_of_all_its_connections(self, serving):
        async with serving() as door, door.client(reconnect=False) as client, client.events("disconnect") as events:
            await client.connect()
            await station_of(door.server)
            with anyio.fail_after(SECONDS):
                await door.server.close()
            assert (await first(events)).code == 1001


class TestComingBack:
    async def test_keeps_handlers_and_sends_what_was_queued_meanwhile(self, serving):
        async with (
            serving() as door,
            door.client(offline_queue=True) as client,
            client.events("open") as opens,
            client.events("disconnect") as losses,
        ):
            client.handle("Reset", lambda ctx: {"status": "Accepted"})
            await client.connect()
            await first(opens)
            station = await station_of(door.server)
            await station.close(4001)
            await first(losses)
            assert await client.call("Heartbeat", {}) == {"currentTime": "2026-01-01T00:00:00Z"}
            await first(opens)
            assert await door.server.call("CP1", "Reset", {"type": "Soft"}) == {"status": "Accepted"}
            assert door.server.get_client("CP1") is not station
