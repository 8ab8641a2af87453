"""Histories of clients with an outbox, whose store is late, fails and returns; and of the outboxes of a server."""

from random import Random
from typing import Any

from ocpp_core.actions import OutboxChanged
from ocpp_core.durable.client import DurableClientEngine
from ocpp_core.errors import StoreError
from ocpp_core.inputs import Connect
from ocpp_core.outbox.commands import (
    Acknowledge,
    CancelTicket,
    DiscardMessages,
    Enqueue,
    ReconfigureOutbox,
    Restored,
    SetClock,
    SetGate,
    StoreBack,
    Stored,
    StoreDegraded,
    StoreFailed,
)
from ocpp_core.outbox.effects import Store
from ocpp_core.outbox.settings import OutboxConfig
from ocpp_core.outbox.stored.records import Lane, OutboxRecord
from tests.core.durable.fleet import history
from tests.differential import settings
from tests.differential.commands import Make, payload_of, wrongly
from tests.differential.drawing import Draws
from tests.differential.transcript import Transcript

from .messages import ClientHistory

__all__ = ["DurableHistory", "play_fleet"]

_OWN = ("StartTransaction", "StopTransaction", "MeterValues", "StatusNotification", "DataTransfer", "TransactionEvent")
_FIRST = 100


class DurableHistory(ClientHistory):
    """A client with an outbox over several connections."""

    engine: DurableClientEngine

    def __init__(self, draws: Draws, transcript: Transcript) -> None:
        super().__init__(draws, transcript)
        self._outbox = settings.outbox_config(draws, transcript)
        self._tickets = 0
        self._batches: list[int] = []
        self._steps = (*self._steps, *(self._enqueue,) * 4, *(self._store,) * 3, self._control)

    def make(self) -> DurableClientEngine:
        """Return the engine of the client."""
        random = Random(self.draws.number(999))
        return DurableClientEngine(self._config, self._outbox, random=random, ids=self.scene.message_id)

    def begin(self) -> None:
        """Read the store, and connect."""
        records = (_record(_FIRST - 2, "StatusNotification", "{}"), _record(_FIRST - 1, "StartTransaction", '{"a":1}'))
        self.give(Restored(wall=1e6, first_ticket=_FIRST, records=records if self.draws.one_in(3) else ()))
        super().begin()

    def perform(self, action: Any) -> None:
        """Take what the outbox has to say."""
        super().perform(action)
        if type(action) is OutboxChanged:
            self._drain_outbox()

    def _drain_outbox(self) -> None:
        while (effect := self.engine.poll_outbox()) is not None:
            self.transcript.did("outbox", effect)
            if type(effect) is Store:
                self._batches.append(effect.number)

    def drain(self, most: int) -> None:
        """Take all actions: messages wait for their store, and it for the host."""
        super().drain(max(most, 100))

    def _enqueue(self) -> None:
        draws, scene = self.draws, self.scene
        action, payload = payload_of(draws, scene.protocol, "call", draws.pick(_OWN))
        self._tickets += 1
        fields: dict[str, Any] = {"action": action, "payload": payload, "token": scene.token()}
        for name, values in _OPTIONS:
            if draws.one_in(8):
                fields[name] = draws.pick(values)
        if draws.one_in(6):
            fields["transaction"] = _FIRST + draws.number(self._tickets)
            fields["last"] = draws.one_in(3)
        make = wrongly(draws, Enqueue, fields)
        if draws.one_in(3):
            self._enqueue_directly(make)
        else:
            self.feed(make)

    def _enqueue_directly(self, make: Make) -> None:
        try:
            self.transcript.did("ticket", self.engine.enqueue(make(), self.now))
        except Exception as error:
            self.transcript.failed("enqueue", error)
        self.drain(100)

    def _store(self) -> None:
        draws, batches = self.draws, self._batches
        if batches and draws.number(9):
            number = batches[draws.number(len(batches) - 1)] if draws.one_in(4) else batches[-1]
            batches[:] = [batch for batch in batches if batch > number]
            self.give(Stored(number))
        elif batches and draws.flag():
            number = batches[0]
            batches.clear()
            self.give(StoreFailed(number, StoreError("no space")))
        else:
            self.give(draws.pick((StoreBack(), StoreBack(), StoreDegraded(StoreError("read only")))))

    def _control(self) -> None:
        ticket = _FIRST + self.draws.number(self._tickets)
        make = self.draws.pick(
            (
                lambda: CancelTicket(ticket),
                lambda: Acknowledge(ticket),
                lambda: SetGate(bool(ticket & 1)),
                lambda: SetClock(1e6 + self.now + ticket),
                lambda: ReconfigureOutbox(OutboxConfig(attempts=1, interval=1.0, outcomes_kept=1)),
                DiscardMessages,
                lambda: Connect(ticket),
            )
        )
        self.feed(make)


_OPTIONS: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("lane", (Lane.TRANSACTION, Lane.OTHER)),
    ("key", ("a", "b")),
    ("droppable", (True, False)),
    ("urgent", (True, False)),
    ("ttl", (1, 20.0)),
    ("deadline", (5, 60.0)),
    ("attempts", (0, 1, 2)),
    ("interval", (0, 3)),
    ("resend", (True, False)),
    ("replaces", ("x", "y")),
    ("protocol", ("ocpp1.6", "ocpp2.1")),
)


def _record(ticket: int, action: str, payload: str) -> OutboxRecord:
    lane = Lane.TRANSACTION if "Transaction" in action else Lane.OTHER
    return OutboxRecord(ticket=ticket, action=action, payload=payload, lane=lane, accepted_at=1e6 - 5)


def play_fleet(draws: Draws, transcript: Transcript) -> None:
    """Play the simulation of a server's outboxes, and write down what it leaves."""
    world = history.run(draws.number(10**9), steps=draws.pick((10, 30)))
    disk = world.disk.state
    transcript.did("disk", [disk.records, disk.bindings, disk.outcomes])
    for ticket, message in world.oracle.messages.items():
        transcript.did(f"message {ticket}", message.told)
    transcript.note(f"  {world.timeline.now!r} {world.crashes} {world.losses} {world.failures}")
