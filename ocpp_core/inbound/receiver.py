"""The reading side of a session: decode each text, pass it on, and handle malformed messages."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final

from ocpp_core.actions import Direction, Report, ReportKind, SessionAction, Trace
from ocpp_core.config import SessionConfig, Tolerance
from ocpp_core.messages import Fault, Frame, Malformed, MessageType, decode
from ocpp_core.outbound.calls import Calls
from ocpp_core.outbound.sends import UNREADABLE_ID, Sends
from ocpp_core.states import Draining, Open, SessionState
from ocpp_core.tolerance.applying import mended, report_quirks
from ocpp_core.versions import ErrorCode, Version
from ocpp_core.websocket.close import POLICY_VIOLATION, PROTOCOL_ERROR

from .limited import TOO_FAST
from .requests import Requests

__all__ = ["TOO_MANY_BAD_MESSAGES", "Receiver"]

TOO_MANY_BAD_MESSAGES: Final = "Too many bad messages"
"""The close reason beyond `max_bad_messages`."""

_CALL: Final = MessageType.CALL.value  # a member of an Enum takes longer to compare than an integer
_RESULT: Final = MessageType.CALLRESULT.value


class Receiver(ABC):
    """The reading side of a session, which passes each message to its direction."""

    __slots__ = (
        "_bad_messages",
        "_bad_until",
        "_config",
        "_emit",
        "_now",
        "_sends",
        "calls",
        "requests",
        "state",
        "version",
    )

    version: Version
    state: SessionState
    calls: Calls
    """The outbound calls; for stacks and hosts of the library."""
    requests: Requests
    """The inbound requests; for stacks and hosts of the library."""
    _config: SessionConfig
    _emit: Callable[[SessionAction], None]
    _now: float
    _sends: Sends | None
    _bad_messages: int
    _bad_until: float
    """The end of the period in which bad messages are counted."""

    def _pass_to(self, calls: Calls, requests: Requests) -> None:
        """Pass each message to one of these directions."""
        self.calls, self.requests = calls, requests

    @abstractmethod
    def _end(self, code: int, reason: str, *, force: bool = False) -> None:
        """Settle all calls, abandon all requests, then close the transport."""

    @abstractmethod
    def _finish_drain(self) -> None:
        """Close the transport if it drains and no response is outstanding."""

    def receive(self, text: str, now: float) -> None:
        """Decode and process a text immediately.

        Ignore it if the session is closing or closed.
        """
        state = type(self.state)
        if state is not Open and state is not Draining:
            return
        self._now = now
        config = self._config
        if config.mend_text is not None:
            text = mended(text, config.mend_text, self._emit)
        frame = decode(text, self.version.message_types, config.leniency, config.max_elements)
        if type(frame) is not list:
            self._malformed(frame, text)  # type: ignore[arg-type]  # `type() is` narrows only one branch
        elif frame[0] == _CALL:
            if self.requests.on_call(frame, text, now):
                self._end(POLICY_VIOLATION, TOO_FAST)
        else:
            self._receive_other(frame, text)
        if state is Draining:
            self._finish_drain()

    def _receive_repaired(self, malformed: Malformed, text: str, tolerance: Tolerance) -> bool:
        """Process a malformed text as the quirks of the peer repair it; return False if that is no message either."""
        if malformed.fault is Fault.UNKNOWN_TYPE or (better := tolerance.mend_text(text)) is None:
            return False
        config, text = self._config, better.content
        frame = decode(text, self.version.message_types, config.leniency, config.max_elements)
        if isinstance(frame, Malformed):
            return False
        report_quirks(better.news, self._emit)
        if frame[0] != _CALL:
            self._receive_other(frame, text)
        elif self.requests.on_call(frame, text, self._now):
            self._end(POLICY_VIOLATION, TOO_FAST)
        return True

    def _receive_other(self, frame: Frame, text: str) -> None:
        kind = frame[0]
        if kind == _RESULT:
            if not self.calls.on_result(frame, self._now):
                self._unmatched(frame, text)
        elif kind == MessageType.CALLERROR:
            if not self.calls.on_error(frame, self._now):
                self._unmatched(frame, text)
        elif kind == MessageType.SEND:
            problem = self.requests.on_send(frame, text, self._now)
            if problem is not None:
                self._bad_message(problem, frame[1], text)
            elif self.requests.is_too_fast:
                self._end(POLICY_VIOLATION, TOO_FAST)
        else:
            self._result_refused(frame)

    def _receive_binary(self, data: bytes) -> None:
        if not self._config.leniency.binary_messages:
            self._bad_message("expected a text message, got a binary one", None, data)
            return
        try:
            text = data.decode()
        except UnicodeDecodeError:
            self._bad_message("expected UTF-8 in a binary message", None, data)
        else:
            self.receive(text, self._now)

    def _result_refused(self, frame: Frame) -> None:
        """Report a CALLRESULTERROR, to which 2.1 Part 4 §4.2.3 defines no response."""
        if self._config.trace:
            self._emit(Trace(Direction.IN, frame))
        self._emit(Report(ReportKind.RESULT_REFUSED, f"{frame[2]}: {frame[3]}", frame[1], frame))

    def _unmatched(self, frame: Frame, text: str) -> None:
        kind = self.calls.unmatched(frame, self._now)
        if kind is None:
            return
        if kind is ReportKind.UNMATCHED_ANSWER and self._sends is not None and frame[1] in self._sends.raw_ids:
            kind = ReportKind.RAW_ANSWER
        self._emit(Report(kind, "a response to no outstanding CALL", frame[1], text))
        if kind is ReportKind.UNMATCHED_ANSWER:
            self._count_bad()

    def _malformed(self, malformed: Malformed, text: str) -> None:
        fault, message_id, reason = malformed.fault, malformed.message_id, malformed.reason
        tolerance = self._config.tolerance
        if fault is Fault.EMPTY or (tolerance is not None and self._receive_repaired(malformed, text, tolerance)):
            return
        if fault is Fault.UNKNOWN_TYPE:
            self._emit(Report(ReportKind.UNKNOWN_TYPE, reason, message_id, text))
            if self.version.answers_unknown_type:
                self._refuse(message_id, ErrorCode.MESSAGE_TYPE_NOT_SUPPORTED, reason)
            return
        if fault is Fault.CALL:
            self._refuse(message_id, ErrorCode.FORMAT_VIOLATION, reason)
        elif fault is Fault.ID_TOO_LONG or (fault is Fault.UNREADABLE and self.version.answers_unreadable):
            self._refuse(message_id, ErrorCode.RPC_FRAMEWORK_ERROR, reason)
        elif fault in {Fault.RESULT, Fault.ERROR}:
            self.calls.on_malformed_answer(message_id, reason, self._now, is_result=fault is Fault.RESULT)
        self._bad_message(reason, message_id, text)

    def _refuse(self, message_id: str | None, code: ErrorCode, reason: str) -> None:
        self.requests.refuse(UNREADABLE_ID if message_id is None else message_id, code, reason)

    def _bad_message(self, reason: str, message_id: str | None, message: str | bytes) -> None:
        self._emit(Report(ReportKind.BAD_MESSAGE, reason, message_id, message))
        self._count_bad()

    def _count_bad(self) -> None:
        if self._now >= self._bad_until:
            self._bad_messages, self._bad_until = 0, self._now + self._config.bad_message_period
        self._bad_messages += 1
        if self._bad_messages >= self._config.max_bad_messages and isinstance(self.state, (Open, Draining)):
            self._end(PROTOCOL_ERROR, TOO_MANY_BAD_MESSAGES)
