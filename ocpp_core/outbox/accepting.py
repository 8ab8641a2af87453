"""A command becomes a record: its arguments are checked, and its payload is encoded.

The payload is frozen at this time. A peer recognizes a repeated StartTransaction by its content, so the time stamp must
be that of the event. Only `transactionId` is filled in at each transmission, from the response to the start.
"""

from collections.abc import Mapping
from math import inf
from types import NoneType
from typing import Any, Final

from ocpp_core.config import Range
from ocpp_core.messages import encode_payload, is_unicode

from .commands import Enqueue
from .settings import OutboxConfig
from .stored.records import Lane, OutboxRecord

__all__ = ["BOOT", "START", "is_droppable", "lane_of", "make_record"]

BOOT: Final = "BootNotification"
START: Final = "StartTransaction"
"""The action whose response has the transaction ID (OCPP 1.6)."""
_BOOT: Final = "BootNotification"
"""The action that precedes all others: the rest waits for its response."""
_TRANSACTIONS: Final = frozenset({START, "StopTransaction", "TransactionEvent"})
_MAX_NAME: Final = 255
_POSITIVE: Final = Range(0, excludes_least=True, unit="seconds")
_WAIT: Final = Range(0, unit="seconds")
_ATTEMPTS: Final = Range(0, 1_000_000, unit="transmissions")
_TYPES: Final = {
    "transaction": (int, NoneType),
    "last": (bool,),
    "droppable": (bool, NoneType),
    "urgent": (bool, NoneType),
    "resend": (bool, NoneType),
}


def lane_of(action: str, payload: Mapping[str, Any], config: OutboxConfig) -> Lane:
    """Return the lane of a message: the transaction lane for those that 1.6 §3.7, 2.x and `config.ordered` name.

    A MeterValues with a `connectorId` is one of OCPP 1.6, where it is about transactions; the one of 2.x is not.
    """
    is_metering = action == "MeterValues" and "connectorId" in payload
    is_ordered = action in _TRANSACTIONS or is_metering or action in config.ordered
    return Lane.TRANSACTION if is_ordered else Lane.OTHER


def is_droppable(action: str, payload: Mapping[str, Any]) -> bool:
    """Return True for messages amid a transaction: MeterValues of 1.6, and TransactionEvents of 2.x with Updated."""
    return action == "MeterValues" or (action == "TransactionEvent" and payload.get("eventType") == "Updated")


def make_record(
    command: Enqueue,
    ticket: int,
    config: OutboxConfig,
    wall: float,
    *,
    is_online: bool,
) -> OutboxRecord:
    """Check a command and encode its payload.

    Args:
        command: The command.
        ticket: The ticket of the record.
        config: The settings for what the command leaves open.
        wall: The wall-clock time now, in seconds.
        is_online: False to mark a TransactionEvent of 2.x as made offline.

    Raises:
        TypeError: An argument has a wrong type, or the payload is not a dict of JSON values.
        ValueError: An argument is out of range, or the arguments contradict each other.
    """
    _check(command)
    lane = lane_of(command.action, command.payload, config) if command.lane is None else Lane(command.lane)
    urgent = (command.action == _BOOT and lane is Lane.OTHER) if command.urgent is None else command.urgent
    _check_lane(command, lane, urgent)
    droppable = command.droppable
    ttl = config.ttl if command.ttl is None else command.ttl
    return OutboxRecord(
        ticket=ticket,
        action=command.action,
        payload=encode_payload(_frozen(command, is_online)),
        lane=lane,
        accepted_at=wall,
        key=command.key,
        name=command.replaces,
        start=command.transaction,
        last=command.last,
        droppable=is_droppable(command.action, command.payload) if droppable is None else droppable,
        urgent=urgent,
        attempts=command.attempts,
        interval=command.interval,
        resend=config.resend if command.resend is None else command.resend,
        expires_at=wall + ttl,
        deadline_at=wall + (inf if command.deadline is None else command.deadline),
        protocol=command.protocol,
        peer=command.peer,
    )


def _check(command: Enqueue) -> None:
    if not isinstance(command.action, str) or not command.action or not is_unicode(command.action):
        raise TypeError(f"expected an action name, got {command.action!r}")
    if not isinstance(command.payload, dict):
        raise TypeError(f"expected a dict as payload, got {type(command.payload).__name__}")
    for what, name in (("key", command.key), ("replaces", command.replaces), ("protocol", command.protocol)):
        if name is not None and not (isinstance(name, str) and 1 <= len(name) <= _MAX_NAME and is_unicode(name)):
            raise ValueError(f"expected {what} as a text of 1 to {_MAX_NAME} characters, got {name!r}")
    _check_types(command)
    _check_number("ttl", command.ttl, _POSITIVE)
    _check_number("deadline", command.deadline, _POSITIVE)
    _check_number("interval", command.interval, _WAIT)
    attempts = command.attempts
    if attempts is not None and (attempts not in _ATTEMPTS or not isinstance(attempts, int)):
        raise ValueError(f"expected attempts {_ATTEMPTS}, got {attempts!r}")


def _check_types(command: Enqueue) -> None:
    """Raise TypeError for what a store could not write, or would read as something else."""
    for what, types in _TYPES.items():
        if not isinstance(value := getattr(command, what), types):
            names = " or ".join("None" if each is NoneType else each.__name__ for each in types)
            raise TypeError(f"expected {what} as {names}, got {value!r}")


def _check_lane(command: Enqueue, lane: Lane, urgent: bool) -> None:
    if urgent and lane is Lane.TRANSACTION:
        raise ValueError("expected urgent=False for a message of the transaction lane, whose order is kept")
    if command.transaction is not None and lane is not Lane.TRANSACTION:
        raise ValueError("expected the transaction lane for a message with a transaction")
    if command.last and command.transaction is None:
        raise ValueError("expected the transaction of its last message, got None")
    if command.droppable and (command.action == START or command.last):
        raise ValueError("expected droppable=False for the start and the last message of a transaction")
    if command.action == START and (command.transaction is not None or lane is not Lane.TRANSACTION):
        raise ValueError(f"expected {START} in the transaction lane and without a transaction of its own")


def _check_number(name: str, value: float | None, allowed: Range) -> None:
    if value is not None and value not in allowed:
        raise ValueError(f"expected {name} {allowed}, got {value!r}")


def _frozen(command: Enqueue, is_online: bool) -> dict[str, Any]:
    """Return the payload to store: without the ID that is filled in, and with `offline` for events made offline."""
    payload = dict(command.payload)
    if command.transaction is not None:
        payload.pop("transactionId", None)
    if command.action == "TransactionEvent" and not is_online:
        payload.setdefault("offline", True)  # the caller's own value counts
    return payload
