"""The interface of an object that counts the CALLs of sessions and measures how long their responses take.

A `Trace` describes each message completely, and costs as much as reading it. A meter gets two values for each response,
in a direct call. The engine has no clock: it passes differences of the times that its host passes to it.
"""

from typing import Protocol

__all__ = ["CallMeter", "SessionMeter"]


class CallMeter(Protocol):
    """The counts of the CALLs of one direction.

    A session calls the methods for nearly every message, so they must be fast, and they must not raise. Peers invent
    names of actions: the number of names that are stored must be bounded.
    """

    def result(self, action: str, seconds: float, /) -> None:
        """Count a CALL that got a CALLRESULT, `seconds` after it was written or received."""

    def error(self, action: str, seconds: float, /) -> None:
        """Count a CALL that got a CALLERROR, `seconds` after it was written or received."""

    def send(self, action: str, /) -> None:
        """Count a SEND, which has no response."""

    def unanswered(self, action: str, error: Exception, /) -> None:
        """Count a CALL that gets no response, sent or not; `error` is the reason."""


class SessionMeter(Protocol):
    """The counts of the sessions of a host, in both directions; see `SessionConfig.meter`."""

    @property
    def inbound(self) -> CallMeter:
        """The CALLs of the peer."""

    @property
    def outbound(self) -> CallMeter:
        """The CALLs of this side."""
