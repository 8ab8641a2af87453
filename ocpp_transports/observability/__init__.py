"""Metrics and traces of clients and servers.

`Metrics` needs nothing else. `prometheus` gives its numbers to a registry of the package prometheus-client, and
`opentelemetry` makes a span of each call; each needs the package that it is named after.
"""

from ocpp_transports._metrics._families import FAMILIES, MetricFamily, MetricKind
from ocpp_transports._metrics._metrics import Metrics
from ocpp_transports._metrics._values import HistogramValue, MetricSample

__all__ = ["FAMILIES", "HistogramValue", "MetricFamily", "MetricKind", "MetricSample", "Metrics"]
