"""Asynchronous iteration over settled messages."""

from collections.abc import AsyncIterator, Callable, Iterable

from ocpp_transports._driver._interfaces import Completion, complete

from ._ticket import Ticket

__all__ = ["TicketStream"]


class TicketStream(AsyncIterator[Ticket]):
    """The tickets with an outcome that is not acknowledged, each once.

    It ends when the client closes. It keeps no more than the outbox: a ticket that is acknowledged or forgotten before
    it is read is left out.
    """

    def __init__(self, tickets: Iterable[Ticket], completion: Callable[[], Completion[None]]) -> None:
        self._tickets = {ticket.number: ticket for ticket in tickets}
        self._make_completion = completion
        self._is_finished = False
        self._waiter: Completion[None] | None = None

    async def __anext__(self) -> Ticket:
        """Return the next ticket. Raises RuntimeError if another task already waits for it."""
        while not self._tickets:
            if self._is_finished:
                raise StopAsyncIteration
            await self._wait()
        return self._tickets.pop(next(iter(self._tickets)))

    async def aclose(self) -> None:
        """End the iteration at once."""
        self._tickets.clear()
        self._finish()

    # For the outbox

    def _put(self, ticket: Ticket) -> None:
        """Add a ticket that was settled, unless the iteration has ended."""
        if not self._is_finished:
            self._tickets[ticket.number] = ticket
            self._wake()

    def _remove(self, number: int) -> None:
        """Leave out a ticket that was acknowledged or forgotten."""
        self._tickets.pop(number, None)

    def _finish(self) -> None:
        """End after the tickets that are here."""
        self._is_finished = True
        self._wake()

    async def _wait(self) -> None:
        if self._waiter is not None:
            raise RuntimeError("cannot iterate: another task already reads this stream")
        self._waiter = self._make_completion()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None:
            complete(self._waiter, None)
