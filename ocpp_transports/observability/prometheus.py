"""The metrics in a registry of prometheus-client, beside those of the program: `pip install ocpp-ws-io[metrics]`.

    from prometheus_client import REGISTRY

    REGISTRY.register(OCPPCollector(server.metrics))

The option `metrics` with `http` serves `/metrics` without that package, and ten times as fast. Use the collector if the
program has a registry already. Let prometheus-client serve it from its own thread, as its `start_http_server` does: a
registry takes tens of milliseconds for some hundred histograms, which would block an event loop.
"""

from collections.abc import Iterable, Sequence
from math import inf
from typing import TypeAlias

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from ocpp_transports._metrics._families import FAMILIES, MetricFamily, MetricKind
from ocpp_transports._metrics._metrics import Metrics
from ocpp_transports._metrics._values import HistogramValue, MetricSample

__all__ = ["OCPPCollector"]

_Made: TypeAlias = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily


class OCPPCollector(Collector):
    """Gives the metrics of clients and servers to a registry of prometheus-client; any thread may collect them."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def describe(self) -> Iterable[_Made]:
        """Return all metrics without samples, for the registry to compare their names."""
        return [_family(family, ()) for family in FAMILIES.values()]

    def collect(self) -> Iterable[_Made]:
        """Return all metrics with their samples at this moment."""
        return [_family(family, samples) for family, samples in self._metrics.collect()]


def _family(family: MetricFamily, samples: Sequence[MetricSample]) -> _Made:
    name, meaning, labels = family.name, family.meaning, family.labels
    if family.kind is MetricKind.HISTOGRAM:
        histogram = HistogramMetricFamily(name, meaning, labels=labels)
        for sample in samples:
            if isinstance(sample.value, HistogramValue):
                buckets = [("+Inf" if bound == inf else repr(bound), count) for bound, count in sample.value.buckets]
                histogram.add_metric(sample.labels, buckets=buckets, sum_value=sample.value.total)
        return histogram
    made = (CounterMetricFamily if family.kind is MetricKind.COUNTER else GaugeMetricFamily)(
        name, meaning, None, labels
    )
    for sample in samples:
        if not isinstance(sample.value, HistogramValue):
            made.add_metric(sample.labels, sample.value)
    return made
