"""Actions that go one way only: handlers and calls at the wrong end raise, unless they are declared custom."""

import re
from typing import Any

import pytest

from ocpp_core.action_names import OTHER_ROLE, SENDERS, may_send
from ocpp_transports import ConnectionLostError, OCPPClient, OCPPServer, RPCNotImplementedError
from ocpp_transports._calls._directions import sent_by_peer
from tests.transports.pairs import pair, serving

OF_THE_CSMS = "expected an action that the CSMS sends, got 'Heartbeat', which only a station sends; custom=True "
OF_A_STATION = "expected an action that a station sends, got 'Reset', which only the CSMS sends; custom=True "


def handler(_):
    return {}


def client(**options):
    return OCPPClient("CP1", "ws://127.0.0.1", **options)


def test_the_look_up_before_the_check_has_every_action_that_the_check_may_refuse():
    for role in OTHER_ROLE:
        refused = {a for p, actions in SENDERS.items() for a in actions if not may_send(role, a, [p])}
        assert refused
        assert refused <= sent_by_peer(role)


class TestHandlers:
    @pytest.mark.parametrize("names", [["Reset"], ["ocpp1.6", "Reset"]])
    def test_of_a_server_for_what_it_sends(self, names):
        server: Any = OCPPServer()
        for register in (lambda: server.handle(*names, handler), lambda: server.handle(*names)):
            with pytest.raises(ValueError, match=re.escape(f"{OF_A_STATION}registers the handler anyway")):
                register()
        assert not server.has_handler(*names)

    @pytest.mark.parametrize("names", [["Heartbeat"], ["ocpp2.1", "Heartbeat"]])
    def test_of_a_client_for_what_it_sends(self, names):
        station = client()
        with pytest.raises(ValueError, match=re.escape(f"{OF_THE_CSMS}registers the handler anyway")):
            station.handle(*names, handler)
        assert not station.has_handler(*names)

    def test_that_are_custom(self):
        server, station = OCPPServer(), client()
        server.handle("Reset", handler, custom=True)
        station.handle("ocpp1.6", "Heartbeat", handler, custom=True)
        assert server.has_handler("Reset")
        assert station.has_handler("ocpp1.6", "Heartbeat")

    def test_for_what_goes_both_ways(self):
        for peer in (OCPPServer(), client()):
            peer.handle("DataTransfer", handler)
            peer.handle("VatNumberValidation", handler)  # public code disagrees
            peer.handle(lambda action, ctx: {})

    def test_for_a_subprotocol_of_which_nothing_is_known(self):
        server = OCPPServer(protocols=["ocpp1.6", "vendor1"])
        server.handle("Reset", handler)
        server.handle("vendor1", "Reset", handler)
        with pytest.raises(ValueError, match="which only the CSMS sends"):
            server.handle("ocpp1.6", "Reset", handler)


@pytest.mark.anyio
class TestCalls:
    async def test_of_a_station_for_what_the_csms_sends(self):
        async with pair() as (station, _):
            for call in (station.call, station.safe_call, station.call_immediate):
                for names in (["Reset"], ["ocpp1.6", "Reset"]):
                    with pytest.raises(ValueError, match=re.escape(f"{OF_A_STATION}sends it anyway")):
                        await call(*names, {})
            assert station.pending == 0

    async def test_of_a_server_for_what_a_station_sends(self):
        async with serving() as (server, _):
            with pytest.raises(ValueError, match=re.escape(f"{OF_THE_CSMS}sends it anyway")):
                await server.call("not connected", "Heartbeat", {})
            with pytest.raises(ConnectionLostError):
                await server.call("not connected", "Heartbeat", {}, custom=True)
        async with pair() as (_, handle):
            with pytest.raises(ValueError, match=re.escape(f"{OF_THE_CSMS}sends it anyway")):
                await handle.call("Heartbeat", {})

    async def test_before_the_first_connection(self):
        async with client(offline_queue=True) as station:
            with pytest.raises(ValueError, match="which only the CSMS sends"):
                await station.call("Reset", {})
            assert station.pending == 0

    async def test_that_are_custom(self):
        async with pair() as (station, handle):
            handle.handle("Reset", lambda ctx: {"status": "Accepted"}, custom=True)
            assert await station.call("Reset", {}, custom=True) == {"status": "Accepted"}

    async def test_as_middleware_changed_them(self):
        async with pair() as (station, _):

            @station.use
            async def turns(ctx, proceed):
                ctx.action = "Reset"
                return await proceed()

            with pytest.raises(ValueError, match="which only the CSMS sends"):
                await station.call("Heartbeat", {})

    async def test_of_the_subprotocol_that_is_spoken(self):
        async with pair(protocols=["vendor1", "ocpp1.6"]) as (station, handle):
            assert station.protocol == "vendor1"
            handle.handle("Reset", handler)
            assert await station.call("Reset", {}) == {}
        async with pair(protocols=["ocpp1.6"], server={"protocols": ["vendor1", "ocpp1.6"]}) as (station, handle):
            with pytest.raises(ValueError, match="which only the CSMS sends"):
                handle.handle("Reset", handler)
            with pytest.raises(ValueError, match="which only the CSMS sends"):
                await station.call("Reset", {})

    async def test_sends(self):
        stream = {"id": 1, "pending": 0, "basetime": "2026-03-01T12:00:00Z", "data": []}
        async with pair(protocols=["ocpp2.1"]) as (_, handle):
            with pytest.raises(ValueError, match="which only a station sends"):
                await handle.notify("NotifyPeriodicEventStream", stream)
            await handle.notify("NotifyPeriodicEventStream", stream, custom=True)


@pytest.mark.anyio
async def test_a_call_that_came_the_wrong_way_gets_not_implemented_as_any_without_a_handler():
    async with pair(server={"handler_grace": 0}) as (station, _):
        with pytest.raises(RPCNotImplementedError):
            await station.call("Reset", {}, custom=True)
