"""The messages that must arrive: about transactions, and security events.

The outbox of the client stores them, keeps their order, repeats them, marks those of 2.x that were made offline, and
fills in the transaction ids of 1.6. This file enqueues them, and handles their outcomes.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from ocpp_apps.station.clock import Event
from ocpp_apps.station.messages.log import LogEntry
from ocpp_apps.station.model.connector import Transaction
from ocpp_apps.station.model.dialect import Call
from ocpp_core.durable.callers import error_of
from ocpp_core.errors import OCPPError, StoreError
from ocpp_core.outbox.accepting import START
from ocpp_core.outbox.stored.outcomes import MessageAnswered, MessageOutcome
from ocpp_core.outbox.transaction_ids import NO_ID

from .equipment import Equipment

if TYPE_CHECKING:
    from ocpp_transports.outbox import Ticket

__all__ = ["TransactionMessages"]

_Answered: TypeAlias = Callable[[Mapping[str, Any]], None]
_PATIENCE: Final = 10.0
"""Seconds that a driver waits for the response to a message."""


class TransactionMessages:
    """Enqueues messages in the outbox of the client."""

    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment
        self._open: dict[int, tuple[_Answered | None, Event]] = {}
        """What to do when messages have an outcome, by their tickets. Those of earlier processes are not here."""
        equipment.log.watch(self._logged)

    def __len__(self) -> int:
        return len(self._equipment.client.queued)

    def holds(self, transaction_id: str) -> bool:
        """Return True if a message about the transaction is queued; in 2.x, where the station chooses the id."""
        keys = [ticket.key or "" for ticket in self._equipment.client.queued]
        return any(key.startswith(f"{transaction_id} ") for key in keys)

    def put(self, call: Call, transaction: Transaction | None = None, answered: _Answered | None = None) -> Event:
        """Queue a message. One that the outbox rejects is lost, and added to the log.

        `answered` is called with the payload of its response. Returns an event that is set when the message has an
        outcome, or when nobody needs to wait for it.
        """
        equipment, settled = self._equipment, self._equipment.clock.event()
        try:
            ticket = self._enqueue(call, transaction)
        except (OCPPError, ValueError) as error:  # ValueError: too large, or its start was not stored
            equipment.log.note(call[0], error)
            settled.set()
        else:
            self._open[ticket.number] = answered, settled
            equipment.spawn(call[0], self._expect_stored, ticket)
        equipment.changed()
        return settled

    def _enqueue(self, call: Call, transaction: Transaction | None) -> "Ticket":
        enqueue, protocol = self._equipment.client.enqueue, self._equipment.protocol
        if transaction is None:
            return enqueue(protocol, *call)
        if isinstance(transaction.id, str):  # 2.x
            return enqueue(protocol, *call, key=f"{transaction.id} {transaction.next_sequence}")
        if call[0] == START:
            transaction.start = enqueue(protocol, *call)
            return transaction.start
        if transaction.start is None:  # the outbox rejected it
            return enqueue(protocol, call[0], {"transactionId": NO_ID, **call[1]})
        return enqueue(protocol, *call, transaction=transaction.start, last=transaction.ended_at is not None)

    async def _expect_stored(self, ticket: "Ticket") -> None:
        """Forget a message that the store does not accept, and raise the error."""
        try:
            await ticket.accepted()
        except StoreError:
            self._open.pop(ticket.number)[1].set()
            raise

    async def deliver(self, settled: Event) -> None:
        """Wait for the outcome of a message while the station is connected, but not for a repetition."""
        if self._equipment.is_ready:
            patience = self._equipment.clock.spawn(self._lose_patience(settled))
            try:
                await settled.wait()
            finally:
                patience.cancel()

    async def _lose_patience(self, settled: Event) -> None:
        await self._equipment.clock.sleep(_PATIENCE)
        settled.set()

    def end_waiting(self) -> None:
        """Let nobody wait for an outcome: there is no connection, or a repetition comes first."""
        for _, settled in self._open.values():
            settled.set()

    def _logged(self, entry: LogEntry) -> None:
        if entry.kind == "CALLERROR" and entry.direction == "in":
            self.end_waiting()

    async def follow(self) -> None:
        """Handle the outcomes until the client closes, those of earlier processes first."""
        async for ticket in self._equipment.client.outcomes():
            self._settle(ticket, await ticket.outcome())

    def _settle(self, ticket: "Ticket", outcome: MessageOutcome) -> None:
        ticket.acknowledge()
        answered, settled = self._open.pop(ticket.number, (None, None))
        error = error_of(outcome)
        if error is not None:
            self._equipment.log.note(ticket.action or "a message before the restart", error)
        if answered is not None and isinstance(outcome, MessageAnswered):
            answered(outcome.payload or {})
        if settled is not None:
            settled.set()
        self._equipment.changed()
