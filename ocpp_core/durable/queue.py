"""What waits for a connection in a client with an outbox."""

from collections.abc import Callable

from ocpp_core.actions import SessionAction
from ocpp_core.config import ClientConfig
from ocpp_core.outbound.memory_queue import MemoryQueue
from ocpp_core.outbox.outbox import Outbox

__all__ = ["QueueBesideOutbox"]


class QueueBesideOutbox(MemoryQueue):
    """The calls that wait, in memory; one deadline serves them and the messages of the outbox.

    The engine reads one deadline after every input, so a second one would make each call dearer.
    """

    def __init__(self, outbox: Outbox, config: ClientConfig, emit: Callable[[SessionAction], None]) -> None:
        super().__init__(config, emit)
        self._outbox = outbox

    @property
    def deadline(self) -> float:
        """Time at which the first call or message expires, or a message may be sent again."""
        calls = self._timers.next
        return min(calls, self._outbox.deadline) if self._outbox.queued else calls

    def expire(self, now: float) -> None:
        """Settle the calls and messages whose time is over."""
        self._outbox.expire(now)
        super().expire(now)
