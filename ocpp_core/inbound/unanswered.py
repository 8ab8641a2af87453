"""Counts the CALLs of the peer that get no response."""

from collections.abc import Iterable
from typing import Final

from ocpp_core.actions import Dispatch
from ocpp_core.errors import CallDroppedError, ConnectionLostError
from ocpp_core.metering.meter import SessionMeter

__all__ = ["DROPPED", "LOST", "count_unanswered"]

LOST: Final = ConnectionLostError("the connection ended before the response", sent=False)
DROPPED: Final = CallDroppedError("too many requests wait for a response")


def count_unanswered(meter: SessionMeter | None, requests: Iterable[Dispatch | None], error: Exception) -> None:
    """Count these requests as unanswered for this reason, except SENDs; count nothing without a meter."""
    if meter is not None:
        for request in requests:
            if request is not None and request.expects_reply:
                meter.inbound.unanswered(request.action, error)
