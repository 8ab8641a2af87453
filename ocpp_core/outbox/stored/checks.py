"""The check of what a store has read: a fault of the disk, or another program, may have put anything into its rows.

A value that no version writes must be found at the opening. Later it would raise inside the engine, at each start.
"""

from collections.abc import Iterator
from dataclasses import fields
from typing import Final

from ocpp_core._json import loads
from ocpp_core.messages import MAX_ID_LENGTH

from .outcomes import MessageAnswered, MessageOutcome, MessageRefused
from .records import Binding, KeptOutcome, OutboxRecord, ReplaceAll

__all__ = ["expect_readable"]

_EMPTY: Final = "{}"


def expect_readable(state: ReplaceAll) -> None:
    """Raise TypeError or ValueError for a value that no store writes, RecursionError for JSON nested too deeply."""
    for record in state.records:
        _expect_types(record)
        _expect_record(record)
    others: tuple[Binding | KeptOutcome, ...] = (*state.bindings, *state.outcomes)
    for row in others:
        _expect_types(row)
    for outcome in _outcomes_in(state):
        _expect_outcome(outcome)


def _expect_types(part: OutboxRecord | Binding | KeptOutcome | MessageOutcome) -> None:
    """Compare the values with the types of their fields: SQLite keeps any value in any column."""
    for each in fields(part):
        if not isinstance(getattr(part, each.name), each.type):  # type: ignore[arg-type]  # classes and unions of them
            raise TypeError(each.name)


def _expect_record(record: OutboxRecord) -> None:
    if not record.action or (record.message_id is not None and not 1 <= len(record.message_id) <= MAX_ID_LENGTH):
        raise ValueError("expected an action, and a message ID that can be sent")
    # A transaction ID is written before the first member.
    if record.payload != _EMPTY and not record.payload.startswith('{"'):
        raise ValueError("expected a payload as it is encoded")
    _expect_object(record.payload)


def _outcomes_in(state: ReplaceAll) -> Iterator[MessageOutcome]:
    yield from (record.failure for record in state.records if record.failure is not None)
    yield from (kept.outcome for kept in state.outcomes)


def _expect_outcome(outcome: MessageOutcome) -> None:
    _expect_types(outcome)
    if isinstance(outcome, MessageAnswered) and outcome.text:
        _expect_object(outcome.text)
    elif isinstance(outcome, MessageRefused):
        _expect_object(outcome.details)


def _expect_object(text: str) -> None:
    if not isinstance(loads(text), dict):
        raise ValueError("expected a JSON object")
