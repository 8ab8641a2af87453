"""What the outboxes of all stations have together, and how much they may have."""

from collections import OrderedDict

from ocpp_core._dataclasses import dataclass
from ocpp_core.config import expect_declared, number
from ocpp_core.errors import CallDroppedError

from .station_outbox import StationOutbox

__all__ = ["OutboxLimits", "Totals"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxLimits:
    """The limits of each outbox, and of all together; raises ValueError for a value out of range."""

    size: int = number(1000, least=1, unit="messages")
    """Messages in one outbox; beyond, the oldest one that was not sent is dropped."""
    messages: int = number(100_000, least=1, unit="messages")
    """Queued messages, and as many outcomes that are not acknowledged."""
    bytes: float = number(64 << 20, least=1, unit="bytes")
    """Bytes of the payloads of queued messages, and as many of kept outcomes."""

    def __post_init__(self) -> None:
        expect_declared(self)


class Totals:
    """The numbers of all outboxes."""

    def __init__(self, limits: OutboxLimits) -> None:
        self.limits = limits
        self.messages: int = 0
        """Queued messages."""
        self._bytes = 0
        self._counted: dict[StationOutbox, tuple[int, int]] = {}
        self._kept: OrderedDict[int, int] = OrderedDict()  # a dict would pass all removed ones at each look-up
        self._kept_bytes = 0

    def count(self, outbox: StationOutbox) -> None:
        """Count what an outbox has now, in place of what it had."""
        messages, size = self._counted.pop(outbox, (0, 0))
        self.messages += len(outbox) - messages
        self._bytes += outbox.bytes - size
        if len(outbox):
            self._counted[outbox] = len(outbox), outbox.bytes

    def expect_room(self, action: str) -> None:
        """Raise CallDroppedError if the limit for messages is reached."""
        if self.messages >= self.limits.messages or self._bytes >= self.limits.bytes:
            queued = f"{self.messages} messages of {self._bytes} bytes are queued for all stations"
            raise CallDroppedError(f"cannot enqueue {action}: {queued}; retry when some are settled")

    def keep(self, ticket: int, size: int) -> None:
        """Count an outcome that was reported."""
        self.forget(ticket)
        self._kept[ticket] = size
        self._kept_bytes += size

    def forget(self, ticket: int) -> bool:
        """Count an outcome out; return False for an unknown one."""
        size = self._kept.pop(ticket, None)
        self._kept_bytes -= size or 0
        return size is not None

    @property
    def excess(self) -> int | None:
        """The ticket of the oldest outcome, if there are too many; the newest one is always kept."""
        limits = self.limits
        is_over = len(self._kept) > limits.messages or self._kept_bytes > limits.bytes
        return next(iter(self._kept)) if is_over and len(self._kept) > 1 else None
