"""The step of admission that limits the rate of handshakes of each address."""

from collections.abc import Callable
from functools import partial
from math import ceil, isinf

from ocpp_core.admission.step import Candidate, Cause, Step, refuse
from ocpp_core.inputs import Reject
from ocpp_core.limits import SharedBuckets
from ocpp_transports._options._server import ServerOptions

from ._quota import owner_of

__all__ = ["HandshakeRates"]


class HandshakeRates:
    """Counts the upgrade requests of each address, and refuses those beyond the rate (429).

    It counts from the request on: the step runs before the gates, and before the credentials are checked. `now` is the
    clock, in seconds; `make` makes the buckets of all addresses for a rate and a burst.
    """

    def __init__(self, now: Callable[[], float], make: Callable[[float, float], SharedBuckets] = SharedBuckets) -> None:
        self._now = now
        self._make = make
        self._rate: SharedBuckets | None = None

    def before(self, options: ServerOptions) -> tuple[Step, ...]:
        """Use this rate from now on; return the step, if there is a limit. The same rate keeps its counts."""
        rate, burst = options.handshake_rate, options.handshake_burst
        if isinf(rate):
            self._rate = None
        elif self._rate is None or (self._rate.rate, self._rate.burst) != (rate, burst):
            self._rate = self._make(rate, burst)
        return () if self._rate is None else (partial(self._refuse_when_too_fast, self._rate),)

    def _refuse_when_too_fast(self, rate: SharedBuckets, candidate: Candidate) -> Reject | None:
        owner, now = owner_of(candidate.facts.remote_address), self._now()
        ready_at = rate.ready_at(owner, now)
        if ready_at <= now:
            rate.take(owner, now)
            return None
        candidate.cause = Cause("handshake_rate")
        return refuse(429, "Too Many Requests", retry_after=ceil(ready_at - now))
