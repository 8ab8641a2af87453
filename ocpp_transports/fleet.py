"""Calls to many stations at a time: what `OCPPServer.broadcast` and `call_many` return."""

from ._calls._fleet_call import FleetCall
from ._calls._outcomes import Answered, Failed, IncompleteBroadcastError, NotSent, Refused, StationOutcome, Unanswered

__all__ = [
    "Answered",
    "Failed",
    "FleetCall",
    "IncompleteBroadcastError",
    "NotSent",
    "Refused",
    "StationOutcome",
    "Unanswered",
]
