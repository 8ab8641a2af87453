"""CALLs whose message ID was used before: copies of a CALL, and others.

A CALL and its further copies have one outcome and one handler run. A copy that arrives while the CALL is in progress
needs no response of its own: its sender accepts the first response with that ID, and a second one would match no CALL.
A copy that arrives after the response gets the same response again, see `answers`. A copy whose CALL is still handled
for an earlier connection waits for that result.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Final

from ocpp_core.actions import Direction, Dispatch, Report, ReportKind, SessionAction, Trace
from ocpp_core.config import SessionConfig
from ocpp_core.messages import Frame, decode
from ocpp_core.timers import Timers
from ocpp_core.versions import ErrorCode, Version

from .answers import Answers

__all__ = ["Repeats"]

_LOOK_AGAIN: Final = 0.25
"""Seconds between checks for the result of a handler of an earlier connection."""


class Repeats(ABC):
    """The part of `Requests` for CALLs whose ID is in use or was used before."""

    __slots__ = ("_answers", "_awaited", "_emit", "_numbers", "_send", "_timers", "_version", "config")

    config: SessionConfig
    _version: Version
    _numbers: Iterator[int]
    _emit: Callable[[SessionAction], None]
    _send: Callable[[str], None]
    _timers: Timers
    _answers: Answers | None
    _awaited: dict[str, Dispatch] | None
    """Copies whose CALL is handled for an earlier connection."""

    def _use(self, config: SessionConfig) -> None:
        """Handle the next requests by this config."""
        self.config = config

    @abstractmethod
    def _in_progress(self, message_id: str) -> Dispatch | None:
        """Return the CALL with this ID that has no response yet, or None."""

    @abstractmethod
    def _dispatch(self, request: Dispatch) -> None:
        """Dispatch a request, or hold it."""

    @abstractmethod
    def refuse(
        self,
        message_id: str,
        code: str,
        description: str,
        details: object = None,
        action: str | None = None,
        latency: float | None = None,
    ) -> None:
        """Send a CALLERROR."""

    def _join(self, first: Dispatch, frame: Frame, text: str) -> None:
        """Report a copy of a CALL in progress.

        Refuse another CALL with its ID (OCPP-J 1.6 §4.2.3).
        """
        if text == first.text or frame == decode(first.text, self._version.message_types, self.config.leniency):
            detail = "a copy of a CALL in progress: both get one response"
            self._emit(Report(ReportKind.REPEATED_CALL, detail, first.message_id, frame))
        else:
            self._refuse_id(frame, "another CALL with this message id is in progress")

    def _has_answered(self, answers: Answers, frame: Frame, text: str, now: float) -> bool:
        """Answer, await or refuse a CALL whose ID was used before.

        Return False if it must be dispatched.
        """
        message_id, action = frame[1], frame[2]
        outcome = answers.outcome_of(message_id, text, now)
        if isinstance(outcome, str):
            detail = "a copy of an answered CALL: it gets the same response"
            self._emit(Report(ReportKind.REPEATED_CALL, detail, message_id, frame))
            if self._awaited is not None:
                self._awaited.pop(message_id, None)  # the copy that waited for this result
            self._answer_again(outcome, action, 0.0, now)
            return True
        if outcome is not None:
            detail = "a copy of a CALL that is handled for an earlier connection: it waits for that result"
            self._emit(Report(ReportKind.REPEATED_CALL, detail, message_id, frame))
            self._await(frame, text, now)
            return True
        if self._awaited is not None and message_id in self._awaited:
            self._refuse_id(frame, "another CALL with this message id is in progress")
            return True
        if not answers.has_used(message_id, now):
            return False
        if self._version.refuses_used_ids:
            self._refuse_id(frame, "another CALL with this message id was answered")
            return True
        answers.forget()  # a station that reuses its IDs cannot be distinguished from one that repeats a CALL
        self._answers = None
        self._look_again(now)  # dispatch the waiting copies: their handlers are no longer known
        return False

    def _answer_again(self, answer: str, action: str, latency: float, now: float) -> None:
        self._send(answer)
        if self.config.trace and isinstance(frame := decode(answer, self._version.message_types), list):
            self._emit(Trace(Direction.OUT, frame, action, latency))

    def _await(self, frame: Frame, text: str, now: float) -> None:
        """Register a copy that waits for a handler of an earlier connection.

        This connection gets no event when that handler ends, so a timer checks for the result.
        """
        if self._awaited is None:
            self._awaited = {}
            self._timers.set(self, now + _LOOK_AGAIN)
        if frame[1] not in self._awaited:
            copy = Dispatch(next(self._numbers), frame[2], frame[3], frame[1], received_at=now, text=text)
            self._awaited[frame[1]] = copy

    def _look_again(self, now: float) -> None:
        """Answer the waiting copies whose result is stored.

        Dispatch those that will get none.
        """
        answers, awaited = self._answers, self._awaited
        if awaited is None:
            return
        for message_id, request in list(awaited.items()):
            outcome = None if answers is None else answers.outcome_of(message_id, request.text, now, was_awaited=True)
            if isinstance(outcome, Dispatch):
                continue
            del awaited[message_id]
            if isinstance(outcome, str):
                self._answer_again(outcome, request.action, now - request.received_at, now)
            elif self._in_progress(message_id) is None:  # else a further copy is in progress
                self._dispatch(request)
        if awaited:
            self._timers.set(self, now + _LOOK_AGAIN)
        else:
            self._awaited = None

    def _refuse_id(self, frame: Frame, description: str) -> None:
        self._emit(Report(ReportKind.DUPLICATE_ID, description, frame[1], frame))
        self.refuse(frame[1], ErrorCode.RPC_FRAMEWORK_ERROR, description, action=frame[2])
