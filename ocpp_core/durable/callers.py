"""Calls that became messages: what their callers get when the message is settled."""

from typing import Any, assert_never

from ocpp_core._json import loads
from ocpp_core.errors import (
    CallCancelledError,
    CallDroppedError,
    ClosedError,
    ConnectionLostError,
    OCPPError,
    TimeoutError,  # a subclass of the builtin
    create_rpc_error,
)
from ocpp_core.outbox.stored.outcomes import (
    MessageAnswered,
    MessageDropped,
    MessageNotSent,
    MessageOutcome,
    MessageRefused,
    MessageUnknown,
    NotSentReason,
    UnknownReason,
)

__all__ = ["error_of", "kept_error", "result_of"]


def result_of(outcome: MessageOutcome) -> Any:
    """Return the payload of the response, or None."""
    return outcome.payload if isinstance(outcome, MessageAnswered) else None


def error_of(outcome: MessageOutcome) -> OCPPError | None:
    """Return the error of a call whose message was settled; None if it was answered."""
    match outcome:
        case MessageAnswered():
            return None
        case MessageRefused(code, description, details):
            return create_rpc_error(code, description, loads(details), remote=True)
        case MessageDropped():
            return CallDroppedError("the message was dropped: the outbox is full")
        case MessageNotSent(reason):
            return _not_sent(reason)
        case MessageUnknown(reason):
            return _unknown(reason)
        case _:
            assert_never(outcome)


def _not_sent(reason: NotSentReason) -> OCPPError:
    match reason:
        case NotSentReason.EXPIRED:
            return TimeoutError("the message was not sent within its time to live")
        case NotSentReason.CANCELLED:
            return CallCancelledError("cancelled before it was sent", sent=False)
        case NotSentReason.CLOSED:
            return ClosedError("closed before the message was sent")
        case _:
            return OCPPError(f"the message was not sent: it is {reason.value}")


def _unknown(reason: UnknownReason) -> OCPPError:
    match reason:
        case UnknownReason.CANCELLED:
            return CallCancelledError("cancelled after it was sent", sent=True)
        case UnknownReason.LOST | UnknownReason.RESTART:
            return ConnectionLostError("the connection ended before the message was answered", sent=True)
        case UnknownReason.CLOSED:
            return ClosedError("closed before the message was answered", sent=True)
        case _:
            return TimeoutError("no response to the message", sent=True)


def kept_error(action: str, *, sent: bool) -> ClosedError:
    """Return the error of a caller that waits while the client closes: the message stays queued if the store can."""
    text = f"closed before {action} was answered; in a durable store it is kept, and sent after the next connect()"
    return ClosedError(text, sent=sent)
