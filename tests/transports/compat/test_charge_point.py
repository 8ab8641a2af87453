"""A charge point handles what it receives: arguments, answers, errors, hooks."""

import asyncio
import json
import logging
from decimal import Decimal
from typing import Any

import pytest

from ocpp_transports.compat import exceptions
from ocpp_transports.compat.charge_point import ChargePoint as AnyVersion
from ocpp_transports.compat.routing import after, create_route_map, on
from ocpp_transports.compat.v16 import ChargePoint, call, call_result, datatypes
from ocpp_transports.compat.v16.enums import Action, ResetStatus
from tests.transports.compat.wire import Station, Wire, settled, until

pytestmark = pytest.mark.anyio

BOOT = {"chargePointVendor": "Acme", "chargePointModel": "One"}


async def answer_of(cp, action, payload, unique_id="1"):
    """Feed a request and return the only answer."""
    await cp.route_message(json.dumps([2, unique_id, action, payload]))
    [answer] = cp._connection.sent
    cp._connection.sent.clear()
    return answer


class TestAHandler:
    async def test_it_gets_the_properties_in_snake_case_and_returns_the_answer(self):
        class CSMS(ChargePoint):
            @on(Action.boot_notification)
            async def on_boot(self, charge_point_vendor, charge_point_model, **kwargs):
                self.seen = charge_point_vendor, charge_point_model, kwargs
                return call_result.BootNotification(current_time="now", interval=3, status="Accepted")

        cp = CSMS("CP1", Wire())
        answer = await answer_of(cp, "BootNotification", {**BOOT, "meterType": "x"}, unique_id=7)
        assert answer == [3, 7, {"currentTime": "now", "interval": 3, "status": "Accepted"}]
        assert cp.seen == ("Acme", "One", {"meter_type": "x"})

    async def test_it_gets_the_message_id_only_if_it_names_it(self):
        class Named(ChargePoint):
            @on("ClearCache")
            def on_clear(self, call_unique_id):
                self.seen = call_unique_id
                return call_result.ClearCache(ResetStatus.accepted)

        cp = Named("CP1", Wire())
        assert await answer_of(cp, "ClearCache", {}, "id-5") == [3, "id-5", {"status": "Accepted"}]
        assert cp.seen == "id-5"

    async def test_it_may_return_a_dict_in_either_spelling(self):
        class Plain(ChargePoint):
            @on("GetConfiguration")
            def on_get(self, **kwargs):
                return {"configuration_key": [{"key": "a", "readonly": True, "value": None}], "unknownKey": ["b"]}

        answer = await answer_of(Plain("CP1", Wire()), "GetConfiguration", {})
        assert answer[2] == {"configurationKey": [{"key": "a", "readonly": True}], "unknownKey": ["b"]}

    async def test_of_1_6_it_gets_the_numbers_of_profiles_as_decimals(self):
        class Limited(ChargePoint):
            @on("SetChargingProfile")
            def on_set(self, connector_id, cs_charging_profiles):
                self.seen = connector_id, cs_charging_profiles["charging_schedule"]["charging_schedule_period"]
                return call_result.SetChargingProfile("Accepted")

        periods = [datatypes.ChargingSchedulePeriod(start_period=0, limit=21.4)]
        schedule = datatypes.ChargingSchedule("A", periods)
        profile = datatypes.ChargingProfile(1, 0, "TxProfile", "Absolute", schedule)
        sender, cp = Station("CSMS", Wire()), Limited("CP1", Wire())
        asking = asyncio.create_task(sender.call(call.SetChargingProfile(1, profile)))
        request = await sender._connection.next()
        assert (await answer_of(cp, request[2], request[3]))[2] == {"status": "Accepted"}
        assert cp.seen == (1, [{"start_period": 0, "limit": Decimal("21.4")}])
        asking.cancel()

    async def test_one_on_the_instance_or_in_a_mixin_counts_and_an_undecorated_override_does_not(self):
        class Mixin:
            @on("Reset")
            def on_reset(self, **kwargs):
                return call_result.Reset("Rejected")

        class Overriding(Mixin, ChargePoint):
            def on_reset(self, **kwargs):
                return call_result.Reset("Accepted")

        class Mixed(Mixin, ChargePoint):
            pass

        assert (await answer_of(Mixed("CP1", Wire()), "Reset", {"type": "Soft"}))[0] == 3
        assert (await answer_of(Overriding("CP1", Wire()), "Reset", {"type": "Soft"}))[2] == "NotImplemented"
        consumer = Mixin()
        assert create_route_map(consumer) == {
            "Reset": {"_on_action": consumer.on_reset, "_skip_schema_validation": False}
        }

    async def test_the_version_may_be_chosen_after_construction(self):
        class Late(AnyVersion):
            @on("Reset")
            def on_reset(self, **kwargs):
                return call_result.Reset("Accepted")

        cp = Late("CP1", Wire())
        cp._call, cp._call_result, cp._ocpp_version = call, call_result, "1.6"
        assert (await answer_of(cp, "Reset", {"type": "Soft"}))[2] == {"status": "Accepted"}


class TestARefusal:
    @pytest.mark.parametrize(
        ("action", "payload", "code"),
        [
            ("Heartbeat", {"x": 1}, "NotImplemented"),
            ("Fly", {}, "NotSupported"),
            ("Reset", {"type": 1}, "TypeConstraintViolation"),
            ("Reset", [], "TypeConstraintViolation"),
            ("Reset", {"type": "Hrd"}, "FormationViolation"),
            ("Reset", {}, "ProtocolError"),
            ("Reset", {"y": 1, "type": 2}, "TypeConstraintViolation"),
            ("Reset", {"y": 1}, "FormationViolation"),
        ],
    )
    async def test_its_code_follows_from_the_first_fault(self, action, payload, code):
        answer = await answer_of(Station("CP1", Wire()), action, payload)
        assert answer[:3] == [4, "1", code]
        assert "cause" in answer[4]

    async def test_an_unrouted_action_of_2_1_is_not_implemented(self):
        from ocpp_transports.compat import v21

        assert (await answer_of(v21.ChargePoint("CP1", Wire()), "GetTariffs", {}))[2] == "NotImplemented"

    async def test_its_flag_is_read_at_each_message(self):
        cp = Station("CP1", Wire())
        cp.route_map["Reset"]["_skip_schema_validation"] = True
        assert (await answer_of(cp, "Reset", {"type": "Sideways"}))[2] == {"status": "Rejected"}
        assert (await answer_of(cp, "Reset", []))[2] == "TypeConstraintViolation"


class Failing(ChargePoint):
    """A handler that does what the test says."""

    act: Any

    @on("Reset")
    async def on_reset(self, **kwargs):
        return await self.act()

    @on("ClearCache", skip_schema_validation=True)
    def on_clear(self, **kwargs):
        return {"status": object()}


class TestAFailure:
    async def test_an_error_of_ocpp_is_sent_with_its_details(self):
        async def act():
            raise exceptions.SecurityError("no", {"why": "locked"})

        cp = Failing("CP1", Wire())
        cp.act = act
        assert await answer_of(cp, "Reset", {"type": "Soft"}) == [4, "1", "SecurityError", "no", {"why": "locked"}]

    @pytest.mark.parametrize(
        "error", [ValueError("secret"), asyncio.CancelledError("secret"), exceptions.ValidationError("secret")]
    )
    async def test_no_other_exception_shows_its_text(self, error, caplog):
        async def act():
            raise error

        cp = Failing("CP1", Wire())
        cp.act = act
        answer = await answer_of(cp, "Reset", {"type": "Soft"})
        assert answer == [4, "1", "InternalError", "An unexpected error occurred.", {}]
        assert "Error while handling request" in caplog.text

    @pytest.mark.parametrize("returned", [None, 5, {"status": "Wrong"}, {"status": "Accepted", "extra": 1}])
    async def test_a_bad_answer_of_ours_is_our_error_and_nothing_of_it_is_sent(self, returned, caplog):
        async def act():
            return returned

        cp = Failing("CP1", Wire())
        cp.act = act
        answer = await answer_of(cp, "Reset", {"type": "Soft"})
        assert answer == [4, "1", "InternalError", "An unexpected error occurred.", {}]
        assert "Error in the answer to request" in caplog.text

    async def test_an_answer_that_json_cannot_express_is_our_error_too(self):
        assert (await answer_of(Failing("CP1", Wire()), "ClearCache", {}))[2] == "InternalError"

    async def test_details_that_json_cannot_express_are_omitted(self):
        async def act():
            raise exceptions.GenericError("x", {"bad": object()})

        cp = Failing("CP1", Wire())
        cp.act = act
        assert await answer_of(cp, "Reset", {"type": "Soft"}) == [4, "1", "GenericError", "x", {}]

    async def test_the_base_class_has_no_code_and_is_a_generic_error(self):
        async def act():
            raise exceptions.OCPPError("odd")

        cp = Failing("CP1", Wire())
        cp.act = act
        assert await answer_of(cp, "Reset", {"type": "Soft"}) == [4, "1", "GenericError", "odd", {}]


class Hooked(Station):
    def __init__(self, hook):
        self.hook = hook
        super().__init__("CP1", Wire())

    @after("Reset", inject_response=True)
    def after_reset(self, call_unique_id, call_response, **kwargs):
        return self.hook(kwargs, call_unique_id, call_response, list(self._connection.sent))


class TestAnAfterHook:
    async def test_it_runs_when_the_answer_is_sent(self):
        seen = []
        cp = Hooked(lambda *args: seen.append(args))
        answer = await answer_of(cp, "Reset", {"type": "Soft"})
        assert seen == [({"type": "Soft"}, "1", {"status": "Accepted"}, [answer])]

    async def test_an_async_one_may_call_the_peer(self):
        replies = []

        async def hook(*args):
            replies.append(await cp.call(call.Heartbeat()))

        cp = Hooked(hook)
        await cp.route_message(json.dumps([2, "1", "Reset", {"type": "Soft"}]))
        assert (await cp._connection.next())[0] == 3
        request = await cp._connection.next()
        await cp.route_message(json.dumps([3, request[1], {"currentTime": "now"}]))
        await until(lambda: replies)
        assert replies == [call_result.Heartbeat(current_time="now")]

    @pytest.mark.parametrize("error", [KeyError("x"), ValueError("x"), exceptions.GenericError("x")])
    @pytest.mark.parametrize("is_async", [False, True])
    async def test_its_exceptions_are_logged_and_nothing_is_sent(self, error, is_async, caplog):
        def fail(*args):
            raise error

        async def fail_later(*args):
            raise error

        cp = Hooked(fail_later if is_async else fail)
        assert (await answer_of(cp, "Reset", {"type": "Soft"}))[0] == 3
        await until(lambda: "Error in an after hook" in caplog.text)
        assert cp._connection.sent == []

    async def test_only_so_many_run_at_a_time(self):
        running, release = [], asyncio.Event()

        async def hook(*args):
            running.append(args)
            await release.wait()

        cp = Hooked(hook)
        for number in range(100):
            await answer_of(cp, "Reset", {"type": "Soft"}, number)
        last = asyncio.create_task(cp.route_message('[2,"last","Reset",{"type":"Soft"}]'))
        await settled()
        assert (len(running), last.done()) == (100, False)
        release.set()
        await last
        await until(lambda: len(running) == 101)


class TestTheLog:
    async def test_messages_are_logged_at_info_without_their_secrets(self, caplog):
        caplog.set_level(logging.INFO, "ocpp")

        class Configured(ChargePoint):
            @on("ChangeConfiguration")
            def on_change(self, key, value):
                return call_result.ChangeConfiguration("Accepted")

        cp = Configured("CP1", Wire())
        reading = asyncio.create_task(cp.start())
        cp._connection.feed([2, "1", "ChangeConfiguration", {"key": "AuthorizationKey", "value": "00112233"}])
        await cp._connection.next()
        reading.cancel()
        received, sent = (record.getMessage() for record in caplog.records)
        assert received == (
            'CP1: receive message [2,"1","ChangeConfiguration",{"key":"AuthorizationKey","value":"***"}]'
        )
        assert sent == 'CP1: send [3,"1",{"status":"Accepted"}]'
