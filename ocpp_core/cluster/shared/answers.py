"""The stored responses of a server whose stations may move to another one, which then answers copies of their CALLs.

A node passes on each CALLRESULT that it stores, and adopts those of other nodes when a station connects. A CALL is
recognized by a digest of its text. Results that contain the current time are not passed on: they are for copies on the
same connection only.
"""

from collections.abc import Iterable
from hashlib import blake2b
from math import inf
from typing import Final, Protocol

from ocpp_core.actions import Dispatch
from ocpp_core.inbound.answers import TIME_MEMBER, AnswerMemory, Answers

from .records import SharedAnswer

__all__ = ["AnswerSink", "SharedAnswerMemory", "SharedAnswers", "digest_of"]

_LONGEST: Final = 86_400.0
"""Seconds for which a response is shared at most."""
_MOST_CHARACTERS: Final = 4096
"""Characters of a response and its message ID; a longer response is not passed on."""


def digest_of(text: str) -> str:
    """Return the digest of the text of a CALL, as 32 hexadecimal digits."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


class AnswerSink(Protocol):
    """What gets the responses of all connections."""

    def add(self, name: str, answer: SharedAnswer, window: float) -> None:
        """Take a response to a station, which answers copies of its CALL for `window` seconds."""

    def forget(self, name: str) -> None:
        """Take that earlier responses to a station count no more."""


class SharedAnswerMemory(AnswerMemory):
    """The stored answers of all connections of a server; `sink` gets each new one."""

    def __init__(self, sink: AnswerSink) -> None:
        super().__init__()
        self._sink = sink
        self._adopted: dict[str, dict[str, tuple[float, SharedAnswer]]] = {}
        """Those for connections that begin now, by the name of the station."""

    def adopt(self, name: str, answers: Iterable[tuple[SharedAnswer, float]]) -> None:
        """Use these answers on the next connection of a station, each until a time in the host's seconds."""
        adopted = {answer.message_id: (until, answer) for answer, until in answers}
        if adopted:
            self._adopted[name] = adopted

    def drop(self, name: str) -> None:
        """Forget what was adopted for a connection that did not begin."""
        self._adopted.pop(name, None)

    def of(self, identity: str | None) -> "SharedAnswers | None":
        """Return the answers of a station for a new connection."""
        if identity is None:
            return None
        answers = SharedAnswers(self, self._shares, identity)
        answers.begin(self._sink, self._adopted.pop(identity, {}))
        return answers


class SharedAnswers(Answers):
    """The answers of one station, with those that it got from other nodes; made by `SharedAnswerMemory.of`."""

    __slots__ = ("_adopted", "_sink", "_until")

    _sink: AnswerSink
    _adopted: dict[str, tuple[float, SharedAnswer]]
    _until: float

    def begin(self, sink: AnswerSink, adopted: dict[str, tuple[float, SharedAnswer]]) -> None:
        """Pass new answers to `sink`; `adopted` are those of other nodes, each with the time of its end."""
        self._sink = sink
        self._adopted = adopted
        self._until = max((until for until, _ in adopted.values()), default=-inf)

    def __contains__(self, message_id: str) -> bool:
        return message_id in self._adopted or super().__contains__(message_id)

    def keep(self, request: Dispatch, outcome: str | Dispatch, now: float, window: float) -> None:
        """Store an outcome, and pass a CALLRESULT on."""
        super().keep(request, outcome, now, window)
        if self._adopted and now >= self._until:
            self._adopted = {}
        if isinstance(outcome, str) and TIME_MEMBER not in outcome:
            message_id = request.message_id
            if len(message_id) + len(outcome) <= _MOST_CHARACTERS:
                answer = SharedAnswer(message_id, digest_of(request.text), outcome)
                self._sink.add(self._identity, answer, min(window, _LONGEST))

    def outcome_of(self, message_id: str, text: str, now: float, *, was_awaited: bool = False) -> str | Dispatch | None:
        """Return the CALLRESULT for a copy of a CALL, also one that another node has sent."""
        until, answer = self._adopted.get(message_id, _NONE)
        if answer is not None and now < until and answer.digest == digest_of(text):
            return answer.text
        return super().outcome_of(message_id, text, now, was_awaited=was_awaited)

    def forget(self) -> None:
        """Remove all answers of the station, on the other nodes too."""
        super().forget()
        self._adopted = {}
        self._sink.forget(self._identity)


_NONE: Final[tuple[float, SharedAnswer | None]] = (-inf, None)
