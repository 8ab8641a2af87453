"""The queues of a cluster in memory: a twin of what the scripts of the Redis store do, without I/O.

What it guarantees. A command is taken at most once, unless the one who took it gives it back unsent. Commands of a
station are taken in the order in which they were stored. Each stored command gets one outcome, which never changes.

Why it holds. Only the node with the station's newest claim may take, and taking marks the command before it is sent. A
mark of anybody else is found by the next one who takes: that command is settled as unknown, and never taken again. A
mark that nobody finds ends by itself. Every request can be repeated: numbers and tokens are used once.
"""

from collections.abc import Iterator
from dataclasses import field
from typing import Final

from ocpp_core._dataclasses import dataclass
from ocpp_core.cluster.records import ClusterOwner, NodeId
from ocpp_core.outbox.stored.outcomes import (
    MessageDropped,
    MessageNotSent,
    MessageOutcome,
    MessageUnknown,
    NotSentReason,
    UnknownReason,
)
from ocpp_core.outbox.stored.texts import write_outcome

from .records import CommandState, CommandStatus, EnqueueAnswer, NewCommand, SettledCommand, TakeAnswer, TakenCommand
from .settings import MAX_OUTCOMES, ClusterQueueLimits

__all__ = ["CANCELLED", "CANCELLED_SENT", "DROPPED", "EXPIRED", "LOST", "RESTARTED", "QueueTable"]


def _text(outcome: MessageOutcome) -> str:
    return write_outcome(outcome)


EXPIRED: Final = _text(MessageNotSent(NotSentReason.EXPIRED))
CANCELLED: Final = _text(MessageNotSent(NotSentReason.CANCELLED))
CANCELLED_SENT: Final = _text(MessageUnknown(UnknownReason.CANCELLED))
DROPPED: Final = _text(MessageDropped())
LOST: Final = _text(MessageUnknown(UnknownReason.LOST))
RESTARTED: Final = _text(MessageUnknown(UnknownReason.RESTART))
"""The outcomes that the store decides."""
_MILLI: Final = 1000


@dataclass(slots=True)
class _Entry:
    number: int
    action: str
    key: str | None
    content: str
    size: int
    origin: NodeId
    expires: int
    """When it expires; of a settled one, when it is forgotten. All times are milliseconds."""
    deadline: int | None
    kept: int
    state: CommandState = CommandState.QUEUED
    token: str | None = None
    ends: int = 0
    """When the mark of a taken one ends."""
    outcome: str | None = None

    @property
    def due(self) -> int:
        return self.ends if self.state is CommandState.TAKEN else self.expires

    @property
    def last(self) -> int:
        """When nothing of it is left."""
        return self.due if self.state is CommandState.SETTLED else self.due + self.kept


@dataclass(slots=True)
class _Queue:
    entries: list[_Entry] = field(default_factory=list)
    news: list[SettledCommand] = field(default_factory=list)

    def of(self, state: CommandState) -> Iterator[_Entry]:
        return (each for each in self.entries if each.state is state)

    def settle(self, entry: _Entry, outcome: str, at: int) -> None:
        entry.state, entry.token, entry.content, entry.size = CommandState.SETTLED, None, "", 0
        entry.outcome, entry.expires = outcome, at + entry.kept
        self.news.append(SettledCommand(entry.number, entry.origin))

    def advance(self, now: int) -> None:
        """Settle what ended by itself, and forget what was kept long enough."""
        for entry in self.entries:
            if entry.due <= now and entry.state is not CommandState.SETTLED:
                self.settle(entry, RESTARTED if entry.state is CommandState.TAKEN else EXPIRED, entry.due)
        self.entries = [each for each in self.entries if each.due > now]

    def forget_excess(self) -> None:
        """Forget the oldest outcomes beyond the limit."""
        settled = list(self.of(CommandState.SETTLED))
        excess = {each.number for each in settled[: max(0, len(settled) - MAX_OUTCOMES)]}
        self.entries = [each for each in self.entries if each.number not in excess]

    def take_news(self) -> tuple[SettledCommand, ...]:
        news, self.news = tuple(self.news), []
        return news


class QueueTable:
    """The queues of the stations of one bucket, or of a cluster that has only one. Times are milliseconds."""

    def __init__(self) -> None:
        self._queues: dict[str, _Queue] = {}

    def __len__(self) -> int:
        """Return the number of stations with a command or an outcome, also with those that have ended since."""
        return len(self._queues)

    def enqueue(
        self, station: str, command: NewCommand, limits: ClusterQueueLimits, owner: ClusterOwner | None, now: int
    ) -> EnqueueAnswer:
        """Store a command behind the others, unless there is one with its number or key, or there is no room.

        Args:
            station: The name of the station.
            command: The command.
            limits: The limits.
            owner: The node that has the station.
            now: The time.
        """
        queue = self._reach(station, now)
        known = next((each for each in queue.entries if _is_same(each, command)), None)
        if known is None and self._has_room(queue, command, limits, now):
            known = _entry_of(command, limits, now)
            waiting = list(queue.of(CommandState.QUEUED))
            if len(waiting) >= limits.size:
                queue.settle(waiting[0], DROPPED, now)
            queue.entries.append(known)
        status = None if known is None else _status_of(known, now)
        return EnqueueAnswer(status, owner, self._leave(station, queue))

    def take(self, station: str, token: str, patience: float, now: int, *, is_owner: bool) -> TakeAnswer:
        """Mark the next command of a station with a token, which is new for each attempt to send.

        Args:
            station: The name of the station.
            token: A repetition with the same token returns the same command.
            patience: Seconds for which the mark lasts beyond the time to live of the command.
            now: The time.
            is_owner: True if the node has the station with the newest claim.
        """
        queue = self._reach(station, now)
        if not is_owner:
            return TakeAnswer(is_owner=False, news=self._leave(station, queue))
        taken = None
        for entry in list(queue.of(CommandState.TAKEN)):
            if entry.token == token:
                taken = entry
            else:
                queue.settle(entry, LOST, now)
        taken = taken or next(queue.of(CommandState.QUEUED), None)
        if taken is not None and taken.state is CommandState.QUEUED:
            taken.state, taken.token = CommandState.TAKEN, token
            taken.ends = taken.expires + round(patience * _MILLI)
        command = None if taken is None else _command_of(taken, now)
        return TakeAnswer(is_owner=True, command=command, news=self._leave(station, queue))

    def settle(
        self, station: str, token: str, number: int | None, outcome: str | None, now: int
    ) -> tuple[SettledCommand, ...]:
        """Settle the command with a mark, or give it back unsent.

        Args:
            station: The name of the station.
            token: The token with which it was taken.
            number: Its number: with an outcome it is settled also if the store has lost the mark.
            outcome: The outcome as JSON text; None to give it back.
            now: The time.

        Returns:
            What was settled; a command that has an outcome already keeps it.
        """
        queue = self._reach(station, now)
        for entry in queue.entries:
            has_lost_mark = entry.number == number and entry.state is CommandState.QUEUED and outcome is not None
            if has_lost_mark or (entry.state is CommandState.TAKEN and entry.token == token):
                if outcome is None:
                    entry.state, entry.token = CommandState.QUEUED, None
                else:
                    queue.settle(entry, outcome, now)
        return self._leave(station, queue)

    def cancel(self, station: str, number: int, now: int) -> tuple[SettledCommand, ...]:
        """Settle a command as cancelled, unless it has an outcome; return what was settled."""
        queue = self._reach(station, now)
        for entry in queue.entries:
            if entry.number == number and entry.state is not CommandState.SETTLED:
                queue.settle(entry, CANCELLED if entry.state is CommandState.QUEUED else CANCELLED_SENT, now)
        return self._leave(station, queue)

    def look(self, station: str, now: int) -> tuple[list[CommandStatus], tuple[SettledCommand, ...]]:
        """Return the commands and outcomes of a station, the oldest first, and what was settled."""
        queue = self._reach(station, now)
        statuses = [_status_of(each, now) for each in queue.entries]
        return statuses, self._leave(station, queue)

    def acknowledge(self, station: str, number: int, now: int) -> tuple[SettledCommand, ...]:
        """Forget the outcome of a command, which frees its key; return what was settled."""
        queue = self._reach(station, now)
        queue.entries = [
            each for each in queue.entries if each.number != number or each.state is not CommandState.SETTLED
        ]
        return self._leave(station, queue)

    def _reach(self, station: str, now: int) -> _Queue:
        queue = self._queues.get(station) or _Queue()  # kept by `_leave` if anything is in it
        queue.advance(now)
        return queue

    def _leave(self, station: str, queue: _Queue) -> tuple[SettledCommand, ...]:
        queue.forget_excess()
        self._queues.pop(station, None)
        if queue.entries:
            self._queues[station] = queue
        return queue.take_news()

    def _has_room(self, queue: _Queue, command: NewCommand, limits: ClusterQueueLimits, now: int) -> bool:
        if sum(each.size for each in queue.entries) + command.size > limits.size_bytes:
            return False
        if queue.entries:
            return True
        for name, other in list(self._queues.items()):
            if all(each.last <= now for each in other.entries):
                del self._queues[name]
        return len(self._queues) < limits.stations


def _is_same(entry: _Entry, command: NewCommand) -> bool:
    return entry.number == command.number or (command.key is not None and entry.key == command.key)


def _entry_of(command: NewCommand, limits: ClusterQueueLimits, now: int) -> _Entry:
    deadline = None if command.deadline is None else now + round(command.deadline * _MILLI)
    expires = now + round(command.ttl * _MILLI)
    return _Entry(
        command.number,
        command.action,
        command.key,
        command.content,
        command.size,
        command.origin,
        expires if deadline is None else min(expires, deadline),
        deadline,
        round(limits.kept * _MILLI),
    )


def _command_of(entry: _Entry, now: int) -> TakenCommand:
    deadline = None if entry.deadline is None else (entry.deadline - now) / _MILLI
    return TakenCommand(entry.number, entry.content, (entry.expires - now) / _MILLI, deadline)


def _status_of(entry: _Entry, now: int) -> CommandStatus:
    seconds = (entry.due - now) / _MILLI
    return CommandStatus(entry.number, entry.action, entry.key, entry.state, seconds, entry.outcome)
