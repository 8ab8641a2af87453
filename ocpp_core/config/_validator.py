"""The interface of strict mode: what checks the payloads of a protocol."""

from collections.abc import Callable
from enum import Enum
from typing import Any, Literal, Protocol, TypeAlias

from ocpp_core._dataclasses import dataclass
from ocpp_core.versions import ErrorCode

__all__ = ["BrokenRule", "Effect", "FindRemedy", "Kind", "Remedy", "Validator", "Violation"]

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


@dataclass(frozen=True, slots=True)
class BrokenRule:
    """A rule of a schema that a value of a payload breaks."""

    steps: tuple[str | int, ...]
    """The names of members and the indexes of elements that lead to the value. For `required` and
    `additionalProperties` the missing or unknown member is the last one."""
    keyword: str
    """The keyword of JSON Schema."""
    demand: Any
    """The value of the keyword in the schema."""
    value: Any
    """The value that breaks the rule; for `required` the object that lacks the member."""

    @property
    def path(self) -> tuple[str, ...]:
        """The names of the members that lead to the value, without the indexes of arrays."""
        return tuple(step for step in self.steps if isinstance(step, str))


class Effect(Enum):
    """What happens to a value that breaks a rule."""

    KEEP = "keep"
    """It is delivered as it was received."""
    DROP = "drop"
    """The member is left out."""
    REPLACE = "replace"
    """Another value takes its place, and is checked in turn."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """What is done about a broken rule."""

    effect: Effect
    """What happens to the value."""
    value: Any = None
    """The new value, for `Effect.REPLACE`."""


FindRemedy: TypeAlias = Callable[[BrokenRule], Remedy | None]
"""Returns what is done about a broken rule; None if the payload is refused for it."""


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

    def mend(self, kind: Kind, action: str, payload: object, find: FindRemedy) -> Any:
        """Return a refused payload as it may be delivered; None if it stays refused.

        Args:
            kind: The type of the message, which selects the schema.
            action: The action of the message.
            payload: The payload; it is not changed.
            find: Returns what is done about each broken rule.
        """
