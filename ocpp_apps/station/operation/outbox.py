"""The queue of messages about transactions.

They are sent in order, kept while the station is offline, and retried as the CSMS has configured.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ocpp_apps.station.clock import Event
from ocpp_apps.station.model.configuration import Option
from ocpp_apps.station.model.connector import Transaction
from ocpp_apps.station.model.dialect import Draft
from ocpp_core.errors import ClosedError, ConnectionLostError, OCPPError

from .equipment import Equipment

__all__ = ["QueuedMessage", "TransactionOutbox"]

_BREATH: Final = 0.1
"""Seconds from a lost connection to the next check."""


@dataclass(eq=False, slots=True)
class QueuedMessage:
    """A message that must arrive. `settled` is set when it has arrived or has to wait."""

    draft: Draft
    transaction: Transaction
    answered: Callable[[Mapping[str, Any]], None] | None
    settled: Event
    attempts: int = 0


class TransactionOutbox:
    """The queue of a station, which survives resets."""

    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment
        self._queue: list[QueuedMessage] = []
        self._pumping: object | None = None
        """Identifies the pump that may send. An older pump that has not ended yet stops."""
        self._is_waiting = False
        """True if the first message failed and waits for its retry. The others wait behind it."""

    def __len__(self) -> int:
        return len(self._queue)

    def holds(self, transaction_id: int | str) -> bool:
        """Return True if a message about the transaction is queued."""
        return any(message.transaction.id == transaction_id for message in self._queue)

    def put(
        self,
        draft: Draft,
        transaction: Transaction,
        answered: Callable[[Mapping[str, Any]], None] | None = None,
    ) -> QueuedMessage:
        """Queue a message. `answered` is called with the payload of the response."""
        message = QueuedMessage(draft, transaction, answered, self._equipment.clock.event())
        self._queue.append(message)
        self._equipment.changed()
        self.resume()
        return message

    async def deliver(self, message: QueuedMessage) -> None:
        """Wait until the message has arrived, was dropped, or has to wait for a connection or a retry."""
        if self._pumping is not None and not self._is_waiting:
            await message.settled.wait()

    def resume(self) -> None:
        """Send the queued messages if that is possible now."""
        if self._queue and self._pumping is None and self._equipment.is_ready:
            self._pumping = object()
            self._equipment.spawn("the queue of transaction messages", self._pump, self._pumping)

    def release(self) -> None:
        """Release all waiting callers: the queued messages have to wait."""
        self._pumping, self._is_waiting = None, False
        self._settle_all()

    def _settle_all(self) -> None:
        for message in self._queue:
            message.settled.set()

    async def _pump(self, number: object) -> None:
        try:
            while self._queue and self._equipment.is_ready:
                await self._send(self._queue[0])
        finally:
            if self._pumping is number:
                self.release()

    async def _send(self, message: QueuedMessage) -> None:
        """Send the first message. It stays in the queue if the connection is lost."""
        action, make = message.draft
        try:
            answer = await self._equipment.client.call(action, make())
        except (ConnectionLostError, ClosedError):
            message.settled.set()
            await self._equipment.clock.sleep(_BREATH)  # the client may have reconnected already
        except OCPPError as error:
            await self._failed(message, error)
        else:
            self._queue.remove(message)
            if message.answered is not None:
                message.answered(answer)
            message.settled.set()
            self._equipment.changed()

    async def _failed(self, message: QueuedMessage, error: OCPPError) -> None:
        """Drop the message after the configured attempts. Before that, wait longer each time."""
        configuration = self._equipment.configuration
        message.attempts += 1
        message.settled.set()
        if message.attempts >= configuration.number(Option.MESSAGE_ATTEMPTS):
            self._equipment.log.note(message.draft[0], error)
            self._queue.remove(message)
        else:
            self._is_waiting = True
            self._settle_all()
            await self._equipment.clock.sleep(configuration.number(Option.MESSAGE_INTERVAL) * message.attempts)
            self._is_waiting = False
