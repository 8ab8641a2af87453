"""The outbox of one station, among those of all stations of a server that share a store."""

from collections.abc import Callable
from dataclasses import replace

from ocpp_core.config import IdFactory
from ocpp_core.outbox.commands import Restored
from ocpp_core.outbox.effects import EmitEffect
from ocpp_core.outbox.outbox import Outbox
from ocpp_core.outbox.settings import OutboxConfig
from ocpp_core.outbox.stored.records import OutboxRecord, ReplaceAll

__all__ = ["StationOutbox"]


class StationOutbox(Outbox):
    """An outbox that shares its store, and the numbers of its tickets, with others; `name` is that of its station."""

    def __init__(
        self,
        name: str,
        config: OutboxConfig,
        size: int,
        *,
        ids: IdFactory,
        emit: EmitEffect,
        changed: Callable[[], None],
    ) -> None:
        super().__init__(config, size, ids=ids, emit=emit, changed=changed)
        self.name: str = name

    def restore(self, state: Restored, now: float) -> None:
        """Take the stored state; a message from the future counts as accepted now: the clock was set back."""
        records = [_not_after(state.wall, record) for record in state.records]
        super().restore(replace(state, records=records), now)

    @property
    def is_idle(self) -> bool:
        """True if it has no message, no outcome, and nothing to store: a new one would be the same."""
        return not (self._lanes.entries or self.has_slot or self._messages.outcomes.all) and self._journal.is_idle

    @property
    def bytes(self) -> int:
        """Bytes of the payloads of the queued messages."""
        return self._lanes.bytes

    @property
    def state(self) -> ReplaceAll:
        """Everything that a store keeps of it."""
        return self._messages.state

    def has_key(self, key: str | None) -> bool:
        """Return True if a message has this key, or an outcome that is not acknowledged."""
        return self._messages.has_key(key)

    def number_from(self, ticket: int) -> None:
        """Give the next message this ticket, which no outbox of the store has."""
        self._next_ticket = ticket

    def set_gate(self, is_open: bool) -> None:
        """Let messages out that are not urgent, or hold them, also one that is marked and not written."""
        super().set_gate(is_open)
        if not is_open:
            self._retract()

    def halt(self, error: Exception) -> None:
        """Send nothing more: the store failed, and rolled back no batch of this outbox."""
        if not self._journal.failed:
            self._journal.halt()
            self._reject_unborn(error)


def _not_after(wall: float, record: OutboxRecord) -> OutboxRecord:
    """Return a record that was accepted by then, with the same time to live: an old command must not surprise."""
    ahead = max(0.0, record.accepted_at - wall)
    expires_at, deadline_at = record.expires_at - ahead, record.deadline_at - ahead
    return replace(record, accepted_at=wall, expires_at=expires_at, deadline_at=deadline_at) if ahead else record
