"""Requests beyond a limit: they wait for their turn, are refused, or end the connection.

The rates come first, then the limit of requests in progress. A CALL that was refused may be repeated later, so it gets
GenericError: the only code of every version that blames neither its payload nor a fault of this side. A SEND has no
response (2.1 Part 4 §4.2.4), so it can only be dropped.
"""

from abc import abstractmethod
from math import inf
from typing import Final

from ocpp_core.actions import Dispatch, Report, ReportKind
from ocpp_core.config import SessionConfig
from ocpp_core.limits import Bucket
from ocpp_core.messages import Frame, MessageType
from ocpp_core.versions import ErrorCode

from .rate import InboundRate
from .repeats import Repeats

__all__ = ["TOO_FAST", "Limited"]

_CALL: Final = MessageType.CALL.value
TOO_FAST: Final = "too many CALLs a second"
"""The reason with which a connection is closed."""


class Limited(Repeats):
    """The part of `Requests` that enforces the limits of the config."""

    __slots__ = ("_is_limited", "_rate", "_shared", "is_too_fast")

    is_too_fast: bool
    """True after a request beyond a rate that ends the connection."""
    _is_limited: bool
    _rate: InboundRate | None
    _shared: Bucket | None

    @property
    @abstractmethod
    def _is_busy(self) -> bool:
        """True if too many or too large requests are in progress."""

    def _limit(self, config: SessionConfig, now: float) -> None:
        """Apply the limits of a config, also to the requests that wait."""
        before = self._rate
        self._rate = rate = InboundRate.of(config, self._timers, self._shared, before)
        self._is_limited = config.refuse_when_busy or rate is not None
        if before is None or before is rate:
            return
        for request in before.due(inf) if rate is None else rate.take_over(before, now):
            self._dispatch(request)

    def _dispatch_delayed(self, now: float) -> None:
        if self._rate is not None:
            for request in self._rate.due(now):
                self._dispatch(request)

    def _may_pass(self, frame: Frame, text: str, now: float) -> bool:
        """Return True if a request must be dispatched; otherwise it is held, refused or joined to its first copy."""
        rate, action = self._rate, frame[2]
        is_call = frame[0] == _CALL
        if rate is not None:
            if is_call and (first := rate.call(frame[1])) is not None:
                self._join(first, frame, text)
                self._count(frame, now)
                return False
            due = rate.ready_at(action, now)
            if due > now:
                self._exceed(rate, frame, text, due, now)
                return False
            rate.take(action, now)
        if is_call and self.config.refuse_when_busy and self._is_busy:
            self._refuse_beyond(frame, ReportKind.OVERLOAD)
            return False
        return True

    def _count(self, frame: Frame, now: float) -> None:
        """Count a message that the rates do not delay: a copy of a CALL, or one that is refused for a mistake."""
        rate, action = self._rate, frame[2]
        if rate is None:
            return
        if rate.ready_at(action, now) <= now:
            rate.take(action, now)
        elif self.config.inbound_limit == "disconnect" and rate.is_own_excess(action, now):
            self._end_too_fast(frame)

    def _exceed(self, rate: InboundRate, frame: Frame, text: str, due: float, now: float) -> None:
        """Handle a request beyond a rate."""
        _, message_id, action, payload = frame
        mode = self.config.inbound_limit
        if mode == "delay" and due < inf and rate.has_room(self.config):
            self._emit(Report(ReportKind.CALL_HELD, "it waits for its turn", message_id, frame, action=action))
            is_call = frame[0] == MessageType.CALL
            number = next(self._numbers)
            rate.delay(Dispatch(number, action, payload, message_id, is_call, received_at=now, text=text), now)
        elif mode == "disconnect" and rate.is_own_excess(action, now):
            self._end_too_fast(frame)
        else:
            self._refuse_beyond(frame, ReportKind.RATE_EXCEEDED)

    def _end_too_fast(self, frame: Frame) -> None:
        self.is_too_fast = True
        self._emit(Report(ReportKind.TOO_FAST, "the connection is closed", frame[1], frame, action=frame[2]))

    def _refuse_beyond(self, frame: Frame, kind: ReportKind) -> None:
        """Refuse a CALL that may be retried later, or drop a SEND."""
        is_call = frame[0] == MessageType.CALL
        detail = "a CALL was refused" if is_call else "a SEND was dropped"
        self._emit(Report(kind, detail, frame[1], frame, action=frame[2]))
        if is_call:
            self.refuse(frame[1], ErrorCode.GENERIC_ERROR, f"{kind.value}, try again later", action=frame[2])
