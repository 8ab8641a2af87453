"""What a handler asks for with the annotations of its parameters, resolved once, at its registration.

A handler of the context alone is called as it is. Any other one is wrapped in a function of the context that makes its
arguments. A payload that a model refuses raises an `RPCError`, so the peer gets a CALLERROR.
"""

import sys
from collections.abc import Callable, Mapping, MutableMapping
from functools import partial
from inspect import Parameter
from types import FunctionType, MethodType, SimpleNamespace, UnionType
from typing import Any, Final, NamedTuple, TypeAlias, Union, get_args, get_origin, get_type_hints, is_typeddict

from ocpp_core.typed.message import Message, payload_types
from ocpp_transports._callbacks._arguments import expect_arguments
from ocpp_transports._callbacks._signatures import annotations_of, signature_of, written

from ._contexts import HandlerContext, RequestContext
from ._models import is_request_model, read_model

__all__ = ["Registered", "adapted"]

_Source: TypeAlias = Callable[[HandlerContext[Any, Any]], Any]

_MAPPINGS: Final = (dict, Mapping, MutableMapping)
_STANDARD: Final = ("ocpp_core.v16", "ocpp_core.v201", "ocpp_core.v21")
_VARIABLE: Final = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
_ASKABLE: Final = "HandlerContext, the TypedDict of the request, dict, or a model of it"


class Registered(NamedTuple):
    """The version and the action for which a handler is registered; a version None means every one."""

    version: str | None
    action: str

    def __str__(self) -> str:
        return self.action if self.version is None else f"{self.action} of {self.version}"


def adapted(handler: Callable[..., Any], registered: Registered) -> Callable[..., Any]:
    """Return a function of the context that calls the handler with what it asks for.

    Parameters with a default keep it, except the first one if all have one. Raises TypeError for a handler that cannot
    be called like that, and for an annotation that names nothing a handler can get, or something of another message.
    """
    role = f"handler of {registered}"
    asked = [] if _is_plain(handler) else _asked(handler)
    if all(each.annotation is Parameter.empty for each in asked):
        expect_arguments(handler, role, "context")
        return handler
    expect_arguments(handler, role, *(each.name for each in asked))
    hints = [_resolved(each, handler, registered) for each in asked]
    if hints in ([Any], [object]):
        return handler
    sources = [_source(hint, each, registered) for hint, each in zip(hints, asked, strict=True)]
    return handler if sources == [_context] else partial(_call, handler, sources)


def _call(handler: Callable[..., Any], sources: list[_Source], ctx: "HandlerContext[Any, Any]") -> Any:
    return handler(*[source(ctx) for source in sources])


def _context(ctx: "HandlerContext[Any, Any]") -> "HandlerContext[Any, Any]":
    return ctx


def _params(ctx: "HandlerContext[Any, Any]") -> dict[str, Any]:
    return ctx.params  # type: ignore[no-any-return]  # a context of any message


def _model(kind: type[Any], ctx: "HandlerContext[Any, Any]") -> Any:
    return read_model(kind, ctx.params)


# The parameters


def _is_plain(handler: Callable[..., Any]) -> bool:
    """Return True for a function of one parameter that is a plain context or has no annotation: nearly all are."""
    function = handler.__func__ if isinstance(handler, MethodType) else handler
    if type(function) is not FunctionType:
        return False
    code, first = function.__code__, int(isinstance(handler, MethodType))
    if code.co_argcount != first + 1 or code.co_kwonlyargcount:
        return False
    return annotations_of(function).get(code.co_varnames[first]) in (None, HandlerContext, "HandlerContext")


def _asked(handler: Callable[..., Any]) -> list[Parameter]:
    """Return the parameters to fill: those without a default, or the first one if all have one.

    They are those of the wrapped function if a wrapper passes on anything.
    """
    try:
        own = signature_of(handler, follow_wrapped=False).parameters.values()
        if own and all(each.kind in _VARIABLE for each in own):
            own = signature_of(handler).parameters.values()
    except (TypeError, ValueError):  # some functions written in C have none
        return []
    named = [each for each in own if each.kind not in _VARIABLE]
    required = [each for each in named if each.default is Parameter.empty]
    return required or [each for each in named if each.kind is not Parameter.KEYWORD_ONLY][:1]


def _resolved(parameter: Parameter, handler: Callable[..., Any], registered: Registered) -> Any:
    """Return an annotation whose text, and the text in it, is evaluated where the handler was defined."""
    annotation = written(parameter.annotation)
    try:
        hint = get_type_hints(SimpleNamespace(__annotations__={"it": annotation}), _globals_of(handler))["it"]
        while hasattr(hint, "__value__"):  # an alias of the statement `type`
            hint = hint.__value__
        return hint  # noqa: TRY300 - an alias is evaluated here, too
    except Exception as error:  # an annotation may be any text
        if _names_context(annotation):  # imported for type checkers only
            return HandlerContext
        problem = f"which cannot be resolved at run time: {type(error).__name__}"
        got = f"{annotation!r}, {problem}; use names of the module that exist outside TYPE_CHECKING"
        raise _misfit(parameter, registered, got) from error


def _names_context(annotation: object) -> bool:
    return isinstance(annotation, str) and annotation.partition("[")[0].endswith("HandlerContext")


def _globals_of(handler: Any) -> dict[str, Any]:
    while not isinstance(handler, FunctionType):
        if isinstance(handler, partial):
            handler = handler.func
        elif isinstance(handler, MethodType):
            handler = handler.__func__
        elif isinstance(handler.__call__, MethodType):
            handler = handler.__call__
        else:
            return {}
    while hasattr(handler, "__wrapped__"):
        handler = handler.__wrapped__
    return getattr(handler, "__globals__", {})


# What they ask for


def _source(hint: Any, parameter: Parameter, registered: Registered) -> _Source:
    """Return the function that makes the argument of a parameter."""
    source = _source_of(hint, registered)
    if source is None:
        raise _misfit(parameter, registered, "no annotation" if hint is Parameter.empty else repr(hint))
    return source


def _misfit(parameter: Parameter, registered: Registered, got: str) -> TypeError:
    return TypeError(
        f"expected an annotation for {parameter.name!r} of the handler of {registered}: {_ASKABLE}; got {got}"
    )


def _source_of(hint: Any, registered: Registered) -> _Source | None:
    """Return the function that makes an argument of this type; None if a handler cannot get one."""
    origin = get_origin(hint) or hint
    if origin in (Union, UnionType):
        return _one_of(hint, registered)
    if _is_context(origin):
        _expect_same(_message_in(hint), registered)
        return _context
    if origin in _MAPPINGS:
        return _params
    if is_typeddict(hint):
        return _payload(hint, registered)
    if is_request_model(hint):
        _expect_same(getattr(hint, "message_type", None), registered)
        return partial(_model, hint)
    return None


def _one_of(hint: Any, registered: Registered) -> _Source | None:
    """Return the context for a union of contexts, one of which is of this message: a handler of several messages."""
    members = get_args(hint)
    if not all(_is_context(get_origin(member) or member) for member in members):
        return None
    if not any(_is_same(_message_in(member), registered) for member in members):
        _expect_same(_message_in(members[0]), registered)
    return _context


def _payload(request: Any, registered: Registered) -> _Source | None:
    """Return the payload for the TypedDict of the request or of a vendor, not for another one of the standard."""
    module, name = sys.modules.get(request.__module__), request.__name__
    message = getattr(module, name.removesuffix("Request").removesuffix("Response"), None)
    if isinstance(message, type) and issubclass(message, Message) and request in payload_types(message):
        if request is not payload_types(message).request:
            return None
        _expect_same(message, registered)
        return _params
    return None if request.__module__ in _STANDARD else _params


def _is_context(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, RequestContext)


def _message_in(context: Any) -> Any:
    """Return the first argument of `HandlerContext[...]`; None for a plain one."""
    return next(iter(get_args(context)), None)


def _is_same(kind: Any, registered: Registered) -> bool:
    """Return True unless a class of messages or models has another action or version than the handler."""
    action, protocol = getattr(kind, "action", None), getattr(kind, "protocol", None)
    if not isinstance(action, str):  # `Any`, or a message without facts
        return True
    return action == registered.action and registered.version in (None, protocol)


def _expect_same(kind: Any, registered: Registered) -> None:
    if not _is_same(kind, registered):
        raise TypeError(f"expected a handler of {registered}, got one that asks for {kind.action} of {kind.protocol}")
