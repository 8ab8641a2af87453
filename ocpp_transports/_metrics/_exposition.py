"""Metrics as text: the format 0.0.4 of Prometheus, and OpenMetrics 1.0."""

from collections.abc import Iterable, Sequence
from functools import cache
from math import inf
from typing import Final

from ._families import MetricFamily
from ._values import HistogramValue, MetricSample

__all__ = ["OPENMETRICS_TYPE", "TEXT_TYPE", "exposition"]

TEXT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS_TYPE: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def exposition(families: Iterable[tuple[MetricFamily, Sequence[MetricSample]]], *, openmetrics: bool) -> str:
    """Return the text of metrics. The formats differ in the names of counters in comments, and in the end."""
    lines: list[str] = []
    for family, samples in families:
        name = family.name if openmetrics else family.exposed_name
        lines += (f"# HELP {name} {_escaped(family.meaning)}", f"# TYPE {name} {family.kind.value}")
        for sample in samples:
            labels = ",".join(
                f'{label}="{_escaped(value, quotes=True)}"'
                for label, value in zip(family.labels, sample.labels, strict=True)
            )
            if isinstance(sample.value, HistogramValue):
                _write_histogram(lines, family.name, labels, sample.value)
            else:
                lines.append(f"{family.exposed_name}{_braced(labels)} {_number(sample.value)}")
    if openmetrics:
        lines.append("# EOF")
    return "\n".join((*lines, ""))


def _write_histogram(lines: list[str], name: str, labels: str, value: HistogramValue) -> None:
    prefix = f"{name}_bucket{{{labels}," if labels else f"{name}_bucket{{"
    lines += [f'{prefix}le="{_bound(bound)}"}} {count}' for bound, count in value.buckets]
    braced = _braced(labels)
    lines += (f"{name}_sum{braced} {_number(value.total)}", f"{name}_count{braced} {value.count}")


@cache
def _bound(bound: float) -> str:
    """Return a bound as OpenMetrics demands it: with a decimal point."""
    return "+Inf" if bound == inf else repr(bound)


def _braced(labels: str) -> str:
    return f"{{{labels}}}" if labels else ""


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _escaped(text: str, *, quotes: bool = False) -> str:
    if text.isalnum():  # nearly every value
        return text
    escaped = text.replace("\\", r"\\").replace("\n", r"\n")
    return escaped.replace('"', r"\"") if quotes else escaped
