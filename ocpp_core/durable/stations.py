"""The outboxes of the stations of a server: commands for stations that are away.

What it is. A server has one store, and an outbox for each station that has a message or an outcome. An outbox is made
when something is enqueued, or was stored, and removed when nothing is left. While a station is connected, the session
of its connection sends the messages of its outbox, in the same window as calls.

What the host must do. It passes `Restored` first, makes each `Store` durable in order, and reports it with `Stored`. It
reports each connection, and when its station is registered. It calls `poll` until it returns None, soon after `touched`
was called, and never while a session handles an input: all changes until then are one batch of each outbox.

What it guarantees, beyond what each `Outbox` does: no message is sent before its station is registered. A message is
sent on the newest connection of its station only. What is queued and kept is bounded, for each station and for all.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from math import inf
from typing import Final, TypeAlias, assert_never

from ocpp_core.config import IdFactory
from ocpp_core.errors import StoreError
from ocpp_core.inputs import Tick
from ocpp_core.outbound.station_calls import StationCalls
from ocpp_core.outbox.commands import (
    Acknowledge,
    CancelTicket,
    DiscardMessages,
    Enqueue,
    Restored,
    StoreBack,
    Stored,
    StoreDegraded,
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
from ocpp_core.outbox.settings import OutboxConfig
from ocpp_core.outbox.stored.records import KeptOutcome, OutboxRecord
from ocpp_core.timers import Timers

from .shared_batches import SharedBatches
from .station_connections import StationConnection, StationConnections
from .station_outbox import StationOutbox
from .totals import OutboxLimits, Totals

__all__ = ["StationOutboxes", "StationsInput"]

StationsInput: TypeAlias = (
    Restored | Stored | StoreFailed | StoreBack | StoreDegraded | CancelTicket | Acknowledge | DiscardMessages | Tick
)
"""The inputs of all outboxes together."""
_UNSTORED: Final = 2
"""Factor on the limit of messages for batches that the store has not reported."""
_OF_THE_STORE: Final = frozenset({OutboxReportKind.STORE_FAILED, OutboxReportKind.STORE_BACK})


class StationOutboxes:
    """The outboxes of all stations of a server.

    Args:
        config: The settings of each outbox.
        limits: The limits of all together.
        ids: Function that returns message IDs.
        name_of: Function that returns the name of a station by the `peer` of its messages.
        touched: Function that is called when `poll` has something to do.
    """

    def __init__(
        self,
        config: OutboxConfig,
        limits: OutboxLimits,
        *,
        ids: IdFactory,
        name_of: Callable[[str], str],
        touched: Callable[[], None],
    ) -> None:
        self._config = config
        self._ids = ids
        self._name_of = name_of
        self._call_touched = touched
        self._effects: deque[OutboxEffect] = deque()
        self._batches = SharedBatches(self._effects.append)
        self.totals: Totals = Totals(limits)
        """What all outboxes have, and may have."""
        self._outboxes: dict[str, StationOutbox] = {}
        self.connections: StationConnections = StationConnections()
        """The newest connection of each station, to be read."""
        self._owners: dict[int, str] = {}
        self._touched: OrderedDict[str, None] = OrderedDict()  # a dict would pass all removed ones at each look-up
        self._timers = Timers()
        self._next_ticket: int | None = None
        self._is_degraded = False
        self._offset = 0.0
        self._now = -inf

    def __len__(self) -> int:
        """Return the number of stations that have a message or an outcome."""
        return len(self._outboxes)

    @property
    def deadline(self) -> float:
        """Time at which the host must pass `Tick` at the latest; `inf` if no deadline is armed."""
        return self._timers.next

    def poll(self, now: float) -> OutboxEffect | None:
        """Return the next output except `Transmit`, or None if there is nothing to do."""
        while not self._effects:
            if not self._touched:
                return None
            self._advance(next(iter(self._touched)), now)
        return self._effects.popleft()

    def handle(self, event: StationsInput, now: float) -> None:
        """Process an input at `now` (monotonic seconds).

        Raises:
            ValueError: The number of a batch that was not emitted.
            RuntimeError: `Restored` was passed before.
        """
        self._now = now = max(self._now, now)
        match event:
            case Stored(number):
                self._stored(number)
            case Acknowledge(ticket):
                self._acknowledge(ticket)
            case CancelTicket(ticket):
                self._with_owner(ticket, StationOutbox.cancel)
            case Tick():
                self._expire(now)
            case Restored():
                self._restore(event, now)
            case StoreFailed(number, error):
                self._fail(number, error)
            case StoreDegraded(error):
                self._is_degraded = True
                self._effects.append(OutboxReport(OutboxReportKind.STORE_DEGRADED, detail=str(error)))
            case StoreBack():
                self._resume()
            case DiscardMessages():
                self._for_each(StationOutbox.discard)
            case _:
                assert_never(event)

    def configure(self, config: OutboxConfig, limits: OutboxLimits, now: float) -> None:
        """Apply other settings and limits, also to the messages that are queued."""
        self._config, self.totals.limits = config, limits
        self._for_each(lambda outbox: outbox.configure(config, limits.size, now))

    def queued(self, name: str) -> Iterable[int]:
        """Return the tickets of the messages of a station that have no outcome, in the order of acceptance."""
        return tuple(self._outboxes[name].queued) if name in self._outboxes else ()

    # Commands

    def enqueue(self, name: str, message: Enqueue, now: float) -> int:
        """Queue a message for a station, and return its ticket. A command that raises changes nothing.

        Args:
            name: The name of the station.
            message: The message; `name_of` of its `peer` is the name.
            now: The monotonic time, in seconds.

        Raises:
            RuntimeError: The stored state was not restored.
            TypeError: An argument has a wrong type.
            ValueError: An argument is out of range, or the station is connected with another version.
            RPCError: The station is connected, and the payload violates its schema in strict mode.
            CallDroppedError: The outboxes of all stations are full.
            StoreError: The store cannot write, or does not keep up.
        """
        if self._next_ticket is None:
            raise RuntimeError("cannot enqueue: the stored messages were not read; restore them first")
        outbox = self._outboxes.get(name)
        if outbox is None:
            outbox = self._new(name, Restored(wall=now + self._offset), now)
        if not outbox.has_key(message.key):
            if name in self.connections:
                self.connections[name].expect_valid(message)
            self._expect_store(message.action)
            self.totals.expect_room(message.action)
        outbox.number_from(self._next_ticket)
        ticket = outbox.enqueue(message, now)
        self._next_ticket = max(self._next_ticket, ticket + 1)
        self._owners[ticket] = name
        self._insert(name, outbox, now)
        return ticket

    def _expect_store(self, action: str) -> None:
        if self._batches.failed:
            raise StoreError(f"cannot enqueue {action}: the store cannot write; retry when it can")
        if len(self._batches) >= _UNSTORED * self.totals.limits.messages:
            raise StoreError(f"cannot enqueue {action}: the store has not written {len(self._batches)} batches")

    def _new(self, name: str, state: Restored, now: float) -> StationOutbox:
        outbox = StationOutbox(
            name,
            self._config,
            self.totals.limits.size,
            ids=self._ids,
            emit=lambda effect: self._emitted(name, outbox, effect),
            changed=partial(self._touch, name),
        )
        outbox.restore(state, now)
        return outbox

    def _insert(self, name: str, outbox: StationOutbox, now: float) -> None:
        if name not in self._outboxes:
            self._outboxes[name] = outbox
            if name in self.connections:
                self._join(name, outbox, self.connections[name], now)
        self.totals.count(outbox)
        self._touch(name)

    def _expire(self, now: float) -> None:
        for name in self._timers.due(now):
            self._outboxes[str(name)].expire(now)
            self._touch(str(name))

    def _with_owner(self, ticket: int, command: Callable[[StationOutbox, int], None]) -> None:
        """Give a command to the outbox that has a ticket; ignore an unknown one."""
        name = self._owners.get(ticket)
        if name is not None and name in self._outboxes:
            command(self._outboxes[name], ticket)
            self._touch(name)

    def _acknowledge(self, ticket: int) -> None:
        if self.totals.forget(ticket):
            self._with_owner(ticket, StationOutbox.acknowledge)
            del self._owners[ticket]

    def _for_each(self, command: Callable[[StationOutbox], None]) -> None:
        for outbox in self._outboxes.values():
            command(outbox)
        self._touch_all()

    def _touch_all(self) -> None:
        for name in self._outboxes:
            self._touch(name)

    # Connections

    def connected(self, name: str, calls: StationCalls, protocol: str, wake: Callable[[], None], now: float) -> None:
        """Note that a station has a new connection, which counts in place of an older one.

        Args:
            name: The name of the station.
            calls: The calls of the session.
            protocol: The subprotocol.
            wake: Function that is called after the session wrote something.
            now: The monotonic time, in seconds.
        """
        older = self.connections.get(name)
        if older is not None:
            self.disconnected(name, older.calls, now)
        self.connections[name] = connection = StationConnection(calls, protocol, wake)
        if name in self._outboxes:
            self._join(name, self._outboxes[name], connection, now)

    def registered(self, name: str, calls: StationCalls, *, is_registered: bool) -> None:
        """Note that a station is registered, or no longer; ignore a connection that does not count."""
        connection = self.connections.counting(name, calls)
        if connection is None:
            return
        connection.is_registered = is_registered
        if name in self._outboxes:
            self._outboxes[name].set_gate(is_registered)
            self._touch(name)

    def disconnected(self, name: str, calls: StationCalls, now: float) -> None:
        """Note that a connection has ended; ignore one that does not count."""
        if self.connections.counting(name, calls) is None:
            return
        del self.connections[name]
        calls.use(None)
        if name in self._outboxes:
            self._outboxes[name].lost(now)
            self._touch(name)

    def _join(self, name: str, outbox: StationOutbox, connection: StationConnection, now: float) -> None:
        connection.calls.use(outbox)
        outbox.opened(connection.protocol, now)
        outbox.set_gate(connection.is_registered)
        self._touch(name)

    # The store

    def _restore(self, state: Restored, now: float) -> None:
        if self._next_ticket is not None:
            raise RuntimeError("cannot restore: the outboxes have their state already; make new ones")
        self._next_ticket = state.first_ticket
        self._offset = state.wall - now
        stored: dict[str, tuple[list[OutboxRecord], list[KeptOutcome]]] = {}
        for record in state.records:
            stored.setdefault(self._name_of(record.peer), ([], []))[0].append(record)
        for kept in state.outcomes:
            stored.setdefault(self._name_of(kept.peer), ([], []))[1].append(kept)
        for name, (records, outcomes) in stored.items():
            self._owners |= dict.fromkeys([each.ticket for each in records], name)
            self._owners |= dict.fromkeys([each.ticket for each in outcomes], name)
            own = Restored(wall=state.wall, records=records, outcomes=outcomes)
            self._insert(name, self._new(name, own, now), now)

    def _stored(self, number: int) -> None:
        if not self._batches.failed:
            for outbox in self._batches.stored(number):
                if outbox.is_idle:
                    self._touch(outbox.name)  # it is removed

    def _fail(self, number: int, error: Exception) -> None:
        if not self._batches.failed:
            self._batches.fail(number, error, self._outboxes.values())
            self._touch_all()
            self._effects.append(OutboxReport(OutboxReportKind.STORE_FAILED, detail=str(error)))

    def _resume(self) -> None:
        if self._batches.failed or self._is_degraded:
            self._is_degraded = False
            self._batches.resume(self._outboxes.values())
            self._touch_all()
            self._effects.append(OutboxReport(OutboxReportKind.STORE_BACK))

    # What outboxes do

    def _touch(self, name: str) -> None:
        if not self._touched:
            self._call_touched()
        self._touched[name] = None

    def _advance(self, name: str, now: float) -> None:
        """Let an outbox send and store what it can."""
        self._now = max(self._now, now)
        outbox, connection = self._outboxes.get(name), self.connections.get(name)
        if outbox is not None and connection is not None:
            connection.calls.fill_window(self._now)
        self._touched.pop(name, None)
        if outbox is not None:
            if connection is not None:
                connection.wake()  # this may run code of the application, which enqueues again
            outbox.flush()
            self.totals.count(outbox)
            self._timers.set(name, outbox.deadline)
        self._forget_excess()
        if outbox is not None and outbox.is_idle:
            self._remove(name, connection)

    def _remove(self, name: str, connection: StationConnection | None) -> None:
        del self._outboxes[name]
        self._timers.cancel(name)
        self._touched.pop(name, None)
        if connection is not None:
            connection.calls.use(None)

    def _forget_excess(self) -> None:
        while (ticket := self.totals.excess) is not None:
            self._acknowledge(ticket)
            self._effects.append(OutboxReport(OutboxReportKind.OUTCOME_FORGOTTEN, ticket))

    def _emitted(self, name: str, outbox: StationOutbox, effect: OutboxEffect) -> None:
        match effect:
            case Store():
                self._batches.submit(outbox, effect)
                return
            case Transmit():
                self._transmit(name, effect)
                return
            case TicketSettled(ticket, outcome):
                self.totals.keep(ticket, outcome.size)
                self._touch(name)
            case TicketRejected(ticket):
                self._owners.pop(ticket, None)
            case OutboxReport(OutboxReportKind.OUTCOME_FORGOTTEN, int(ticket)):
                self.totals.forget(ticket)
                self._owners.pop(ticket, None)
            case OutboxReport(kind) if kind in _OF_THE_STORE:
                return  # one report for all outboxes follows
            case OutboxReport(OutboxReportKind.HELD):
                effect = replace(effect, detail=f"station {name!r}: {effect.detail}")
            case TicketAccepted() | OutboxReport():
                pass
            case _:
                assert_never(effect)
        self._effects.append(effect)

    def _transmit(self, name: str, transmit: Transmit) -> None:
        connection = self.connections.get(name)
        if connection is not None:  # otherwise the transmission was taken back
            connection.calls.transmit(transmit, self._now)
            self._touch(name)
