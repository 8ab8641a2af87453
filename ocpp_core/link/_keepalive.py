"""When a link pings, and when a peer that gives no sign of life is given up (RFC 6455 §5.5.2)."""

from math import inf
from random import Random
from typing import Final

from ocpp_core.config import LinkConfig
from ocpp_core.timers import coarse

__all__ = ["Keepalive"]

_JITTER: Final = (0.75, 1.25)


class Keepalive:
    """The two deadlines of an open WebSocket; plain numbers, because there is one for every idle station.

    Anything that arrives is a sign of life: whoever receives it sets `last_heard` and takes back `pong_by`.
    """

    __slots__ = ("_config", "_random", "last_heard", "ping_at", "pong_by")

    def __init__(self, config: LinkConfig, random: Random, now: float) -> None:
        self._config = config
        self._random = random
        self.last_heard = now
        self.ping_at = inf
        """When the next ping is due."""
        self.pong_by = inf
        """When something has to have arrived since the last ping."""

    def start(self, now: float) -> None:
        """Begin, or begin again with another interval."""
        self.ping_at = coarse(now, self._config.ping_interval * self._random.uniform(*_JITTER))

    def stop(self) -> None:
        """Ping no more, and wait for nothing."""
        self.ping_at = self.pong_by = inf

    def is_ping_sent(self, now: float) -> bool:
        """Take the ping that is due, and say whether it is to be sent or was put off.

        One deadline stands for all pings sent since the last sign of life, so a slow peer is not cut.
        """
        postponed = coarse(self.last_heard, self._config.ping_interval)
        if self._config.defer_pings_on_activity and postponed > now:
            self.ping_at = postponed
            return False
        self.start(now)
        if self.pong_by == inf:
            self.pong_by = coarse(now, self._config.pong_timeout)
        return True

    def outlast(self, now: float) -> None:
        """Wait for a pong from now on, if one is waited for: its ping was behind output that moves."""
        if self.pong_by < inf:
            self.pong_by = coarse(now, self._config.pong_timeout)

    def configure(self, config: LinkConfig, now: float, *, is_open: bool) -> None:
        """Take other settings."""
        old, self._config = self._config, config
        if is_open and config.ping_interval != old.ping_interval:
            self.start(now)
        if config.pong_timeout == inf:
            self.pong_by = inf
