"""Typed messages and models as the arguments of outbound calls and SENDs."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from ocpp_core.typed.message import Message, payload_types
from ocpp_core.typed.model import RequestModel, ResponseModel
from ocpp_transports._handlers._models import is_model, request_of
from ocpp_transports._handlers._table import is_message_class

__all__ = ["ObjectCall", "SendRequest", "read_object", "read_send"]


class ObjectCall(NamedTuple):
    """A call whose arguments are not plain: the version and the action, or the action; and the dict."""

    names: tuple[str, ...]
    params: Mapping[str, Any]
    response: type[ResponseModel[Any]] | None = None


class _Typed(NamedTuple):
    """The content of a message or of a request model."""

    message: type[Message[Any, Any]]
    params: Mapping[str, Any]
    response: type[ResponseModel[Any]] | None


def _typed(args: tuple[Any, ...]) -> _Typed | None:
    """Read a message or a request model as the one argument; None for other arguments."""
    request = args[0] if len(args) == 1 else None
    if isinstance(request, RequestModel) and hasattr(request, "message_type"):
        return _Typed(request.message_type, request.to_wire(), request.response_type)
    if isinstance(request, Message) and is_message_class(type(request)):
        return _Typed(type(request), request.params, None)
    return None


def read_object(args: tuple[Any, ...]) -> ObjectCall:
    """Read a message, a request model, or a model after the names. Raises TypeError for anything else."""
    typed = _typed(args)
    if typed is not None:
        _expect_call(typed.message)
        return ObjectCall((typed.message.protocol, typed.message.action), typed.params, typed.response)
    *names, model = args or (None,)
    if 1 <= len(names) <= 2 and all(isinstance(name, str) and name for name in names) and is_model(model):
        return ObjectCall(tuple(names), request_of(model, names[-1]))
    raise TypeError(
        "expected a message, or an action and a dict of parameters, optionally after a protocol, "
        f"got {_kinds(args)}{_advice(args)}"
    )


class SendRequest(NamedTuple):
    """A SEND as the application made it: `protocol` is None unless it is for that version only."""

    protocol: str | None
    action: str
    params: Mapping[str, Any]


def read_send(args: tuple[Any, ...]) -> SendRequest:
    """Read `(message)`, `(request model)` or `(action, params)`. Raises TypeError for anything else."""
    typed = _typed(args)
    if typed is not None:
        _expect_send(typed.message)
        return SendRequest(typed.message.protocol, typed.message.action, typed.params)
    if len(args) == 2:
        action, params = args
        return SendRequest(None, action, request_of(params, action) if is_model(params) else params)
    raise TypeError(f"expected a message, or an action and a dict of parameters, got {_kinds(args)}{_advice(args)}")


def _expect_call(message: type[Message[Any, Any]]) -> None:
    if _is_send(message):
        raise TypeError(f"cannot call {message.action}: it is a SEND in {message.protocol}; use notify instead")


def _expect_send(message: type[Message[Any, Any]]) -> None:
    if not _is_send(message):
        raise TypeError(f"cannot notify {message.action}: it is a CALL in {message.protocol}; use call instead")


def _is_send(message: type[Message[Any, Any]]) -> bool:
    return _has_no_response(message)  # type: ignore[arg-type]  # mypy: a class has no hash if its objects have none


@lru_cache(maxsize=256)  # it looks for the declaration of the class, which takes longer than reading the call
def _has_no_response(message: type[Any]) -> bool:
    return payload_types(message).response in {None, type(None)}


def _kinds(args: tuple[Any, ...]) -> str:
    """Return the given arguments as text, without payloads."""
    return f"({', '.join(repr(arg) if isinstance(arg, str) else type(arg).__name__ for arg in args)})"


def _advice(args: tuple[Any, ...]) -> str:
    """Return what to do about a class in the place of its object, and about an object after its own action."""
    if args and isinstance(args[0], type) and issubclass(args[0], RequestModel):
        return f"; make a model of the class first: {args[0].__name__}(...)"
    if args and is_message_class(args[0]):
        name = args[0].__name__
        return f"; make a message of the class first: {name}(...), or {name}.of({{...}})"
    if any(isinstance(arg, Message) for arg in args):
        return "; a message is the only argument: it has its action, its version and its parameters"
    return ""
