"""Shedding under overload: while the event loop is late, a server refuses newcomers (the option `shed_lag`).

One late turn is no overload: a plain handler may have been slow once. So newcomers are refused after `BAD_SAMPLES` late
samples in a row, and accepted again after as many good ones.
"""

from math import inf
from typing import Final

from ocpp_core.admission.step import Candidate, Cause, Step, refuse
from ocpp_core.inputs import Reject
from ocpp_transports._driver._interfaces import Handle
from ocpp_transports._runtime._base import SocketRuntime

__all__ = ["BAD_SAMPLES", "Shedding"]

BAD_SAMPLES: Final = 4
"""Samples in a row that begin shedding, or end it; they are a quarter of a second apart."""
_OVERLOADED: Final = refuse(503, "Overloaded")


class Shedding:
    """Watches the lag of the event loop if there is a limit, and refuses newcomers while it is exceeded.

    When it begins and ends to refuse them, it logs a warning.
    """

    def __init__(self, runtime: SocketRuntime) -> None:
        self.is_shedding: bool = False
        self._runtime = runtime
        self._limit = inf
        self._watching: Handle | None = None
        self._run = 0
        """Samples in a row that speak against the present state."""

    def limit_to(self, seconds: float) -> tuple[Step, ...]:
        """Use this limit from now on, `inf` for none; return the step, if there is one."""
        self._limit = seconds
        if seconds == inf:
            self.stop()
            return ()
        if self._watching is None:
            self._watching = self._runtime.lag.watch(self._sampled)
        return (self._refuse_newcomer,)

    def stop(self) -> None:
        """Stop watching, and refuse nobody. Idempotent."""
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None
        self.is_shedding, self._run = False, 0

    def _sampled(self, lag: float) -> None:
        self._run = self._run + 1 if (lag > self._limit) is not self.is_shedding else 0
        if self._run < BAD_SAMPLES:
            return
        self._run = 0
        self.is_shedding = not self.is_shedding
        state = "is late: newcomers are refused" if self.is_shedding else "is in time: newcomers are accepted"
        text = f"the event loop {state} (shed_lag={self._limit:.15g} s)"
        self._runtime.log.warning(text)

    def _refuse_newcomer(self, candidate: Candidate) -> Reject | None:
        if not self.is_shedding:
            return None
        candidate.cause = Cause("overloaded")
        return _OVERLOADED
