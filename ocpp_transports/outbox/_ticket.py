"""The ticket of a queued message."""

from copy import copy
from typing import ClassVar, Protocol

from ocpp_core.errors import ClosedError, OCPPError
from ocpp_core.identity import StationKey
from ocpp_core.outbox.stored.outcomes import MessageOutcome
from ocpp_transports._driver._interfaces import Completion, complete

__all__ = ["Ticket", "TicketOwner"]


class TicketOwner(Protocol):
    """The outbox that gave a ticket out."""

    opened_by: ClassVar[str]
    """The method of the client or server that opens the store."""

    @property
    def is_open(self) -> bool:
        """True while the store is open."""

    @property
    def may_deliver(self) -> bool:
        """True while the store is open and the client or server is not closed."""

    def completion(self) -> Completion[None]:
        """Return an empty completion. Raises RuntimeError in another event loop than that of the store."""

    def cancel(self, number: int) -> None:
        """Settle the message as cancelled. Raises ClosedError if the store is closed."""

    def acknowledge(self, number: int) -> None:
        """Forget an outcome. Raises ClosedError if the store is closed."""


class Ticket:
    """A message of the outbox: if it is stored, and its outcome.

    It remains valid while the client or server closes and opens again. After a restart, `outcomes` and `enqueue` with
    the same `key` return a ticket with the same number.
    """

    __slots__ = (
        "__weakref__",
        "_action",
        "_error",
        "_is_accepted",
        "_key",
        "_number",
        "_outcome",
        "_owner",
        "_station",
        "_waiters",
    )

    def __init__(
        self,
        owner: TicketOwner,
        number: int,
        action: str | None,
        key: str | None,
        station: StationKey | None = None,
    ) -> None:
        self._owner = owner
        self._number = number
        self._action = action
        self._key = key
        self._station = station
        self._is_accepted = False
        self._outcome: MessageOutcome | None = None
        self._error: OCPPError | None = None
        self._waiters: list[Completion[None]] = []

    def __repr__(self) -> str:
        return f"<Ticket {self._number} {self._action or 'of an earlier process'}: {self._state}>"

    @property
    def _state(self) -> str:
        if self._outcome is not None:
            return type(self._outcome).__name__
        if self._error is not None:
            return "not stored"
        return "accepted" if self._is_accepted else "not stored yet"

    @property
    def number(self) -> int:
        """The number of the message, unique in its store over all restarts.

        Later messages have higher numbers. In a cluster this holds for those of one process; if `key` is known there,
        it becomes the number of the earlier message when the message is accepted.
        """
        return self._number

    @property
    def action(self) -> str | None:
        """The OCPP action; None if an earlier process settled the message."""
        return self._action

    @property
    def key(self) -> str | None:
        """The `key` of the message, or None."""
        return self._key

    @property
    def station(self) -> StationKey | None:
        """The station that the message is for; None for a message of a client."""
        return self._station

    @property
    def is_settled(self) -> bool:
        """True if the message has an outcome."""
        return self._outcome is not None

    async def accepted(self) -> None:
        """Wait until the message is stored: it is delivered or settled from then on.

        Raises:
            StoreError: The store could not write it; it was not sent, and will not be. In a cluster this is a
                `QueueUnavailableError`, which says if the message may be stored nevertheless.
            CallDroppedError: The queue in the cluster is full.
            ClosedError: The client or server closed before the store reported.
        """
        while not self._is_accepted:
            self._raise_error()
            if not self._owner.is_open:
                advice = f"{self._owner.opened_by} and enqueue it again with its key"
                raise ClosedError(f"closed before {self._name} was stored; {advice}")
            await self._changed()

    async def outcome(self) -> MessageOutcome:
        """Wait for the outcome of the message, which never changes.

        Cancelling the wait does not cancel the message. The outcome is kept until `acknowledge`.

        Returns:
            One of `MessageAnswered`, `MessageRefused`, `MessageNotSent`, `MessageDropped` and `MessageUnknown`.

        Raises:
            StoreError: The store could not write the message, see `accepted`.
            CallDroppedError: The queue in the cluster is full.
            ClosedError: The client or server is closed; a durable store keeps the message for the next time.
        """
        while self._outcome is None:
            self._raise_error()
            if not self._owner.may_deliver:
                advice = f"{self._owner.opened_by} and wait again"
                raise ClosedError(f"closed before {self._name} was settled; it is kept: {advice}")
            await self._changed()
        return self._outcome

    def cancel(self) -> None:
        """Cancel the message, unless it is settled.

        Its outcome is then `MessageNotSent`, or `MessageUnknown` if it was transmitted. In a cluster the message may
        be sent meanwhile: the outcome decides. Raises ClosedError if the client or server is closed.
        """
        if self._outcome is None:
            self._owner.cancel(self._number)

    def acknowledge(self) -> None:
        """Forget the outcome, so that it is not reported again, and free the key.

        Raises:
            RuntimeError: The message has no outcome yet.
            ClosedError: The client or server is closed; the outcome is reported again after the next start.
        """
        if self._outcome is None:
            raise RuntimeError("cannot acknowledge: the message has no outcome yet; await outcome() first")
        self._owner.acknowledge(self._number)

    # For the outbox

    def _accept(self) -> None:
        """Note that the message is stored."""
        self._is_accepted = True
        self._wake()

    def _become(self, number: int, action: str) -> None:
        """Be the ticket of an earlier message with the same key."""
        self._number, self._action = number, action

    def _reject(self, error: OCPPError) -> None:
        """Note that the message is not stored."""
        self._error = error
        self._wake()

    def _settle(self, outcome: MessageOutcome) -> None:
        """Note the outcome."""
        self._is_accepted, self._outcome = True, outcome
        self._wake()

    def _wake(self) -> None:
        """Let the tasks that wait look again."""
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            complete(waiter, None)

    @property
    def _name(self) -> str:
        return self._action or "the message"

    def _raise_error(self) -> None:
        if self._error is not None:  # a new one for each task: a traceback belongs to one of them
            raise copy(self._error) from self._error

    async def _changed(self) -> None:
        completion = self._owner.completion()
        self._waiters.append(completion)
        try:
            await completion
        finally:
            if completion in self._waiters:
                self._waiters.remove(completion)
