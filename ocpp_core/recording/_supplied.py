"""What a replayed engine draws: the recorded values in order, and others once these are used up."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from random import Random
from typing import Any, Final

from ocpp_core.actions import Dispatch
from ocpp_core.inbound.answers import AnswerMemory, Answers
from ocpp_core.link import Unfinished
from ocpp_core.link._frames import FrameError
from ocpp_core.websocket.close import TOO_BIG

from ._engines import Supplies

__all__ = ["KnownOfOthers", "ReplayedBucket", "supplies_of"]

_SPARE: Final = 1 << 32
"""The first request number of a changed engine that draws more than the recorded one; no recorded one is as high."""


class KnownOfOthers:
    """What the engine learnt about other connections, by the number of its question."""

    def __init__(self, records: Sequence[Mapping[str, Any]], load: Callable[[Any], Any]) -> None:
        self._known = {number: load(answer) for record in records for number, answer in record.get("others", ())}
        self._asked = 0

    def answer(self, usual: Any) -> Any:
        """Return the recorded answer to the next question, `usual` without one."""
        self._asked += 1
        return self._known.get(self._asked, usual)


class _ReplayedRandom(Random):
    def __init__(self, numbers: deque[float]) -> None:
        super().__init__(0)
        self._numbers = numbers

    def random(self) -> float:
        drawn = self._numbers.popleft() if self._numbers else 0.5
        return drawn if isinstance(drawn, float) else 0.5

    def getrandbits(self, k: int, /) -> int:
        drawn = self._numbers.popleft() if self._numbers else 0
        return drawn & ((1 << k) - 1) if isinstance(drawn, int) else 0


class _ReplayedMemory(AnswerMemory):
    def __init__(self, known: KnownOfOthers) -> None:
        super().__init__()
        self._known = known

    def of(self, identity: str | None) -> Answers | None:
        return None if identity is None else _ReplayedAnswers(self._known)


class _ReplayedAnswers(Answers):
    __slots__ = ("_known",)

    def __init__(self, known: KnownOfOthers) -> None:
        self._known = known

    def __contains__(self, message_id: str) -> bool:
        return bool(self._known.answer(usual=False))

    def keep(self, request: Dispatch, outcome: str | Dispatch, now: float, window: float) -> None:
        """Keep nothing: what was known is recorded."""

    def outcome_of(self, message_id: str, text: str, now: float, *, was_awaited: bool = False) -> str | Dispatch | None:
        outcome: str | Dispatch | None = self._known.answer(usual=None)
        return outcome

    def take_unfinished(self, number: int) -> Dispatch | None:
        return None

    def has_used(self, message_id: str, now: float) -> bool:
        return bool(self._known.answer(usual=False))

    def forget(self) -> None:
        """Forget nothing."""


class _ReplayedUnfinished(Unfinished):
    __slots__ = ("_known",)

    def __init__(self, known: KnownOfOthers) -> None:
        super().__init__()
        self._known = known

    def change(self, before: int, after: int, limit: float) -> None:
        detail = self._known.answer(usual=None)
        if detail is not None:
            raise FrameError(TOO_BIG, detail)

    def release(self, size: int) -> None:
        """Release nothing."""


class ReplayedBucket:
    """A token bucket that has a token whenever the recorded one had one."""

    def __init__(self) -> None:
        self.known: KnownOfOthers | None = None
        """What is known about the recorded one, once the recording is read."""

    def ready_at(self, now: float) -> float:
        """Return the time from which the next token is available; see `Bucket`."""
        ready: float = now if self.known is None else self.known.answer(now)
        return ready

    def take(self, now: float) -> None:
        """Take nothing."""


def supplies_of(records: Sequence[Mapping[str, Any]], known: KnownOfOthers) -> Supplies:
    """Return what a replayed engine draws from."""
    drawn = {name: deque(each for record in records for each in record.get(name, ())) for name in _DRAWN}
    spare = count(1)

    def next_id() -> str:
        return drawn["ids"].popleft() if drawn["ids"] else f"not-recorded-{next(spare)}"

    return Supplies(
        random=_ReplayedRandom(drawn["random"]),
        ids=next_id,
        numbers=_numbers(drawn["numbers"]),
        answers=_ReplayedMemory(known),
        unfinished=_ReplayedUnfinished(known),
    )


_DRAWN: Final = ("random", "ids", "numbers")


def _numbers(recorded: deque[int]) -> Iterator[int]:
    for spare in count(_SPARE):
        yield recorded.popleft() if recorded else spare
