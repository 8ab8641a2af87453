"""The option `quirks` of servers and clients: which profiles match a connection, and what they change."""

import json
from typing import Any

import anyio
import pytest

from ocpp_core.tolerance.profiles import QuirkProfile, StationMatch
from ocpp_core.tolerance.quirks import AllowValues, Coerce, ReplaceValues
from ocpp_core.tolerance.sources import load_quirks
from ocpp_transports import OCPPServer, RPCError, ValidationRule
from ocpp_transports._server._stations._quirks import QuirkMemory
from ocpp_transports.events import QuirkEvent
from ocpp_transports.memory import MemoryOCPPClient
from tests.tables import each
from tests.transports.pairs import client_of, first, pair, serving, station_of, upgrade

pytestmark = pytest.mark.anyio

EVLINK = {
    "chargePointVendor": "Schneider Electric",
    "chargePointModel": "EVlink Smart Wallbox",
    "chargePointSerialNumber": "3N123456789F2S1B1234567890",
}
ERROR = {"connectorId": 1, "errorCode": "Error", "status": "Available"}
STRICT: Any = {"strict_mode": True, "warm_up": False}
ACCEPTED = {"status": "Accepted", "interval": 60, "currentTime": "2026-03-01T12:00:00Z"}


def boot_of(vendor):
    return {"chargePointVendor": vendor, "chargePointModel": "M"}


def serve(server):
    """Answer what stations send; returns the payloads that the handlers saw."""
    seen = []
    server.handle("BootNotification", lambda context: seen.append(context.params) or ACCEPTED)
    server.handle("StatusNotification", lambda context: seen.append(context.params) or {})
    return seen


class TestTheProfilesOfAModel:
    async def test_apply_to_the_bootnotification_that_names_it_and_are_reported_once(self):
        async with pair(server={**STRICT, "quirks": "known"}) as (client, station):
            seen = serve(station)
            with pytest.raises(RPCError):
                await client.call("BootNotification", {**EVLINK, "chargePointVendor": "Other"})
            async with station.events("quirk") as quirks:
                await client.call("BootNotification", EVLINK)
                await client.call("BootNotification", EVLINK)
                event = await first(quirks)
                assert event == QuirkEvent(
                    "schneider-evlink", "relax_length", "chargePointSerialNumber", "BootNotification"
                )
                await client.close()
                assert [event async for event in quirks] == []
            assert seen == [EVLINK, EVLINK]

    async def test_last_for_further_connections_without_one(self):
        async with serving(**STRICT, quirks="known") as (server, listener), client_of(listener) as client:
            seen = serve(server)
            await client.connect()
            with pytest.raises(RPCError):
                await client.call("StatusNotification", ERROR)
            await client.call("BootNotification", boot_of("Legrand"))
            await client.call("StatusNotification", ERROR)
            await client.close()
            await client.connect()
            await client.call("StatusNotification", ERROR)
            assert [each.get("errorCode") for each in seen] == [None, "OtherError", "OtherError"]

    async def test_end_with_another_bootnotification(self):
        async with serving(**STRICT, quirks="known") as (server, listener), client_of(listener) as client:
            serve(server)
            for vendor in ("Legrand", "Other"):
                await client.connect()
                await client.call("BootNotification", boot_of(vendor))
                await client.close()
            await client.connect()
            with pytest.raises(RPCError):
                await client.call("StatusNotification", ERROR)

    async def test_set_options_of_the_connection(self):
        silent = QuirkProfile(name="silent", match=StationMatch(vendor="Silent"), ping_interval=0, call_timeout=5)
        async with serving(quirks=silent, ping_interval=20) as (server, listener), client_of(listener) as client:
            serve(server)
            await client.connect()
            station = await station_of(server)
            before = station._options.ping_interval, station._options.call_timeout
            await client.call("BootNotification", boot_of("Silent"))
            assert before == (20, 30)
            assert (station._options.ping_interval, station._options.call_timeout) == (0, 5)
            await client.close()
            await client.connect()
            again = await station_of(server)
            assert again is not station
            assert (again._options.ping_interval, again._options.call_timeout) == (0, 5)

    async def test_take_their_settings_with_them_when_another_model_boots(self):
        off = ValidationRule("off", actions=["StatusNotification"])
        old = QuirkProfile(name="old", match=StationMatch(vendor="Old"), call_timeout=5, validation=[off])
        async with serving(**STRICT, quirks=old) as (server, listener), client_of(listener) as client:
            serve(server)
            expected = {"Old": (5, (off,)), "New": (30, ())}
            for vendor in expected:
                await client.connect()
                await client.call("BootNotification", boot_of(vendor))
                options = (await station_of(server))._options
                assert (options.call_timeout, options.strict_mode_rules) == (
                    (5, (off,)) if vendor == "Old" else (30, ())
                )
                await client.close()

    async def test_set_rules_of_strict_mode(self):
        reporting = QuirkProfile(
            name="reporting",
            match=StationMatch(vendor="Odd"),
            validation=(ValidationRule("report", actions=["StatusNotification"]),),
        )
        async with pair(server={**STRICT, "quirks": reporting}) as (client, station):
            seen = serve(station)
            with pytest.raises(RPCError):
                await client.call("StatusNotification", ERROR)
            await client.call("BootNotification", boot_of("Odd"))
            async with station.events("violation") as violations:
                await client.call("StatusNotification", ERROR)
                assert not (await first(violations)).refused
            assert seen[1:] == [ERROR]

    async def test_repair_texts(self):
        async with pair(server={"quirks": "known"}) as (client, station):
            seen = serve(station)
            await client.call("BootNotification", boot_of("ZJ BENY"))
            async with station.events("quirk") as quirks:
                await client.send_raw('[2,"b","StatusNotification",{,' + json.dumps(ERROR)[1:] + "]")
                assert await first(quirks) == QuirkEvent("zj-beny", "drop_commas", "")
            await client.call("StatusNotification", ERROR)
            assert seen[1:] == [ERROR, ERROR]


class TestTheProfilesOfAConnection:
    async def test_match_from_the_handshake(self):
        for pattern in ({}, {"identity": "cp*"}, {"path": "/ocpp/*"}, {"protocol": "ocpp1.6"}):
            profile = QuirkProfile(name="mine", match=StationMatch(**pattern), quirks=(AllowValues(values=("Error",)),))
            async with OCPPServer(protocols=["ocpp1.6"], **STRICT, quirks=profile) as server:
                seen = serve(server)
                async with MemoryOCPPClient("CP1", server, protocols=["ocpp1.6"]) as client:
                    await client.connect()
                    await client.call("StatusNotification", ERROR)
            assert seen == [ERROR]

    async def test_begin_with_the_bootnotification_when_they_were_set_for_one(self):
        async with pair(server=STRICT) as (client, station):
            seen = serve(station)
            station.reconfigure(quirks=[QuirkProfile(name="slow", call_timeout=5), *load_quirks("known")])
            assert station._options.call_timeout == 5
            await client.call("BootNotification", boot_of("Legrand"))
            await client.call("StatusNotification", ERROR)
            assert seen[1]["errorCode"] == "OtherError"
            station.reconfigure(quirks=())
            assert station._options.call_timeout == 30

    async def test_may_be_changed_for_one(self):
        async with pair(server=STRICT) as (client, station):
            seen = serve(station)
            station.reconfigure(
                quirks=QuirkProfile(name="one", quirks=(ReplaceValues(values={"Error": "OtherError"}),))
            )
            await client.call("StatusNotification", ERROR)
            station.reconfigure(call_timeout=3)
            await client.call("StatusNotification", ERROR)
            station.reconfigure(quirks=())
            with pytest.raises(RPCError):
                await client.call("StatusNotification", ERROR)
            assert [each["errorCode"] for each in seen] == ["OtherError", "OtherError"]

    @pytest.mark.parametrize("offer", [None, "OCPP1.6"])
    async def test_give_a_station_without_a_right_subprotocol_one(self, offer):
        old = QuirkProfile(name="old", match=StationMatch(identity="OLD*"), default_protocol="ocpp1.6")
        async with OCPPServer(protocols=["ocpp2.0.1", "ocpp1.6"], quirks=old) as server:
            listener = await server.listen(0, "127.0.0.1")
            with anyio.fail_after(10):
                async with await anyio.connect_tcp("127.0.0.1", listener.port) as stream:
                    await stream.send(upgrade("/ocpp/OLD1", protocol=offer))
                    answer = await stream.receive()
                    assert (await station_of(server, "OLD1")).protocol == "ocpp1.6"
                async with await anyio.connect_tcp("127.0.0.1", listener.port) as stream:
                    await stream.send(upgrade("/ocpp/NEW1", protocol=offer))
                    assert (await stream.receive()).startswith(b"HTTP/1.1 400 ")
        assert answer.startswith(b"HTTP/1.1 101 ")
        assert b"sec-websocket-protocol" not in answer.lower()


async def test_a_client_tolerates_its_central_system():
    numbers = QuirkProfile(name="numbers", quirks=(Coerce(),), error_codes={"NotSuported": "NotSupported"})
    async with pair(quirks=[numbers], **STRICT) as (client, station):
        station.handle("Heartbeat", lambda context: {"currentTime": "2026-03-01T12:00:00Z"})
        station.handle("BootNotification", lambda context: {**ACCEPTED, "interval": "60"})

        def refuse(context):
            raise RPCError("NotSuported")

        station.handle("DataTransfer", refuse)
        async with client.events("quirk") as quirks:
            assert (await client.call("BootNotification", boot_of("V")))["interval"] == 60
            assert await first(quirks) == QuirkEvent("numbers", "coerce", "**", "BootNotification")
        with pytest.raises(RPCError) as caught:
            await client.call("DataTransfer", {"vendorId": "V"})
        assert caught.value.code == "NotSupported"


def test_the_memory_of_stations_is_bounded():
    memory = QuirkMemory(most=2)
    for name in ("a", "b", "a", "c"):
        memory.learn(name, {"vendor": name})
    assert [dict(memory.of(name)) for name in ("a", "b", "c")] == [{"vendor": "a"}, {}, {"vendor": "c"}]
    memory.learn("a", {})
    assert (len(memory), memory.of("a")) == (1, {})


class TestTheOption:
    def test_reads_files_in_their_order_among_profiles(self, tmp_path):
        path = tmp_path / "mine.toml"
        path.write_text('[[profiles]]\nname = "mine"\nping_interval = 5\n')
        own = QuirkProfile(name="own")
        book = OCPPServer(quirks=[own, path, str(path), "common"])._options.quirk_book
        assert book is not None
        assert [each.name for each in book.profiles][:4] == ["own", "mine", "mine", "no-subprotocol"]

    @each(
        ("quirks", "kind", "text"),
        [
            (5, TypeError, "expected quirks as profiles, paths or known or common, got 5"),
            ([5], TypeError, "expected quirks as profiles, paths or known or common, got 5"),
            ("unknown.toml", FileNotFoundError, "unknown.toml"),
            (QuirkProfile(name="p", validation=[ValidationRule("off", actions=["Rest"])]), ValueError, "'Rest'"),
            (QuirkProfile(name="p", quirks=[Coerce(action="Rest")]), ValueError, "profile 'p': .* got 'Rest'"),
            (QuirkProfile(name="p", match=StationMatch(protocol="ocpp16")), ValueError, "profile 'p': .*'ocpp16'"),
            (QuirkProfile(name="p", default_protocol="ocpp16"), ValueError, "profile 'p': .*'ocpp16'"),
        ],
    )
    def test_raises_for_another_value(self, quirks, kind, text):
        with pytest.raises(kind, match=text):
            OCPPServer(quirks=quirks)
