"""The cells that are counted in for each message: plain attributes, found by one look-up in a dict.

The objects of metrics libraries cost several times as much: each has a lock and an object for each label.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import Final

from ocpp_core.errors import (
    CallCancelledError,
    CallDroppedError,
    ClosedError,
    ConnectionLostError,
    RegistrationRequiredError,
    RPCError,
    RPCFrameworkError,
    TimeoutError,  # ours, a subclass of the builtin
)

__all__ = ["BOUNDS", "CallCells", "Counts", "HistogramCell", "Traffic"]

BOUNDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of the buckets, in seconds: from a plain handler to the default timeout of a call."""

_REASONS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (ConnectionLostError, "lost"),
    (ClosedError, "closed"),
    (CallDroppedError, "dropped"),
    (CallCancelledError, "cancelled"),
    (RegistrationRequiredError, "unregistered"),
    (RPCFrameworkError, "malformed"),
    (RPCError, "invalid"),
)


class HistogramCell:
    """The values of one series of a histogram."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts: list[int] = [0] * (len(BOUNDS) + 1)
        """Values by bucket, not cumulative; the last one is for values above all bounds."""
        self.total: float = 0.0
        """Sum of the values, in seconds."""

    def observe(self, seconds: float) -> None:
        """Add a value."""
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds


class Counts:
    """A counter with labels; the caller ensures that their values are of a closed set."""

    __slots__ = ("by_labels",)

    def __init__(self) -> None:
        self.by_labels: dict[tuple[str, ...], int] = {}
        """The counts by the values of the labels."""

    def add(self, *labels: str) -> None:
        """Count one."""
        self.by_labels[labels] = self.by_labels.get(labels, 0) + 1


class Traffic:
    """Bytes that connections have received and sent."""

    __slots__ = ("received", "sent")

    def __init__(self) -> None:
        self.received: int = 0
        self.sent: int = 0


class CallCells:
    """The CALLs of one direction, see `CallMeter`; `name_of` maps the actions that peers invent to one name."""

    __slots__ = ("_errors", "_name_of", "_results", "sends", "unanswered_by")

    def __init__(self, name_of: Callable[[str], str]) -> None:
        self.unanswered_by: Counts = Counts()
        """CALLs without a response, by action and reason."""
        self.sends: Counts = Counts()
        """SENDs, by action."""
        self._name_of = name_of
        self._results: dict[str, HistogramCell] = {}
        self._errors: dict[str, HistogramCell] = {}

    def result(self, action: str, seconds: float, /) -> None:
        """Count a CALLRESULT; see CallMeter."""
        cell = self._results.get(action) or self._cell(self._results, action)
        cell.counts[bisect_left(BOUNDS, seconds)] += 1  # `observe` would be one more call for each message
        cell.total += seconds

    def error(self, action: str, seconds: float, /) -> None:
        """Count a CALLERROR; see CallMeter."""
        (self._errors.get(action) or self._cell(self._errors, action)).observe(seconds)

    def unanswered(self, action: str, error: Exception, /) -> None:
        """Count a CALL without a response; see CallMeter."""
        self.unanswered_by.add(self._name_of(action), _reason_of(error))

    def send(self, action: str, /) -> None:
        """Count a SEND; see CallMeter."""
        self.sends.add(self._name_of(action))

    def cells(self) -> Iterator[tuple[str, str, HistogramCell]]:
        """Iterate over action, outcome and cell."""
        for outcome, cells in (("result", self._results), ("error", self._errors)):
            for action, cell in tuple(cells.items()):  # another thread may read
                yield action, outcome, cell

    def _cell(self, cells: dict[str, HistogramCell], action: str) -> HistogramCell:
        """Return the cell of an action that has none under its own name yet."""
        name = self._name_of(action)
        cell = cells.get(name)
        if cell is None:
            cell = cells[name] = HistogramCell()
        return cell


def _reason_of(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "timeout" if error.sent else "expired"
    return next((reason for kind, reason in _REASONS if isinstance(error, kind)), "failed")
