"""The outbox of a client or of a server on its event loop: opens and closes the store, and keeps the tickets."""

from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial
from typing import ClassVar, Final, assert_never
from weakref import WeakKeyDictionary

from ocpp_core.errors import ClosedError, StoreError
from ocpp_core.identity import StationKey
from ocpp_core.outbox.commands import (
    Acknowledge,
    CancelTicket,
    DiscardMessages,
    Restored,
    StoreFailed,
)
from ocpp_core.outbox.effects import (
    OutboxEffect,
    OutboxReport,
    OutboxReportKind,
    Store,
    TicketAccepted,
    TicketRejected,
    TicketSettled,
    Transmit,
)
from ocpp_core.outbox.stored.outcomes import MessageOutcome
from ocpp_transports._driver._interfaces import Completion
from ocpp_transports._logging._log import Log
from ocpp_transports.outbox._interface import OutboxStore, StoreReport
from ocpp_transports.outbox._memory import MemoryStore
from ocpp_transports.outbox._ticket import Ticket
from ocpp_transports.outbox._ticket_stream import TicketStream
from ocpp_transports.outbox._use import OutboxDriver, StoreUse

__all__ = ["OutboxHost"]

_CLOSED: Final = "closed while the outbox was opened"
_PATIENCE: Final = 10.0
"""Seconds that closing waits for the store before it is logged."""


def _use_of(store: OutboxStore, driver: OutboxDriver) -> StoreUse:
    if isinstance(store, MemoryStore):
        return StoreUse(store, driver)
    from ocpp_transports._runtime._current import caller_from_outside  # loaded only when used: a browser has no threads
    from ocpp_transports.outbox._threaded_use import ThreadedUse

    return ThreadedUse(store, driver, call_soon=caller_from_outside())


class OutboxHost:
    """The outbox of one client or server, its owner. It outlives the owner's engines, as its tickets do.

    Args:
        store: The store, which belongs to this outbox while the owner is in use.
        log: The log of the owner.
        is_stopped: Function that returns True while the owner is closed.
        failed: Function that gets the error if the store fails.
    """

    opened_by: ClassVar[str] = "connect()"
    """The method of the owner that opens the store."""
    _has_peers: ClassVar[bool] = False
    """True if every message names its peer."""
    _not_logged: ClassVar[Collection[OutboxReportKind]] = (
        OutboxReportKind.LATE_ACCEPTED,
        OutboxReportKind.LATE_IGNORED,
    )
    """Reports about what is usual."""

    def __init__(
        self,
        store: OutboxStore,
        log: Log,
        *,
        is_stopped: Callable[[], bool],
        failed: Callable[[StoreError], None],
    ) -> None:
        self._store = store
        self._log = log
        self._is_stopped = is_stopped
        self._failed = failed
        self._tickets: dict[int, Ticket] = {}
        # A stream that is no longer read is not kept; the order of the others is that of their making.
        self._streams: WeakKeyDictionary[TicketStream, None] = WeakKeyDictionary()
        self._use: StoreUse | None = None
        self._left: StoreUse | None = None  # given up while a thread opens the store

    # The use of the store

    async def open(self, driver: OutboxDriver) -> None:
        """Open the store and restore its messages, unless this driver has them already.

        Raises:
            StoreError: The store cannot be opened, or has the messages of the other side.
            ClosedError: The owner was closed before the store was open.
            RuntimeError: Another owner uses the store.
        """
        if self._use is not None:
            return
        if self._left is not None and self._left.is_opening:
            raise StoreError("cannot open the store: an earlier attempt to open it has not ended; try again later")
        use = self._use = _use_of(self._store, driver)
        try:
            self._take_over(use, await use.open(partial(self._report, use)))
        except BaseException:
            self._give_up(use)
            raise

    def _give_up(self, use: StoreUse) -> None:
        self._use = None if self._use is use else self._use
        self._left = use if use.is_opening else None
        use.abandon()

    def _take_over(self, use: StoreUse, restored: Restored) -> None:
        """Restore the stored messages, and reject those that the store has no longer."""
        if self._use is not use:
            raise ClosedError(_CLOSED)
        self._expect_own(restored)
        stored = [self._new_ticket(kept.ticket, None, kept.key, kept.peer) for kept in restored.outcomes]
        stored += [self._new_ticket(each.ticket, each.action, each.key, each.peer) for each in restored.records]
        before = self._tickets
        self._tickets = {ticket.number: before.pop(ticket.number, ticket) for ticket in stored}
        for ticket in self._tickets.values():
            ticket._accept()
        for lost in before.values():
            if not lost.is_settled:
                lost._reject(StoreError("the store does not have the message"))
        use.driver.feed(replace(restored, wall=use.driver.runtime.wall()))
        use.is_restored = True

    def _expect_own(self, restored: Restored) -> None:
        """Raise StoreError for messages of the other side: they must not be sent in the wrong direction."""
        peers = {record.peer for record in restored.records} | {kept.peer for kept in restored.outcomes}
        if any(bool(peer) is not self._has_peers for peer in peers):
            whose = "a station" if self._has_peers else "a server"
            raise StoreError(f"cannot open the store: it has messages of {whose}; choose another path")

    def _new_ticket(self, number: int, action: str | None, key: str | None, peer: str = "") -> Ticket:
        return Ticket(self, number, action, key, self._station_of(peer))

    def _station_of(self, peer: str) -> StationKey | None:
        """Return the station that the `peer` of a message names; None for a client's message."""
        return None

    def stopped(self) -> None:
        """Note that the owner closed: tasks that wait learn of it once the outcomes until then are reported."""
        use = self._use
        if use is not None and use.is_restored:
            self._discard(use)
            use.soon(self._end_waiting)

    async def close(self) -> None:
        """Store what is not stored yet, and close the store; tasks that wait learn of it. Shielded from cancelling."""
        use, self._use = self._use, None
        if use is None:
            return
        if not use.is_restored:
            self._give_up(use)
            return
        self._discard(use)
        runtime = use.driver.runtime
        late = runtime.call_at(runtime.now() + _PATIENCE, self._note_late_close)
        try:
            await use.close()
        finally:
            late.cancel()
            self._end_waiting()

    def _note_late_close(self) -> None:
        self._log.recurring(f"outbox: {OutboxReportKind.STORE_LATE.value}", "closing waits until it has stored all")

    def _discard(self, use: StoreUse) -> None:
        if not self._store.is_durable:
            use.driver.feed(DiscardMessages())

    def _end_waiting(self) -> None:
        if not self.may_deliver:
            for stream in list(self._streams):
                stream._finish()
            for ticket in list(self._tickets.values()):
                ticket._wake()

    def _report(self, use: StoreUse, report: StoreReport) -> None:
        """Pass a report of the store to the engine, from any thread."""
        try:
            use.now_or_soon(partial(self._feed_report, use, report))
        except RuntimeError:  # the event loop has ended, and nothing waits
            return

    def _feed_report(self, use: StoreUse, report: StoreReport) -> None:
        try:
            use.driver.feed(report)
        except Exception as error:  # a store of the application: the event loop must survive it
            self._log.raised("the store of the outbox made a wrong report", error)

    # The outputs of the engine

    def _perform(self, effect: OutboxEffect) -> None:
        """Perform an output of the engine."""
        match effect:
            case Store():
                self._submit(effect)
            case TicketAccepted(number):
                if number in self._tickets:  # a call that became a message has no ticket
                    self._tickets[number]._accept()
            case TicketRejected(number, error):
                if number in self._tickets:
                    self._tickets.pop(number)._reject(error)
            case TicketSettled(number, outcome):
                self._settle(number, outcome)
            case OutboxReport():
                self._note(effect)
            case Transmit():
                pass  # the session has sent it
            case _:
                assert_never(effect)

    def _submit(self, batch: Store) -> None:
        try:
            self._store.submit(batch)
        except Exception as error:  # a store of the application
            self._log.raised("the store of the outbox raised", error)
            if self._use is not None:
                self._use.soon(partial(self._feed_report, self._use, StoreFailed(batch.number, error)))

    def _settle(self, number: int, outcome: MessageOutcome) -> None:
        """Settle a ticket, a new one for a call that became a message and whose caller no longer waits."""
        ticket = self._tickets.get(number) or self._new_ticket(number, None, None)
        if ticket.is_settled:  # it is reported again for an `enqueue` with the same key
            return
        self._tickets[number] = ticket
        ticket._settle(outcome)
        for stream in self._streams:
            stream._put(ticket)

    def _note(self, report: OutboxReport) -> None:
        """Log a report, and emit an event if the store fails."""
        if report.kind is OutboxReportKind.OUTCOME_FORGOTTEN and report.ticket is not None:
            self._forget(report.ticket)
        if report.kind is OutboxReportKind.STORE_FAILED:
            self._failed(StoreError(f"the outbox stopped, until its store works again: {report.detail}"))
        elif report.kind is OutboxReportKind.STORE_DEGRADED:
            self._failed(StoreError(f"the outbox is in memory only, until its store works again: {report.detail}"))
        elif report.kind not in self._not_logged:
            about = "" if report.ticket is None else f" (ticket {report.ticket})"
            self._log.recurring(f"outbox: {report.kind.value}", f"{report.detail}{about}")

    def _forget(self, number: int) -> None:
        self._tickets.pop(number, None)
        for stream in self._streams:
            stream._remove(number)

    # The application

    @property
    def queued(self) -> list[Ticket]:
        """The tickets of messages without an outcome."""
        return [ticket for ticket in self._tickets.values() if not ticket.is_settled]

    def outcomes(self) -> TicketStream:
        """Return a stream of the settled tickets that are not acknowledged."""
        self._expect_open("read outcomes")
        settled = [ticket for ticket in self._tickets.values() if ticket.is_settled]
        stream = TicketStream(settled, self.completion)
        self._streams[stream] = None
        if not self.may_deliver:
            stream._finish()
        return stream

    def _expect_open(self, verb: str) -> StoreUse:
        use = self._use
        if use is None or not use.is_restored:
            raise ClosedError(f"cannot {verb}: the outbox is not open; enter the block or {self.opened_by} first")
        use.driver.runtime.expect_here()
        return use

    # For the tickets

    @property
    def is_open(self) -> bool:
        """True while the store is open."""
        return self._use is not None

    @property
    def may_deliver(self) -> bool:
        """True while the store is open and the owner is not closed."""
        return self._use is not None and not self._is_stopped()

    def completion(self) -> Completion[None]:
        """Return an empty completion. Raises RuntimeError in another event loop."""
        runtime = self._expect_open("wait").driver.runtime
        completion: Completion[None] = runtime.completion()
        return completion

    def cancel(self, number: int) -> None:
        """Settle a message as cancelled."""
        self._expect_open("cancel").driver.feed(CancelTicket(number))

    def acknowledge(self, number: int) -> None:
        """Forget an outcome; ignore one that is forgotten."""
        self._expect_open("acknowledge").driver.feed(Acknowledge(number))
        self._forget(number)
