"""Traces and counts the responses to own CALLs, if `SessionConfig.is_watched`."""

from collections.abc import Callable

from ocpp_core.actions import Direction, SessionAction, Trace
from ocpp_core.config import SessionConfig
from ocpp_core.messages import Frame, MessageType

from .call import OutboundCall

__all__ = ["watch_response"]


def watch_response(
    config: SessionConfig, emit: Callable[[SessionAction], None], call: OutboundCall, frame: Frame, now: float
) -> None:
    """Count and trace a response; a cancelled call was counted as unanswered before.

    Args:
        config: The settings of the session.
        emit: Takes the `Trace`.
        call: The call, not settled yet.
        frame: The CALLRESULT or CALLERROR.
        now: The time, in the host's monotonic seconds.
    """
    meter, latency = config.meter, now - call.written_at
    if meter is not None and call.token is not None:
        count = meter.outbound.result if frame[0] == MessageType.CALLRESULT else meter.outbound.error
        count(call.action, latency)
    if config.trace:
        emit(Trace(Direction.IN, frame, call.action, latency))
