"""Calls to many stations at a time: what `OCPPServer.broadcast` and `call_many` return."""

from ._fleet._fleet_call import FleetCall
from ._fleet._outcomes import Answered, Failed, NotSent, Refused, StationOutcome, Unanswered

__all__ = ["Answered", "Failed", "FleetCall", "NotSent", "Refused", "StationOutcome", "Unanswered"]
