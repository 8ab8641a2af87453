"""Outbound calls and SENDs as the application writes them: their arguments."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from ocpp_core.inputs import StartCall
from ocpp_core.typed.message import Message, payload_types
from ocpp_transports._handlers._models import is_model, payload_of
from ocpp_transports._handlers._table import is_message_class

from ._call_options import DEFAULTS, CallOptions, read_options

__all__ = ["CallRequest", "SendRequest", "read_request", "read_send"]


class CallRequest(NamedTuple):
    """A call as the application made it: `protocol` is None unless the call is for that version only."""

    protocol: str | None
    action: str
    params: Mapping[str, Any]
    options: CallOptions
    urgent: bool = False

    def command(self, token: int) -> StartCall:
        """Return the engine's command for one attempt."""
        options = self.options
        return StartCall(
            token,
            self.action,
            self.params,
            timeout=options.timeout,
            ttl=options.ttl,
            message_id=options.message_id,
            validate=options.validate,
            protocol=self.protocol,
            urgent=self.urgent,
        )


def read_request(args: tuple[Any, ...], options: Mapping[str, Any], *, urgent: bool = False) -> CallRequest:
    """Read `(message)`, `(action[, params])` or `(protocol, action[, params])`, and the options.

    Raises TypeError for anything else, and the errors of `CallOptions`.
    """
    *names, params = args if args and isinstance(args[-1], Mapping) else (*args, {})
    if not 1 <= len(names) <= 2 or not all(isinstance(name, str) and name for name in names):
        *names, params = _read_object(args)
    protocol = names[0] if len(names) == 2 else None
    return CallRequest(protocol, names[-1], params, read_options(options) if options else DEFAULTS, urgent)


def _read_object(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Read a message, or a model after the names, as names and a dict."""
    match args:
        case (Message() as message,):
            _expect_call(message)
            return message.protocol, message.action, message.params
        case (str(), model) | (str(), str(), model) if is_model(model) and all(args[:-1]):
            return *args[:-1], payload_of(model)
    raise TypeError(
        "expected a message, or an action and a dict of parameters, optionally after a protocol, "
        f"got {_kinds(args)}{_advice(args)}"
    )


def _expect_call(message: Message[Any, Any]) -> None:
    if _is_send(message):
        raise TypeError(f"cannot call {message.action}: it is a SEND in {message.protocol}; use notify instead")


def _is_send(message: Message[Any, Any]) -> bool:
    return payload_types(type(message)).response in {None, type(None)}


def _kinds(args: tuple[Any, ...]) -> str:
    """Return the given arguments as text, without payloads."""
    return f"({', '.join(repr(arg) if isinstance(arg, str) else type(arg).__name__ for arg in args)})"


def _advice(args: tuple[Any, ...]) -> str:
    """Return what to do about a class of messages in the place of a message."""
    if args and is_message_class(args[0]):
        name = args[0].__name__
        return f"; make a message of the class first: {name}(...), or {name}.of({{...}})"
    return ""


class SendRequest(NamedTuple):
    """A SEND as the application made it: `protocol` is None unless it is for that version only."""

    protocol: str | None
    action: str
    params: Mapping[str, Any]


def read_send(args: tuple[Any, ...]) -> SendRequest:
    """Read `(message)` or `(action, params)`. Raises TypeError for anything else."""
    match args:
        case (Message() as message,):
            if not _is_send(message):
                raise TypeError(f"cannot notify {message.action}: it is a CALL in {message.protocol}; use call instead")
            return SendRequest(message.protocol, message.action, message.params)
        case (action, params):
            return SendRequest(None, action, payload_of(params) if is_model(params) else params)
    raise TypeError(f"expected a message, or an action and a dict of parameters, got {_kinds(args)}{_advice(args)}")
