"""Outcomes as JSON text, for stores."""

from dataclasses import fields
from typing import Any, Final

from ocpp_core._json import dumps, loads

from .outcomes import (
    MessageAnswered,
    MessageDropped,
    MessageNotSent,
    MessageOutcome,
    MessageRefused,
    MessageUnknown,
    NotSentReason,
    UnknownReason,
)

__all__ = ["read_outcome", "write_outcome"]

_OUTCOMES: Final = {
    each.__name__: each for each in (MessageAnswered, MessageRefused, MessageNotSent, MessageDropped, MessageUnknown)
}


def write_outcome(outcome: MessageOutcome) -> str:
    """Return an outcome as text."""
    values = [getattr(outcome, each.name) for each in fields(outcome) if each.init]
    return dumps([type(outcome).__name__, *values])


def read_outcome(text: object) -> Any:
    """Return the outcome that was written; its fields are not checked.

    Raises TypeError, ValueError or LookupError for another text.
    """
    if not isinstance(text, str):
        raise TypeError("expected an outcome as text")
    name, *values = loads(text)
    cls = _OUTCOMES[name]
    if cls is MessageNotSent:
        values = [NotSentReason(values[0])]
    elif cls is MessageUnknown:
        values = [UnknownReason(values[0])]
    return cls(*values)
