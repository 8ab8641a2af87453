"""The outcome of the call to one of many stations, as a closed union of small classes."""

from dataclasses import field
from typing import Any, Final, Generic, TypeAlias, TypeVar

from ocpp_core._dataclasses import dataclass
from ocpp_core.errors import (
    CallCancelledError,
    CallDroppedError,
    ClosedError,
    ConnectionLostError,
    OCPPError,
    RPCError,
    TimeoutError,  # ours, a subclass of the builtin
)
from ocpp_core.identity import StationKey

__all__ = [
    "Answered",
    "Failed",
    "IncompleteBroadcastError",
    "NotSent",
    "Refused",
    "StationOutcome",
    "Unanswered",
    "outcome_of",
]

ResultT_co = TypeVar("ResultT_co", covariant=True)

_WITH_SENT: Final = (ConnectionLostError, TimeoutError, ClosedError, CallCancelledError, CallDroppedError)


@dataclass(frozen=True, slots=True)
class Answered(Generic[ResultT_co]):
    """The station acted on the call."""

    identity: str
    """The identity of the station."""
    result: ResultT_co = field(repr=False)  # it may have secrets
    """The payload of the CALLRESULT, or its model."""
    namespace: str = ""
    """The namespace of the station, if it was called by its `StationKey`."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The station refused the call with a CALLERROR."""

    identity: str
    """The identity of the station."""
    error: RPCError
    """The received error, with `code`, `description` and `details`."""
    namespace: str = ""
    """The namespace of the station, if it was called by its `StationKey`."""


@dataclass(frozen=True, slots=True)
class NotSent:
    """The station has not seen the call, so repeating it is safe."""

    identity: str
    """The identity of the station."""
    error: OCPPError
    """The reason: `ConnectionLostError` without a connection, `TimeoutError` after `ttl`, `CallDroppedError` if a queue
    was full, or `ClosedError`."""
    namespace: str = ""
    """The namespace of the station, if it was called by its `StationKey`."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """The call was sent and no response arrived, so the station may have acted on it."""

    identity: str
    """The identity of the station."""
    error: OCPPError
    """The reason: `TimeoutError`, `ConnectionLostError`, `ClosedError` or `CallCancelledError`, with `sent=True`."""
    namespace: str = ""
    """The namespace of the station, if it was called by its `StationKey`."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The call failed on this side; the station may have acted on it.

    A payload breaks its schema (strict mode), the station does not speak the version of the message, or a function of
    the application raised: middleware, `check` or the directory.
    """

    identity: str
    """The identity of the station."""
    error: Exception
    """The exception of the call."""
    namespace: str = ""
    """The namespace of the station, if it was called by its `StationKey`."""


StationOutcome: TypeAlias = Answered[ResultT_co] | Refused | NotSent | Unanswered | Failed
"""What the call to one station resulted in."""


class IncompleteBroadcastError(OCPPError):
    """A broadcast did not find all stations: the registry of the cluster did not answer, so some were not called."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.outcomes: tuple[StationOutcome[Any], ...] = ()
        """The outcomes of the stations that were called; empty if you iterated over them."""


def outcome_of(key: StationKey, error: Exception) -> Refused | NotSent | Unanswered | Failed:
    """Return the outcome that an exception of a call stands for."""
    if isinstance(error, _WITH_SENT):
        return (Unanswered if error.sent else NotSent)(key.identity, error, key.namespace)
    if isinstance(error, RPCError) and error.remote:
        return Refused(key.identity, error, key.namespace)
    return Failed(key.identity, error, key.namespace)
