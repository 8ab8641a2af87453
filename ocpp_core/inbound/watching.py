"""Traces and counts the requests of the peer and their responses, if `SessionConfig.is_watched`."""

from collections.abc import Callable, Iterable
from typing import Final

from ocpp_core.actions import Direction, Dispatch, SessionAction, Trace
from ocpp_core.config import SessionConfig
from ocpp_core.errors import CallDroppedError, ConnectionLostError
from ocpp_core.inputs import Reply
from ocpp_core.messages import Frame, MessageType

__all__ = ["DROPPED", "LOST", "watch_error", "watch_result", "watch_send", "watch_unanswered"]

LOST: Final = ConnectionLostError("the connection ended before the response", sent=False)
DROPPED: Final = CallDroppedError("too many requests wait for a response")


def watch_result(
    config: SessionConfig, emit: Callable[[SessionAction], None], request: Dispatch, reply: Reply, now: float
) -> None:
    """Count and trace a CALLRESULT that was sent.

    Args:
        config: The settings of the session.
        emit: Takes the `Trace`.
        request: The CALL.
        reply: The payload of the CALLRESULT.
        now: The time, in the host's monotonic seconds.
    """
    latency = now - request.received_at
    if config.meter is not None:
        config.meter.inbound.result(request.action, latency)
    if config.trace:
        frame = [MessageType.CALLRESULT.value, request.message_id, reply.payload]
        emit(Trace(Direction.OUT, frame, request.action, latency))


def watch_error(
    config: SessionConfig,
    emit: Callable[[SessionAction], None],
    frame: Frame,
    action: str | None,
    latency: float | None,
) -> None:
    """Count and trace a CALLERROR that was sent; one to a CALL that cannot be read is not counted.

    Args:
        config: The settings of the session.
        emit: Takes the `Trace`.
        frame: The CALLERROR.
        action: The action of the CALL, None if it cannot be read.
        latency: Seconds since the CALL was received, None if it was refused at once.
    """
    if config.meter is not None and action is not None:
        config.meter.inbound.error(action, latency or 0.0)
    if config.trace:
        emit(Trace(Direction.OUT, frame, action, latency))


def watch_send(config: SessionConfig, emit: Callable[[SessionAction], None], frame: Frame) -> None:
    """Count and trace a SEND that was received."""
    if config.meter is not None:
        config.meter.inbound.send(frame[2])
    if config.trace:
        emit(Trace(Direction.IN, frame, frame[2]))


def watch_unanswered(config: SessionConfig, requests: Iterable[Dispatch | None], error: Exception) -> None:
    """Count the CALLs among these requests that get no response for this reason."""
    if config.meter is not None:
        for request in requests:
            if request is not None and request.expects_reply:
                config.meter.inbound.unanswered(request.action, error)
