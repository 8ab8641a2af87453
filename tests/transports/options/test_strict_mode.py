"""`strict_mode` and `strict_mode_rules`: for a server, a route, one station and one client."""

from typing import Any

import anyio
import pytest

from ocpp_core.actions import Direction
from ocpp_core.config import ValidationRule
from ocpp_core.validation import load_validator
from ocpp_transports import RPCError, RPCFormatViolationError, RPCTypeConstraintViolationError
from ocpp_transports._options._server import ServerOptions
from ocpp_transports._options._validators import shared_validator
from ocpp_transports._options._warm_up import warm_up_in_thread
from ocpp_transports._server._routing._options import for_route
from ocpp_transports.events import ViolationEvent
from tests.tables import each
from tests.transports.pairs import client_of, first, pair, serving, station_of

ONLY_16 = [ValidationRule("report", protocols=["ocpp1.6"])]
WRONG = {"idTag": 5}


def modes(options: ServerOptions, protocol: str = "ocpp1.6") -> tuple[str, str]:
    """Return the modes of a received BootNotification and of a received MeterValues."""
    config = options.session_in(protocol, trace=False)
    boot, meters = (config.validation_mode("in", "call", action) for action in ("BootNotification", "MeterValues"))
    return boot, meters


class TestTheOptions:
    @each(
        ("strict_mode", "rules", "expected"),
        [
            (False, [], ("off", "off")),
            (True, [], ("strict", "strict")),
            ("report", [], ("report", "report")),
            (True, [ValidationRule("report", actions=["MeterValues"])], ("strict", "report")),
            (False, [ValidationRule("strict", actions=["BootNotification"])], ("strict", "off")),
            (True, [ValidationRule("off", direction="out")], ("strict", "strict")),
            ("report", [ValidationRule("off", direction="in"), ValidationRule("strict")], ("off", "off")),
            (True, [ValidationRule("off", protocols=["ocpp2.1"])], ("strict", "strict")),
        ],
    )
    def test_decide_each_payload_by_the_first_rule_and_then_by_strict_mode(self, strict_mode, rules, expected):
        options = ServerOptions(protocols=("ocpp2.1", "ocpp1.6"), strict_mode=strict_mode, strict_mode_rules=rules)
        assert modes(options) == expected

    @each(
        ("options", "protocols"),
        [
            ({}, set()),
            ({"strict_mode": True}, {"ocpp2.1", "ocpp1.6"}),
            ({"strict_mode_rules": ONLY_16}, {"ocpp1.6"}),
            ({"strict_mode": True, "strict_mode_rules": [ValidationRule("off")]}, set()),
            ({"strict_mode": True, "strict_mode_rules": [ValidationRule("off", protocols=["ocpp2.1"])]}, {"ocpp1.6"}),
        ],
    )
    def test_load_the_schemas_that_they_need(self, options, protocols):
        assert set(ServerOptions(protocols=("ocpp2.1", "ocpp1.6"), **options).validators) == protocols

    def test_share_validators(self):
        one, two = ServerOptions(strict_mode=True), ServerOptions(strict_mode_rules=ONLY_16)
        assert one.validators["ocpp1.6"] is two.validators["ocpp1.6"] is shared_validator("ocpp1.6")

    @pytest.mark.anyio
    async def test_compile_only_the_checks_that_they_need(self):
        validator = load_validator("ocpp1.6")
        rules = [ValidationRule("report", actions=["Heartbeat"], direction="in")]
        await warm_up_in_thread(
            ServerOptions(protocols=("ocpp1.6",), strict_mode_rules=rules, strict_mode_validators=[validator])
        )
        compiled = {name for name, kinds in validator._messages.items() if kinds["call"].is_compiled}
        assert compiled == {"Heartbeat"}

    def test_of_a_route_apply_to_the_subprotocols_that_it_has(self):
        rules = [*ONLY_16, ValidationRule("off", protocols=["vendor1"]), ValidationRule("strict")]
        server = ServerOptions(protocols=("ocpp2.1", "ocpp1.6", "vendor1"), strict_mode_rules=rules[:2])
        assert modes(for_route(server, {"protocols": ["ocpp1.6"]})) == ("report", "report")
        assert for_route(server, {"protocols": ["ocpp2.1"]}).validators == {}
        router = {"strict_mode_rules": rules[1:]}
        assert modes(for_route(server, router, {"protocols": ["ocpp1.6"]})) == ("strict", "strict")


@pytest.mark.anyio
class TestReport:
    async def test_passes_a_call_to_its_handler_and_says_what_is_wrong_with_it(self):
        async with (
            pair(server={"strict_mode": "report", "warm_up": False}) as (client, station),
            station.events("violation") as violations,
        ):
            station.handle("Authorize", lambda ctx: {"idTagInfo": {"status": ctx.params["idTag"]}})
            assert await client.call("Authorize", WRONG) == {"idTagInfo": {"status": 5}}
            request, response = await first(violations), await first(violations)
        assert isinstance(request, ViolationEvent)
        assert (request.identity, request.direction, request.kind) == ("CP1", Direction.IN, "call")
        assert (request.action, request.payload, request.refused) == ("Authorize", WRONG, False)
        assert isinstance(request.error, RPCTypeConstraintViolationError)
        assert (request.violation.keyword, request.violation.pointer) == ("type", "/idTag")
        assert (request.violation.expected, request.violation.got) == ("string", "integer")
        assert (response.direction, response.kind, response.violation.pointer) == ("out", "result", "/idTagInfo/status")
        assert request.message_id == response.message_id is not None

    async def test_sends_a_call_and_returns_a_response_that_break_their_schemas(self):
        async with (
            pair(strict_mode="report", warm_up=False) as (client, station),
            client.events("violation") as violations,
        ):
            station.handle("Authorize", lambda ctx: ctx.params)
            assert await client.call("Authorize", WRONG) == WRONG
            told = [await first(violations), await first(violations)]
        assert [(event.direction, event.kind, event.refused) for event in told] == [
            ("out", "call", False),
            ("in", "result", False),
        ]

    async def test_includes_the_result_of_a_handler_that_outlives_its_connection(self):
        seen: list[Any] = []
        async with serving(strict_mode="report", warm_up=False) as (server, listener), client_of(listener) as client:
            begun, ended, told = anyio.Event(), anyio.Event(), anyio.Event()

            @server.handle("Authorize")
            async def authorize(context):
                begun.set()
                await ended.wait()
                return {}

            server.on("violation", lambda event: (seen.append(event), told.set()))
            await client.connect()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(client.call, "Authorize", {"idTag": "A"})
                await begun.wait()
                station = await station_of(server)
                station.on("close", lambda event: ended.set())
                tasks.cancel_scope.cancel()
            await client.close(force=True)
            with anyio.fail_after(10):
                await told.wait()
        assert [(each.event.kind, each.event.violation.keyword) for each in seen] == [("result", "required")]

    async def test_can_be_chosen_for_one_station_when_it_connects(self):
        seen: list[Any] = []
        async with serving(strict_mode=True, warm_up=False, metrics=True) as (server, listener):
            server.handle("Authorize", lambda ctx: {"idTagInfo": {"status": "Accepted"}})
            server.on("violation", seen.append)

            @server.on("client")
            def tolerate(station):
                if station.identity == "OLD1":
                    station.reconfigure(strict_mode="report")

            async with client_of(listener, "OLD1") as old, client_of(listener, "NEW1") as new:
                await old.connect()
                await new.connect()
                assert await old.call("Authorize", {"idTag": "A" * 21})
                with pytest.raises(RPCError):
                    await new.call("Authorize", {"idTag": "A" * 21})
                stations = [await station_of(server, "OLD1"), await station_of(server, "NEW1")]
            assert [(each.client, each.event.refused) for each in seen] == list(
                zip(stations, (False, True), strict=True)
            )
            for outcome in ("reported", "refused"):
                counted = {"direction": "in", "action": "Authorize", "outcome": outcome}
                assert server.metrics.value("ocpp_validation_failures", **counted) == 1

    async def test_can_be_turned_on_and_off_during_a_connection(self):
        async with pair(server={"strict_mode": True, "warm_up": False}) as (client, station):
            station.handle("Authorize", lambda ctx: {"idTagInfo": {"status": "Accepted"}})
            for rules in ([ValidationRule("report", actions=["Authorize"], kind="call")], []):
                station.reconfigure(strict_mode_rules=rules)
                if rules:
                    await client.call("Authorize", {"idTag": "A", "more": 1})
                else:
                    with pytest.raises(RPCFormatViolationError):
                        await client.call("Authorize", {"idTag": "A", "more": 1})
