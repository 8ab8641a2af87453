"""Counts and latencies of a fleet, as a line and as a table."""

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from ocpp_apps.station.messages.log import LogEntry

__all__ = ["Snapshot", "Statistics", "percentile"]

_LATENCIES: Final = 100_000
"""Calls whose latencies are kept; the oldest is dropped first."""


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The number of stations in each state."""

    total: int
    connected: int
    booted: int
    charging: int
    failed: int
    reconnects: int
    queued: int


@dataclass
class Statistics:
    """Counts the entries of all logs."""

    sent: int = 0
    received: int = 0
    errors: int = 0
    """CALLERRORs, and calls without a response."""
    problems: int = 0
    """Messages that break their schema, and texts that are not messages."""
    actions: Counter[str] = field(default_factory=Counter)
    """Sent calls by action."""
    latencies: deque[float] = field(default_factory=lambda: deque(maxlen=_LATENCIES))
    """Seconds from each CALL to its response."""

    def __call__(self, entry: LogEntry) -> None:
        """Count an entry."""
        if entry.direction == "out":
            self.sent += 1
            if entry.kind == "CALL":
                self.actions[entry.action or "?"] += 1
        elif entry.direction == "in":
            self.received += 1
            if entry.latency is not None:
                self.latencies.append(entry.latency)
        if entry.kind in ("CALLERROR", "ERROR", "NOTE"):
            self.errors += 1
        elif entry.problem is not None:
            self.problems += 1

    def line(self, now: Snapshot, seconds: float) -> str:
        """Return the progress as one line."""
        return (
            f"{seconds:6.0f} s  {now.connected}/{now.total} connected, {now.booted} booted, {now.charging} charging  "
            f"sent {self.sent}, received {self.received}, errors {self.errors}  {self._latency()}"
        )

    def table(self, now: Snapshot, seconds: float) -> list[str]:
        """Return the final statistics, line by line."""
        rows: dict[str, object] = {
            "stations": now.total,
            "connected": now.connected,
            "booted": now.booted,
            "failed": now.failed,
            "messages sent": self.sent,
            "messages received": self.received,
            "messages a second": f"{(self.sent + self.received) / max(seconds, 0.001):.0f}",
            "call latency": self._latency(),
            "errors": self.errors,
            "broken messages": self.problems,
            "reconnects": now.reconnects,
            "left in queues": now.queued,
        }
        calls = [f"  {action:<26}{count:>10}" for action, count in self.actions.most_common()]
        return [f"{name:<28}{value:>10}" for name, value in rows.items()] + ["calls sent", *calls]

    def _latency(self) -> str:
        if not self.latencies:
            return "-"
        ordered = sorted(self.latencies)
        return f"p50 {percentile(ordered, 50) * 1000:.1f} ms, p99 {percentile(ordered, 99) * 1000:.1f} ms"


def percentile(ordered: Sequence[float], percent: int) -> float:
    """Return a percentile with the nearest-rank method."""
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(rank, 1) - 1]
