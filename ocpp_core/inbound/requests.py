"""Inbound CALLs and SENDs: requests in progress, held requests, and responses.

A request is identified by a number that is never reused. A late response therefore cannot be sent on another
connection, nor with a message ID that another CALL uses by then.

A CALL and its further copies have one outcome and one handler run, see `repeats`.
"""

from collections.abc import Callable, Iterator
from math import inf
from typing import Any

from ocpp_core.actions import (
    Abandon,
    Direction,
    Dispatch,
    Reading,
    Report,
    ReportKind,
    SessionAction,
    Trace,
)
from ocpp_core.config import Kind, SessionConfig, Violation
from ocpp_core.inputs import Decline, Fail, Reply
from ocpp_core.limits import Bucket
from ocpp_core.messages import MAX_DESCRIPTION, Frame, MessageType, encode_error, encode_result, expect_size
from ocpp_core.outbound.calls import Calls
from ocpp_core.outbound.sends import UNREADABLE_ID
from ocpp_core.outbound.violations import invalid_request, tolerated, violation_error
from ocpp_core.versions import ErrorCode, Version

from .answers import Answers
from .held import HeldRequests
from .limited import Limited
from .results import late_result, unencodable, violating
from .watching import DROPPED, LOST, watch_error, watch_result, watch_send, watch_unanswered

__all__ = ["Requests"]


class Requests(Limited):
    """The inbound direction of one connection."""

    __slots__ = (
        "_declined",
        "_ended",
        "_held",
        "_open",
        "_size",
        "is_full",
    )

    def __init__(
        self,
        version: Version,
        config: SessionConfig,
        numbers: Iterator[int],
        emit: Callable[[SessionAction], None],
        send: Callable[[str], None],
        calls: Calls,
        answers: Answers | None,
        shared: Bucket | None,
    ) -> None:
        self._use(config)
        self.is_full: bool = False
        """True after the held requests reached a limit: no further text may be decoded."""
        self._version = version
        self._numbers = numbers
        self._emit = emit
        self._send = send
        self._timers = calls.timers
        self._answers = answers if config.answer_window else None
        self._open: dict[int, Dispatch] = {}
        self._size = 0  # of the texts of open requests, in characters
        self._declined: dict[int, None] = {}
        self._held: HeldRequests | None = None  # made on demand: most connections never hold a request
        self._ended: Callable[[float], None] | None = None  # called while the session drains
        self._awaited = None  # copies whose CALL is handled for an earlier connection
        self._shared = shared
        self._rate = None
        self.is_too_fast = False
        self._is_limited = config.refuse_when_busy
        if shared is not None or config.inbound_rate != inf or config.action_rates:
            self._limit(config, -inf)

    def reconfigure(self, config: SessionConfig, now: float) -> None:
        """Apply another config, also to held requests."""
        self._use(config)
        self._limit(config, now)
        self.dispatch_held(now)

    def __len__(self) -> int:
        """Return the number of dispatched requests without a response."""
        return len(self._open)

    @property
    def held(self) -> int:
        """Number of held requests."""
        return (0 if self._held is None else len(self._held)) + (0 if self._rate is None else len(self._rate))

    # Draining

    def are_handled(self, besides: tuple[int, ...]) -> bool:
        """Return True if a handler works on a request, other than these.

        A declined request has no handler any more. A held one was not dispatched yet.
        """
        return any(number not in besides and number not in self._declined for number in self._open)

    def report_each_end(self, ended: Callable[[float], None]) -> None:
        """Call `ended` with the time after each request that ends from now on."""
        self._ended = ended
        self._held = self._held or HeldRequests()  # even if it is empty: a reply then calls `dispatch_held`

    # Receiving

    def on_call(self, frame: Frame, text: str, now: float) -> bool | None:
        """Dispatch or hold a CALL, refuse it with a CALLERROR, or treat it as a copy of an earlier one.

        Return True if it ends the connection, see `is_too_fast`.
        """
        _, message_id, action, payload = frame
        config, answers = self.config, self._answers
        if config.trace:
            self._emit(Trace(Direction.IN, frame, action))
        if self._open and (first := self._in_progress(message_id)) is not None:
            self._join(first, frame, text)
            self._count(frame, now)
            return self.is_too_fast
        if answers is not None and message_id in answers and self._has_answered(answers, frame, text, now):
            self._count(frame, now)
            return self.is_too_fast
        if (
            config.check_received_call is not None
            and (violation := config.check_received_call(action, payload)) is not None
            and (payload := self._tolerated("call", frame, violation)) is None
        ):
            self._count(frame, now)
            self._report_invalid("call", frame, violation)
            self.refuse(message_id, violation.code, violation.description, action=action)
            return self.is_too_fast
        if self._is_limited and not self._may_pass(frame, text, now):
            return self.is_too_fast
        self._dispatch(Dispatch(next(self._numbers), action, payload, message_id, received_at=now, text=text))
        return None

    def on_send(self, frame: Frame, text: str, now: float) -> str | None:
        """Dispatch, hold or drop a SEND; it may end the connection, see `is_too_fast`.

        Return the problem of a bad one, which must never be answered.
        """
        _, message_id, action, payload = frame
        if self.config.is_watched:
            watch_send(self.config, self._emit, frame)
        if action not in self._version.send_actions:
            return f"expected a SEND action of {self._version.name}"
        check = self.config.check_received_send
        if (
            check is not None
            and (violation := check(action, payload)) is not None
            and (payload := self._tolerated("send", frame, violation)) is None
        ):
            self._count(frame, now)
            self._report_invalid("send", frame, violation)
            return None
        if not self._is_limited or self._may_pass(frame, text, now):
            number = next(self._numbers)
            self._dispatch(
                Dispatch(number, action, payload, message_id, expects_reply=False, received_at=now, text=text)
            )
        return None

    def _tolerated(self, kind: Kind, frame: Frame, violation: Violation) -> Any:
        return tolerated(invalid_request(kind, frame, violation), self.config, self._version, self._emit)

    def _report_invalid(self, kind: Kind, frame: Frame, violation: Violation) -> None:
        invalid = invalid_request(kind, frame, violation)
        self._emit(invalid.report(ReportKind.INVALID_CALL, violation_error(violation, self._version)))

    def _in_progress(self, message_id: str) -> Dispatch | None:
        """Return the open or held CALL with this ID.

        Few are ever open, so an index of IDs would cost more.
        """
        for request in self._open.values():
            if request.message_id == message_id and request.expects_reply:
                return request
        return None if self._held is None else self._held.call(message_id)

    def register(self, now: float) -> None:
        """Treat the station as registered: nothing to do unless `require_registration` is on."""

    def expire(self, now: float) -> None:
        """Check for results of earlier connections, and dispatch the requests whose turn it is."""
        self._look_again(now)
        self._dispatch_delayed(now)

    # Dispatching and holding

    @property
    def _is_busy(self) -> bool:
        """True if too many or too large requests are in progress; one is always allowed."""
        active = len(self._open) - len(self._declined)
        return active >= self.config.max_inbound or (self._size >= self.config.max_inbound_bytes and active > 0)

    def _dispatch(self, request: Dispatch) -> None:
        if self._open and self._is_busy:
            held = self._hold(request)
            if not self.is_full and self._is_too_much(held):
                self._set_full(is_full=True)
        else:
            self._open[request.request] = request
            self._size += len(request.text)
            self._emit(request)

    def _hold(self, request: Dispatch) -> HeldRequests:
        held = self._held or HeldRequests()
        self._held = held
        held.add(request)
        return held

    def _is_too_much(self, held: HeldRequests) -> bool:
        return len(held) >= self.config.max_held or held.size >= self.config.max_held_bytes

    def dispatch_held(self, now: float) -> None:
        """Dispatch held requests as far as the limit of requests in progress allows.

        Reading resumes when half of them are dispatched.
        """
        held, config = self._held, self.config
        if held is None:
            return
        while held and not self._is_busy:
            self._dispatch(held.take())
        is_half_done = len(held) <= config.max_held / 2 and held.size <= config.max_held_bytes / 2
        if self.is_full and is_half_done:
            self._set_full(is_full=False)
        if self._ended is not None:
            self._ended(now)
        elif not held:
            self._held = None

    def _set_full(self, *, is_full: bool) -> None:
        self.is_full = is_full
        self._emit(Reading(on=not is_full))

    # Responding

    def reply(self, reply: Reply, now: float) -> None:
        """Send a CALLRESULT, or an InternalError if the payload breaks its schema or is not JSON."""
        request = self._close(reply.request)
        if request is None:
            if self._answers is not None:
                self._keep_late(self._answers, reply, now)
            return
        if not request.expects_reply:
            self.dispatch_held(now)
            return
        config, answers = self.config, self._answers
        try:
            text = encode_result(request.message_id, reply.payload)
            if 4 * len(text) > config.max_outgoing_size:
                expect_size(text, config.max_outgoing_size)
        except (TypeError, ValueError) as error:
            self._own_fault(request, unencodable(request, reply, error), now)
            return
        if (
            config.check_sent_result is not None
            and (violation := config.check_sent_result(request.action, reply.payload)) is not None
            and (report := violating(request, reply, violation, config, self._version, self._emit)) is not None
        ):
            self._own_fault(request, report, now)
            return
        self._send(text)
        if answers is not None:
            answers.keep(request, text, now, config.answer_window)
        if config.is_watched:
            watch_result(config, self._emit, request, reply, now)
        if self._held is not None:
            self.dispatch_held(now)

    def _keep_late(self, answers: Answers, reply: Reply, now: float) -> None:
        """Store the result of a handler that outlived its connection, for copies of its CALL."""
        request = answers.take_unfinished(reply.request)
        if request is None:
            return
        text = late_result(request, reply, self.config, self._version, self._emit)
        if text is not None:
            answers.keep(request, text, now, self.config.answer_window)

    def _own_fault(self, request: Dispatch, report: Report, now: float) -> None:
        """Report a bad result to this side, and send an InternalError without details to the peer."""
        self._emit(report)
        text, latency = "the receiver could not make a valid result", now - request.received_at
        self.refuse(request.message_id, ErrorCode.INTERNAL_ERROR, text, None, request.action, latency)
        self.dispatch_held(now)

    def fail(self, fail: Fail, now: float) -> None:
        """Send a CALLERROR.

        Raises TypeError, and changes nothing, unless code and description are str.
        """
        if not isinstance(fail.code, str) or not isinstance(fail.description, str):
            raise TypeError(f"expected code and description as text, got {fail.code!r} and {fail.description!r}")
        request = self._close(fail.request)
        if request is None:
            if self._answers is not None:
                self._answers.take_unfinished(fail.request)  # a copy must be processed again
        elif request.expects_reply:
            latency = now - request.received_at
            self.refuse(request.message_id, fail.code, fail.description, fail.details, request.action, latency)
        self.dispatch_held(now)

    def refuse(
        self,
        message_id: str,
        code: str,
        description: str,
        details: object = None,
        action: str | None = None,
        latency: float | None = None,
    ) -> None:
        """Send a CALLERROR with the version's spelling of the code.

        An error is always sent. Details that are not JSON or too large are omitted and reported. Lone surrogates in
        code and description are replaced. A message ID that leaves no space for the rest of the message counts as
        unreadable.
        """
        if len(message_id) > self.config.max_outgoing_size / 8:  # a character may be an escape of six bytes
            message_id = UNREADABLE_ID
        kind, spelled = MessageType.CALLERROR.value, self._version.spell(code)
        details = {} if details is None else details
        try:
            text = encode_error(kind, message_id, spelled, description, details)
            expect_size(text, self.config.max_outgoing_size)
        except (TypeError, ValueError) as error:
            self._emit(
                Report(ReportKind.INVALID_REPLY, f"{action} CALLERROR details: {error}", message_id, details, error)
            )
            parts = (spelled[:MAX_DESCRIPTION], description)
            spelled, description = (part.encode(errors="replace").decode() for part in parts)
            details = {}
            text = encode_error(kind, message_id, spelled, description, details)
        self._send(text)
        if self.config.is_watched:
            frame = [kind, message_id, spelled, description, details]
            watch_error(self.config, self._emit, frame, action, latency)

    def decline(self, decline: Decline, now: float) -> None:
        """Leave a request without a response for now.

        `max_declined` limits the number of such requests.
        """
        request = self._open.get(decline.request)
        if request is None or decline.request in self._declined:
            return
        if not request.expects_reply:
            self._close(decline.request)
        else:
            self._declined[decline.request] = None
            if len(self._declined) > self.config.max_declined:
                oldest = next(iter(self._declined))
                watch_unanswered(self.config, (self._close(oldest),), DROPPED)
                self._emit(Abandon(oldest))
        self.dispatch_held(now)

    def abandon(self, now: float) -> None:
        """Remove all requests: only a copy on a later connection can still get the result of a handler."""
        abandoned = list(self._open)
        held = [*(self._held or ()), *(() if self._rate is None else self._rate.due(inf))]
        watch_unanswered(self.config, (*self._open.values(), *held), LOST)
        if self._answers is not None and self.config.late_answers:
            for request in self._open.values():
                if request.expects_reply and request.request not in self._declined:
                    self._answers.keep(request, request, now, self.config.answer_window)
        self._timers.cancel(self)
        self._awaited = None
        self._open.clear()
        self._declined.clear()
        self._size = 0
        for number in abandoned:
            self._emit(Abandon(number))
        self._held = self._ended = None
        if held:
            self._emit(Report(ReportKind.OVERLOAD, f"{len(held)} held requests ended with the connection"))
        if self.is_full:
            self._set_full(is_full=False)  # for the peer's last frames, and for the next connection

    def _close(self, number: int) -> Dispatch | None:
        request = self._open.pop(number, None)
        if request is not None:
            self._size -= len(request.text)
            if self._declined:
                self._declined.pop(number, None)
        return request
