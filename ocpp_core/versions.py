"""The differences between the OCPP versions, as data."""

from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from ._dataclasses import dataclass
from .messages import MessageType

__all__ = ["OCPP16", "OCPP21", "OCPP201", "ErrorCode", "Version", "canonical_code", "version_of"]


class ErrorCode(StrEnum):
    """The RPC error codes in the spelling of OCPP 2.x (Part 4 table 8).

    `Version.spell` returns other spellings.
    """

    NOT_IMPLEMENTED = "NotImplemented"
    """The receiver does not know the action."""
    NOT_SUPPORTED = "NotSupported"
    """The receiver knows the action but does not support it."""
    INTERNAL_ERROR = "InternalError"
    """An internal error occurred while the receiver processed the action."""
    PROTOCOL_ERROR = "ProtocolError"
    """The payload does not conform to the structure of the action."""
    SECURITY_ERROR = "SecurityError"
    """A security issue prevented the receiver from completing the action."""
    FORMAT_VIOLATION = "FormatViolation"
    """The payload is syntactically incorrect."""
    PROPERTY_CONSTRAINT_VIOLATION = "PropertyConstraintViolation"
    """A field has a value that is not allowed."""
    OCCURRENCE_CONSTRAINT_VIOLATION = "OccurrenceConstraintViolation"
    """A field is missing or occurs too often."""
    TYPE_CONSTRAINT_VIOLATION = "TypeConstraintViolation"
    """A field has the wrong data type."""
    GENERIC_ERROR = "GenericError"
    """Any error that no other code covers."""
    MESSAGE_TYPE_NOT_SUPPORTED = "MessageTypeNotSupported"
    """The receiver does not support the message type. OCPP 1.6 has no such code."""
    RPC_FRAMEWORK_ERROR = "RpcFrameworkError"
    """The message is not a valid RPC request. OCPP 1.6 has no such code."""


# OCPP-J 1.6 errata 5.1 and 5.2: both misspellings are known and deliberately kept on the wire. The two codes that 1.6
# does not have become GenericError, "any other error" in its table 7.
_SPELLING_16: Final[Mapping[str, str]] = MappingProxyType(
    {
        ErrorCode.FORMAT_VIOLATION: "FormationViolation",
        ErrorCode.OCCURRENCE_CONSTRAINT_VIOLATION: "OccurenceConstraintViolation",
        ErrorCode.MESSAGE_TYPE_NOT_SUPPORTED: "GenericError",
        ErrorCode.RPC_FRAMEWORK_ERROR: "GenericError",
    }
)
_SPELLING_2X: Final[Mapping[str, str]] = MappingProxyType(
    {
        "FormationViolation": ErrorCode.FORMAT_VIOLATION.value,
        "OccurenceConstraintViolation": ErrorCode.OCCURRENCE_CONSTRAINT_VIOLATION.value,
    }
)
_CANONICAL: Final[Mapping[str, ErrorCode]] = MappingProxyType(
    {code.value: code for code in ErrorCode}
    | {
        "FormationViolation": ErrorCode.FORMAT_VIOLATION,
        "OccurenceConstraintViolation": ErrorCode.OCCURRENCE_CONSTRAINT_VIOLATION,
    }
)
_CLASSIC: Final = frozenset({MessageType.CALL.value, MessageType.CALLRESULT.value, MessageType.CALLERROR.value})


def canonical_code(raw: str) -> ErrorCode | None:
    """Return the error code for any version's spelling.

    None for a code that no version knows.
    """
    return _CANONICAL.get(raw)


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """The rules of one subprotocol."""

    name: str
    """The WebSocket subprotocol, e.g. `ocpp1.6`."""
    message_types: frozenset[int] = _CLASSIC
    """Known message types; all others are unknown types."""
    send_actions: frozenset[str] = frozenset()
    """Actions that are sent as SEND (2.1 Part 4 §4.2.4)."""
    spelling: Mapping[str, str] = field(default_factory=lambda: _SPELLING_2X)
    """Error codes whose spelling on the wire differs from the canonical one."""
    answers_unreadable: bool = True
    """True to answer a message without a readable ID with a CALLERROR with ID "-1" (2.0.1 Part 4 §4.2.3)."""
    answers_unknown_type: bool = False
    """True to answer an unknown message type with MessageTypeNotSupported (2.0.1 Part 4 §4.4), False to ignore it."""

    refuses_used_ids: bool = True
    """True to refuse a CALL with the ID of another one that was answered on the connection (2.1 Part 4 §4.1.4).

    False accepts it: some 1.6 stations in the field restart their IDs at one, or always use the same ID.
    """

    def spell(self, code: str) -> str:
        """Return an error code in this version's spelling; an unknown code unchanged."""
        return self.spelling.get(code) or str(code)

    @property
    def reports_bad_results(self) -> bool:
        """True if an unusable CALLRESULT may be answered with a CALLRESULTERROR (2.1 Part 4 §4.2.3)."""
        return MessageType.CALLRESULTERROR.value in self.message_types


OCPP16: Final = Version(name="ocpp1.6", spelling=_SPELLING_16, answers_unreadable=False, refuses_used_ids=False)
"""The rules of OCPP 1.6 (subprotocol `ocpp1.6`)."""
OCPP201: Final = Version(name="ocpp2.0.1", answers_unknown_type=True)
"""The rules of OCPP 2.0.1 (subprotocol `ocpp2.0.1`)."""
OCPP21: Final = Version(
    name="ocpp2.1",
    message_types=_CLASSIC | {MessageType.CALLRESULTERROR.value, MessageType.SEND.value},
    send_actions=frozenset({"NotifyPeriodicEventStream"}),
)
"""The rules of OCPP 2.1 (subprotocol `ocpp2.1`)."""


def version_of(subprotocol: str, custom: Iterable[Version] = ()) -> Version:
    """Return the rules of a subprotocol, first from `custom`.

    A subprotocol that is neither in `custom` nor an OCPP version gets the rules of OCPP 2.0.1 with its own name.
    """
    for version in (*custom, OCPP16, OCPP201, OCPP21):
        if version.name == subprotocol:
            return version
    return replace(OCPP201, name=subprotocol)
