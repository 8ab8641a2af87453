"""What an engine draws besides its inputs, on the way into a recording.

Random numbers, message IDs and request numbers are recorded as they are drawn. Of what connections share (stored
answers, the memory of unfinished messages, a token bucket), a lone connection would see nothing: only what differs from
that is recorded, with the number of the question.
"""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from ocpp_core.actions import Dispatch
from ocpp_core.inbound.answers import AnswerMemory, Answers
from ocpp_core.limits import Bucket
from ocpp_core.link import Unfinished
from ocpp_core.link._frames import FrameError

__all__ = ["Drawn", "RecordedBucket", "RecordedMemory", "RecordedRandom", "RecordedUnfinished"]


class Drawn:
    """What was drawn since the last record."""

    def __init__(self, dump: Callable[[Any], Any]) -> None:
        self.is_on: bool = True
        """False once nothing is kept any more."""
        self.random: list[float] = []
        self.ids: list[str] = []
        self.numbers: list[int] = []
        self.others: list[tuple[int, Any]] = []
        self._dump = dump
        self._asked = 0

    def learn(self, usual: Any, answer: Any) -> Any:
        """Count a question about what connections share; keep the answer unless it is the usual one."""
        self._asked += 1
        if self.is_on and answer != usual:
            self.others.append((self._asked, self._dump(answer)))
        return answer

    def keep(self, number: float) -> None:
        """Keep a random number."""
        if self.is_on:
            self.random.append(number)

    def take(self, record: dict[str, Any]) -> None:
        """Move everything into a record."""
        for name in ("random", "ids", "numbers", "others"):
            drawn = getattr(self, name)
            if drawn:
                record[name] = drawn
                setattr(self, name, [])

    def each_id(self, ids: Callable[[], str]) -> Callable[[], str]:
        """Return a function that draws from `ids`."""

        def draw() -> str:
            drawn = ids()
            if self.is_on:
                self.ids.append(drawn)
            return drawn

        return draw

    def each_number(self, numbers: Iterator[int]) -> Iterator[int]:
        """Draw from `numbers`."""
        for number in numbers:
            if self.is_on:
                self.numbers.append(number)
            yield number


class RecordedRandom(Random):
    """Random numbers of another source. All methods of `Random` draw with these two."""

    def __init__(self, source: Random, drawn: Drawn) -> None:
        super().__init__(0)
        self._source = source
        self._drawn = drawn

    def random(self) -> float:
        """Return a number from 0 to 1."""
        number = self._source.random()
        self._drawn.keep(number)
        return number

    def getrandbits(self, k: int, /) -> int:
        """Return an int of `k` bits."""
        number = self._source.getrandbits(k)
        self._drawn.keep(number)
        return number


class RecordedMemory(AnswerMemory):
    """The stored answers of another memory."""

    def __init__(self, memory: AnswerMemory, drawn: Drawn) -> None:
        super().__init__()
        self._shared = memory
        self._drawn = drawn

    def of(self, identity: str | None) -> Answers | None:
        """Return the answers of this identity."""
        answers = self._shared.of(identity)
        return None if answers is None else _RecordedAnswers(answers, self._drawn)


class _RecordedAnswers(Answers):
    """The answers of one identity; what they know of other connections is recorded."""

    __slots__ = ("_drawn", "_own")

    def __init__(self, answers: Answers, drawn: Drawn) -> None:
        self._own = answers
        self._drawn = drawn

    def __contains__(self, message_id: str) -> bool:
        return bool(self._drawn.learn(False, message_id in self._own))

    def keep(self, request: Dispatch, outcome: str | Dispatch, now: float, window: float) -> None:
        self._own.keep(request, outcome, now, window)

    def outcome_of(self, message_id: str, text: str, now: float, *, was_awaited: bool = False) -> str | Dispatch | None:
        outcome = self._own.outcome_of(message_id, text, now, was_awaited=was_awaited)
        self._drawn.learn(None, outcome)
        return outcome

    def take_unfinished(self, number: int) -> Dispatch | None:
        return self._own.take_unfinished(number)

    def has_used(self, message_id: str, now: float) -> bool:
        return bool(self._drawn.learn(False, self._own.has_used(message_id, now)))

    def forget(self) -> None:
        self._own.forget()


class RecordedUnfinished(Unfinished):
    """The memory of unfinished messages that the connections of a server share."""

    __slots__ = ("_drawn", "_shared")

    def __init__(self, shared: Unfinished, drawn: Drawn) -> None:
        super().__init__()
        self._shared = shared
        self._drawn = drawn

    def change(self, before: int, after: int, limit: float) -> None:
        """Record that a link holds `after` bytes, see `Unfinished.change`."""
        try:
            self._shared.change(before, after, limit)
        except FrameError as error:
            self._drawn.learn(None, error.detail)
            raise
        else:
            self._drawn.learn(None, None)

    def release(self, size: int) -> None:
        """Forget bytes that a link held."""
        self._shared.release(size)


class RecordedBucket:
    """A token bucket that connections share."""

    def __init__(self, bucket: Bucket, drawn: Drawn) -> None:
        self._bucket = bucket
        self._drawn = drawn

    def ready_at(self, now: float) -> float:
        """Return the time from which the next token is available, `now` if it is; see `Bucket`."""
        ready: float = self._drawn.learn(now, max(now, self._bucket.ready_at(now)))
        return ready

    def take(self, now: float) -> None:
        """Take the next token."""
        self._bucket.take(now)
