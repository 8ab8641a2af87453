"""Strict mode in a page: the same checks, each compiled when it is first needed, for a page has no other thread."""

import fastjsonschema
from lab import raises, told

from ocpp_transports import (
    HandlerContext,
    RPCError,
    RPCOccurrenceConstraintViolationError,
    RPCTypeConstraintViolationError,
    ValidationRule,
)

BOOT_16 = {"chargePointVendor": "Acme", "chargePointModel": "One"}
BOOT_2 = {"reason": "PowerUp", "chargingStation": {"vendorName": "Acme", "model": "One"}}
INCOMPLETE = {"ocpp1.6": "OccurenceConstraintViolation", "ocpp2.0.1": "OccurrenceConstraintViolation"}


class TestWhatWeSend:
    async def test_what_conforms_leaves(self, lab):
        for protocol, payload in (("ocpp1.6", BOOT_16), ("ocpp2.0.1", BOOT_2), ("ocpp2.1", BOOT_2)):
            client = await lab.connected(protocols=[protocol], strict_mode=True)
            assert (await client.call("BootNotification", payload))["status"] == "Accepted"

    async def test_what_does_not_raises_before_it_leaves(self, lab):
        client = await lab.connected(strict_mode=True)
        events = told(client, "violation")
        with raises(RPCOccurrenceConstraintViolationError, match="chargePointModel"):
            await client.call("BootNotification", {"chargePointVendor": "Acme"})
        with raises(RPCTypeConstraintViolationError):
            await client.call("BootNotification", {**BOOT_16, "chargePointModel": 1})
        assert await lab.ask("central.calls", client.identity) == []
        assert len(events) == 2

    async def test_unless_the_call_says_so(self, lab):
        client = await lab.connected(strict_mode=True)
        assert (await client.call("BootNotification", {}, validate=False))["status"] == "Accepted"

    async def test_our_answers_too(self, lab):
        client = await lab.connected(strict_mode=True)
        client.handle("Reset", lambda context: {"status": "Perhaps"})
        answer = await lab.ask("central.call", client.identity, "Reset", {"type": "Soft"})
        assert "error" in answer, answer
        client.handle("ClearCache", lambda context: {"status": "Accepted"})
        assert await lab.ask("central.call", client.identity, "ClearCache") == {"payload": {"status": "Accepted"}}


class TestWhatWeReceive:
    async def test_a_call_is_refused_before_any_handler_sees_it(self, lab):
        for protocol, code in INCOMPLETE.items():
            client = await lab.connected(protocols=[protocol], strict_mode=True)
            seen: list[HandlerContext] = []
            client.handle("Reset", lambda context, seen=seen: seen.append(context) or {"status": "Accepted"})
            assert (await lab.ask("central.call", client.identity, "Reset", {}))["error"] == code
            assert seen == []
            kind = "Soft" if protocol == "ocpp1.6" else "Immediate"
            answer = await lab.ask("central.call", client.identity, "Reset", {"type": kind})
            assert answer == {"payload": {"status": "Accepted"}}

    async def test_an_answer_against_the_schema_raises(self, lab):
        client = await lab.connected(strict_mode=True)
        events = told(client, "violation")
        with raises(RPCError) as caught:
            await client.call("DataTransfer", {"vendorId": "wrong"})
        assert caught[0].remote is False
        assert len(events) == 1
        assert "currentTime" in await client.call("Heartbeat", {})


class TestItsChecks:
    async def test_none_is_compiled_before_it_is_needed(self, lab):
        """All 180 actions of OCPP 2.1 take seconds, in which a page is frozen."""
        compiled, compile_one = [], fastjsonschema.compile

        def count(schema, *rest, **options):
            compiled.append(schema)
            return compile_one(schema, *rest, **options)

        fastjsonschema.compile = count  # type: ignore[assignment]  # a spy
        try:
            client = await lab.connected(protocols=["ocpp2.1"], strict_mode=True)
            assert compiled == []
            for _ in range(3):
                with raises(RPCError):
                    await client.call("BootNotification", {})
        finally:
            fastjsonschema.compile = compile_one
        assert len(compiled) == 1

    async def test_they_may_be_for_some_actions_only(self, lab):
        client = await lab.connected(strict_mode_rules=[ValidationRule("strict", actions=["Heartbeat"])])
        assert (await client.call("BootNotification", {}))["status"] == "Accepted"
        with raises(RPCError):
            await client.call("Heartbeat", {"more": 1})

    async def test_or_for_some_versions(self, lab):
        rules = [ValidationRule("strict", protocols=["ocpp2.0.1"])]
        client = await lab.connected(protocols=["ocpp1.6", "ocpp2.0.1"], strict_mode_rules=rules)
        assert client.protocol == "ocpp2.0.1"
        with raises(RPCError):
            await client.call("BootNotification", {})
