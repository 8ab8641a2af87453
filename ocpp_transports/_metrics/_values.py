"""The values of metrics at one moment."""

from collections.abc import Iterable
from typing import TypeAlias

from ocpp_core._dataclasses import dataclass

__all__ = ["HistogramValue", "MetricSample", "Sampled"]


@dataclass(frozen=True, slots=True)
class HistogramValue:
    """The values of one series of a histogram."""

    buckets: tuple[tuple[float, int], ...]
    """Upper bounds in seconds, the last one `inf`, each with the number of values up to it."""
    total: float
    """The sum of the values, in seconds."""

    @property
    def count(self) -> int:
        """The number of values."""
        return self.buckets[-1][1]


@dataclass(frozen=True, slots=True)
class MetricSample:
    """One series of a metric."""

    labels: tuple[str, ...]
    """The values of its labels, in the order of their names."""
    value: float | HistogramValue
    """Its value."""


Sampled: TypeAlias = Iterable[tuple[tuple[str, ...], float | HistogramValue]]
"""The values of one metric by their labels."""
