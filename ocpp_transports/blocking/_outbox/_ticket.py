"""The ticket of a queued message, and the iteration over settled ones, for threads."""

from collections.abc import Iterator
from math import inf
from typing import Final

from ocpp_core.identity import StationKey
from ocpp_core.outbox.stored.outcomes import MessageOutcome
from ocpp_transports.blocking._threads._bridge import Bridge, expect_max_wait
from ocpp_transports.blocking._threads._within import run_within
from ocpp_transports.outbox._ticket import Ticket
from ocpp_transports.outbox._ticket_stream import TicketStream

__all__ = ["BlockingTicket", "BlockingTicketStream"]

_OUTCOME: Final = "outcome"


class BlockingTicket:
    """A message of the outbox, see `Ticket`; its methods block, in any thread.

    Two of them are equal if they stand for the same message of the same client.
    """

    def __init__(self, wrapped: Ticket, bridge: Bridge) -> None:
        self._wrapped = wrapped
        self._bridge = bridge

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BlockingTicket) and other._wrapped is self._wrapped

    def __hash__(self) -> int:
        return hash(self._wrapped)

    def __repr__(self) -> str:
        return f"<Blocking{repr(self._wrapped)[1:]}"

    @property
    def wrapped(self) -> Ticket:
        """The asynchronous ticket, for code that runs in the event loop."""
        return self._wrapped

    @property
    def number(self) -> int:
        """The number of the message, unique in its store over all restarts.

        Later messages have higher numbers.
        """
        return self._wrapped.number

    @property
    def action(self) -> str | None:
        """The OCPP action; None if an earlier process settled the message."""
        return self._wrapped.action

    @property
    def key(self) -> str | None:
        """The `key` of the message, or None."""
        return self._wrapped.key

    @property
    def station(self) -> StationKey | None:
        """The station that the message is for; None for a message of a client."""
        return self._wrapped.station

    @property
    def is_settled(self) -> bool:
        """True if the message has an outcome."""
        return self._wrapped.is_settled

    def accepted(self, *, max_wait: float = inf) -> None:
        """Wait until the message is stored: it is delivered or settled from then on.

        Raises:
            StoreError: The store could not write it; it was not sent, and will not be.
            ClosedError: The client closed before the store reported.
            TimeoutError: The store has not reported within `max_wait` seconds; you may wait again.
        """
        expect_max_wait(max_wait)
        run_within(self._bridge, self._wrapped.accepted, max_wait, "report of the store")

    def outcome(self, *, max_wait: float = inf) -> MessageOutcome:
        """Wait for the outcome of the message, which never changes and is kept until `acknowledge`.

        Returns:
            One of `MessageAnswered`, `MessageRefused`, `MessageNotSent`, `MessageDropped` and `MessageUnknown`.

        Raises:
            StoreError: The store could not write the message; it was not sent.
            ClosedError: The client is closed; the message is kept, and sent after the next `connect`.
            TimeoutError: There was no outcome within `max_wait` seconds; the message is kept, and you may wait again.
        """
        expect_max_wait(max_wait)
        outcome: MessageOutcome = run_within(self._bridge, self._wrapped.outcome, max_wait, _OUTCOME)
        return outcome

    def cancel(self) -> None:
        """Cancel the message, unless it is settled.

        Its outcome is then `MessageNotSent`, or `MessageUnknown` if it was transmitted. Raises ClosedError if the
        client is closed.
        """
        self._bridge.run(self._wrapped.cancel)

    def acknowledge(self) -> None:
        """Forget the outcome, so that it is not reported again, and free the key.

        Raises:
            RuntimeError: The message has no outcome yet.
            ClosedError: The client is closed; the outcome is reported again after the next start.
        """
        self._bridge.run(self._wrapped.acknowledge)


class BlockingTicketStream(Iterator[BlockingTicket]):
    """The tickets with an outcome that is not acknowledged, as an iterator that blocks.

    It ends when the client closes.
    """

    def __init__(self, wrapped: TicketStream, bridge: Bridge, max_wait: float) -> None:
        self._wrapped = wrapped
        self._bridge = bridge
        self._max_wait = max_wait

    def __next__(self) -> BlockingTicket:
        """Return the next ticket. Raises TimeoutError after `max_wait` seconds; then the iteration may go on.

        Raises RuntimeError if another thread already waits for it.
        """
        try:
            ticket = run_within(self._bridge, self._wrapped.__anext__, self._max_wait, _OUTCOME)
        except StopAsyncIteration:
            raise StopIteration from None
        return BlockingTicket(ticket, self._bridge)

    def close(self) -> None:
        """End the iteration at once, also for a thread that waits in it."""
        self._bridge.run(self._wrapped.aclose)
