"""The outbox of a client: what its application and its engine ask of it."""

from typing import TYPE_CHECKING

from ocpp_core.inputs import Tick
from ocpp_core.outbox.commands import Enqueue, ReconfigureOutbox
from ocpp_core.outbox.settings import OutboxConfig
from ocpp_transports.outbox._ticket import Ticket
from ocpp_transports.outbox._use import OutboxDriver

from ._outbox_host import OutboxHost

if TYPE_CHECKING:
    from ocpp_core.durable.client import DurableClientEngine
    from ocpp_core.stack.durable import DurableClientStack

__all__ = ["ClientOutbox"]


class ClientOutbox(OutboxHost):
    """The outbox of one client."""

    engine: "DurableClientEngine | DurableClientStack"
    """The engine of the current use; the client sets it before it opens the outbox."""

    def configure(self, driver: OutboxDriver, config: OutboxConfig) -> None:
        """Use other settings, also for the messages that are queued."""
        driver.feed(ReconfigureOutbox(config))

    def perform(self) -> None:
        """Perform what the outbox has to say; its changes until now are one batch."""
        while (effect := self.engine.poll_outbox()) is not None:
            self._perform(effect)

    def enqueue(self, message: Enqueue) -> Ticket:
        """Queue a message and return its ticket. Raises what `OCPPClient.enqueue` raises."""
        use = self._expect_open("enqueue")
        number = self.engine.enqueue(message, use.driver.runtime.now())
        ticket = self._tickets.get(number)
        if ticket is None:
            ticket = self._tickets[number] = self._new_ticket(number, message.action, message.key)
        use.driver.feed(Tick())  # performs what follows
        return ticket

    @property
    def queued(self) -> list[Ticket]:
        """The tickets of messages without an outcome."""
        return [ticket for ticket in self._tickets.values() if not ticket.is_settled]

    def number_of(self, start: Ticket) -> int:
        """Return the number of a ticket. Raises TypeError for anything else, ValueError for one of another outbox."""
        if not isinstance(start, Ticket):
            raise TypeError(f"expected the Ticket of a StartTransaction, got {type(start).__name__}")
        if start._owner is not self:
            raise ValueError("expected a ticket of this client, got one of another")
        return start.number

    def transaction_id(self, start: Ticket) -> int | None:
        """Return the transaction ID of a StartTransaction, or None."""
        self._expect_open("read the transaction ID")
        return self.engine.outbox.transaction_id(self.number_of(start))
