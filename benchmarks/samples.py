"""What is made of repeated measurements: percentiles, ratios round by round, and how they are written."""

from collections.abc import Sequence
from math import ceil
from statistics import median

__all__ = ["percentile", "ratios", "spread"]


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the least value that this many percent of the values do not exceed (nearest rank)."""
    return sorted(values)[max(ceil(len(values) * percent / 100), 1) - 1]


def ratios(values: Sequence[float], base: Sequence[float]) -> list[float]:
    """Divide what was measured in the same rounds; empty where one of the two was not measured."""
    return [value / other for value, other in zip(values, base, strict=True)] if values and base else []


def spread(values: Sequence[float], form: str) -> str:
    """Write the median and, of several values, the least and the greatest."""
    if not values:
        return "not measured"
    middle = format(median(values), form)
    return middle if len(values) == 1 else f"{middle} ({min(values):{form}}..{max(values):{form}})"
