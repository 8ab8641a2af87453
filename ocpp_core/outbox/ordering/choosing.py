"""The choice of the next message for a free slot of the window."""

from ocpp_core.outbox.settings import OutboxConfig

from .lanes import Entry, Lanes

__all__ = ["Chooser"]


class Chooser:
    """What lets messages out: the connection, the gate, the pause after a reconnect, and the turns of calls."""

    def __init__(self, lanes: Lanes, config: OutboxConfig) -> None:
        self.is_online = False
        """True while a connection is open."""
        self.protocol: str | None = None
        """The subprotocol of the last connection."""
        self.is_open: bool = config.gate == "open"
        """True if messages may be sent that are not urgent."""
        self.resumes_at: float = 0.0
        """Until this time, only urgent messages are sent; monotonic seconds."""
        self._lanes = lanes
        self._overtake = config.overtake
        self._overtaken = 0

    def configure(self, config: OutboxConfig) -> None:
        """Apply other settings; the gate keeps its state, except that `"open"` opens it."""
        self._overtake = config.overtake
        self.is_open = self.is_open or config.gate == "open"

    def next(self, now: float, live: bool, ordered: bool) -> Entry | None:
        """Return an urgent message, or the oldest one if no call of the session waits.

        After `OutboxConfig.overtake` choices before it, the oldest message is next. Unless `ordered`, messages of the
        transaction lane are not chosen.
        """
        urgent = self._lanes.urgent()
        oldest = self._lanes.ordinary(ordered=ordered) if self.is_open and now >= self.resumes_at else None
        if oldest is None:
            return urgent
        if (urgent is None and not live) or self._overtaken >= self._overtake:
            self._overtaken = 0
            return oldest
        self._overtaken += 1
        return urgent
