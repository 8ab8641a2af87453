"""Performs a driver's actions for a peer: passes requests to the dispatcher, and events to listeners and log."""

from collections.abc import Callable, Mapping
from typing import Final, Protocol

from ocpp_core._dataclasses import dataclass
from ocpp_core.actions import Dispatch, InvalidPayload, Report, ReportKind, Trace
from ocpp_core.config import AppliedQuirk
from ocpp_core.errors import OCPPError, RPCFormatViolationError
from ocpp_core.messages import MessageType
from ocpp_transports._handlers._contexts import HandlerContext
from ocpp_transports._handlers._dispatcher import Dispatcher
from ocpp_transports._logging._log import Log
from ocpp_transports.event_names import PeerEventName
from ocpp_transports.events import (
    BadMessageEvent,
    ErrorEvent,
    HandlerErrorEvent,
    MessageEvent,
    PingEvent,
    PongEvent,
    PongTimeoutEvent,
    QuirkEvent,
    RateExceededEvent,
    ViolationEvent,
)

__all__ = ["MESSAGE_EVENTS", "PeerDelegate", "has_no_outbox", "nobody_serves"]

MESSAGE_EVENTS: Final[tuple[PeerEventName, ...]] = ("message", "call", "call_result", "call_error")
"""The events for which the engine must trace messages."""

_NAME_OF: Final[Mapping[int, PeerEventName]] = {
    MessageType.CALL: "call",
    MessageType.CALLRESULT: "call_result",
    MessageType.CALLERROR: "call_error",
    MessageType.CALLRESULTERROR: "call_error",
}
_BAD: Final = frozenset({ReportKind.BAD_MESSAGE, ReportKind.UNKNOWN_TYPE, ReportKind.UNMATCHED_ANSWER})
_TOO_FAST: Final = frozenset({ReportKind.CALL_HELD, ReportKind.RATE_EXCEEDED, ReportKind.TOO_FAST})
# An INVALID_REPLY without a violation is not JSON.
_FAILED: Final = frozenset(
    {ReportKind.PROTOCOL_ERROR, ReportKind.CONNECT_FAILED, ReportKind.INVALID_REPLY, ReportKind.MEND_FAILED}
)


def nobody_serves(_: Dispatch) -> None:
    """Ignore a request, on a connection that serves none: it is not open yet, or ends."""


def has_no_outbox() -> None:
    """Do nothing, for a peer without an outbox."""


class EmittingPeer(Protocol):
    """A peer, as its delegate sees it; a bound method in its place would cost memory for every connection."""

    def _emit(self, name: PeerEventName, event: object, /) -> None:
        """Emit an event."""


@dataclass(slots=True, eq=False)
class PeerDelegate:
    """The `SessionDelegate` of a peer, which passes events to it, and states to `state_changed`."""

    identity: str
    peer: EmittingPeer
    log: Log
    state_changed: Callable[[object], None]
    dispatched: Callable[[Dispatch], None] = nobody_serves
    """Run the handler of a request."""
    outbox_changed: Callable[[], None] = has_no_outbox
    """Perform the outputs of the outbox."""
    violation: str = ""
    """The rule of WebSocket that the peer broke, for which the connection ends."""
    dispatcher: Dispatcher | None = None
    """The dispatcher of this connection, made with the first request; `dispatched` is then its method."""

    def abandoned(self, request: int) -> None:
        """Note that the peer no longer waits for the response to this request."""
        if self.dispatcher is not None:
            self.dispatcher.abandoned(request)

    def traced(self, trace: Trace) -> None:
        """Emit and log a message."""
        self.log.traced(trace)
        event = MessageEvent(trace.direction, trace.frame, trace.action, trace.latency)
        self.peer._emit("message", event)
        name = _NAME_OF.get(trace.frame[0])
        if name is not None:
            self.peer._emit(name, event)

    def reported(self, report: Report) -> None:
        """Emit and log a report."""
        self.log.reported(report)
        if report.kind is ReportKind.PROTOCOL_ERROR:
            self.violation = report.detail
        event = _event_of(report, self.identity)
        if event is not None:
            self.peer._emit(*event)

    def handler_failed(self, context: HandlerContext, error: BaseException) -> None:
        """Emit and log that a handler raised."""
        self.log.handler_failed(context.action, error, context.message_id)
        self.peer._emit("handler_error", HandlerErrorEvent(context.action, error))

    def handler_missing(self, action: str) -> None:
        """Log that an action has no handler."""
        text = f"no handler for {action!r}: CALLs of it are answered with NotImplemented"
        self.log.warning(text, action=action)


def _event_of(report: Report, identity: str) -> tuple[PeerEventName, object] | None:
    """Return the name and payload of a report's event; None for reports that are only logged."""
    kind = report.kind
    if kind is ReportKind.PING:
        return "ping", PingEvent()
    if kind is ReportKind.PONG:
        return "pong", PongEvent()
    if kind is ReportKind.PONG_TIMEOUT:
        return "pong_timeout", PongTimeoutEvent(identity)
    if kind in _BAD:
        return "bad_message", BadMessageEvent(report.message, report.error or RPCFormatViolationError(report.detail))
    if report.invalid is not None:
        return "violation", _violation(report, report.invalid, identity)
    if kind is ReportKind.QUIRK:
        applied: AppliedQuirk = report.message
        return "quirk", QuirkEvent(applied.profile, applied.quirk, applied.at, report.action)
    if kind in _TOO_FAST:
        return "rate_exceeded", RateExceededEvent(report.message, refused=kind is not ReportKind.CALL_HELD)
    if kind in _FAILED:
        return "error", ErrorEvent(report.error or OCPPError(f"{kind.value}: {report.detail}"))
    return None


def _violation(report: Report, invalid: InvalidPayload, identity: str) -> ViolationEvent:
    return ViolationEvent(
        identity,
        invalid.direction,
        invalid.kind,
        invalid.action,
        invalid.message_id,
        invalid.violation,
        report.error or RPCFormatViolationError(report.detail),
        report.kind is not ReportKind.TOLERATED,
        invalid.payload,
    )
