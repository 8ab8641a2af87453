"""A store whose commits take time, fail, and are done or not when the process dies."""

from collections import deque
from collections.abc import Callable, Sequence

from ocpp_core.outbox.commands import Restored
from ocpp_core.outbox.effects import Store
from ocpp_core.outbox.stored.outcomes import MessageOutcome
from ocpp_core.outbox.stored.records import (
    Binding,
    Delete,
    KeptOutcome,
    Operation,
    OutboxRecord,
    OutboxSnapshot,
    Put,
    ReplaceAll,
)

from .scenario import Scenario
from .timeline import Timeline


class Disk:
    def __init__(self, timeline: Timeline, scenario: Scenario, expect: Callable[[bool, str], None]) -> None:
        self.state = OutboxSnapshot()
        self.ever: set[int] = set()
        """Tickets that were durable at some time."""
        self.outcomes: dict[int, MessageOutcome] = {}
        """The outcome of every ticket, also of those that were acknowledged."""
        self.doubtful: set[int] = set()
        """New tickets of commits that failed and were kept nevertheless."""
        self.is_failing = False
        self.failures = 0
        self.check: Callable[[Sequence[Operation]], None] = lambda operations: None
        self.report: Callable[[str, int], None] = lambda kind, number: None
        self._timeline = timeline
        self._scenario = scenario
        self._expect = expect
        self._opened = 0
        self._batches: deque[Store] = deque()
        self._refuses = False
        self._number = 0
        self._generation = 0

    def open(self, wall: float) -> Restored:
        self._opened += 1
        self._number = 0
        self._refuses = False
        records, bindings, outcomes = self._everything
        first = self._opened << 32
        return Restored(wall=wall, first_ticket=first, records=records, bindings=bindings, outcomes=outcomes)

    @property
    def _everything(self) -> tuple[tuple[OutboxRecord, ...], tuple[Binding, ...], tuple[KeptOutcome, ...]]:
        state = self.state
        return tuple(state.records.values()), tuple(state.bindings.values()), tuple(state.outcomes.values())

    def submit(self, batch: Store) -> None:
        self._expect(batch.number == self._number + 1, "batches are numbered without gaps")
        self._number = batch.number
        self.check(batch.operations)
        if isinstance(batch.operations[0], ReplaceAll):
            self._refuses = False
        if self._refuses:
            return
        self._batches.append(batch)
        generation = self._generation
        self._timeline.after(self._scenario.commit, lambda: self._commit(generation))

    def _commit(self, generation: int) -> None:
        if generation != self._generation or not self._batches:
            return
        if self.is_failing:
            self._fail()
            return
        group = [self._batches.popleft() for _ in range(self._timeline.random.randint(1, len(self._batches)))]
        for batch in group:
            self._apply(batch)
        self.report("stored", group[-1].number)
        if self._batches:
            self._timeline.after(self._scenario.commit, lambda: self._commit(generation))

    def _fail(self) -> None:
        self.failures += 1
        batch = self._batches[0]
        if self._timeline.random.random() < 0.2 and not isinstance(batch.operations[0], ReplaceAll):
            tickets = {put.record.ticket for put in batch.operations if isinstance(put, Put)}
            self.doubtful |= tickets - self.ever
            self.state.apply(batch.operations)
        self._batches.clear()
        self._refuses = True
        self._generation += 1
        self.report("failed", batch.number)

    def _apply(self, batch: Store) -> None:
        self.state.apply(batch.operations)
        for operation in batch.operations:
            self._note(operation)

    def _note(self, operation: Operation) -> None:
        match operation:
            case Put(record):
                self.ever.add(record.ticket)
            case Delete(kept):
                self._note_outcome(kept)
            case ReplaceAll(records, _, outcomes):
                self.ever |= {record.ticket for record in records}
                for kept in outcomes:
                    self._note_outcome(kept)

    def _note_outcome(self, kept: KeptOutcome) -> None:
        self.ever.add(kept.ticket)
        earlier = self.outcomes.setdefault(kept.ticket, kept.outcome)
        self._expect(earlier == kept.outcome, "an outcome never changes")

    def crash(self) -> None:
        """End the process: a part of the batches that were submitted may be durable."""
        for _ in range(self._timeline.random.randint(0, len(self._batches))):
            if not self.is_failing:
                self._apply(self._batches.popleft())
        self._note(ReplaceAll(*self._everything))
        self._batches.clear()
        self._generation += 1
