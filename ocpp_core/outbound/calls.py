"""Outbound CALLs: the queue, the window, the timeouts, the responses.

"A sender must not send a CALL until its earlier CALLs were answered or timed out" (OCPP-J §4.1.1, all versions): per
connection and per direction. When the window has a free slot, `fill_window` chooses the next call to write, from the
queue of this connection and from the offline queue of the client, which outlives connections.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

from ocpp_core.actions import Direction, Report, ReportKind, SessionAction, Settle, Trace
from ocpp_core.config import IdFactory, SessionConfig, Violation
from ocpp_core.errors import (
    CallCancelledError,
    CallDroppedError,
    ClosedError,
    ConnectionLostError,
    OCPPError,
    RPCFrameworkError,
    TimeoutError,  # a subclass of the builtin
    create_rpc_error,
)
from ocpp_core.inputs import RefuseResult, StartCall
from ocpp_core.messages import Frame, MessageType, encode_error, encode_message, expect_size
from ocpp_core.timers import Timers
from ocpp_core.versions import ErrorCode, Version

from .call import OutboundCall, expired_error, prepare_call, with_newest
from .offline_queue import OfflineQueue
from .queue import CallQueue
from .violations import invalid_result, refusal_of, tolerated, violation_error
from .watching import watch_response

__all__ = ["Calls", "CallsParts"]

_CALL: Final = MessageType.CALL.value  # reading the value of a member takes two calls
_NONE_WAITS: Final = CallQueue()
"""The shared empty queue of connections whose calls never had to wait; no call is added to it."""
_TIMED_OUT: Final = 64
"""Number of stored IDs of calls that timed out, to recognize late responses."""
_ANSWERED: Final = 16
"""Number of stored IDs of answered calls, to recognize repeated responses; few, because every connection has some."""


CallsParts: TypeAlias = tuple[Version, SessionConfig, IdFactory, Callable[[SessionAction], None], Callable[[str], None]]
"""What a session makes its `Calls` of."""


class Calls:
    """The outbound direction of one connection."""

    __slots__ = (
        "_answered",
        "_emit",
        "_ids",
        "_offline",
        "_pending",
        "_send",
        "_timed_out",
        "_version",
        "_waiting",
        "config",
        "is_open",
        "timers",
    )

    def __init__(
        self,
        version: Version,
        config: SessionConfig,
        ids: IdFactory,
        emit: Callable[[SessionAction], None],
        send: Callable[[str], None],
        offline: OfflineQueue | None = None,
    ) -> None:
        self.config: SessionConfig = config
        self.timers: Timers = Timers()
        self.is_open: bool = True
        """False once the loss of the connection is known: no further call is written."""
        self._version = version
        self._ids = ids
        self._emit = emit
        self._send = send
        self._offline = offline
        self._waiting = _NONE_WAITS
        self._pending: dict[str, OutboundCall] = {}
        self._answered: tuple[str, ...] = ()
        self._timed_out: tuple[str, ...] = ()

    @property
    def pending(self) -> int:
        """Number of written CALLs that occupy the window."""
        return len(self._pending)

    @property
    def has_callers(self) -> bool:
        """True if a caller waits for the response to a written CALL."""
        return any(call.token is not None for call in self._pending.values())

    @property
    def waiting(self) -> int:
        """Number of queued calls."""
        return len(self._waiting.calls)

    def new_id(self) -> str:
        """Return a new message ID.

        CALLs and SENDs share one ID space (2.1 Part 4 §4.1.4).
        """
        return self._ids()

    # Starting

    def start(self, event: StartCall, now: float) -> None:
        """Start a call of an open session.

        Raises TypeError or ValueError for a misuse, and then changes nothing.
        """
        self.add(prepare_call(event, self.config, now), now)

    def add(self, call: OutboundCall, now: float) -> None:
        """Write a call if the window has a free slot, else queue it.

        Raises ValueError, and changes nothing, for a call for another version and for a message ID in use.
        """
        if call.protocol is not None or call.message_id is not None or call.action in self._version.send_actions:
            self._check(call)
        if call.expires <= now:
            self._fail(call, expired_error(call))
        elif call.validate and self.config.check_sent_call is not None and (error := self._refusal(call)):
            self._fail(call, error)
        elif self.is_open and len(self._pending) < self.config.call_concurrency and not self._waiting.calls:
            self._write(call, now)
        else:
            self._queue(call)

    def _queue(self, call: OutboundCall) -> None:
        if excess := self._waiting.excess(self.config.max_queued, self.config.max_queued_bytes, call):
            self._fail(call, CallDroppedError(f"the queue is full: {excess}"))
            return
        if self._waiting is _NONE_WAITS:
            self._waiting = CallQueue()
        self._waiting.add(call)
        self.timers.set(call, call.expires)

    def _check(self, call: OutboundCall) -> None:
        if call.protocol is not None and call.protocol != self._version.name:
            raise ValueError(f"expected a call for {self._version.name}, got one for {call.protocol}")
        if call.action in self._version.send_actions and call.raw is None:
            raise ValueError(f"cannot call {call.action}: it is a SEND in {self._version.name}; use notify instead")
        if call.message_id is not None:
            self.check_unused(call.message_id)

    def check_unused(self, message_id: str) -> None:
        """Raise ValueError for the ID of an outstanding or queued call."""
        is_kept = self._offline is not None and self._offline.has_id(message_id)
        if is_kept or message_id in self._pending or self._waiting.has_id(message_id):
            raise ValueError(f"expected an unused message id, got {message_id!r}")

    def _refusal(self, call: OutboundCall) -> OCPPError | None:
        """Return the error of a call that strict mode does not send, or None."""
        return refusal_of(call, self.config, self._version, self._emit)

    def fill_window(self, now: float) -> None:
        """Write queued calls as far as the window allows.

        One past its time to live is never sent.
        """
        offline = self._offline
        while self.is_open and len(self._pending) < self.config.call_concurrency:
            kept = None if offline is None else offline.first(now)
            waiting = self._waiting.calls
            if offline is not None and kept is not None and (kept.urgent or not waiting or not waiting[0].urgent):
                offline.take(kept)
                self._write_kept(kept, now)
            elif waiting:
                self._write_waiting(self._waiting.pop(), now)
            else:
                return

    def _write_waiting(self, call: OutboundCall, now: float) -> None:
        if call.expires <= now:
            self.timers.cancel(call)
            self._fail(call, expired_error(call))
        else:
            self._write(call, now)

    def _write_kept(self, call: OutboundCall, now: float) -> None:
        """Write a call of the offline queue, which is not checked against this version yet."""
        try:
            self._check(call)
        except ValueError as error:
            self._fail(call, OCPPError(str(error)))
            return
        is_checked = call.validate and self.config.check_sent_call is not None and call.expires > now
        if is_checked and (refusal := self._refusal(call)):
            self._fail(call, refusal)
        else:
            self._write_waiting(call, now)

    def _write(self, call: OutboundCall, now: float) -> None:
        message_id = self._ids() if call.message_id is None else call.message_id
        if message_id in self._pending:  # the factory made an ID that a caller had chosen: only one can be matched
            self.timers.cancel(call)
            self._fail(call, OCPPError(f"cannot send {call.action}: its new message id is in use already"))
            return
        call.message_id = message_id
        self._pending[message_id] = call
        call.written_at = now
        # "when … an implementation-chosen interval elapsed since the message was sent" (OCPP-J §4.1.1)
        self.timers.set(call, now + call.timeout)
        text = call.raw or encode_message(_CALL, message_id, call.action, call.payload_json)
        self._send(text)
        if self.config.trace:
            frame = [_CALL, message_id, call.action, call.payload]
            self._emit(Trace(Direction.OUT, frame, call.action))

    # Responses

    def on_result(self, frame: Frame, now: float) -> bool:
        """Settle the call of a CALLRESULT; return False if there is none."""
        call = self._take_answered(frame, now)
        if call is None:
            return False
        check = self.config.check_received_result
        if check is None or not call.validate or (violation := check(call.action, frame[2])) is None:
            self._settle(call, result=frame[2])
        else:
            self._settle_invalid(call, frame, violation)
        self.fill_window(now)
        return True

    def _settle_invalid(self, call: OutboundCall, frame: Frame, violation: Violation) -> None:
        """Settle the call of a CALLRESULT that breaks its schema."""
        invalid = invalid_result(call.action, frame, violation)
        result = tolerated(invalid, self.config, self._version, self._emit)
        if result is not None:
            self._settle(call, result=result)
            return
        error = violation_error(violation, self._version)
        self._emit(invalid.report(ReportKind.INVALID_RESULT, error))
        self._settle(call, error=error)
        self._refuse_unusable(call, frame[1], violation.code, violation.description)

    def on_error(self, frame: Frame, now: float) -> bool:
        """Settle the call of a CALLERROR; return False if there is none."""
        call = self._take_answered(frame, now)
        if call is None:
            return False
        tolerance = self.config.tolerance
        code = frame[2] if tolerance is None else tolerance.code_of(frame[2])
        self._settle(call, error=create_rpc_error(code, frame[3], frame[4], remote=True))
        self.fill_window(now)
        return True

    def on_malformed_answer(self, message_id: str | None, reason: str, now: float, *, is_result: bool) -> None:
        """Settle the call of a malformed response without waiting for the timeout."""
        call = self._pending.pop(message_id, None) if message_id is not None else None
        if call is None or message_id is None:
            return
        self.timers.cancel(call)
        self._answered = with_newest(self._answered, message_id, _ANSWERED)
        self._fail(call, RPCFrameworkError(f"malformed response: {reason}"))
        if is_result:
            self._refuse_unusable(call, message_id, ErrorCode.FORMAT_VIOLATION, reason)
        self.fill_window(now)

    def _take_answered(self, frame: Frame, now: float) -> OutboundCall | None:
        call = self._pending.pop(frame[1], None)
        if call is None:
            return None
        self.timers.cancel(call)
        self._answered = with_newest(self._answered, frame[1], _ANSWERED)
        if self.config.is_watched:
            watch_response(self.config, self._emit, call, frame, now)
        if call.token is None:
            self._emit(Report(ReportKind.CANCELLED_ANSWER, f"the call of {call.action} was cancelled", frame[1], frame))
        return call

    def _refuse_unusable(self, call: OutboundCall, message_id: str, code: str, description: str) -> None:
        if self.config.answer_bad_results and self._version.reports_bad_results:
            self.refuse_result(RefuseResult(message_id, code, description, action=call.action))

    def refuse_result(self, refusal: RefuseResult) -> None:
        """Send a CALLRESULTERROR (2.1 Part 4 §4.2.3).

        Raises TypeError or ValueError for texts and details that are not JSON, and ValueError if it is larger than
        `max_outgoing_size`; then nothing is sent.
        """
        kind, spelled = MessageType.CALLRESULTERROR.value, self._version.spell(refusal.code)
        details = {} if refusal.details is None else refusal.details
        text = encode_error(kind, refusal.message_id, spelled, refusal.description, details)
        expect_size(text, self.config.max_outgoing_size)
        self._send(text)
        if self.config.trace:
            frame = [kind, refusal.message_id, spelled, refusal.description, details]
            self._emit(Trace(Direction.OUT, frame, refusal.action))

    def unmatched(self, frame: Frame, now: float) -> ReportKind | None:  # some subclass needs the time
        """Return the kind of report for a response to no outstanding CALL; None if it was expected all the same."""
        if frame[1] in self._timed_out:
            return ReportKind.LATE_ANSWER
        return ReportKind.REPEATED_ANSWER if frame[1] in self._answered else ReportKind.UNMATCHED_ANSWER

    # Ending without a response

    def cancel(self, token: int) -> None:
        """Settle the call as cancelled; if it was sent, it still occupies the window."""
        waiting = self._waiting.find(token)
        if waiting is not None:
            self._waiting.remove(waiting)
            self.timers.cancel(waiting)
            self._fail(waiting, CallCancelledError("cancelled before it was sent", sent=False))
            return
        for call in self._pending.values():
            if call.token == token:
                self._fail(call, CallCancelledError("cancelled while waiting for the response", sent=True))
                return

    def expire(self, now: float) -> None:
        """Settle queued calls past their time to live and written ones past their timeout."""
        for call in self.timers.due(now):
            if not isinstance(call, OutboundCall):
                continue  # a timer of `Requests`
            if call.message_id is not None and self._pending.get(call.message_id) is call:
                self._time_out(call, call.message_id)
            else:
                self._waiting.remove(call)
                self._fail(call, expired_error(call))
        self.fill_window(now)

    def _time_out(self, call: OutboundCall, message_id: str) -> None:
        del self._pending[message_id]
        self._timed_out = with_newest(self._timed_out, message_id, _TIMED_OUT)
        text = f"no response to {call.action} within {call.timeout:.15g} s"
        self._fail(call, TimeoutError(text, sent=True, message_id=message_id))

    def lose(self, code: int, reason: str) -> None:
        """Settle every written call: the connection ended and the outcome is unknown."""
        why = f"the connection ended ({code}{': ' + reason if reason else ''})"
        for call in self._take_pending():
            error = ConnectionLostError(f"{why} before {call.action} was answered", sent=True, close_code=code)
            self._fail(call, error)

    def refuse_waiting(self, error: Callable[[OutboundCall], OCPPError]) -> None:
        """Settle every call that was not written."""
        for call in self.take_waiting():
            self._fail(call, error(call))

    def close(self) -> None:
        """Settle all calls: this side closes and waits for no further response."""
        self.refuse_waiting(lambda call: ClosedError(f"closed before {call.action} was sent"))
        for call in self._take_pending():
            self._fail(call, ClosedError(f"closed before {call.action} was answered", sent=True))

    def take_waiting(self) -> list[OutboundCall]:
        """Remove and return the calls that were not written, in order, without settling them."""
        self._offline = None  # this connection writes nothing more
        waiting = self._waiting.take()
        for call in waiting:
            self.timers.cancel(call)
        return waiting

    def _take_pending(self) -> Iterable[OutboundCall]:
        pending = list(self._pending.values())
        self._pending.clear()
        for call in pending:
            self.timers.cancel(call)
        return pending

    def _fail(self, call: OutboundCall, error: Exception) -> None:
        """Settle a call that has no response."""
        if self.config.meter is not None and call.token is not None:
            self.config.meter.outbound.unanswered(call.action, error)
        self._settle(call, error=error)

    def _settle(self, call: OutboundCall, result: Any = None, error: Exception | None = None) -> None:
        if call.on_settled is not None:
            on_settled, call.on_settled = call.on_settled, None
            on_settled(call, result, error)
        token, call.token = call.token, None
        if token is not None:
            self._emit(Settle(token, result, error))
