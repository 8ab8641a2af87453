"""The messages that a full queue drops, to make room for another one.

OCPP 2.x (QueueAllMessages): when memory is short, transaction messages go last, of those the intermediate ones first,
and never the start or the end of a transaction. A message that a transmission began for is not dropped.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from ocpp_core._dataclasses import dataclass
from ocpp_core.errors import CallDroppedError
from ocpp_core.outbox.stored.records import Lane, OutboxRecord

from .lanes import Entry, Lanes

__all__ = ["QueueLimits", "victims"]

_AFTER_THINNING: Final = 0.9
"""Share of the limits to which the intermediate messages are thinned out, so that not every message must do it."""
_BEYOND: Final = 2
"""Factor on the limits for messages that must not be dropped."""


class QueueLimits(NamedTuple):
    """What a queue has room for."""

    size: int
    """Messages; those that must not be dropped may exceed it up to twice the number."""
    max_bytes: float
    """Bytes of their payloads."""


@dataclass(slots=True)
class _Room:
    """The queue as it would be without the victims and with the new message."""

    limits: QueueLimits
    count: int
    bytes: int

    def fits(self, share: float = 1.0) -> bool:
        return self.count <= share * self.limits.size and self.bytes <= share * self.limits.max_bytes

    def without(self, candidates: list[Entry], share: float) -> list[Entry]:
        """Count messages out, from the oldest on, until the rest fits; return them."""
        dropped: list[Entry] = []
        for entry in candidates:
            if self.fits(share):
                break
            self.without_all([entry])
            dropped.append(entry)
        return dropped

    def without_all(self, leaving: Sequence[Entry]) -> None:
        """Count messages out."""
        self.count -= len(leaving)
        self.bytes -= sum(entry.size for entry in leaving)


def victims(lanes: Lanes, newcomer: Entry, limits: QueueLimits, replaced: Sequence[Entry] = ()) -> list[Entry]:
    """Return the messages to drop for a new one.

    Args:
        lanes: The queued messages.
        newcomer: The new message.
        limits: What the queue has room for.
        replaced: The messages that the new one replaces; their room is free.

    Raises:
        CallDroppedError: The new message must not be queued.
    """
    room = _Room(limits, len(lanes.entries) + 1, lanes.bytes + newcomer.size)
    room.without_all(replaced)
    if room.fits():
        return []
    idle = [entry for entry in lanes.entries.values() if not entry.record.started and entry not in replaced]
    dropped = room.without([entry for entry in idle if _is_other(entry.record)], 1.0)
    if not room.fits() and newcomer.record.lane is Lane.TRANSACTION:
        dropped += room.without([entry for entry in idle if entry.record.droppable][::2], _AFTER_THINNING)
    if room.fits() or (_is_indispensable(newcomer.record) and room.fits(_BEYOND)):
        return dropped
    raise CallDroppedError(f"the outbox is full: {len(lanes.entries)} messages of {lanes.bytes} bytes are queued")


def _is_other(record: OutboxRecord) -> bool:
    return record.lane is Lane.OTHER and not record.urgent


def _is_indispensable(record: OutboxRecord) -> bool:
    return record.urgent or (record.lane is Lane.TRANSACTION and not record.droppable)
