"""The deadlines of pings and pongs (RFC 6455 §5.5.2)."""

from math import inf
from random import Random
from typing import Final

from ocpp_core.config import LinkConfig
from ocpp_core.timers import coarse

__all__ = ["Keepalive"]

_JITTER: Final = (0.75, 1.25)
_ALIVE: Final = 1.0
"""Seconds after the last received bytes in which the peer is known to be alive: a probe sends nothing."""
_PATIENCE: Final = LinkConfig().pong_timeout
"""Seconds in which bytes must arrive after a probe, if there is no limit for other pings."""


class Keepalive:
    """The two deadlines of an open WebSocket, as plain numbers, because every idle station has them.

    Any received bytes prove that the peer is alive: the link then sets `last_heard` and disarms `pong_by`.
    """

    __slots__ = ("_config", "_random", "last_heard", "ping_at", "pong_by")

    def __init__(self, config: LinkConfig, random: Random, now: float) -> None:
        self._config = config
        self._random = random
        self.last_heard: float = now
        self.ping_at: float = inf
        """Time of the next ping."""
        self.pong_by: float = inf
        """Time until which any bytes must arrive after a ping."""

    def start(self, now: float) -> None:
        """Arm the next ping."""
        self.ping_at = coarse(now, self._config.ping_interval * self._random.uniform(*_JITTER))

    def stop(self) -> None:
        """Stop pinging."""
        self.ping_at = self.pong_by = inf

    def is_ping_sent(self, now: float) -> bool:
        """Return True if the ping that is due must be sent, False if it is postponed.

        All pings since the last received bytes share one deadline, so that a later ping does not postpone it.
        """
        postponed = coarse(self.last_heard, self._config.ping_interval)
        if self._config.defer_pings_on_activity and postponed > now:
            self.ping_at = postponed
            return False
        self.start(now)
        if self.pong_by == inf:
            self.pong_by = coarse(now, self._config.pong_timeout)
        return True

    def is_probe_sent(self, now: float) -> bool:
        """Return True if a ping must be sent now to find out whether the peer is alive."""
        if self.pong_by < inf or now - self.last_heard < _ALIVE:
            return False
        timeout = self._config.pong_timeout
        self.pong_by = coarse(now, _PATIENCE if timeout == inf else timeout)
        return True

    def outlast(self, now: float) -> None:
        """Start the wait for a pong again, if there is one: the ping waited behind output that moves."""
        if self.pong_by < inf:
            self.pong_by = coarse(now, self._config.pong_timeout)

    def configure(self, config: LinkConfig, now: float, *, is_open: bool) -> None:
        """Apply other settings."""
        old, self._config = self._config, config
        if is_open and config.ping_interval != old.ping_interval:
            self.start(now)
        if config.pong_timeout == inf:
            self.pong_by = inf
