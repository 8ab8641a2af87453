"""Evaluation of repeated measurements: percentiles, ratios by round, and their format."""

from collections.abc import Sequence
from math import ceil
from statistics import median

__all__ = ["percentile", "ratios", "spread"]


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the least value that this many percent of the values do not exceed (nearest rank)."""
    return sorted(values)[max(ceil(len(values) * percent / 100), 1) - 1]


def ratios(values: Sequence[float], base: Sequence[float]) -> list[float]:
    """Return the ratios of values from the same rounds, or none if either was not measured."""
    return [value / other for value, other in zip(values, base, strict=True)] if values and base else []


def spread(values: Sequence[float], form: str) -> str:
    """Return the median, with the least and the greatest value if they differ as written."""
    if not values:
        return "not measured"
    least, middle, greatest = (format(value, form) for value in (min(values), median(values), max(values)))
    return middle if least == greatest else f"{middle} ({least}..{greatest})"
