"""The three messages of OCPP-J: read, write and validate them."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, is_dataclass
from decimal import Decimal
from math import isfinite
from typing import Any, Final, TypeAlias

from ocpp_core._json import MAX_DEPTH, is_deeper
from ocpp_core.config import Kind
from ocpp_core.messages import Frame, Leniency, decode

from ._conversion._documents import published_schema
from ._conversion._faults import error_of
from ._conversion._payloads import with_decimals, without_decimals
from ._conversion._rules import VersionRules, rules_of
from .exceptions import (
    FormatViolationError,
    NotImplementedError,
    OCPPError,
    PropertyConstraintViolationError,
    ProtocolError,
    UnknownCallErrorCodeError,
    ValidationError,
    code_of,
    error_class,
)

__all__ = [
    "ASYNC_VALIDATION",
    "Call",
    "CallError",
    "CallResult",
    "MessageType",
    "get_validator",
    "pack",
    "unpack",
    "validate_payload",
]

ASYNC_VALIDATION = True
"""Accepted, without effect: a validation takes microseconds and needs no thread."""

_DECIMAL_ACTIONS: Final = frozenset(
    {("call", "SetChargingProfile"), ("call", "RemoteStartTransaction"), ("result", "GetCompositeSchedule")}
)
"""Messages of OCPP 1.6 whose numbers are converted to Decimal when they are validated."""


class MessageType:
    """The numbers of the message types."""

    Call = 2
    """A request."""
    CallResult = 3
    """The response to a request."""
    CallError = 4
    """The response to a request that failed."""


class _DecimalEncoder(json.JSONEncoder):
    """Writes a Decimal with one digit, and an object that has `to_json` as the text that it returns."""

    def default(self, o: Any) -> Any:
        if isinstance(o, Decimal):
            return float(f"{o:.1f}")
        if hasattr(o, "to_json"):
            return o.to_json()
        return super().default(o)


_write: Final = _DecimalEncoder(separators=(",", ":"), allow_nan=False).encode


class Call:
    """A request: `[2, unique_id, action, payload]`.

    A dataclass as payload becomes a dict with the names of its fields.
    """

    message_type_id = 2
    """The number of the message type."""
    received_on: Any = None
    """The connection that received it, and gets the answer; None for one that was not received."""

    def __init__(self, unique_id: Any, action: str, payload: Any) -> None:
        self.unique_id = unique_id
        """The message ID."""
        self.action = action
        """The action."""
        self.payload: Any = asdict(payload) if is_dataclass(payload) and not isinstance(payload, type) else payload
        """The payload as a dict."""

    def to_json(self) -> str:
        """Return the text of the message, in ASCII.

        Raises:
            TypeError: JSON cannot express a type in the payload.
            ValueError: JSON cannot express a value in the payload.
        """
        return _write([self.message_type_id, self.unique_id, self.action, self.payload])

    def create_call_result(self, payload: Any) -> "CallResult":
        """Return the answer with a payload."""
        return CallResult(self.unique_id, payload, self.action)

    def create_call_error(self, exception: BaseException) -> "CallError":
        """Return the CALLERROR for an exception.

        An `OCPPError` is sent with its code, description and details; any other exception as InternalError, without its
        text.
        """
        if not isinstance(exception, OCPPError):
            return CallError(self.unique_id, "InternalError", "An unexpected error occurred.", {})
        return CallError(self.unique_id, code_of(exception), exception.description, exception.details)

    def __repr__(self) -> str:
        return f"<Call - unique_id={self.unique_id}, action={self.action}, payload={self.payload}>"


class CallResult:
    """The answer to a request: `[3, unique_id, payload]`.

    `action` is not sent; validation needs it.
    """

    message_type_id = 3
    """The number of the message type."""

    def __init__(self, unique_id: Any, payload: Any, action: str | None = None) -> None:
        self.unique_id = unique_id
        """The message ID."""
        self.payload = payload
        """The payload as a dict."""
        self.action = action
        """The action of the request; None if it is not known."""

    def to_json(self) -> str:
        """Return the text of the message, in ASCII.

        Raises:
            TypeError: JSON cannot express a type in the payload.
            ValueError: JSON cannot express a value in the payload.
        """
        return _write([self.message_type_id, self.unique_id, self.payload])

    def __repr__(self) -> str:
        return f"<CallResult - unique_id={self.unique_id}, action={self.action}, payload={self.payload}>"


class CallError:
    """The answer to a request that failed: `[4, unique_id, error_code, error_description, error_details]`."""

    message_type_id = 4
    """The number of the message type."""

    def __init__(self, unique_id: Any, error_code: str, error_description: Any, error_details: Any = None) -> None:
        self.unique_id = unique_id
        """The message ID."""
        self.error_code = error_code
        """The error code."""
        self.error_description = error_description
        """The errorDescription."""
        self.error_details: Any = {} if error_details is None else error_details
        """The errorDetails."""

    def to_json(self) -> str:
        """Return the text of the message, in ASCII.

        Raises:
            TypeError: JSON cannot express a type in the payload.
            ValueError: JSON cannot express a value in the payload.
        """
        return _write(
            [self.message_type_id, self.unique_id, self.error_code, self.error_description, self.error_details]
        )

    def to_exception(self) -> OCPPError:
        """Return the exception for the error code, an `OCPPError`.

        Both spellings of a code are caught by either of its classes.

        Raises:
            UnknownCallErrorCodeError: No subclass has the code.
        """
        error = error_class(self.error_code)
        if error is None:
            raise UnknownCallErrorCodeError(f"expected an error code of OCPP, got {self.error_code!r}")
        return error(description=self.error_description, details=self.error_details)

    def __repr__(self) -> str:
        return (
            f"<CallError - unique_id={self.unique_id}, error_code={self.error_code}, "
            f"error_description={self.error_description}, error_details={self.error_details}>"
        )


Message: TypeAlias = Call | CallResult | CallError

_CLASSES: Final[dict[int, Callable[..., Message]]] = {2: Call, 3: CallResult, 4: CallError}
_LENIENT: Final = Leniency(long_ids=True)


def unpack(msg: str | bytes) -> Message:
    """Return the message of a text.

    Raises:
        FormatViolationError: The text is malformed JSON, or has more than 128 levels of brackets.
        PropertyConstraintViolationError: The message type is not 2, 3 or 4.
        ProtocolError: The text is not an array, has too few or too many elements, an ID that is neither a text nor a
            number, or an action that is not a text.
    """
    if isinstance(msg, str):
        frame = decode(msg, _CLASSES.keys(), _LENIENT)
        if type(frame) is list:
            return _CLASSES[frame[0]](*frame[1:])
    return _unpack_unusual(msg)


def _unpack_unusual(msg: str | bytes) -> Message:
    """Return the message of bytes, with a number as ID or a payload of a wrong type, or raise."""
    frame = _parsed(msg)
    if not isinstance(frame, list):
        raise ProtocolError(details={"cause": f"expected a JSON array, got {type(frame).__name__}"})
    if not frame:
        raise ProtocolError(details={"cause": "Message does not contain MessageTypeId"})
    if type(frame[0]) is not int or frame[0] not in _CLASSES:
        raise PropertyConstraintViolationError(details={"cause": "MessageTypeId isn't valid"})
    if problem := _problem(frame):
        raise ProtocolError(details={"cause": problem})
    return _CLASSES[frame[0]](*frame[1:])


def _parsed(msg: str | bytes) -> Any:
    """Return the value of a text. Raises FormatViolationError if it is malformed or nested too deeply."""
    text = msg if isinstance(msg, str) else bytes(msg).decode(errors="replace")
    with suppress(ValueError, RecursionError):
        if not is_deeper(text, MAX_DEPTH):  # the log, the handlers and the search for a fault recurse
            return json.loads(msg)
    raise FormatViolationError(details={"cause": "Message is not valid JSON", "ocpp_message": msg})


def _problem(frame: Frame) -> str | None:
    """Return what is wrong with the elements of a message, or None."""
    if len(frame) not in {2: (4,), 3: (3,), 4: (4, 5)}[frame[0]]:
        return "Message is missing elements." if len(frame) < 4 else "Message has too many elements."
    if not _is_id(frame[1]):
        return "expected a text or a number as message ID"
    if frame[0] != MessageType.CallResult and not isinstance(frame[2], str):
        return "expected a text as third element"
    return None


def _is_id(value: object) -> bool:
    """Return True for a message ID that can be written into an answer."""
    if isinstance(value, float):
        return isfinite(value)
    return isinstance(value, (str, int)) and not isinstance(value, bool)


def pack(msg: Message) -> str:
    """Return the text of a message, as its `to_json` does."""
    return msg.to_json()


class PayloadValidator:
    """The check of the payloads of one message. `schema` is the JSON schema as the OCA publishes it."""

    def __init__(self, rules: VersionRules, kind: Kind, action: str) -> None:
        title = f"{action}{'Request' if kind == 'call' else 'Response'}"
        self.schema: dict[str, Any] = published_schema(rules.validator.schema(kind, action) or {}, title)
        self._check = rules.validator.check_call if kind == "call" else rules.validator.check_result
        self._action = action

    def is_valid(self, instance: object) -> bool:
        """Return True if a payload conforms to the schema."""
        return self._check(self._action, instance) is None

    def validate(self, instance: object) -> None:
        """Raise ValidationError unless a payload conforms to the schema."""
        violation = self._check(self._action, instance)
        if violation is not None:
            raise ValidationError(violation.description)


_validators: dict[str, PayloadValidator] = {}


def get_validator(
    message_type_id: int, action: str, ocpp_version: str, parse_float: Callable[[str], object] = float
) -> PayloadValidator:
    """Return the validator of a message; it is kept for the next time.

    Args:
        message_type_id: 2 for a request, 3 for its answer.
        action: the name of the action.
        ocpp_version: "1.6", "2.0.1" or "2.1".
        parse_float: not used: numbers are always compared by their decimal digits.

    Returns:
        An object with `schema`, `validate(payload)` and `is_valid(payload)`.

    Raises:
        ValueError: the version is unknown.
        OSError: the version has no such message.
    """
    del parse_float
    rules = rules_of(ocpp_version)
    kind: Kind = "call" if message_type_id == MessageType.Call else "result"
    name = action + ("Response" if kind == "result" else "" if ocpp_version == "1.6" else "Request")
    key = f"{name}_{ocpp_version}"
    if key not in _validators:
        if rules.validator.schema(kind, action) is None:
            raise FileNotFoundError(f"expected a message of OCPP {ocpp_version}, got {name!r}")
        _validators[key] = PayloadValidator(rules, kind, action)
    return _validators[key]


async def validate_payload(message: Call | CallResult, ocpp_version: str) -> None:
    """Validate the payload of a request or of an answer.

    For OCPP 1.6, the numbers of SetChargingProfile, of RemoteStartTransaction and of the answer to GetCompositeSchedule
    are replaced by Decimals.

    Args:
        message: the message; an answer needs its `action`.
        ocpp_version: "1.6", "2.0.1" or "2.1".

    Raises:
        OCPPError: the payload violates its schema; a subclass for the kind of the fault, or NotImplementedError for an
            action that the version does not have.
        ValidationError: the message is neither a `Call` nor a `CallResult`.
        ValueError: the version is unknown.
    """
    _validate_payload(message, ocpp_version)


def _validate_payload(message: Call | CallResult, ocpp_version: str) -> None:
    if type(message) is Call:
        kind: Kind = "call"
    elif type(message) is CallResult:
        kind = "result"
    else:
        raise ValidationError(f"expected a Call or a CallResult, got {type(message).__name__}")
    action = message.action if isinstance(message.action, str) else ""
    validator = rules_of(ocpp_version).validator
    if not validator.has(action):
        raise NotImplementedError(details={"cause": f"Failed to validate action: {action[:100]}"})
    check = validator.check_call if kind == "call" else validator.check_result
    if check(action, message.payload) is not None:
        payload = without_decimals(message.payload)
        if check(action, payload) is not None:
            document = validator.schema(kind, action) or {}
            raise error_of(document, kind, message, payload, is_v16=ocpp_version == "1.6")
    if ocpp_version == "1.6" and (kind, action) in _DECIMAL_ACTIONS:
        message.payload = with_decimals(message.payload)
