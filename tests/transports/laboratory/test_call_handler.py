"""Handlers of a server, called as for a request of a station."""

import asyncio

import pytest

from ocpp_core import v16
from ocpp_core.errors import RPCError, RPCNotImplementedError, UnexpectedHttpResponse
from ocpp_transports import OCPPServer
from ocpp_transports.laboratory import World, call_handler, run

BOOT = {"chargePointVendor": "Acme", "chargePointModel": "One"}
NOW = "2026-01-01T00:00:00Z"


@pytest.fixture
def server():
    """A server that would refuse every station: nobody knows its password, and registration is required."""
    server = OCPPServer(
        protocols=["ocpp1.6", "ocpp2.0.1"],
        security_profile=1,
        credentials={},
        registration="required",
        strict_mode=True,
    )
    server.handle("Heartbeat", lambda ctx: {"currentTime": NOW})
    return server


def test_runs_the_middleware_and_the_handler_which_may_call_the_station_back(server):
    seen = []

    @server.use
    async def note(ctx, proceed):
        seen.append((ctx.action, ctx.client.identity, dict(ctx.client.session)))
        return await proceed()

    @server.handle("StartTransaction")
    async def start(ctx):
        await asyncio.sleep(0.3)
        keys = await ctx.client.call("GetConfiguration", {"key": ["Site"]})
        assert server.get_client("CP7") is ctx.client
        return {"transactionId": len(keys["unknownKey"]), "idTagInfo": {"status": "Accepted"}}

    async def story():
        request = v16.StartTransaction(connectorId=1, idTag="A", meterStart=0, timestamp=NOW)
        answers = {"GetConfiguration": lambda payload: {"unknownKey": payload["key"]}}
        reply = await call_handler(server, request, identity="CP7", answers=answers, session={"tenant": 3})
        return reply["transactionId"], asyncio.get_running_loop().time()

    assert run(story()) == (1, 0.3)
    assert seen == [("StartTransaction", "CP7", {"tenant": 3}), ("GetConfiguration", "CP7", {"tenant": 3})]


def test_raises_what_the_handler_raises_and_what_refuses_the_request(server):
    wrong = KeyError("wrong")

    @server.handle("StatusNotification")
    def status(ctx):
        raise wrong

    @server.handle("Authorize")
    async def authorize(ctx):
        raise RPCError("SecurityError", "no")

    async def story():
        with pytest.raises(KeyError) as caught:
            await call_handler(
                server, "StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
            )
        assert caught.value is wrong
        with pytest.raises(RPCError, match="no") as refused:
            await call_handler(server, v16.models.AuthorizeRequest(id_tag="A"))
        assert refused.value.code == "SecurityError"
        with pytest.raises(RPCError, match="idTag is missing"):
            await call_handler(server, "Authorize", {})
        with pytest.raises(RPCNotImplementedError):
            await call_handler(server, "BootNotification", BOOT)
        with pytest.raises(UnexpectedHttpResponse, match="400"):
            await call_handler(server, "Heartbeat", protocol="ocpp2.1")

    run(story())


def test_leaves_the_server_as_it_was(server):
    async def story():
        reply = await call_handler(server, "Heartbeat", protocol="ocpp2.0.1")
        assert server.clients == ()
        return reply

    assert run(story()) == asyncio.run(story()) == {"currentTime": NOW}  # on one loop after the other
    with World() as lab:

        async def in_use():
            playing = OCPPServer(protocols=["ocpp1.6"])
            playing.handle("Heartbeat", lambda ctx: {"currentTime": NOW})
            await lab.server(playing)
            station = await lab.station("CP1", "ocpp1.6")
            await call_handler(playing, "Heartbeat", identity="CP2")
            with pytest.raises(UnexpectedHttpResponse, match="409"):
                await call_handler(playing, "Heartbeat", identity="CP1")
            await station.call("Heartbeat")
            assert [each.identity for each in playing.clients] == ["CP1"]

        lab.play(in_use())


def test_finds_the_handlers_of_a_route():
    server = OCPPServer(protocols=["ocpp1.6"])
    router = server.route("/{tenant}/{identity}")
    router.handle("Heartbeat", lambda ctx: {"currentTime": ctx.client.handshake.params["tenant"]})

    async def story():
        assert await call_handler(server, "Heartbeat", path="/acme") == {"currentTime": "acme"}
        with pytest.raises(UnexpectedHttpResponse, match="404"):
            await call_handler(server, "Heartbeat", path="/a/b")

    run(story())
