"""OCPPClient as a station of central systems that others have written."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import anyio
import pytest

from ocpp_core.config import Compression
from ocpp_transports import (
    ConnectionLostError,
    OCPPClient,
    RPCError,
    RPCInternalError,
    RPCNotImplementedError,
    RPCOccurrenceConstraintViolationError,
    UnexpectedHttpResponse,
    WebsocketUpgradeError,
)
from tests.interop.conversations import CONVERSATIONS, HEARTBEAT, Conversation
from tests.interop.peer_process import PATIENCE, PeerError, PeerProcess

pytestmark = pytest.mark.anyio

OCPP16 = CONVERSATIONS[0]
# ocpp 2.1.0 leaves a CALL of OCPP 2.1 without a handler unanswered, so only these can be asked for a NotImplemented.
REFUSING = CONVERSATIONS[:2]


class CentralSystem:
    """A server in a peer process, and how our clients find it."""

    def __init__(self, peer: PeerProcess, name: str, port: int) -> None:
        self.peer = peer
        self.name = name
        self.port = port

    def client(self, identity: str, talk: Conversation, **options: Any) -> OCPPClient:
        """Make a station that validates strictly and comes back at once; checks are compiled when they are needed."""
        settings: dict[str, Any] = {
            "protocols": [talk.protocol],
            "strict_mode": True,
            "warm_up": False,
            "call_timeout": PATIENCE,
        }
        settings |= {"backoff_min": 0.05, "backoff_max": 0.2}
        return OCPPClient(identity, f"ws://127.0.0.1:{self.port}/ocpp", **settings | options)

    async def call(self, identity: str, action: str, payload: dict[str, Any], **options: Any) -> Any:
        """Call one of its stations."""
        return await self.peer.do("call", identity=identity, action=action, payload=payload, **options)


@asynccontextmanager
async def central_system(
    peer: PeerProcess,
    name: str,
    talk: Conversation,
    *,
    handlers: dict[str, Any] | None = None,
    password: str | None = None,
    **options: Any,
) -> AsyncIterator[CentralSystem]:
    """Let the peer listen; by default it answers what the station of the conversation calls."""
    answers = talk.boot.handlers | talk.from_station.handlers if handlers is None else handlers
    arguments = {"protocols": [talk.protocol], "password": password, "handlers": answers, **options}
    listening = await peer.do("listen", name=name, **arguments)
    try:
        yield CentralSystem(peer, name, listening["port"])
    finally:
        await peer.do("stop", name=name)


@asynccontextmanager
async def at_work(
    peer: PeerProcess, identity: str, talk: Conversation, **options: Any
) -> AsyncIterator[tuple[CentralSystem, OCPPClient]]:
    """Have a station of ours connected to a central system of the peer's."""
    async with (
        central_system(peer, identity, talk, **options) as csms,
        csms.client(identity, talk) as client,
    ):
        await client.connect()
        await peer.event("opened", identity=identity)
        yield csms, client


async def first(events: AbstractAsyncContextManager[Any]) -> Any:
    """Return the next event of a stream."""
    with anyio.fail_after(PATIENCE):
        return await anext(events)  # type: ignore[call-overload]  # a stream is its own context manager


class TestBothDirections:
    async def test_the_central_system_answers_our_calls(self, peer, identity, conversation):
        async with at_work(peer, identity, conversation) as (_, client):
            for exchange in (conversation.boot, conversation.from_station):
                assert await client.call(exchange.action, exchange.payload) == exchange.answer
                handled = await peer.event("handled", identity=identity)
                assert (handled["action"], handled["payload"]) == (exchange.action, exchange.payload)

    async def test_we_answer_the_calls_of_the_central_system(self, peer, identity, conversation):
        exchange, seen = conversation.from_csms, []

        def handle(context):
            seen.append((context.protocol, context.params))
            return exchange.answer

        async with at_work(peer, identity, conversation) as (csms, client):
            client.handle(exchange.action, handle)
            assert await csms.call(identity, exchange.action, exchange.payload) == exchange.answer
            assert seen == [(conversation.protocol, exchange.payload)]

    async def test_calls_of_both_sides_cross(self, peer, identity, conversation):
        exchange = conversation.from_csms
        async with at_work(peer, identity, conversation) as (csms, client):
            client.handle(exchange.action, lambda context: exchange.answer)
            async with anyio.create_task_group() as tasks:
                for _ in range(5):
                    tasks.start_soon(client.call, conversation.boot.action, conversation.boot.payload)
                for _ in range(5):
                    assert await csms.call(identity, exchange.action, exchange.payload) == exchange.answer


class TestNegotiation:
    async def test_the_server_chooses_among_our_offers(self, peer, identity):
        talk = CONVERSATIONS[1]
        async with (
            central_system(peer, identity, talk) as csms,
            csms.client(identity, talk, protocols=["ocpp2.1", "ocpp2.0.1", "ocpp1.6"]) as client,
        ):
            assert await client.connect() == "ocpp2.0.1"
            assert (await peer.event("opened", identity=identity))["protocol"] == "ocpp2.0.1"

    async def test_a_server_without_our_version_is_no_server_for_us(self, peer, peer_kind, identity):
        """`websockets` refuses by 400, `ocpp-rpc` upgrades without a subprotocol; neither may pass."""
        expected = {"pypi": UnexpectedHttpResponse, "npm": WebsocketUpgradeError}[peer_kind]
        async with (
            central_system(peer, identity, CONVERSATIONS[1]) as csms,
            csms.client(identity, OCPP16) as client,
        ):
            with pytest.raises(expected) as caught:
                await client.connect()
            assert getattr(caught.value, "status", 400) == 400


class TestPasswords:
    PASSWORD = "pa:ss wörd"

    async def test_the_right_one_opens(self, peer, identity):
        options = {"security_profile": 1, "password": self.PASSWORD}
        async with (
            central_system(peer, identity, OCPP16, password=self.PASSWORD) as csms,
            csms.client(identity, OCPP16, **options) as client,
        ):
            await client.connect()
            assert await client.call(OCPP16.boot.action, OCPP16.boot.payload) == OCPP16.boot.answer

    async def test_a_wrong_one_and_none_are_refused(self, peer, identity):
        async with central_system(peer, identity, OCPP16, password=self.PASSWORD) as csms:
            for options in ({"security_profile": 1, "password": "wrong"}, {}):
                async with csms.client(identity, OCPP16, **options) as client:
                    with pytest.raises(UnexpectedHttpResponse) as caught:
                        await client.connect()
                    assert caught.value.status == 401


class TestErrors:
    @pytest.mark.parametrize("talk", REFUSING, ids=lambda talk: talk.protocol)
    async def test_an_action_the_server_does_not_handle(self, peer, identity, talk):
        async with at_work(peer, identity, talk, handlers={}) as (_, client):
            with pytest.raises(RPCNotImplementedError) as caught:
                await client.call(talk.boot.action, talk.boot.payload)
            assert caught.value.remote

    async def test_an_action_we_do_not_handle(self, peer, identity, conversation):
        exchange = conversation.from_csms
        async with (
            central_system(peer, identity, conversation) as csms,
            csms.client(identity, conversation, handler_grace=0) as client,
        ):
            await client.connect()
            await peer.event("opened", identity=identity)
            with pytest.raises(PeerError) as caught:
                await csms.call(identity, exchange.action, exchange.payload)
            assert caught.value.facts["code"] == "NotImplemented"

    async def test_a_code_of_the_server_s_own_arrives_as_sent(self, peer, identity, conversation):
        error = {"code": "VendorTrouble", "description": "Käse", "details": {"drawer": [1, None, {"deep": 0.5}]}}
        handlers = {conversation.boot.action: {"error": error}}
        async with at_work(peer, identity, conversation, handlers=handlers) as (_, client):
            with pytest.raises(RPCError) as caught:
                await client.call(conversation.boot.action, conversation.boot.payload)
            got = caught.value
            assert {"code": got.code, "description": got.description, "details": got.details} == error

    async def test_an_error_of_a_handler_of_ours_arrives_as_raised(self, peer, identity, conversation):
        exchange = conversation.from_csms

        def fail(context):
            raise RPCInternalError("out of order", {"since": 3})

        async with at_work(peer, identity, conversation) as (csms, client):
            client.handle(exchange.action, fail)
            with pytest.raises(PeerError) as caught:
                await csms.call(identity, exchange.action, exchange.payload)
            assert caught.value.facts == {
                "code": "InternalError",
                "description": "out of order",
                "details": {"since": 3},
            }


class TestStrictMode:
    async def test_the_server_refuses_what_we_send_unchecked(self, peer, identity, conversation):
        wrong = conversation.incomplete
        async with at_work(peer, identity, conversation) as (_, client):
            with pytest.raises(RPCError) as caught:
                await client.call(wrong.action, wrong.payload, validate=False)
            assert caught.value.remote

    async def test_we_do_not_send_what_breaks_the_schema(self, peer, identity, conversation):
        wrong = conversation.incomplete
        async with at_work(peer, identity, conversation) as (_, client):
            with pytest.raises(RPCOccurrenceConstraintViolationError) as caught:
                await client.call(wrong.action, wrong.payload)
            assert not caught.value.remote

    async def test_an_answer_that_breaks_the_schema_is_an_error(self, peer, identity, conversation):
        handlers = {conversation.boot.action: {"result": {"status": "Accepted"}}}
        async with at_work(peer, identity, conversation, handlers=handlers, strict=False) as (_, client):
            with pytest.raises(RPCOccurrenceConstraintViolationError) as caught:
                await client.call(conversation.boot.action, conversation.boot.payload)
            assert not caught.value.remote


class TestCompression:
    @pytest.mark.parametrize("takeover", [False, True], ids=["no context takeover", "context takeover"])
    async def test_messages_pass_compressed(self, peer, identity, takeover):
        data = {"vendorId": "com.example", "data": "0123456789abcdef⚡" * 1000}
        handlers = {"DataTransfer": {"result": {"status": "Accepted", "data": data["data"]}}}
        async with (
            central_system(peer, identity, OCPP16, handlers=handlers, compression=True) as csms,
            csms.client(identity, OCPP16, compression=Compression(context_takeover=takeover)) as client,
        ):
            await client.connect()
            assert (await peer.event("opened", identity=identity))["compressed"]
            client.handle("DataTransfer", lambda context: {"status": "Accepted", "data": context.params["data"]})
            for _ in range(3):
                assert (await client.call("DataTransfer", data))["data"] == data["data"]
                assert (await csms.call(identity, "DataTransfer", data))["data"] == data["data"]

    async def test_a_server_that_declines_it_is_spoken_to_plainly(self, peer, identity):
        async with (
            central_system(peer, identity, OCPP16) as csms,
            csms.client(identity, OCPP16, compression=True) as client,
        ):
            await client.connect()
            assert not (await peer.event("opened", identity=identity))["compressed"]
            assert await client.call(OCPP16.boot.action, OCPP16.boot.payload) == OCPP16.boot.answer


class TestLiveness:
    async def test_the_server_answers_our_pings(self, peer, identity):
        async with (
            central_system(peer, identity, OCPP16) as csms,
            csms.client(identity, OCPP16, ping_interval=0.05) as client,
            client.events("pong") as events,
        ):
            await client.connect()
            await first(events)
            await first(events)

    async def test_a_message_type_the_server_does_not_know_hurts_nobody(self, peer, identity):
        """Neither peer knows the SEND of OCPP 2.1; `ocpp-rpc` answers it by a CALLERROR with the id "-1"."""
        talk = CONVERSATIONS[2]
        stream = {"id": 1, "pending": 0, "basetime": "2026-03-01T12:00:00Z", "data": [{"t": 0, "v": "230"}]}
        async with at_work(peer, identity, talk) as (_, client):
            await client.notify("NotifyPeriodicEventStream", stream)
            assert await client.call(talk.boot.action, talk.boot.payload) == talk.boot.answer


class TestTheEnd:
    async def test_our_close_arrives_with_code_and_reason(self, peer, identity):
        async with at_work(peer, identity, OCPP16) as (_, client):
            ended = await client.close(4001, "maintenance")
            closed = await peer.event("closed", identity=identity)
            assert (ended.code, closed["code"], closed["reason"]) == (4001, 4001, "maintenance")

    async def test_after_a_polite_close_of_the_server_we_come_back(self, peer, identity):
        async with at_work(peer, identity, OCPP16) as (_, client):
            async with client.events("disconnect", "open") as events:
                await peer.do("close", identity=identity, code=1012, reason="restart")
                lost = await first(events)
                assert (lost.code, lost.reason) == (1012, "restart")
                assert (await first(events)).protocol == "ocpp1.6"
            assert await client.call(OCPP16.boot.action, OCPP16.boot.payload) == OCPP16.boot.answer

    async def test_a_cut_settles_the_call_in_flight_and_we_come_back(self, peer, identity):
        handlers = OCPP16.boot.handlers | {HEARTBEAT.action: {}}
        async with at_work(peer, identity, OCPP16, handlers=handlers) as (_, client):
            caught: list[ConnectionLostError] = []

            async def call():
                with pytest.raises(ConnectionLostError) as lost:
                    await client.call(HEARTBEAT.action)
                caught.append(lost.value)

            async with client.events("disconnect", "open") as events, anyio.create_task_group() as tasks:
                tasks.start_soon(call)
                await peer.event("handled", identity=identity)
                await peer.do("drop", identity=identity)
                assert (await first(events)).code == 1006
                assert (await first(events)).protocol == "ocpp1.6"
            assert caught[0].sent
            assert await client.call(OCPP16.boot.action, OCPP16.boot.payload) == OCPP16.boot.answer

    async def test_a_server_that_dies_and_comes_back_finds_us_again(
        self, mortal_peers: Callable[[], PeerProcess], identity
    ):
        """Killed without a word, then another process on the same port; a call made in between is delivered."""
        before, after = mortal_peers(), mortal_peers()
        await after.event("ready")
        handlers = OCPP16.boot.handlers
        arguments = {"name": "csms", "protocols": [OCPP16.protocol], "password": None, "handlers": handlers}
        csms = CentralSystem(before, "csms", (await before.do("listen", **arguments))["port"])
        async with csms.client(identity, OCPP16, offline_queue=True) as client:
            await client.connect()
            async with client.events("disconnect", "reconnect", "open") as events:
                before.kill()
                assert (await first(events)).code == 1006
                assert (await first(events)).attempt == 1
                assert (await first(events)).attempt == 2  # nobody listens yet
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(client.call, OCPP16.boot.action, OCPP16.boot.payload)
                    await after.do("listen", port=csms.port, **arguments)
                    handled = await after.event("handled", identity=identity)
                assert handled["payload"] == OCPP16.boot.payload
