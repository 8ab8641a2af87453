"""The metrics of clients and servers: what they count, and what is read from them when somebody asks."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate
from math import inf
from typing import Protocol, TypeAlias
from weakref import WeakSet

from ocpp_core.actions import Direction, Report

from ._cells import BOUNDS, CallCells, Counts, HistogramCell, Traffic
from ._exposition import exposition
from ._families import FAMILIES, MetricFamily, MetricKind
from ._labels import (
    BAD_KINDS,
    CLOSE_CODES,
    INVALID,
    KEEPALIVE,
    KNOWN_ACTIONS,
    MOST_ACTIONS,
    OTHER,
    RATES,
    refusal_labels,
)
from ._values import HistogramValue, MetricSample, Sampled

__all__ = ["Gauges", "Measured", "Metrics"]

Gauges: TypeAlias = Mapping[tuple[str, tuple[str, ...]], float]
"""Values by the name of the metric and the values of its labels."""


class Measured(Protocol):
    """A server, of which some numbers are read when they are asked for."""

    def _gauges(self) -> Gauges:
        """Return what it has at this moment."""


class Metrics:
    """What servers and clients have counted since they began, and what they have at this moment.

        server = OCPPServer(metrics=True)
        server.metrics.text()                           # for Prometheus
        server.metrics.value("ocpp_evictions")          # one number

    Each server or client with `metrics=True` has an object of its own. Pass one object as `metrics` to several of them
    to count them together; all of them must run in one thread. Reading changes nothing.
    """

    def __init__(self) -> None:
        self.inbound: CallCells = CallCells(self._known_by_peer)
        """The CALLs of peers."""
        self.outbound: CallCells = CallCells(self._known_here)
        """The CALLs of this side."""
        self.traffic: Traffic = Traffic()
        """Bytes of connections."""
        self.lag: HistogramCell = HistogramCell()
        """How late the event loop runs timers."""
        self._counts = {name: Counts() for name, family in FAMILIES.items() if family.kind is MetricKind.COUNTER}
        self._named: set[str] = set()
        self._sources: WeakSet[Measured] = WeakSet()

    # Reading

    def collect(self) -> Iterator[tuple[MetricFamily, Sequence[MetricSample]]]:
        """Iterate over all metrics, each with its samples at this moment.

        A metric with labels has a sample for each combination that occurred.
        """
        gauges: dict[str, dict[tuple[str, ...], float]] = {}
        for source in tuple(self._sources):
            for (name, labels), value in source._gauges().items():
                by_labels = gauges.setdefault(name, {})
                by_labels[labels] = by_labels.get(labels, 0.0) + value
        for name, family in FAMILIES.items():
            samples = self._sampled(name) if family.kind is not MetricKind.GAUGE else gauges.get(name, {}).items()
            found = [MetricSample(labels, value) for labels, value in samples]
            if not found and not family.labels:
                found = [MetricSample((), 0.0)]
            yield family, found

    def text(self, *, openmetrics: bool = False) -> str:
        """Return all metrics in the text format of Prometheus (0.0.4), or in that of OpenMetrics (1.0)."""
        return exposition(self.collect(), openmetrics=openmetrics)

    def value(self, name: str, /, **labels: str) -> float:
        """Return the sum of the samples of a metric that have these labels; of a histogram, the number of values.

        Raises ValueError for an unknown metric or label.
        """
        family = FAMILIES.get(name.removesuffix("_total"))
        if family is None:
            raise ValueError(f"expected the name of a metric, got {name!r}")
        if unknown := labels.keys() - set(family.labels):
            expected = ", ".join(family.labels) or "none"
            raise ValueError(f"expected labels of {family.name} ({expected}), got {min(unknown)!r}")
        wanted = [(at, labels[label]) for at, label in enumerate(family.labels) if label in labels]
        samples = next(samples for each, samples in self.collect() if each is family)
        found = [sample.value for sample in samples if all(sample.labels[at] == value for at, value in wanted)]
        return float(sum(value.count if isinstance(value, HistogramValue) else value for value in found))

    def _sampled(self, name: str) -> Sampled:
        """Return the samples of a counter or histogram."""
        match name:
            case "ocpp_call_duration_seconds":
                return self._durations()
            case "ocpp_calls_unanswered":
                return self._by_direction(lambda calls: calls.unanswered_by)
            case "ocpp_sends":
                return self._by_direction(lambda calls: calls.sends)
            case "ocpp_traffic_bytes":
                return ((("in",), self.traffic.received), (("out",), self.traffic.sent))
            case "ocpp_event_loop_lag_seconds":
                return (((), _frozen(self.lag)),)
            case _:
                return tuple(self._counts[name].by_labels.items())

    def _durations(self) -> Sampled:
        for direction, calls in self._calls():
            for action, outcome, cell in calls.cells():
                yield (direction, action, outcome), _frozen(cell)

    def _by_direction(self, counts: Callable[[CallCells], Counts]) -> Sampled:
        for direction, calls in self._calls():
            for labels, count in tuple(counts(calls).by_labels.items()):
                yield (direction, *labels), count

    def _calls(self) -> Sequence[tuple[str, CallCells]]:
        return (Direction.IN.value, self.inbound), (Direction.OUT.value, self.outbound)

    # Counting, by the library

    def include(self, source: Measured) -> None:
        """Read the gauges of this server too, for as long as it exists."""
        self._sources.add(source)

    def know(self, action: str) -> None:
        """Count an action of the application by its name, unless there are too many."""
        if action not in KNOWN_ACTIONS and len(self._named) < MOST_ACTIONS:
            self._named.add(action)

    def _known_by_peer(self, action: str) -> str:
        return action if action in KNOWN_ACTIONS or action in self._named else OTHER

    def _known_here(self, action: str) -> str:
        """Return the name under which a CALL of this side is counted: the application chooses its actions."""
        self.know(action)
        return self._known_by_peer(action)

    def reported(self, report: Report) -> None:
        """Count what an engine reports about a peer."""
        kind = report.kind
        if kind in BAD_KINDS:
            self.count("ocpp_bad_messages", BAD_KINDS[kind])
        elif kind in KEEPALIVE:
            self.count("ocpp_keepalive", KEEPALIVE[kind])
        elif report.invalid is not None:
            direction, action = report.invalid.direction.value, self._known_by_peer(report.invalid.action)
            self.count("ocpp_validation_failures", direction, action, INVALID[kind])
        elif kind in RATES:
            self.count("ocpp_rate_exceeded", RATES[kind])

    def handler_failed(self, action: str, *, is_refusal: bool) -> None:
        """Count that a handler raised: an RPC error, which refuses the CALL, or another exception."""
        self.count("ocpp_handler_errors", self._known_by_peer(action), "refused" if is_refusal else "raised")

    def refused(self, status: int, text: str) -> None:
        """Count a refused handshake."""
        self.count("ocpp_refusals", *refusal_labels(status, text))

    def closed(self, code: int) -> None:
        """Count the end of a connection."""
        self.count("ocpp_connections_closed", str(code) if str(code) in CLOSE_CODES else OTHER)

    def count(self, name: str, /, *labels: str) -> None:
        """Count one of a counter; the values of its labels are of closed sets."""
        self._counts[name].add(*labels)


def _frozen(cell: HistogramCell) -> HistogramValue:
    return HistogramValue(tuple(zip((*BOUNDS, inf), accumulate(cell.counts), strict=True)), cell.total)
