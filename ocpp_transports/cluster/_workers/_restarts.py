"""When a worker that ended is started again."""

from ocpp_core._dataclasses import dataclass

__all__ = ["RestartPolicy", "Restarts"]


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """How often, and how soon, a worker starts again that ends by itself."""

    first: float = 1.0
    """Seconds before the second start in a row; the first one follows at once, and each later one after twice as long.
    """
    longest: float = 30.0
    """Seconds that the wait does not exceed."""
    most: int = 8
    """Starts in a row, then the worker is given up."""
    start_timeout: float = 60.0
    """Seconds that a worker may take until it serves; then it is killed."""
    stable: float = 60.0
    """Seconds after which a worker that serves counts as sound: its next end is the first one again."""


class Restarts:
    """Counts how often in a row one worker has ended by itself."""

    def __init__(self, policy: RestartPolicy) -> None:
        self._policy = policy
        self.failures = 0
        """Ends in a row, each soon after a start."""

    def delay(self, served: float) -> float | None:
        """Return the seconds to wait before the next start, None to give up, after a worker served so many seconds."""
        policy = self._policy
        if served >= policy.stable:
            self.failures = 0
        self.failures += 1
        if self.failures > policy.most:
            return None
        return 0.0 if self.failures == 1 else min(policy.first * 2.0 ** (self.failures - 2), policy.longest)

    def forgive(self) -> None:
        """Begin to count anew: the program was replaced."""
        self.failures = 0
