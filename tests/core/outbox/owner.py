"""The owner of an outbox, for tests: a store that is always in time unless a test holds it, and a virtual clock."""

from itertools import count
from typing import Any

from ocpp_core.outbox.commands import Enqueue, Restored
from ocpp_core.outbox.effects import (
    OutboxEffect,
    OutboxReport,
    Store,
    TicketAccepted,
    TicketRejected,
    TicketSettled,
    Transmit,
)
from ocpp_core.outbox.outbox import Outbox
from ocpp_core.outbox.settings import OutboxConfig
from ocpp_core.outbox.stored.outcomes import MessageOutcome, MessageRefused
from ocpp_core.outbox.stored.records import OutboxSnapshot

WALL = 1_000_000.0
"""The wall-clock time at second 0."""
REFUSED = MessageRefused("InternalError", "no")


class Owner:
    """Feeds an outbox and performs its outputs. `holds` is True to let batches wait for `commit`."""

    def __init__(
        self, *, online: bool = True, state: Restored | None = None, size: int = 1000, **settings: Any
    ) -> None:
        self.now = 0.0
        self.holds = False
        self.effects: list[OutboxEffect] = []
        self.disk = OutboxSnapshot()
        self.batches: list[Store] = []
        ids = count(1)
        config = OutboxConfig(**{"gate": "open", **settings})
        self.outbox = Outbox(config, size, changed=lambda: None, ids=lambda: f"id-{next(ids)}", emit=self._perform)
        self.outbox.restore(state or Restored(wall=WALL, first_ticket=100), self.now)
        if online:
            self.outbox.opened("ocpp1.6", self.now)

    def _perform(self, effect: OutboxEffect) -> None:
        self.effects.append(effect)
        if isinstance(effect, Store):
            self.batches.append(effect)

    def enqueue(self, action: str = "DataTransfer", payload: Any = None, **options: Any) -> int:
        return self.outbox.enqueue(Enqueue(action=action, payload=payload or {}, **options), self.now)

    def settle(self, *, live: bool = False) -> None:
        """End an input: fill the window and make the changes durable, until nothing is left to do."""
        while True:
            self.outbox.take(self.now, live=live)
            self.outbox.flush()
            if self.holds or not self.batches:
                return
            self.commit()

    def commit(self) -> None:
        """Make the waiting batches durable."""
        batches, self.batches = self.batches, []
        for batch in batches:
            self.disk.apply(batch.operations)
            self.outbox.stored(batch.number)

    def send(self, action: str = "DataTransfer", payload: Any = None, **options: Any) -> int:
        """Enqueue a message and let it go out, if it is its turn."""
        ticket = self.enqueue(action, payload, **options)
        self.settle()
        return ticket

    def answer(self, text: str = "{}") -> None:
        self.outbox.answered(self.last.message_id, text)
        self.settle()

    def refuse(self) -> None:
        self.outbox.refused(self.last.message_id, REFUSED, self.now)
        self.settle()

    def time_out(self) -> None:
        self.outbox.timed_out(self.last.message_id, self.now)
        self.settle()

    def lose(self) -> None:
        self.outbox.lost(self.now)
        self.settle()

    def open(self, protocol: str = "ocpp1.6") -> None:
        self.outbox.opened(protocol, self.now)
        self.settle()

    def wait(self, seconds: float) -> None:
        """Let time pass; the owner ticks at each deadline."""
        end = self.now + seconds
        while self.outbox.deadline <= end:
            self.now = self.outbox.deadline
            self.settle()
        self.now = end

    def restart(self, *, wall: float | None = None, **settings: Any) -> "Owner":
        """Return the owner of a new process, with what is durable."""
        disk = self.disk
        state = Restored(
            wall=WALL + self.now if wall is None else wall,
            first_ticket=1000,
            records=list(disk.records.values()),
            bindings=list(disk.bindings.values()),
            outcomes=list(disk.outcomes.values()),
        )
        after = Owner(state=state, **settings)
        after.disk = disk
        after.settle()
        return after

    @property
    def sent(self) -> list[Transmit]:
        return [effect for effect in self.effects if isinstance(effect, Transmit)]

    @property
    def last(self) -> Transmit:
        return self.sent[-1]

    @property
    def sent_tickets(self) -> list[int]:
        return [transmit.ticket for transmit in self.sent]

    @property
    def accepted(self) -> list[int]:
        return [effect.ticket for effect in self.effects if isinstance(effect, TicketAccepted)]

    @property
    def rejected(self) -> list[int]:
        return [effect.ticket for effect in self.effects if isinstance(effect, TicketRejected)]

    @property
    def outcomes(self) -> dict[int, MessageOutcome]:
        return {effect.ticket: effect.outcome for effect in self.effects if isinstance(effect, TicketSettled)}

    @property
    def reports(self) -> list[str]:
        return [effect.kind.name for effect in self.effects if isinstance(effect, OutboxReport)]
