"""The interface of strict mode: what checks the payloads of a protocol."""

from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

from ocpp_core.versions import ErrorCode

__all__ = ["Kind", "Validator", "Violation"]

Kind: TypeAlias = Literal["call", "result", "send"]
"""The message type of a schema: CALL, CALLRESULT or SEND."""


@dataclass(frozen=True, slots=True)
class Violation:
    """The rule that a payload breaks.

    It is an error code and at most 255 characters that name the path and the rule. No field has a value of the payload.
    A validator of the application may leave all fields after `description` empty.
    """

    code: ErrorCode
    """The error code for the peer, in the spelling of OCPP 2.x."""
    description: str
    """What breaks the schema, and where."""
    keyword: str = ""
    """The keyword of JSON Schema, for example `maxLength`; empty if it is not known."""
    pointer: str = ""
    """Where the payload breaks it, as a JSON Pointer (RFC 6901): `/meterValue/0/timestamp`. Empty for the payload
    itself. A name that the peer invented is `?` unless it is short and plain. Beyond 120 characters it begins with
    `...` instead."""
    expected: str = ""
    """The value of the keyword in the schema, shortened: `20`."""
    got: str = ""
    """The type and length of what the payload has there: `string of 27 characters`."""


class Validator(Protocol):
    """A validator of payloads for one protocol.

    It never refuses an action that it does not know.
    """

    def has(self, action: str) -> bool:
        """Return True if there is a schema for the action."""

    def check_call(self, action: str, payload: object) -> Violation | None:
        """Check the payload of a CALL."""

    def check_result(self, action: str, payload: object) -> Violation | None:
        """Check the payload of a CALLRESULT."""

    def check_send(self, action: str, payload: object) -> Violation | None:
        """Check the payload of a SEND."""

    def without_nulls(self, kind: Kind, action: str, payload: object) -> Any:
        """Return a payload without the members that are null although the schema does not allow null.

        Args:
            kind: The type of the message, which selects the schema.
            action: The action of the message.
            payload: The payload; it is not changed.
        """
