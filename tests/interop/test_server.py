"""OCPPServer as the central system of stations that others have written."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from ocpp_core.config import Compression
from ocpp_transports import (
    ConnectionLostError,
    OCPPServer,
    OCPPServerClient,
    RPCError,
    RPCNotImplementedError,
    RPCOccurrenceConstraintViolationError,
)
from ocpp_transports.events import CloseEvent, DisconnectEvent
from tests.interop.conversations import CONVERSATIONS, Conversation
from tests.interop.peer_process import PATIENCE, PeerError, PeerProcess
from tests.kinds import an

pytestmark = pytest.mark.anyio

OCPP16 = CONVERSATIONS[0]
# ocpp 2.1.0 leaves a CALL of OCPP 2.1 without a handler unanswered, so only these can be asked for a NotImplemented.
REFUSING = CONVERSATIONS[:2]


class CentralSystem:
    """A server of ours that listens, and how the peer's stations come to it."""

    def __init__(self, peer: PeerProcess, server: OCPPServer, port: int) -> None:
        self.peer = peer
        self.server = server
        self.endpoint = f"ws://127.0.0.1:{port}/ocpp"

    async def attract(
        self,
        identity: str,
        talk: Conversation,
        *,
        peer: PeerProcess | None = None,
        protocols: list[str] | None = None,
        handlers: dict[str, Any] | None = None,
        password: str | None = None,
        **options: Any,
    ) -> dict[str, Any]:
        """Have the peer connect a station, and return what it says of the connection."""
        answers = talk.from_csms.handlers if handlers is None else handlers
        arguments = {"protocols": protocols or [talk.protocol], "password": password, "handlers": answers, **options}
        connected: dict[str, Any] = await (peer or self.peer).do(
            "connect", identity=identity, endpoint=self.endpoint, **arguments
        )
        return connected

    async def station(self, identity: str, talk: Conversation, **options: Any) -> OCPPServerClient:
        """Have the peer connect a station, and return our handle on it."""
        await self.attract(identity, talk, **options)
        with anyio.fail_after(PATIENCE):
            return await self.server.wait_for_client(identity)

    async def call(self, identity: str, action: str, payload: dict[str, Any], **options: Any) -> Any:
        """Have a station of the peer's call us."""
        return await self.peer.do("call", identity=identity, action=action, payload=payload, **options)


@asynccontextmanager
async def central_system(peer: PeerProcess, talk: Conversation, **options: Any) -> AsyncIterator[CentralSystem]:
    """Listen with strict validation; checks are compiled when they are needed."""
    settings: dict[str, Any] = {
        "protocols": [talk.protocol],
        "strict_mode": True,
        "warm_up": False,
        "call_timeout": PATIENCE,
    }
    async with OCPPServer(**settings | options) as server:
        listener = await server.listen(0, "127.0.0.1")
        yield CentralSystem(peer, server, listener.port)


class TestBothDirections:
    async def test_we_answer_the_calls_of_a_station(self, peer, identity, conversation):
        exchanges, seen = (conversation.boot, conversation.from_station), []
        answers = {exchange.action: exchange.answer for exchange in exchanges}

        def handle(action, context):
            seen.append((context.client.identity, context.protocol, context.params))
            return answers[action]

        async with central_system(peer, conversation) as csms:
            csms.server.handle(handle)
            await csms.attract(identity, conversation)
            for exchange in exchanges:
                assert await csms.call(identity, exchange.action, exchange.payload) == exchange.answer
                assert seen.pop() == (identity, conversation.protocol, exchange.payload)

    async def test_a_station_answers_our_calls(self, peer, identity, conversation):
        exchange = conversation.from_csms
        async with central_system(peer, conversation) as csms:
            station = await csms.station(identity, conversation)
            assert await station.call(exchange.action, exchange.payload) == exchange.answer
            assert (await peer.event("handled", identity=identity))["payload"] == exchange.payload

    async def test_a_handler_calls_the_station_back_before_it_answers(self, peer, identity, conversation):
        boot, exchange, answers = conversation.boot, conversation.from_csms, []

        async def handle(context):
            answers.append(await context.client.call(exchange.action, exchange.payload))
            return boot.answer

        async with central_system(peer, conversation) as csms:
            csms.server.handle(boot.action, handle)
            await csms.attract(identity, conversation)
            assert await csms.call(identity, boot.action, boot.payload) == boot.answer
            assert answers == [exchange.answer]

    async def test_many_stations_at_once(self, peer, identity):
        exchange = OCPP16.from_csms
        async with central_system(peer, OCPP16) as csms:
            stations = [await csms.station(f"{identity}-{number}", OCPP16) for number in range(10)]
            answers: list[Any] = []

            async def call(station):
                answers.extend([await station.call(exchange.action, exchange.payload) for _ in range(5)])

            async with anyio.create_task_group() as tasks:
                for station in stations:
                    tasks.start_soon(call, station)
            assert answers == [exchange.answer] * 50


class TestNegotiation:
    async def test_our_order_of_preference_decides(self, peer, identity):
        async with central_system(peer, OCPP16, protocols=["ocpp2.0.1", "ocpp1.6"]) as csms:
            offers = ["ocpp2.1", "ocpp1.6", "ocpp2.0.1"]
            connected = await csms.attract(identity, OCPP16, protocols=offers, handlers={})
            assert connected["protocol"] == "ocpp2.0.1"
            assert an(OCPPServerClient, csms.server.get_client(identity)).protocol == "ocpp2.0.1"

    async def test_a_station_of_another_version_is_refused(self, peer, identity):
        async with central_system(peer, OCPP16) as csms:
            with pytest.raises(PeerError) as caught:
                await csms.attract(identity, OCPP16, protocols=["ocpp2.0.1"], handlers={})
            assert caught.value.facts["status"] == 400
            assert csms.server.get_client(identity) is None

    async def test_or_upgraded_and_closed_at_once_where_that_is_wanted(self, peer, peer_kind, identity):
        """`websockets` takes a connection without a subprotocol, `ocpp-rpc` does not; neither may stay."""
        async with central_system(peer, OCPP16, unmatched_protocol="upgrade-then-close") as csms:
            offer = csms.attract(identity, OCPP16, protocols=["ocpp2.0.1"], handlers={})
            if peer_kind == "pypi":
                assert (await offer)["protocol"] is None
                assert (await peer.event("closed", identity=identity))["code"] == 1002
            else:
                with pytest.raises(PeerError) as caught:
                    await offer
                assert "no subprotocol" in caught.value.facts["message"]
            assert csms.server.get_client(identity) is None


class TestPasswords:
    PASSWORD = "pa:ss wörd"

    async def test_the_right_one_opens(self, peer, identity):
        credentials = {identity: self.PASSWORD}
        async with central_system(peer, OCPP16, security_profile=1, credentials=credentials) as csms:
            station = await csms.station(identity, OCPP16, password=self.PASSWORD)
            assert station.handshake.password == self.PASSWORD.encode()

    async def test_a_wrong_one_and_none_are_challenged(self, peer, identity):
        credentials = {identity: self.PASSWORD}
        async with central_system(peer, OCPP16, security_profile=1, credentials=credentials) as csms:
            for password in ("wrong", None):
                with pytest.raises(PeerError) as caught:
                    await csms.attract(identity, OCPP16, password=password)
                assert caught.value.facts["status"] == 401
                assert caught.value.facts["challenge"].startswith("Basic ")


class TestErrors:
    async def test_an_action_we_do_not_handle(self, peer, identity, conversation):
        async with central_system(peer, conversation, handler_grace=0) as csms:
            await csms.attract(identity, conversation)
            with pytest.raises(PeerError) as caught:
                await csms.call(identity, conversation.boot.action, conversation.boot.payload)
            assert caught.value.facts["code"] == "NotImplemented"

    @pytest.mark.parametrize("talk", REFUSING, ids=lambda talk: talk.protocol)
    async def test_an_action_the_station_does_not_handle(self, peer, identity, talk):
        async with central_system(peer, talk) as csms:
            station = await csms.station(identity, talk, handlers={})
            with pytest.raises(RPCNotImplementedError) as caught:
                await station.call(talk.from_csms.action, talk.from_csms.payload)
            assert caught.value.remote

    async def test_a_code_of_the_station_s_own_arrives_as_sent(self, peer, identity, conversation):
        exchange = conversation.from_csms
        error = {"code": "VendorTrouble", "description": "Käse", "details": {"drawer": [1, None, {"deep": 0.5}]}}
        async with central_system(peer, conversation) as csms:
            station = await csms.station(identity, conversation, handlers={exchange.action: {"error": error}})
            with pytest.raises(RPCError) as caught:
                await station.call(exchange.action, exchange.payload)
            got = caught.value
            assert {"code": got.code, "description": got.description, "details": got.details} == error

    async def test_a_code_of_our_own_is_an_error_to_the_station(self, peer, peer_kind, identity):
        """Neither peer has a way to show it: `ocpp` names it in its exception, `ocpp-rpc` keeps all but the code."""

        def fail(context):
            raise RPCError("VendorTrouble", "out of order", {"since": 3})

        async with central_system(peer, OCPP16) as csms:
            csms.server.handle(OCPP16.boot.action, fail)
            await csms.attract(identity, OCPP16)
            with pytest.raises(PeerError) as caught:
                await csms.call(identity, OCPP16.boot.action, OCPP16.boot.payload)
            if peer_kind == "pypi":
                assert "'VendorTrouble'" in caught.value.facts["unknown"]
            else:
                assert caught.value.facts["description"] == "out of order"
                assert caught.value.facts["details"] == {"since": 3}

    async def test_what_a_handler_raises_by_mistake_stays_with_us(self, peer, identity, conversation):
        def fail(context):
            raise ZeroDivisionError("a secret of ours")

        async with central_system(peer, conversation, logging=False) as csms:
            csms.server.handle(conversation.boot.action, fail)
            await csms.attract(identity, conversation)
            with pytest.raises(PeerError) as caught:
                await csms.call(identity, conversation.boot.action, conversation.boot.payload)
            assert caught.value.facts["code"] == "InternalError"
            assert "secret" not in str(caught.value.facts)


class TestStrictMode:
    async def test_we_refuse_what_breaks_the_schema_before_any_handler(self, peer, identity, conversation):
        wrong = conversation.incomplete
        seen: list[Any] = []
        async with central_system(peer, conversation) as csms:
            csms.server.handle(wrong.action, seen.append)
            await csms.attract(identity, conversation, strict=False)
            with pytest.raises(PeerError) as caught:
                await csms.call(identity, wrong.action, wrong.payload, checked=False)
            assert caught.value.facts["code"] == conversation.refusal
            assert not seen

    async def test_an_answer_of_ours_that_breaks_the_schema_is_our_internal_error(self, peer, identity, conversation):
        boot = conversation.boot
        async with central_system(peer, conversation, logging=False) as csms:
            csms.server.handle(boot.action, lambda context: {"status": "Accepted"})
            await csms.attract(identity, conversation)
            with pytest.raises(PeerError) as caught:
                await csms.call(identity, boot.action, boot.payload)
            assert caught.value.facts["code"] == "InternalError"

    async def test_a_station_refuses_what_we_send_unchecked(self, peer, identity):
        async with central_system(peer, OCPP16) as csms:
            station = await csms.station(identity, OCPP16)
            with pytest.raises(RPCError) as caught:
                await station.call(OCPP16.from_csms.action, {"connectorId": 1}, validate=False)
            assert caught.value.remote

    async def test_an_answer_of_a_station_that_breaks_the_schema_is_an_error(self, peer, identity):
        exchange = OCPP16.from_csms
        handlers: dict[str, Any] = {exchange.action: {"result": {}}}
        async with central_system(peer, OCPP16) as csms:
            station = await csms.station(identity, OCPP16, handlers=handlers, strict=False)
            with pytest.raises(RPCOccurrenceConstraintViolationError) as caught:
                await station.call(exchange.action, exchange.payload)
            assert not caught.value.remote


class TestCompression:
    @pytest.mark.parametrize("takeover", [False, True], ids=["no context takeover", "context takeover"])
    async def test_messages_pass_compressed(self, peer, identity, takeover):
        data = {"vendorId": "com.example", "data": "0123456789abcdef⚡" * 1000}
        handlers = {"DataTransfer": {"result": {"status": "Accepted", "data": data["data"]}}}
        async with central_system(peer, OCPP16, compression=Compression(context_takeover=takeover)) as csms:
            csms.server.handle("DataTransfer", lambda context: {"status": "Accepted", "data": context.params["data"]})
            assert (await csms.attract(identity, OCPP16, handlers=handlers, compression=True))["compressed"]
            station = await csms.server.wait_for_client(identity)
            for _ in range(3):
                assert (await station.call("DataTransfer", data))["data"] == data["data"]
                assert (await csms.call(identity, "DataTransfer", data))["data"] == data["data"]

    async def test_it_is_declined_unless_wanted(self, peer, identity):
        async with central_system(peer, OCPP16) as csms:
            assert not (await csms.attract(identity, OCPP16, compression=True))["compressed"]


class TestLiveness:
    async def test_a_station_answers_our_pings(self, peer, identity):
        async with central_system(peer, OCPP16, ping_interval=0.05) as csms:
            station = await csms.station(identity, OCPP16)
            async with station.events("pong") as events:
                with anyio.fail_after(PATIENCE):
                    await anext(events)
                    await anext(events)


class TestTheEnd:
    async def test_our_close_arrives_with_code_and_reason(self, peer, identity):
        async with central_system(peer, OCPP16) as csms:
            station = await csms.station(identity, OCPP16)
            ended = await station.close(4001, "maintenance")
            closed = await peer.event("closed", identity=identity)
            assert (ended.code, closed["code"], closed["reason"]) == (4001, 4001, "maintenance")
            assert csms.server.get_client(identity) is None

    async def test_a_station_s_close_arrives_with_code_and_reason(self, peer, identity):
        async with central_system(peer, OCPP16) as csms:
            station = await csms.station(identity, OCPP16)
            async with station.events("close") as events:
                await peer.do("close", identity=identity, code=4002, reason="out of service")
                with anyio.fail_after(PATIENCE):
                    assert await anext(events) == CloseEvent(4002, "out of service")

    async def test_a_cut_settles_the_call_in_flight(self, peer, identity):
        async with central_system(peer, OCPP16) as csms:
            await lose(csms, identity, peer, lambda: peer.do("drop", identity=identity))

    async def test_so_does_the_death_of_the_station(self, mortal_peers: Callable[[], PeerProcess], identity):
        mortal = mortal_peers()

        async def kill():
            mortal.kill()

        async with central_system(mortal, OCPP16) as csms:
            await lose(csms, identity, mortal, kill)

    async def test_the_same_station_may_come_back_before_we_notice_its_end(self, peer, identity):
        """The newest connection of an identity wins; ending the old one does not touch it."""
        async with central_system(peer, OCPP16) as csms:
            old = await csms.station(identity, OCPP16)
            async with old.events("close") as events:
                await csms.attract(identity, OCPP16)
                with anyio.fail_after(PATIENCE):
                    await anext(events)
            new = an(OCPPServerClient, csms.server.get_client(identity))
            assert new is not old
            exchange = OCPP16.from_csms
            assert await new.call(exchange.action, exchange.payload) == exchange.answer

    async def test_closing_the_server_ends_every_connection(self, peer, identity):
        async with central_system(peer, OCPP16) as csms:
            await csms.station(identity, OCPP16)
        assert (await peer.event("closed", identity=identity))["code"] in {1000, 1001}


async def lose(csms: CentralSystem, identity: str, peer: PeerProcess, cut: Callable[[], Any]) -> None:
    """Lose a station while it owes us an answer."""
    station = await csms.station(identity, OCPP16, peer=peer, handlers={OCPP16.from_csms.action: {}})
    caught: list[ConnectionLostError] = []

    async def call() -> None:
        with pytest.raises(ConnectionLostError) as lost:
            await station.call(OCPP16.from_csms.action, OCPP16.from_csms.payload)
        caught.append(lost.value)

    async with station.events("disconnect", "close") as events, anyio.create_task_group() as tasks:
        tasks.start_soon(call)
        await peer.event("handled", identity=identity)
        await cut()
        with anyio.fail_after(PATIENCE):
            ends = [await anext(events) for _ in range(2)]
        assert [end.code for end in ends if isinstance(end, DisconnectEvent | CloseEvent)] == [1006, 1006]
    assert caught[0].sent
    assert csms.server.get_client(identity) is None
