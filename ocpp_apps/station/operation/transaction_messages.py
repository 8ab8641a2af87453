"""The messages that must arrive: about transactions, and security events.

The outbox of the client stores them, keeps their order, repeats them, marks those of 2.x that were made offline, and
fills in the transaction ids of 1.6. This file enqueues them, and handles their outcomes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ocpp_apps.station.clock import Event
from ocpp_apps.station.faults import ArmedFault, FaultInjector
from ocpp_apps.station.messages.log import LogEntry
from ocpp_apps.station.model.connector import Transaction
from ocpp_apps.station.model.dialect import Call
from ocpp_core.durable.callers import error_of
from ocpp_core.errors import OCPPError, StoreError
from ocpp_core.outbox.stored.outcomes import MessageAnswered, MessageOutcome

from .equipment import Equipment

if TYPE_CHECKING:
    from ocpp_transports.outbox import Ticket

__all__ = ["QueuedMessage", "TransactionMessages"]

_PATIENCE: Final = 10.0
"""Seconds that a driver waits for the response to a message."""
_MOST_HELD: Final = 1000
"""Messages that a fault holds back; beyond, all are enqueued."""


@dataclass(eq=False, slots=True)
class QueuedMessage:
    """A message that must arrive. `settled` is set when it has an outcome, or its sender need not wait."""

    call: Call
    transaction: Transaction | None
    answered: Callable[[Mapping[str, Any]], None] | None
    key: str | None
    settled: Event


class TransactionMessages:
    """Enqueues messages in the outbox of the client."""

    def __init__(self, equipment: Equipment, faults: FaultInjector) -> None:
        self._equipment = equipment
        self._faults = faults
        self._queued: dict[int, QueuedMessage] = {}
        """The messages without an outcome by their tickets, except those of earlier processes."""
        self._held: list[QueuedMessage] = []
        """The message that an injected fault holds back, and those behind it."""
        equipment.log.watch(self._logged)

    def __len__(self) -> int:
        return len(self._equipment.client.queued) + len(self._held)

    def holds(self, transaction_id: str) -> bool:
        """Return True if a message about the transaction is queued; in 2.x, where the station chooses the id."""
        keys = [ticket.key for ticket in self._equipment.client.queued] + [message.key for message in self._held]
        return any(key is not None and key.startswith(f"{transaction_id} ") for key in keys)

    def put(
        self,
        call: Call,
        transaction: Transaction | None = None,
        answered: Callable[[Mapping[str, Any]], None] | None = None,
    ) -> QueuedMessage:
        """Queue a message. `answered` is called with the payload of its response."""
        message = QueuedMessage(call, transaction, answered, _key_of(transaction), self._equipment.clock.event())
        self._held.append(message)
        fault = self._take_fault() if len(self._held) == 1 else None
        if fault is not None:
            self._equipment.spawn("an injected fault", self._spoil, fault)
        elif len(self._held) == 1 or len(self._held) > _MOST_HELD:
            self.release()
        return message

    async def deliver(self, message: QueuedMessage) -> None:
        """Wait for the outcome of a message while the station is connected, but not for a repetition."""
        if self._equipment.is_ready:
            patience = self._equipment.clock.spawn(self._lose_patience(message))
            try:
                await message.settled.wait()
            finally:
                patience.cancel()

    async def _lose_patience(self, message: QueuedMessage) -> None:
        await self._equipment.clock.sleep(_PATIENCE)
        message.settled.set()

    def release(self) -> None:
        """Enqueue what is held back."""
        while self._held:
            self._enqueue(self._held.pop(0))

    def end_waiting(self) -> None:
        """Let nobody wait for an outcome: there is no connection."""
        for message in self._queued.values():
            message.settled.set()

    async def follow(self) -> None:
        """Handle the outcomes until the client closes, those of earlier processes first."""
        async for ticket in self._equipment.client.outcomes():
            self._settle(ticket, await ticket.outcome())

    # Its own

    def _take_fault(self) -> ArmedFault | None:
        return self._faults._take(self._held[0].call[0], "call") if self._held else None

    async def _spoil(self, fault: ArmedFault | None) -> None:
        while fault is not None and self._held:
            await self._faults._precede(fault, *self._held[0].call)
            if self._held:  # it was not released meanwhile
                self._enqueue(self._held.pop(0))
            fault = self._take_fault()
        self.release()

    def _enqueue(self, message: QueuedMessage) -> None:
        """Pass a message to the outbox. One that it rejects is lost, and added to the log."""
        equipment, (action, params) = self._equipment, message.call
        start = None if message.transaction is None else message.transaction.start
        is_last = start is not None and action == "StopTransaction"
        try:
            ticket = equipment.client.enqueue(
                equipment.protocol, action, params, key=message.key, transaction=start, last=is_last
            )
        except OCPPError as error:
            equipment.log.note(action, error)
            message.settled.set()
        else:
            self._queued[ticket.number] = message
            equipment.spawn(action, self._expect_stored, ticket)
            if message.transaction is not None and action == "StartTransaction":
                message.transaction.start = ticket
        equipment.changed()

    async def _expect_stored(self, ticket: "Ticket") -> None:
        """Forget a message that the store does not accept, and raise the error."""
        try:
            await ticket.accepted()
        except StoreError:
            self._queued.pop(ticket.number).settled.set()
            raise

    def _settle(self, ticket: "Ticket", outcome: MessageOutcome) -> None:
        ticket.acknowledge()
        message = self._queued.pop(ticket.number, None)
        if message is not None:
            if isinstance(outcome, MessageAnswered) and message.answered is not None:
                message.answered(outcome.payload or {})
            message.settled.set()
        error = error_of(outcome)
        if error is not None:
            self._equipment.log.note(ticket.action or "a message before the restart", error)
        self._equipment.changed()

    def _logged(self, entry: LogEntry) -> None:
        """Let nobody wait for the repetition of a message that the CSMS refused."""
        if entry.kind == "CALLERROR" and entry.direction == "in":
            self.end_waiting()


def _key_of(transaction: Transaction | None) -> str | None:
    """Return the key of a message of 2.x, which begins with the id of its transaction."""
    if transaction is None or not isinstance(transaction.id, str):
        return None
    return f"{transaction.id} {transaction.next_sequence}"
