"""The rate at which a connection's CALLs reach the application: `inbound_rate` and `inbound_burst`.

A CALL beyond the rate is held until the rate allows it. A station has one outstanding CALL (OCPP-J 1.6 §4.1.1, 2.x Part
4 §4.1.1), so holding it slows the station down and loses nothing. A CALLERROR would count as a failed attempt to
deliver a transaction, and without any response the station would repeat the CALL after its timeout. Reading continues
while CALLs are held, because the responses to this side's calls arrive on the same connection. A CALL is refused only
if `inbound_burst` CALLs are held already, or what `max_held` and `max_held_bytes` allow. No conforming station causes
that.
"""

from math import inf

from ocpp_core.actions import Dispatch
from ocpp_core.config import SessionConfig
from ocpp_core.limits import TokenBucket
from ocpp_core.timers import Timers

from .held import HeldRequests

__all__ = ["InboundRate"]


class InboundRate:
    """The token bucket of one connection, with a timer for the oldest held CALL."""

    __slots__ = ("_bucket", "_timers", "max_held")

    def __init__(self, rate: float, burst: int, timers: Timers) -> None:
        self.max_held: int = burst
        """Most held requests, within `max_held` of the config; a further CALL is refused."""
        self._bucket = TokenBucket(rate, burst)
        self._timers = timers

    @classmethod
    def of(cls, config: SessionConfig, timers: Timers, before: "InboundRate | None" = None) -> "InboundRate | None":
        """Return the limit of a config, or None without one.

        `before` is kept if it is the same limit.
        """
        if before is not None and before.is_of(config):
            return before
        if before is not None:
            before.stop()
        return None if config.inbound_rate == inf else cls(config.inbound_rate, config.inbound_burst, timers)

    def is_of(self, config: SessionConfig) -> bool:
        """Return True if this is the limit of a config."""
        return (self._bucket.rate, self._bucket.burst) == (config.inbound_rate, config.inbound_burst)

    def take(self, now: float) -> bool:
        """Return True if a CALL may pass now; otherwise arm the timer and return False."""
        if self._bucket.take(now):
            return True
        self._timers.set(self, self._bucket.ready_at)
        return False

    def next_of(self, held: HeldRequests, now: float) -> Dispatch | None:
        """Return the oldest held request that may pass now, or None; a SEND always may."""
        first = held.first
        return held.first_send if first.expects_reply and not self.take(now) else first

    def stop(self) -> None:
        """Disarm the timer."""
        self._timers.cancel(self)
