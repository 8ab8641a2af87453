"""The tickets of one station, and what their owner asks the store in the order of the application."""

from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import ClassVar, Final
from weakref import WeakSet

import anyio

from ocpp_core.cluster.calls.frames import CommandStoredFrame
from ocpp_core.cluster.queue.records import CommandState, CommandStatus, NewCommand
from ocpp_core.cluster.records import ClusterOwner
from ocpp_core.errors import CallDroppedError, OCPPError, StoreError
from ocpp_core.identity import StationKey
from ocpp_core.outbox.stored.outcomes import MessageOutcome, MessageUnknown, UnknownReason
from ocpp_core.outbox.stored.texts import read_outcome
from ocpp_transports._driver._interfaces import Completion
from ocpp_transports.cluster._store import ForeignDataError
from ocpp_transports.outbox._ticket import Ticket

from ._shared_by_tickets import SharedByTickets
from ._store import QueueUnavailableError

__all__ = ["StationTickets"]

_SLACK: Final = 0.05
"""Seconds to wait longer than the store needs to change a command by itself: clocks run at different speeds."""
_RETRY: Final = 5.0
"""Seconds until the store is asked again that did not answer."""
_ATTEMPTS: Final = 12
"""How often a cancellation is tried."""
_UNANSWERED: Final = (QueueUnavailableError, ForeignDataError)
_FORGOTTEN: Final = MessageUnknown(UnknownReason.FORGOTTEN)


class StationTickets:
    """The tickets of one station, which they own. It lasts as long as one of them is used."""

    opened_by: ClassVar[str] = "enter the block or listen()"

    def __init__(self, shared: SharedByTickets, name: str, key: StationKey) -> None:
        self._shared = shared
        self._name = name
        self._key = key
        self._tickets: WeakSet[Ticket] = WeakSet()
        self._unstored: dict[Ticket, bool] = {}
        """The tickets of commands that are not stored yet; True for the one that is being written."""
        self._renamed: dict[int, int] = {}
        self._requests: deque[Callable[[], Awaitable[None]]] = deque()
        self._is_busy = False
        self._is_looking = False
        self._must_look = False
        """True if an outcome may have been stored after a request that has no answer yet."""

    # For the application

    def enqueue(self, command: NewCommand) -> Ticket:
        """Store a command, after what was asked before; return its ticket. Raises CallDroppedError."""
        self._shared.begin_storing()
        ticket = self._new_ticket(command.number, command.action, command.key)
        self._unstored[ticket] = False
        self._ask(partial(self._store, ticket, command))
        return ticket

    async def read(self) -> list[Ticket]:
        """Return the tickets of all commands of the station, also those of other processes, the oldest first.

        Raises QueueUnavailableError.
        """
        statuses, _, news = await self._shared.expect_open("read the queue").store.look(self._name)
        self._shared.noted(self._name, news)
        tickets = [self._ticket_of(status) for status in statuses]
        self._watch(statuses)
        return tickets

    def changed(self) -> None:
        """Look for outcomes, if a ticket waits for one; again, if the answers that are awaited may be older."""
        if self._is_looking or self._unstored:
            self._must_look = True
        elif any(not each.is_settled for each in self._tickets):
            self._is_looking = True
            self._spawn(self._look)

    def _look_again(self) -> None:
        if self._must_look and not self._is_looking and not self._unstored:
            self._must_look = False
            self.changed()

    def closed(self) -> None:
        """Let the tasks that wait learn that the cluster is left."""
        self._is_busy = self._is_looking = self._must_look = False
        self._requests.clear()
        for ticket, is_written in tuple(self._unstored.items()):
            doubt = "; it may be stored" if is_written else ""
            text = f"cannot enqueue {ticket.action}: closed before it was stored{doubt}"
            self._refuse(ticket, QueueUnavailableError(text, may_be_stored=is_written))
        for ticket in tuple(self._tickets):
            ticket._wake()

    # For the tickets

    @property
    def is_open(self) -> bool:
        """True while the node is open."""
        return self._shared.is_open

    @property
    def may_deliver(self) -> bool:
        """True while the node is open."""
        return self._shared.is_open

    def completion(self) -> Completion[None]:
        """Return an empty completion. Raises RuntimeError in another event loop."""
        completion: Completion[None] = self._shared.expect_open("wait").runtime.completion()
        return completion

    def cancel(self, number: int) -> None:
        """Ask the store to cancel a command. Raises ClosedError."""
        self._shared.expect_open("cancel")
        self._ask(partial(self._cancel, number, _ATTEMPTS))

    def acknowledge(self, number: int) -> None:
        """Ask the store to forget an outcome. Raises ClosedError."""
        self._shared.expect_open("acknowledge")
        self._ask(partial(self._acknowledge, number))

    # Requests, one after another

    def _ask(self, request: Callable[[], Awaitable[None]]) -> None:
        self._requests.append(request)
        if not self._is_busy:
            self._is_busy = True
            self._spawn(self._work)

    async def _work(self) -> None:
        while self._requests and self.is_open:
            try:
                await self._requests.popleft()()
            except _UNANSWERED as error:
                self._shared.log.recurring("queue", f"the queue of the cluster did not answer: {error}")
            except Exception as error:
                self._shared.log.failed("a request to the queue of the cluster failed", error)
        self._is_busy = False

    async def _store(self, ticket: Ticket, command: NewCommand) -> None:
        use = self._shared.expect_open("enqueue")
        self._unstored[ticket] = True
        try:
            answer = await use.store.enqueue(self._name, command, self._shared.limits)
        except QueueUnavailableError as error:
            self._refuse(ticket, error)
            return
        except ForeignDataError as error:
            self._refuse(ticket, StoreError(f"cannot enqueue {command.action}: {error}"))
            return
        except Exception:
            text = f"cannot enqueue {command.action}: the queue of the cluster failed; the command may be stored"
            self._refuse(ticket, QueueUnavailableError(text, may_be_stored=True))
            raise  # for the log
        self._shared.noted(self._name, answer.news)
        if answer.status is None:
            full = f"cannot enqueue {command.action}: the queue of the station, or of the cluster, is full"
            self._refuse(ticket, CallDroppedError(full))
            return
        self._end_storing(ticket)
        self._accept(ticket, answer.status)
        self._wake_owner(answer.owner)
        self._watch([answer.status])
        self._look_again()

    def _refuse(self, ticket: Ticket, error: OCPPError) -> None:
        self._end_storing(ticket)
        self._tickets.discard(ticket)
        ticket._reject(error)

    def _end_storing(self, ticket: Ticket) -> None:
        if self._unstored.pop(ticket, None) is not None:
            self._shared.end_storing()

    async def _cancel(self, number: int, attempts: int) -> None:
        use = self._shared.expect_open("cancel")
        try:
            self._shared.noted(self._name, await use.store.cancel(self._name, self._renamed.get(number, number)))
        except _UNANSWERED:
            if attempts:
                self._spawn(partial(self._later, partial(self._cancel, number, attempts - 1)))
            raise
        self.changed()

    async def _later(self, request: Callable[[], Awaitable[None]]) -> None:
        await anyio.sleep(_RETRY)
        if self.is_open:
            self._ask(request)

    async def _acknowledge(self, number: int) -> None:
        use = self._shared.expect_open("acknowledge")
        self._shared.noted(self._name, await use.store.acknowledge(self._name, number))

    # Outcomes

    async def _look(self) -> None:
        waiting = [each for each in self._tickets if each._is_accepted and not each.is_settled]
        try:
            if not self.is_open:
                return
            use = self._shared.expect_open("read the queue")
            statuses, owner, news = await use.store.look(self._name)
        except _UNANSWERED as error:
            self._shared.log.recurring("queue", f"the queue of the cluster did not answer: {error}")
            self._shared.watch(self._name, _RETRY)
            return
        finally:
            self._is_looking = False
        self._shared.noted(self._name, news)
        known = {each.number: each for each in statuses}
        for ticket in waiting:
            self._follow(ticket, known.get(ticket.number))
        followed = [known[each.number] for each in waiting if each.number in known]
        if any(each.state is CommandState.QUEUED for each in followed):
            self._wake_owner(owner)  # the report of the command may have been lost
        self._watch(followed)
        self._look_again()

    def _follow(self, ticket: Ticket, status: CommandStatus | None) -> None:
        if ticket.is_settled:
            return
        if status is None:
            self._shared.log.recurring("queue", f"the queue of the cluster has lost the command {ticket.number}")
            ticket._settle(_FORGOTTEN)
        elif status.outcome is not None:
            ticket._settle(_read(status.outcome))

    def _accept(self, ticket: Ticket, status: CommandStatus) -> None:
        if status.number != ticket.number:
            self._renamed[ticket.number] = status.number
            ticket._become(status.number, status.action)
        ticket._accept()
        self._follow(ticket, status)

    def _ticket_of(self, status: CommandStatus) -> Ticket:
        known = next((each for each in self._tickets if each.number == status.number), None)
        ticket = known or self._new_ticket(status.number, status.action, status.key)
        self._accept(ticket, status)
        return ticket

    def _new_ticket(self, number: int, action: str, key: str | None) -> Ticket:
        ticket = Ticket(self, number, action, key, self._key)
        self._tickets.add(ticket)
        return ticket

    def _watch(self, statuses: list[CommandStatus]) -> None:
        ends = [each.seconds for each in statuses if each.state is not CommandState.SETTLED]
        if ends:
            self._shared.watch(self._name, min(ends) + _SLACK)

    def _wake_owner(self, owner: ClusterOwner | None) -> None:
        if owner is not None and self._shared.is_open:
            self._shared.expect_open("report").node.report(owner.node, CommandStoredFrame(self._name))

    def _spawn(self, work: Callable[[], Awaitable[None]]) -> None:
        async def run() -> None:
            await work()

        self._shared.expect_open("ask").runtime.spawn(run())


def _read(text: str) -> MessageOutcome:
    try:
        outcome: MessageOutcome = read_outcome(text)
    except (TypeError, ValueError, LookupError):
        return _FORGOTTEN  # of a later version
    return outcome
