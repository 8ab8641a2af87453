"""What handlers ask for with their annotations, what they get, and what is refused at their registration."""

from functools import partial, wraps
from types import MappingProxyType
from typing import Any, Literal, TypedDict

import pytest
from typing_extensions import TypeAliasType

from ocpp_core import v16, v201
from ocpp_core.inputs import Fail, Reply
from ocpp_core.typed.message import Message
from ocpp_transports import NOREPLY, HandlerContext
from ocpp_transports._handlers._table import Handlers
from tests.kinds import mistyped
from tests.transports.handlers import postponed
from tests.transports.station import INTERNAL, later

BOOT = {"chargePointVendor": "Acme", "chargePointModel": "One"}
NO_BOOT: v16.BootNotificationRequest = {"chargePointVendor": "", "chargePointModel": ""}
Boot = HandlerContext[v16.BootNotification]


def of_params(params: v16.BootNotificationRequest) -> Any:
    return {"got": params["chargePointVendor"]}


def of_dict(params: dict[str, Any]) -> Any:
    return {"got": params["chargePointVendor"]}


def of_model(request: v16.models.BootNotificationRequest) -> Any:
    return {"got": request.charge_point_vendor}


async def of_model_later(request: v16.models.BootNotificationRequest) -> Any:
    return {"got": request.charge_point_vendor}


def of_context(ctx: Boot) -> Any:
    return {"got": ctx.params["chargePointVendor"]}


def of_two(ctx: HandlerContext[Any, Any], params: v16.BootNotificationRequest) -> Any:
    return {"got": params["chargePointVendor"] if ctx.action == "BootNotification" else None}


def of_two_payloads(params: v16.BootNotificationRequest, request: v16.models.BootNotificationRequest) -> Any:
    return {"got": request.charge_point_vendor if params["chargePointModel"] == request.charge_point_model else None}


def of_either(ctx: HandlerContext[v16.BootNotification] | HandlerContext[v201.BootNotification]) -> Any:
    return {"got": ctx.params.get("chargePointVendor")}


def with_a_default(params: v16.BootNotificationRequest, times: int = 1) -> Any:
    return {"got": params["chargePointVendor"] * times}


def with_defaults(params: v16.BootNotificationRequest = NO_BOOT, times: int = 1) -> Any:
    return {"got": params["chargePointVendor"] * times}


def of_anything(request: object) -> Any:
    return {"got": request.params["chargePointVendor"]}  # type: ignore[attr-defined]  # it gets a context


class TestAHandlerGets:
    @pytest.mark.parametrize(
        "handler",
        [
            of_params,
            of_dict,
            of_model,
            of_model_later,
            of_context,
            of_two,
            of_two_payloads,
            of_either,
            with_a_default,
            with_defaults,
            of_anything,
            lambda ctx: {"got": ctx.params["chargePointVendor"]},
        ],
        ids=lambda handler: handler.__name__,
    )
    @pytest.mark.parametrize("key", [(v16.BootNotification,), ("ocpp1.6", "BootNotification"), ("BootNotification",)])
    def test_what_it_asks_for(self, station, handler, key):
        assert station.handle(*key, handler) is handler
        station.call("BootNotification", BOOT)
        assert station.answers == [Reply(1, {"got": "Acme"})]

    @pytest.mark.parametrize(
        ("handler", "answer"),
        [
            (postponed.of_params, {"got": "A"}),
            (postponed.of_both, {"got": "A", "action": "Authorize"}),
            (postponed.of_context, {"got": "A"}),
            (postponed.Callable(), {"got": "A"}),
            (postponed.Callable().method, {"got": "A", "action": "Authorize"}),
            (postponed.passing_on, {"got": "A"}),
            (postponed.of_partial, {"got": "AA"}),
            (postponed.of_anything, {"got": "A"}),
        ],
    )
    def test_what_the_text_of_an_annotation_names(self, station, handler, answer):
        station.handle(v16.Authorize)(handler)
        station.call("Authorize", {"idTag": "A"})
        assert station.answers == [Reply(1, answer)]

    def test_what_an_alias_names(self, station):
        payload, context = TypeAliasType("payload", v16.BootNotificationRequest), TypeAliasType("context", Boot)

        def of_aliases(params, ctx):
            return {"got": ctx.params["chargePointVendor"] if params is ctx.params else None}

        of_aliases.__annotations__ = {"params": payload, "ctx": context}
        station.handle(v16.BootNotification, of_aliases)
        station.call("BootNotification", BOOT)
        assert station.answers == [Reply(1, {"got": "Acme"})]

    def test_what_its_wrapper_asks_for(self, station):
        @wraps(of_params)
        def wrapper(params: v16.BootNotificationRequest) -> Any:
            return {**of_params(params), "wrapped": True}

        @wraps(of_params)
        def of_the_context(ctx):
            return {**of_params(ctx.params), "wrapped": True}

        wrappers: list[Any] = [wrapper, of_the_context]
        for handler in wrappers:
            handlers = station.own
            handlers.remove_all_handlers()
            handlers.handle(v16.BootNotification, handler)
            station.call("BootNotification", BOOT)
        assert station.answers == [Reply(number, {"got": "Acme", "wrapped": True}) for number in (1, 2)]

    def test_the_context_itself_without_a_wrapper(self, station):
        """A handler of the context costs nothing more than before: the dispatcher calls it directly."""
        handlers = Handlers()
        direct: list[Any] = [of_context, of_either, of_anything, lambda ctx: {}]
        for handler in direct:
            handlers.remove_all_handlers()
            handlers.handle("BootNotification", handler)
            assert handlers.targets["BootNotification"][None].function is handler

    def test_what_middleware_made_of_the_request(self, station):
        async def middleware(ctx, proceed):
            ctx.params = {**ctx.params, "chargePointVendor": "Changed"}
            return await proceed()

        station.own.use(middleware)
        station.handle(v16.BootNotification, of_model)
        station.call("BootNotification", BOOT)
        assert station.answers == [Reply(1, {"got": "Changed"})]


class TestAModelRefuses:
    @pytest.mark.parametrize("handler", [of_model, of_model_later])
    def test_a_missing_member(self, station, handler):
        station.handle(v16.BootNotification, handler)
        station.call("BootNotification", {"chargePointVendor": "Acme"})
        (answer,) = station.answers
        assert answer.code == "OccurrenceConstraintViolation"
        assert "chargePointModel" in answer.description

    def test_a_value_of_another_type_without_repeating_it(self, station):
        station.handle(v16.Authorize)(postponed.of_both)
        station.call("Authorize", {"idTag": 815})
        (answer,) = station.answers
        assert answer.code == "TypeConstraintViolation"
        assert "815" not in answer.description


class TestAResult:
    @pytest.mark.parametrize("make", [lambda value: lambda ctx: value, lambda value: lambda ctx: later(value)])
    def test_may_be_a_model(self, station, make):
        station.handle(v16.Reset, make(v16.models.ResetResponse(status="Accepted")))
        station.call("Reset", {"type": "Soft"})
        assert station.answers == [Reply(1, {"status": "Accepted"})]

    def test_that_is_a_model_is_a_dict_for_middleware(self, station):
        async def middleware(ctx, proceed):
            return {**await proceed(), "seen": True}

        station.own.use(middleware)
        station.handle(v16.Reset, lambda ctx: v16.models.ResetResponse(status="Accepted"))
        station.call("Reset", {"type": "Soft"})
        assert station.answers == [Reply(1, {"status": "Accepted", "seen": True})]

    def test_that_cannot_be_written_is_an_internal_error(self, station):
        broken = v16.models.AuthorizeResponse(id_tag_info=mistyped({"status": "Accepted"}))
        station.handle(v16.Authorize, lambda ctx: broken)
        station.call("Authorize", {"idTag": "A"})
        assert station.answers == [Fail(1, "InternalError", INTERNAL, None)]
        ((_, error),) = station.failures
        assert isinstance(error, TypeError)

    def test_is_refused_if_it_is_anything_else(self, station):
        station.handle(v16.Reset, lambda ctx: "Accepted")
        station.call("Reset", {"type": "Soft"})
        assert station.answers == [Fail(1, "InternalError", INTERNAL, None)]
        assert "expected a handler to return a dict, a model, None or NOREPLY, got str" in str(station.failures)

    def test_may_be_any_mapping(self, station):
        station.handle(v16.Reset, lambda ctx: MappingProxyType({"status": "Accepted"}))
        station.call("Reset", {"type": "Soft"})
        assert station.answers == [Reply(1, {"status": "Accepted"})]

    @pytest.mark.parametrize(
        "model", [v16.models.HeartbeatResponse(current_time=""), v16.models.ResetRequest(type="Soft")]
    )
    @pytest.mark.parametrize("use", [lambda ctx, model: model, lambda ctx, model: ctx.reply(model)])
    def test_is_refused_if_it_is_the_model_of_another_payload(self, station, model, use):
        station.handle("Reset", lambda ctx: use(ctx, model))
        station.call("Reset", {"type": "Soft"})
        assert station.answers == [Fail(1, "InternalError", INTERNAL, None)]
        assert f"a model of the response of Reset, got {type(model).__name__}" in str(station.failures)

    def test_may_be_the_model_of_another_version(self, station):
        station.handle("Reset", lambda ctx: v201.models.ResetResponse(status="Accepted"))
        station.call("Reset", {"type": "Soft"})
        assert station.answers == [Reply(1, {"status": "Accepted"})]

    def test_may_be_sent_later_as_a_model(self, station):
        def handler(ctx: HandlerContext[v16.Reset]) -> Any:
            ctx.reply(v16.models.ResetResponse(status="Accepted"))
            return NOREPLY

        station.handle(v16.Reset)(handler)
        station.call("Reset", {"type": "Soft"})
        assert station.answers == [Reply(1, {"status": "Accepted"})]

    def test_that_comes_after_the_end_is_remembered_as_a_dict(self, station):
        async def handler(ctx):
            station.dispatcher.abandoned(1)
            return v16.models.ResetResponse(status="Accepted")

        station.handle(v16.Reset, handler)
        station.call("Reset", {"type": "Soft"})
        assert station.answers == [Reply(1, {"status": "Accepted"})]


class Wanted(TypedDict):
    body: str


class Coffee(Message[Wanted, Wanted]):
    """A message of a vendor."""

    action = "MakeCoffee"
    protocol = "ocpp1.6"


def of_coffee(ctx: HandlerContext[Coffee], params: Wanted) -> Any:
    return {"got": params["body"]}


class TestAMessageOfAVendor:
    def test_is_handled_as_those_of_the_standard_are(self, station):
        station.handle(Coffee, of_coffee)
        station.call("MakeCoffee", {"body": "black"})
        assert station.answers == [Reply(1, {"got": "black"})]

    def test_is_removed_by_its_class(self):
        handlers = Handlers()
        handlers.handle(Coffee)(of_coffee)
        assert handlers.has_handler(Coffee)
        assert handlers.has_handler("ocpp1.6", "MakeCoffee")
        handlers.remove_handler(Coffee)
        assert not handlers.has_handler(Coffee)


def of_a_number(number: int) -> Any: ...
def of_a_union(params: v16.BootNotificationRequest | None) -> Any: ...
def of_a_literal(params: Literal["BootNotification"]) -> Any: ...
def of_two_unknown(ctx: HandlerContext, other) -> Any: ...
def of_a_response(params: v16.BootNotificationResponse) -> Any: ...
def of_a_response_model(params: v16.models.BootNotificationResponse) -> Any: ...
def of_a_part(params: v16.models.IdTagInfo) -> Any: ...
def of_a_part_of_a_dict(params: v16.IdTagInfo) -> Any: ...
def of_another_message(ctx: HandlerContext[v16.Heartbeat]) -> Any: ...
def of_another_payload(params: v16.AuthorizeRequest) -> Any: ...
def of_another_model(params: v16.models.AuthorizeRequest) -> Any: ...
def of_another_version(ctx: HandlerContext[v201.BootNotification]) -> Any: ...
def of_others(ctx: HandlerContext[v16.Heartbeat] | HandlerContext[v16.Authorize]) -> Any: ...
def of_a_value(params) -> Any: ...


def by_keyword(*, params: v16.BootNotificationRequest) -> Any: ...
def generator(params: v16.BootNotificationRequest) -> Any:
    yield params


of_a_value.__annotations__["params"] = ["no type"]


class TestARegistrationRefuses:
    @pytest.mark.parametrize(
        ("handler", "words"),
        [
            (of_a_number, "for 'number' of the handler of BootNotification of ocpp1.6: HandlerContext, the TypedDict"),
            (of_a_union, "a model of it; got "),
            (of_a_literal, "for 'params'"),
            (of_two_unknown, "for 'other' .* got no annotation"),
            (of_a_response, "BootNotificationResponse"),
            (of_a_response_model, "BootNotificationResponse"),
            (of_a_part, "IdTagInfo"),
            (of_a_part_of_a_dict, "IdTagInfo"),
            (
                postponed.of_unknown,
                "got 'Unknown', which cannot be resolved at run time: NameError; use names",
            ),
            (of_another_message, "one that asks for Heartbeat of ocpp1.6"),
            (of_another_payload, "one that asks for Authorize of ocpp1.6"),
            (of_another_model, "one that asks for Authorize of ocpp1.6"),
            (of_another_version, "one that asks for BootNotification of ocpp2.0.1"),
            (of_others, "one that asks for Heartbeat of ocpp1.6"),
            (of_a_value, r"for 'params' .* got \['no type'\]"),
            (by_keyword, r"takes 1 argument \(params\)"),
            (generator, "got generator function generator"),
        ],
    )
    def test_a_handler_that_asks_for_what_it_cannot_get(self, handler, words):
        handlers = Handlers()
        with pytest.raises(TypeError, match=words):
            handlers.handle(v16.BootNotification)(handler)
        assert not handlers.has_handler(v16.BootNotification)

    @pytest.mark.parametrize(
        "args",
        [
            (Message, of_dict),
            (v16.Reset, of_dict, of_dict),
            (v16.Reset, 1),
            (v16.Reset, "Reset"),
            (v16.ResetRequest,),
            (v16.models.ResetRequest,),
            ("Reset", v16.ResetRequest),
        ],
    )
    def test_other_arguments(self, args):
        handlers: Any = Handlers()
        with pytest.raises(TypeError, match="expected"):
            handlers.handle(*args)

    def test_an_annotation_of_another_action_under_any_version(self):
        with pytest.raises(TypeError, match="expected a handler of Heartbeat, got one that asks for BootNotification"):
            Handlers().handle("Heartbeat", of_params)

    def test_a_catch_all_that_asks_for_more(self):
        with pytest.raises(TypeError, match=r"takes 2 arguments \(action, context\)"):
            Handlers().handle(of_params)


class TestAContext:
    def test_has_one_type_argument_or_two_at_run_time(self):
        assert HandlerContext[v16.Reset].__origin__ is HandlerContext  # type: ignore[attr-defined]  # of an alias
        assert HandlerContext[v16.Reset, Any].__args__ == (v16.Reset, Any)  # type: ignore[attr-defined]  # the same

    def test_of_a_partial_handler_is_its_own(self, station):
        def handler(status: str, ctx: HandlerContext[v16.Reset]) -> Any:
            return {"status": status, "type": ctx.params["type"]}

        station.handle(v16.Reset)(partial(handler, "Accepted"))
        station.call("Reset", {"type": "Soft"})
        assert station.answers == [Reply(1, {"status": "Accepted", "type": "Soft"})]
