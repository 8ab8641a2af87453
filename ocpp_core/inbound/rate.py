"""The rate at which a connection's CALLs get to the application: `inbound_rate` and `inbound_burst`.

A CALL beyond the rate is held until its turn comes. A station has one CALL in flight (OCPP-J 1.6 §4.1.1, 2.x Part 4
§4.1.1), so holding it slows the station down and loses nothing; a CALLERROR would count as a failed attempt to deliver
a transaction, and no answer at all would make the station repeat the CALL after its timeout. Reading goes on in the
meantime, because the same connection brings the answers to our own calls. Only what no conforming station sends, more
CALLs at once than `inbound_burst`, is refused.
"""

from math import inf

from ocpp_core.actions import Dispatch
from ocpp_core.config import SessionConfig
from ocpp_core.limits import TokenBucket
from ocpp_core.timers import Timers

from .held import HeldRequests

__all__ = ["InboundRate"]


class InboundRate:
    """The token bucket of one connection, with a timer for the turn of the oldest CALL that is held."""

    __slots__ = ("_bucket", "_timers", "max_held")

    def __init__(self, rate: float, burst: int, timers: Timers) -> None:
        self.max_held = burst
        """Requests held; a further CALL is refused."""
        self._bucket = TokenBucket(rate, burst)
        self._timers = timers

    @classmethod
    def of(cls, config: SessionConfig, timers: Timers, before: "InboundRate | None" = None) -> "InboundRate | None":
        """Return the limit of a config, None without one; the same limit as `before` goes on as it was."""
        if before is not None and before.is_of(config):
            return before
        if before is not None:
            before.stop()
        return None if config.inbound_rate == inf else cls(config.inbound_rate, config.inbound_burst, timers)

    def is_of(self, config: SessionConfig) -> bool:
        """Return True if this is the limit that a config wants."""
        return (self._bucket.rate, self._bucket.burst) == (config.inbound_rate, config.inbound_burst)

    def take(self, now: float) -> bool:
        """Take a CALL's turn; return False if it is not its turn yet, and see that time tells when."""
        if self._bucket.take(now):
            return True
        self._timers.set(self, self._bucket.ready_at)
        return False

    def next_of(self, held: HeldRequests, now: float) -> Dispatch | None:
        """Return the oldest request whose turn it is, having taken its turn; a SEND needs none, and waits for none."""
        first = held.first
        return held.first_send if first.expects_reply and not self.take(now) else first

    def stop(self) -> None:
        """Wait for nothing any more."""
        self._timers.cancel(self)
