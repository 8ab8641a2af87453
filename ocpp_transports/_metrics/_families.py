"""The metrics: name, kind, meaning and labels of each, in the order in which they are written.

Every label has a closed set of values, so the number of series does not depend on the number of stations, and no
station can add one. No label names a station or an address.
"""

from enum import StrEnum
from typing import Final

from ocpp_core._dataclasses import dataclass

__all__ = ["FAMILIES", "MetricFamily", "MetricKind"]


class MetricKind(StrEnum):
    """The kinds of metrics, as Prometheus names them."""

    COUNTER = "counter"
    """A number that only grows."""
    GAUGE = "gauge"
    """A number that grows and falls."""
    HISTOGRAM = "histogram"
    """The numbers of values below certain bounds, and their sum."""


@dataclass(frozen=True, slots=True)
class MetricFamily:
    """One metric: everything about it but its values."""

    name: str
    """The name without the `_total` of counters."""
    kind: MetricKind
    """Whether it grows only, grows and falls, or is a histogram."""
    meaning: str
    """What it counts, as one sentence."""
    labels: tuple[str, ...] = ()
    """The names of its labels."""

    @property
    def exposed_name(self) -> str:
        """The name of its series: with `_total` for a counter."""
        return f"{self.name}_total" if self.kind is MetricKind.COUNTER else self.name


def _counter(name: str, meaning: str, *labels: str) -> MetricFamily:
    return MetricFamily(name, MetricKind.COUNTER, meaning, labels)


def _gauge(name: str, meaning: str, *labels: str) -> MetricFamily:
    return MetricFamily(name, MetricKind.GAUGE, meaning, labels)


def _histogram(name: str, meaning: str, *labels: str) -> MetricFamily:
    return MetricFamily(name, MetricKind.HISTOGRAM, meaning, labels)


FAMILIES: Final = {
    family.name: family
    for family in (
        _gauge("ocpp_stations", "Connected stations.", "protocol", "security_profile"),
        _gauge("ocpp_connections", "Connections that have not ended, also replaced ones that are closing."),
        _gauge("ocpp_handshakes", "Handshakes that wait for a function of the application."),
        _gauge("ocpp_sockets", "Open sockets of the listeners."),
        _counter("ocpp_connections_opened", "Connections that were opened.", "protocol", "security_profile"),
        _counter("ocpp_connections_closed", "Connections that ended.", "code"),
        _counter("ocpp_evictions", "Connections that a newer one of the same station replaced."),
        _counter("ocpp_refusals", "Handshakes that were refused.", "status", "reason"),
        _counter("ocpp_connections_failed", "Connections that failed before their first request."),
        _counter("ocpp_security_events", "Refusals and limits that may show an attack.", "kind"),
        _histogram(
            "ocpp_call_duration_seconds",
            "Seconds from a CALL to its response; `in` for CALLs of the peer, `out` for CALLs of this side.",
            "direction",
            "action",
            "outcome",
        ),
        _counter("ocpp_calls_unanswered", "CALLs that got no response.", "direction", "action", "reason"),
        _counter("ocpp_sends", "SENDs, which OCPP 2.1 has: messages without a response.", "direction", "action"),
        _counter("ocpp_bad_messages", "Messages of peers that break the protocol, or had to be ignored.", "kind"),
        _counter("ocpp_validation_failures", "Payloads that violate their schema.", "direction", "action", "outcome"),
        _counter("ocpp_handler_errors", "Handlers that raised.", "action", "kind"),
        _counter("ocpp_rate_exceeded", "CALLs of peers beyond a rate or a limit.", "outcome"),
        _counter("ocpp_cluster_events_dropped", "Events that were not stored for the consumers of the cluster."),
        _counter("ocpp_keepalive", "Pings and pongs that were received, and pongs that did not come in time.", "event"),
        _gauge("ocpp_outstanding_calls", "CALLs of this side that wait for their response."),
        _gauge("ocpp_queued_calls", "CALLs of this side that wait for their turn."),
        _gauge("ocpp_queued_messages", "Messages of `enqueue` for stations that have no outcome yet."),
        _gauge("ocpp_open_requests", "CALLs of peers whose handlers have not responded yet."),
        _gauge("ocpp_held_requests", "CALLs of peers that are held."),
        _counter("ocpp_traffic_bytes", "Bytes of connections, without TLS.", "direction"),
        _histogram("ocpp_event_loop_lag_seconds", "Seconds by which the event loop ran a timer too late."),
    )
}
"""The metrics by name."""
