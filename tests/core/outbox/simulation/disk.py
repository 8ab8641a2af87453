"""A store whose commits take time, fail, and are done or not when the process dies."""

from collections import deque
from collections.abc import Callable

from ocpp_core.outbox.commands import Restored
from ocpp_core.outbox.effects import Store
from ocpp_core.outbox.stored.outcomes import MessageOutcome
from ocpp_core.outbox.stored.records import OutboxSnapshot, Put, ReplaceAll

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
        return Restored(
            wall=wall,
            first_ticket=self._opened << 32,
            records=list(self.state.records.values()),
            bindings=list(self.state.bindings.values()),
            outcomes=list(self.state.outcomes.values()),
        )

    def submit(self, batch: Store) -> None:
        self._expect(batch.number == self._number + 1, "batches are numbered without gaps")
        self._number = batch.number
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
        group = self._timeline.random.randint(1, len(self._batches))
        for _ in range(group):
            batch = self._batches.popleft()
            self._apply(batch)
        self.report("stored", batch.number)
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
        self._note()

    def _note(self) -> None:
        self.ever |= self.state.records.keys() | self.state.outcomes.keys()
        for ticket, kept in self.state.outcomes.items():
            earlier = self.outcomes.setdefault(ticket, kept.outcome)
            self._expect(earlier == kept.outcome, "an outcome never changes")

    def crash(self) -> None:
        """End the process: a part of the batches that were submitted may be durable."""
        for _ in range(self._timeline.random.randint(0, len(self._batches))):
            if not self.is_failing:
                self._apply(self._batches.popleft())
        self._note()
        self._batches.clear()
        self._generation += 1
