"""The outbox of a client: what its application and its engine ask of it."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final

from ocpp_core.inputs import Tick
from ocpp_core.outbound.durable_calls import Divert
from ocpp_core.outbox.commands import Enqueue, ReconfigureOutbox, SetGate
from ocpp_core.outbox.settings import OutboxConfig
from ocpp_transports._callbacks._arguments import expect_arguments
from ocpp_transports._handlers._table import is_coroutine_function
from ocpp_transports.outbox._enqueue_keywords import EnqueueKeywords
from ocpp_transports.outbox._memory import MemoryStore
from ocpp_transports.outbox._ticket import Ticket
from ocpp_transports.outbox._use import OutboxDriver, StoreUse

from ._outbox_host import OutboxHost

if TYPE_CHECKING:
    from ocpp_core.durable.client import DurableClientEngine
    from ocpp_core.stack.durable import DurableClientStack

__all__ = ["ClientOutbox"]

_OPTIONS: Final = EnqueueKeywords.__annotations__.keys()


class ClientOutbox(OutboxHost):
    """The outbox of one client."""

    engine: "DurableClientEngine | DurableClientStack"
    """The engine of the current use, or its recorder; the client sets it before it opens the outbox."""
    _made: "DurableClientEngine | None" = None
    _divert: Divert | None = None

    def made(self, engine: "DurableClientEngine") -> None:
        """Let this engine, which may be recorded, divert messages as the last one did."""
        self._made = engine
        engine.divert = self._divert

    def divert(self, function: Callable[[str], object] | None) -> None:
        """Let a function divert messages, or none. Raises TypeError for a coroutine function and another signature."""
        if function is not None:
            if not callable(function) or is_coroutine_function(function):
                raise TypeError(f"expected a plain function that diverts messages, got {function!r}")
            expect_arguments(function, "function that diverts messages", "text")
        self._divert = None if function is None else partial(self._is_diverted, function)
        if self._made is not None:
            self._made.divert = self._divert

    def _is_diverted(self, function: Callable[[str], object], text: str) -> bool:
        try:
            return bool(function(text))
        except Exception as error:  # a function of the application: the engine must survive it
            self._log.raised("a function that diverts messages raised", error)
            return False

    @property
    def opens_at_once(self) -> bool:
        """True if the store is not open, and never waits."""
        return self._use is None and isinstance(self._store, MemoryStore)

    def expect_not_opening(self) -> None:
        """Raise RuntimeError while another task opens the store: its messages precede the connection."""
        if self._use is not None and not self._use.is_restored:
            raise RuntimeError("cannot connect: another task opens the outbox; wait for that one")

    def open_at_once(self, driver: OutboxDriver) -> None:
        """Open a store that never waits. Raises RuntimeError if another client uses it."""
        use = self._use = StoreUse(self._store, driver)
        try:
            self._take_over(use, use.open_at_once(partial(self._report, use)))
        except BaseException:
            self._give_up(use)
            raise

    def set_gate(self, is_open: bool) -> None:
        """Let messages out that are not urgent, or hold them."""
        if not isinstance(is_open, bool):
            raise TypeError(f"expected a bool, got {is_open!r}")
        self._expect_open("set the gate").driver.feed(SetGate(is_open))

    def configure(self, driver: OutboxDriver, config: OutboxConfig) -> None:
        """Use other settings, also for the messages that are queued."""
        driver.feed(ReconfigureOutbox(config))

    def perform(self) -> None:
        """Perform what the outbox has to say; its changes until now are one batch."""
        while (effect := self.engine.poll_outbox()) is not None:
            self._perform(effect)

    @staticmethod
    def expect_options(options: Mapping[str, object]) -> None:
        """Raise TypeError for a keyword that is not an option of a message."""
        if unknown := options.keys() - _OPTIONS:
            raise TypeError(f"expected options of EnqueueKeywords, got {', '.join(sorted(unknown))}")

    def enqueue(self, message: Enqueue) -> Ticket:
        """Queue a message and return its ticket. Raises what `OCPPClient.enqueue` raises."""
        use = self._expect_open("enqueue")
        number = self.engine.enqueue(message, use.driver.runtime.now())
        ticket = self._tickets.get(number)
        if ticket is None:
            ticket = self._tickets[number] = self._new_ticket(number, message.action, message.key)
        use.driver.feed(Tick())  # performs what follows
        return ticket

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
