"""Errors on both sides of a call: what the caller gets, and what the peer learns."""

import pytest

from ocpp_core.actions import Direction
from ocpp_transports import (
    RPCError,
    RPCFormatViolationError,
    RPCInternalError,
    RPCNotImplementedError,
    RPCOccurrenceConstraintViolationError,
    RPCTypeConstraintViolationError,
    ValidationRule,
    create_validator,
)
from tests.transports.pairs import first, pair

pytestmark = pytest.mark.anyio


class TestErrors:
    async def test_of_the_peer_arrive_unchanged(self):
        async with pair() as (client, station):

            def refuse(ctx):
                raise RPCError("VendorTrouble", "Käse", {"deep": [1, None]})

            station.handle("Heartbeat", refuse)
            with pytest.raises(RPCError) as caught:
                await client.call("Heartbeat", {})
            error = caught.value
            assert (type(error), error.code, error.description) == (RPCError, "VendorTrouble", "Käse")
            assert (error.details, error.remote) == ({"deep": [1, None]}, True)

    async def test_have_the_class_of_their_code(self):
        async with pair() as (client, station):

            def refuse(ctx):
                raise RPCFormatViolationError("bad")

            station.handle("Heartbeat", refuse)
            with pytest.raises(RPCFormatViolationError) as caught:
                await client.call("Heartbeat", {})
            assert caught.value.code == "FormationViolation"

    async def test_of_handlers_are_told_and_say_nothing_to_the_peer(self, caplog):
        async with pair() as (client, station), station.events("handler_error") as errors:

            @station.handle("Heartbeat")
            async def broken(ctx):
                raise RuntimeError("the password is hunter2")

            with pytest.raises(RPCInternalError) as caught:
                await client.call("Heartbeat", {})
            assert "hunter2" not in caught.value.description
            assert caught.value.details == {}
            event = await first(errors)
            assert (event.action, str(event.error)) == ("Heartbeat", "the password is hunter2")

    async def test_may_say_more_on_request(self, caplog):
        async with pair(server={"respond_with_detailed_errors": True}) as (client, station):

            def broken(ctx):
                raise RuntimeError("boom")

            station.handle("Heartbeat", broken)
            with pytest.raises(RPCInternalError) as caught:
                await client.call("Heartbeat", {})
            assert caught.value.details == {"name": "RuntimeError", "message": "boom"}

    async def test_an_action_without_a_handler_is_not_implemented(self):
        async with pair(server={"handler_grace": 0}) as (client, _):
            with pytest.raises(RPCNotImplementedError):
                await client.call("Heartbeat", {})

    async def test_in_strict_mode_what_breaks_the_schema_is_never_sent_and_told(self):
        async with (
            pair(strict_mode=True, warm_up=False) as (client, _),
            client.events("violation", "message") as events,
        ):
            with pytest.raises(RPCOccurrenceConstraintViolationError) as caught:
                await client.call("BootNotification", {"chargePointVendor": "Acme"})
            assert not caught.value.remote
            told = await first(events)
            assert told.payload == {"chargePointVendor": "Acme"}
            assert (told.action, told.direction, told.refused) == ("BootNotification", Direction.OUT, True)
            assert "BootNotification CALL payload violates required" in str(told.error)
            await events.aclose()
            assert [event async for event in events] == []

    async def test_in_strict_mode_an_invalid_call_is_told_with_the_error_that_the_peer_gets(self):
        async with (
            pair(server={"strict_mode": True, "warm_up": False}) as (client, station),
            station.events("violation") as failures,
        ):
            with pytest.raises(RPCTypeConstraintViolationError):
                await client.call("Authorize", {"idTag": 5})
            told = await first(failures)
            assert isinstance(told.error, RPCTypeConstraintViolationError)
            assert (told.action, told.direction) == ("Authorize", Direction.IN)
            assert "Authorize CALL payload.idTag violates type" in str(told.error)

    @pytest.mark.parametrize("payload", [{"currentTime": 5}, {"currentTime": {"unserializable"}}])
    async def test_in_strict_mode_a_result_of_ours_that_is_wrong_is_logged_by_its_action(self, payload, caplog):
        async with pair(server={"strict_mode": True, "warm_up": False}) as (client, station):
            station.handle("Heartbeat", lambda _: payload)
            with pytest.raises(RPCInternalError):
                await client.call("Heartbeat", {})
        (record,) = (record for record in caplog.records if record.levelname == "ERROR")
        assert "invalid handler result" in record.getMessage()
        assert ": Heartbeat CALLRESULT" in record.getMessage()

    async def test_strict_mode_may_be_for_some_actions_and_protocols_of_your_own(self):
        schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
        validator = create_validator("vendor1", {"Count": {"call": schema, "result": {}}, "Weigh": {"send": {}}})
        options = {"protocols": ["vendor1"], "strict_mode": True, "strict_mode_validators": [validator]}
        async with pair(server={"protocols": ["vendor1"]}, **options) as (client, station):
            station.handle(lambda action, ctx: {})
            assert await client.call("Count", {"n": 1}) == {}
            with pytest.raises(RPCError):
                await client.call("Count", {"n": "1"})
            client.reconfigure(strict_mode_rules=[ValidationRule("off", actions=["Count"])])
            assert await client.call("Count", {"n": "1"}) == {}
