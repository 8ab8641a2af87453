"""Mistakes that the outboxes of a server may have, seeded one at a time: the simulation must find each of them."""

from typing import Any, Final

from ocpp_core.durable.shared_batches import SharedBatches
from ocpp_core.durable.station_outbox import StationOutbox
from ocpp_core.durable.stations import StationOutboxes
from ocpp_core.durable.totals import Totals
from ocpp_core.outbound.station_calls import StationCalls
from ocpp_core.outbox.outbox import Outbox

join, connected, disconnected = StationOutboxes._join, StationOutboxes.connected, StationOutboxes.disconnected
stored, add = SharedBatches.stored, SharedBatches._add


def open_gate(self: Any, name: str, outbox: Any, connection: Any, now: float) -> None:
    connection.is_registered = True
    join(self, name, outbox, connection, now)


def keep_older(self: Any, name: str, calls: Any, protocol: str, wake: Any, now: float) -> None:
    if name not in self.connections:
        connected(self, name, calls, protocol, wake, now)


def end_any(self: Any, name: str, calls: Any, now: float) -> None:
    connection = self.connections.get(name)
    disconnected(self, name, calls if connection is None else connection.calls, now)


def forget_loss(self: Any, name: str, calls: Any, now: float) -> None:
    connection = self.connections.get(name)
    if connection is not None and connection.calls is calls:
        del self.connections[name]
        calls.use(None)


def stored_for_all(self: Any, number: int) -> Any:
    for _, parts in self._pending:
        for outbox, own in parts.items():
            outbox.stored(own)
    return stored(self, number)


def fail_from_the_last(self: Any, number: int, error: Exception, outboxes: Any) -> None:
    stored(self, number - 1)
    failed = {outbox: own for _, parts in self._pending for outbox, own in parts.items()}
    self._pending.clear()
    self.failed = True
    for outbox in outboxes:
        outbox.store_failed(failed[outbox], error) if outbox in failed else outbox.halt(error)


def count_in(self: Any, outbox: Any) -> None:
    self.messages += len(outbox)


def resume_with_one(self: Any, parts: Any, operations: Any) -> None:
    state = operations[0]
    if hasattr(state, "records") and state.records:
        peer = state.records[0].peer.upper()
        records = tuple(record for record in state.records if record.peer.upper() == peer)
        operations = (type(state)(records, state.bindings, state.outcomes),)
    add(self, parts, operations)


MISTAKES: Final[dict[str, list[tuple[Any, str, Any]]]] = {
    "messages do not wait for the registration": [(StationOutboxes, "_join", open_gate)],
    "a marked message passes a gate that closes": [(StationOutbox, "set_gate", Outbox.set_gate)],
    "an older connection still counts": [(StationOutboxes, "connected", keep_older)],
    "the end of an older connection ends the newer one": [(StationOutboxes, "disconnected", end_any)],
    "an outbox does not learn of a lost connection": [(StationOutboxes, "disconnected", forget_loss)],
    "a batch is reported with those of other stations": [(SharedBatches, "stored", stored_for_all)],
    "a failure rolls back the last batch only": [(SharedBatches, "fail", fail_from_the_last)],
    "after a failure the store gets the state of one station": [(SharedBatches, "_add", resume_with_one)],
    "stations number their tickets alone": [(StationOutbox, "number_from", lambda self, ticket: None)],
    "an outbox with outcomes is removed": [(StationOutbox, "is_idle", property(lambda self: not len(self)))],
    "no timer expires the messages of an absent station": [(StationOutboxes, "deadline", property(lambda self: 1e12))],
    "the total forgets to count messages out": [(Totals, "count", count_in)],
    "the session of a station does not learn of its outbox": [(StationCalls, "use", lambda self, outbox: None)],
}
