"""Inbound CALLs and SENDs: what is in progress, and the one answer each CALL gets.

A request is known by a number that is never used again, so an answer made too late can not leave on another
connection, nor under an id that means something else by then.
"""

from collections.abc import Callable, Iterator

from ._tolerance import forgive_nulls
from .actions import Abandon, Direction, Dispatch, Report, ReportKind, SessionAction, Trace
from .calls import violation_error
from .config import SessionConfig, Violation
from .inputs import Decline, Fail, Reply
from .messages import MAX_DESCRIPTION, Frame, MessageType, encode_error, encode_result, expect_size
from .versions import ErrorCode, Version

__all__ = ["UNREADABLE_ID", "Requests"]

UNREADABLE_ID = "-1"
"""The id of a CALLERROR whose CALL has no readable id (2.0.1 Part 4 §4.2.3)."""


class Requests:
    """The inbound direction of one connection."""

    __slots__ = ("_declined", "_emit", "_numbers", "_open", "_send", "_version", "config")

    def __init__(
        self,
        version: Version,
        config: SessionConfig,
        numbers: Iterator[int],
        emit: Callable[[SessionAction], None],
        send: Callable[[str], None],
    ) -> None:
        self.config = config
        self._version = version
        self._numbers = numbers
        self._emit = emit
        self._send = send
        self._open: dict[int, Dispatch] = {}
        self._declined: dict[int, None] = {}

    def __len__(self) -> int:
        return len(self._open)

    # Coming in

    def on_call(self, frame: Frame, now: float) -> None:
        """Take a CALL: dispatch it, or refuse it by a CALLERROR."""
        _, message_id, action, payload = frame
        config = self.config
        if config.trace:
            self._emit(Trace(Direction.IN, frame, action))
        if self._open and self._is_in_progress(message_id):
            self._emit(Report(ReportKind.DUPLICATE_ID, "the id is still in progress", message_id, frame))
            text = "a CALL with this message id is in progress"
            self.refuse(message_id, ErrorCode.RPC_FRAMEWORK_ERROR, text, action=action)
        elif len(self._open) - len(self._declined) >= config.max_inbound:
            self._emit(Report(ReportKind.OVERLOAD, "too many CALLs in progress", message_id, frame))
            text = "too many CALLs in progress, try again later"
            self.refuse(message_id, ErrorCode.GENERIC_ERROR, text, action=action)
        elif (validator := config.validator_of(action)) is not None and (
            violation := validator.check_call(action, payload)
        ) is not None:
            bare = forgive_nulls(validator, "call", action, payload) if config.leniency.null_members else None
            if bare is None:
                self._refuse_invalid(frame, violation)
            else:
                self._dispatch([*frame[:3], bare], now, expects_reply=True)
        else:
            self._dispatch(frame, now, expects_reply=True)

    def _refuse_invalid(self, frame: Frame, violation: Violation) -> None:
        _, message_id, action, payload = frame
        error = violation_error(violation, self._version)
        self._emit(Report(ReportKind.INVALID_CALL, violation.description, message_id, payload, error, action))
        self.refuse(message_id, violation.code, violation.description, action=action)

    def on_send(self, frame: Frame, now: float) -> str | None:
        """Take a SEND: dispatch it; what is wrong with it is returned, because it must never be answered."""
        _, message_id, action, payload = frame
        if self.config.trace:
            self._emit(Trace(Direction.IN, frame, action))
        if action not in self._version.send_actions:
            return f"expected a SEND action of {self._version.name}"
        if len(self._open) - len(self._declined) >= self.config.max_inbound:
            self._emit(Report(ReportKind.OVERLOAD, "too many messages in progress", message_id, frame))
            return None
        validator = self.config.validator_of(action)
        if validator is not None and (violation := validator.check_send(action, payload)) is not None:
            bare = forgive_nulls(validator, "send", action, payload) if self.config.leniency.null_members else None
            if bare is None:
                return violation.description
            frame = [*frame[:3], bare]
        self._dispatch(frame, now, expects_reply=False)
        return None

    def _is_in_progress(self, message_id: str) -> bool:
        """Whether a CALL with this id has no answer yet. Few are ever open: an index of ids would cost all of them."""
        return any(request.message_id == message_id and request.expects_reply for request in self._open.values())

    def _dispatch(self, frame: Frame, now: float, *, expects_reply: bool) -> None:
        number = next(self._numbers)
        request = self._open[number] = Dispatch(number, frame[2], frame[3], frame[1], expects_reply, now)
        self._emit(request)

    # Going out

    def reply(self, reply: Reply, now: float) -> None:
        """Answer by a CALLRESULT; a payload that breaks its schema or is no JSON is our own InternalError."""
        request = self._close(reply.request)
        if request is None or not request.expects_reply:
            return
        config = self.config
        try:
            text = encode_result(request.message_id, reply.payload)
            if 4 * len(text) > config.max_outgoing_size:
                expect_size(text, config.max_outgoing_size)
        except (TypeError, ValueError) as error:
            self._own_fault(request, reply, now, f"{request.action} CALLRESULT: {error}", error)
            return
        validator = config.validator_of(request.action)
        if validator is not None and (violation := validator.check_result(request.action, reply.payload)) is not None:
            self._own_fault(request, reply, now, violation.description, violation_error(violation, self._version))
            return
        self._send(text)
        if config.trace:
            frame = [MessageType.CALLRESULT.value, request.message_id, reply.payload]
            self._emit(Trace(Direction.OUT, frame, request.action, now - request.received_at))

    def _own_fault(self, request: Dispatch, reply: Reply, now: float, detail: str, error: Exception) -> None:
        """Tell our side what is wrong with its result, and the peer no more than that there is none."""
        self._emit(Report(ReportKind.INVALID_REPLY, detail, request.message_id, reply.payload, error, request.action))
        text, latency = "the receiver could not make a valid result", now - request.received_at
        self.refuse(request.message_id, ErrorCode.INTERNAL_ERROR, text, None, request.action, latency)

    def fail(self, fail: Fail, now: float) -> None:
        """Answer by a CALLERROR. Raises TypeError, changing nothing, unless code and description are text."""
        if not isinstance(fail.code, str) or not isinstance(fail.description, str):
            raise TypeError(f"expected code and description as text, got {fail.code!r} and {fail.description!r}")
        request = self._close(fail.request)
        if request is None or not request.expects_reply:
            return
        latency = now - request.received_at
        self.refuse(request.message_id, fail.code, fail.description, fail.details, request.action, latency)

    def refuse(
        self,
        message_id: str,
        code: str,
        description: str,
        details: object = None,
        action: str | None = None,
        latency: float | None = None,
    ) -> None:
        """Send a CALLERROR, spelled for the version; details that are no JSON or too large are left out and reported.

        An error is sent in any case: what is no Unicode text in code and description is replaced, and an id that takes
        the room of the answer counts as unreadable.
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
        if self.config.trace:
            self._emit(Trace(Direction.OUT, [kind, message_id, spelled, description, details], action, latency))

    def decline(self, decline: Decline) -> None:
        """Answer nothing for now; the id stays in flight, bounded by `max_declined`."""
        request = self._open.get(decline.request)
        if request is None or decline.request in self._declined:
            return
        if not request.expects_reply:
            self._close(decline.request)
            return
        self._declined[decline.request] = None
        if len(self._declined) > self.config.max_declined:
            oldest = next(iter(self._declined))
            self._close(oldest)
            self._emit(Abandon(oldest))

    def abandon(self) -> None:
        """Forget everything: nobody waits for answers any more."""
        abandoned = list(self._open)
        self._open.clear()
        self._declined.clear()
        for number in abandoned:
            self._emit(Abandon(number))

    def _close(self, number: int) -> Dispatch | None:
        request = self._open.pop(number, None)
        if request is not None and self._declined:
            self._declined.pop(number, None)
        return request
