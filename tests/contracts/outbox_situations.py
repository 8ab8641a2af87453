"""The golden table of a message in the outbox of a `DurableClientEngine`: its situations and what each row feeds it."""

from itertools import count
from random import Random
from typing import Any, TypeAlias, Union

from ocpp_core.actions import OutboxChanged, StateChanged
from ocpp_core.config import ClientConfig, SessionConfig
from ocpp_core.durable.client import DurableClientEngine
from ocpp_core.inputs import Connect, TextReceived, Tick, TransportLost, TransportOpened
from ocpp_core.outbox.commands import (
    Acknowledge,
    CancelTicket,
    DiscardMessages,
    Enqueue,
    OutboxInput,
    ReconfigureOutbox,
    Restored,
    SetClock,
    SetGate,
    StoreBack,
    Stored,
    StoreDegraded,
    StoreFailed,
)
from ocpp_core.outbox.effects import Store
from ocpp_core.outbox.settings import OutboxConfig
from tests.contracts.situations import NOW, Machine, Row, always

ConnectionInput: TypeAlias = TextReceived | Tick | TransportLost
TICKET = 100
TIMEOUT, INTERVAL, TTL = 30.0, 60.0, 15.0
STATES = "New", "Empty", "Queued", "Marked", "Sending", "Waiting", "Halted"


class DurableMachine:
    """The engine, and what its outbox says; the states of the client are another table's affair."""

    def __init__(self, *, online: bool = True, **options: Any) -> None:
        config = ClientConfig(protocols=("ocpp1.6",), session=SessionConfig(call_timeout=TIMEOUT))
        outbox = OutboxConfig(**{"gate": "open", "interval": INTERVAL, **options})
        ids = count(1)
        self.engine = DurableClientEngine(config, outbox, random=Random(1), ids=lambda: f"id-{next(ids)}")
        if online:
            self.feed(Connect(1), TransportOpened("ocpp1.6", attempt=1))

    @property
    def _now(self) -> float:
        return self.engine._now

    def handle(self, event: Any, now: float) -> None:
        self.engine.handle(event, now)

    def poll(self) -> Any:
        while isinstance(action := self.engine.poll(), StateChanged | OutboxChanged):
            pass
        return self.engine.poll_outbox() if action is None else action

    def feed(self, *events: Any, stored: bool = True) -> "DurableMachine":
        """Bring the engine further, with a store that is in time unless it is told not to be."""
        for event in events:
            self.engine.handle(event, NOW)
            while (action := self.poll()) is not None:
                if stored and isinstance(action, Store):
                    self.engine.handle(Stored(action.number), NOW)
        return self


def empty(*, online: bool = True, **options: Any) -> DurableMachine:
    return DurableMachine(online=online, **options).feed(Restored(wall=NOW, first_ticket=TICKET))


def message() -> Enqueue:
    return Enqueue(action="DataTransfer", payload={}, ttl=TTL)


def sending(**options: Any) -> DurableMachine:
    return empty(**options).feed(message())


def waiting(**options: Any) -> DurableMachine:
    return sending(**options).feed(TextReceived('[4,"id-1","InternalError","",{}]', attempt=1))


def halted(**options: Any) -> DurableMachine:
    machine = empty(online=False, **options).feed(message()).feed(message(), stored=False)
    machine.feed(StoreFailed(2, OSError("disk full")))
    return machine


def state(machine: DurableMachine) -> str:
    outbox = machine.engine.outbox
    if outbox._next_ticket is None:
        return "New"
    if outbox._journal.failed:
        return "Halted"
    entry = next(iter(outbox._lanes.entries.values()), None)
    if entry is None:
        return "Empty"
    if entry.record.sending:
        return "Marked" if outbox.has_unwritten else "Sending"
    return "Queued" if entry.is_ready else "Waiting"


SITUATIONS = {
    "New": DurableMachine,
    "Empty": empty,
    "Queued": lambda **options: empty(online=False, **options).feed(message()),
    "Marked": lambda **options: empty(**options).feed(message(), stored=False),
    "Sending": sending,
    "Waiting": waiting,
    "Halted": halted,
}


def last_batch(machine: DurableMachine) -> int:
    return machine.engine.outbox._journal.open - 1


ROWS = {
    "Restored": always(Restored(wall=NOW, first_ticket=TICKET)),
    "Stored": Row(lambda machine: Stored(last_batch(machine))),
    "Stored: a batch that was not emitted": always(Stored(99)),
    "StoreFailed": Row(lambda machine: StoreFailed(last_batch(machine), OSError("disk full"))),
    "StoreDegraded": always(StoreDegraded(OSError("disk full"))),
    "StoreBack": always(StoreBack()),
    "Enqueue": always(Enqueue(action="Heartbeat", payload={}, token=7)),
    "Enqueue: a bad argument": always(Enqueue(action="", payload={})),
    "CancelTicket": always(CancelTicket(TICKET)),
    "DiscardMessages": always(DiscardMessages()),
    "Acknowledge: a message without an outcome": always(Acknowledge(TICKET)),
    "SetGate: closed": always(SetGate(False)),
    "SetClock": always(SetClock(NOW + 5000.0)),
    "ReconfigureOutbox: one attempt, no interval": always(
        ReconfigureOutbox(OutboxConfig(gate="open", attempts=1, interval=0.0))
    ),
    "TextReceived: a CALLRESULT to its transmission": always(TextReceived('[3,"id-1",{}]', attempt=1)),
    "TextReceived: a CALLERROR to its transmission": always(
        TextReceived('[4,"id-1","InternalError","",{}]', attempt=1)
    ),
    "Tick: its time to live is over": always(Tick(), later=TTL),
    "Tick: its timeout is over": always(Tick(), later=TIMEOUT),
    "Tick: its interval is over": always(Tick(), later=INTERVAL),
    "TransportLost": always(TransportLost(attempt=1)),
}


class OutboxMachine(Machine):
    def state_names(self) -> set[str]:
        return {*STATES}


OUTBOX = {"Outbox": OutboxMachine(Union[OutboxInput, ConnectionInput], STATES, SITUATIONS, ROWS, state)}  # noqa: UP007 - `|` is no Union
