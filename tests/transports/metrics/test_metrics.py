"""What `Metrics` counts, by which labels, and what it writes."""

from math import inf

import pytest

from ocpp_core.actions import Direction, InvalidPayload, ReportKind
from ocpp_core.config import Violation
from ocpp_core.errors import ClosedError, ConnectionLostError, OCPPError, RPCInternalError, TimeoutError
from ocpp_core.versions import ErrorCode
from ocpp_transports._metrics._cells import BOUNDS, HistogramCell
from ocpp_transports._metrics._families import FAMILIES
from ocpp_transports._metrics._labels import BAD_KINDS, INVALID, KEEPALIVE, KNOWN_ACTIONS, MOST_ACTIONS, OTHER, RATES
from ocpp_transports._metrics._metrics import Metrics
from ocpp_transports._metrics._values import HistogramValue
from tests.tables import each

UNCOUNTED = {
    ReportKind.RAW_ANSWER,
    ReportKind.CANCELLED_ANSWER,
    ReportKind.NOT_SENT,
    ReportKind.WAITS_FOR_CONNECT,
    ReportKind.CONNECT_FAILED,
}
"""Reports about this side, and those whose CALL is counted anyway."""


def invalid(action, payload=None):
    violation = Violation(ErrorCode.FORMAT_VIOLATION, "why")
    return InvalidPayload(Direction.IN, "call", action, "1", payload, violation)


class TestAHistogram:
    @each(
        ("value", "bound"), [(0.0, 0.0005), (0.0005, 0.0005), (0.00051, 0.001), (30.0, 30.0), (30.1, inf), (1e9, inf)]
    )
    def test_has_a_value_in_the_bucket_of_the_next_bound(self, value, bound):
        cell = HistogramCell()
        cell.observe(value)
        assert (*BOUNDS, inf)[cell.counts.index(1)] == bound

    def test_is_cumulative_when_read(self):
        metrics = Metrics()
        for seconds in (0.0001, 0.02, 40.0):
            metrics.inbound.result("Heartbeat", seconds)
        ((_, (sample,)),) = [found for found in metrics.collect() if found[0].name == "ocpp_call_duration_seconds"]
        assert sample.labels == ("in", "Heartbeat", "result")
        assert isinstance(sample.value, HistogramValue)
        assert sample.value.buckets[0] == (0.0005, 1)
        assert dict(sample.value.buckets)[0.025] == 2
        assert sample.value.buckets[-1] == (inf, 3)
        assert sample.value.total == pytest.approx(40.0201)


class TestActions:
    def test_that_peers_invent_are_one(self):
        metrics = Metrics()
        for number in range(1000):
            metrics.inbound.error(f"Junk{number}", 0.0)
            metrics.inbound.unanswered(f"Junk{number}", ClosedError(""))
            metrics.reported(invalid(f"Junk{number}").report(ReportKind.INVALID_CALL, ClosedError("")))
            metrics.handler_failed(f"Junk{number}", is_refusal=True)
        assert metrics.value("ocpp_call_duration_seconds", direction="in", action=OTHER, outcome="error") == 1000
        assert metrics.value("ocpp_handler_errors", action=OTHER, kind="refused") == 1000
        assert metrics.text().count("Junk") == 0
        assert len(metrics.text().splitlines()) < 120

    def test_with_a_handler_have_their_names(self):
        metrics = Metrics()
        metrics.know("MyAction")
        metrics.inbound.result("MyAction", 0.1)
        assert metrics.value("ocpp_call_duration_seconds", action="MyAction") == 1

    def test_of_own_calls_have_their_names_up_to_a_number(self):
        metrics = Metrics()
        for action in KNOWN_ACTIONS:  # take no place
            metrics.outbound.send(action)
        for number in range(MOST_ACTIONS + 50):
            metrics.outbound.result(f"Mine{number}", 0.1)
        metrics.outbound.result("Reset", 0.1)
        assert metrics.value("ocpp_call_duration_seconds", action="Mine7") == 1
        assert metrics.value("ocpp_call_duration_seconds", action=OTHER) == 50
        assert metrics.value("ocpp_call_duration_seconds", action="Reset") == 1


class TestCallsWithoutResponse:
    @each(
        ("error", "reason"),
        [
            (TimeoutError("", sent=True), "timeout"),
            (TimeoutError("", sent=False), "expired"),
            (ConnectionLostError("", sent=True), "lost"),
            (ClosedError(""), "closed"),
            (RPCInternalError(""), "invalid"),
            (OCPPError(""), "failed"),
        ],
    )
    def test_count_by_reason(self, error, reason):
        metrics = Metrics()
        metrics.outbound.unanswered("Reset", error)
        assert metrics.value("ocpp_calls_unanswered", direction="out", action="Reset", reason=reason) == 1


class TestReports:
    def test_count_by_kind_unless_they_are_of_this_side(self):
        counted = [set(BAD_KINDS), set(KEEPALIVE), set(RATES), set(INVALID), UNCOUNTED]
        assert set().union(*counted) == set(ReportKind)
        assert sum(map(len, counted)) == len(ReportKind)

    def test_of_payloads_that_break_their_schema_count_by_action_and_outcome(self):
        metrics = Metrics()
        metrics.reported(invalid("Heartbeat").report(ReportKind.TOLERATED, ClosedError("")))
        metrics.reported(invalid("Heartbeat").report(ReportKind.INVALID_CALL, ClosedError("")))
        for outcome in ("reported", "refused"):
            assert metrics.value("ocpp_validation_failures", direction="in", action="Heartbeat", outcome=outcome) == 1

    def test_have_labels_that_no_two_kinds_share(self):
        for kinds in (BAD_KINDS, KEEPALIVE, RATES):
            assert len(set(kinds.values())) == len(kinds)


class TestRefusals:
    @each(
        ("status", "text", "reason"),
        [
            (401, "Unauthorized", "unauthorized"),
            (401, "unknown station CP-SECRET", "unauthorized"),
            (503, "Closing", "closing"),
            (503, "Full", "full"),
            (503, "Overloaded", "overloaded"),
            (503, "CP-SECRET is not welcome", "unavailable"),
            (418, "CP-SECRET", OTHER),
        ],
    )
    def test_never_quote_the_application(self, status, text, reason):
        metrics = Metrics()
        metrics.refused(status, text)
        assert metrics.value("ocpp_refusals", reason=reason) == 1
        assert "SECRET" not in metrics.text()

    @each(("code", "label"), [(1000, "1000"), (4000, "4000"), (4999, OTHER), (3000, OTHER)])
    def test_and_close_codes_are_a_closed_set(self, code, label):
        metrics = Metrics()
        metrics.closed(code)
        assert metrics.value("ocpp_connections_closed", code=label) == 1


class TestSources:
    def test_add_up(self):
        metrics, sources = Metrics(), [Source(), Source()]
        for source in sources:
            metrics.include(source)
            metrics.include(source)
        assert metrics.value("ocpp_sockets") == 6
        assert metrics.value("ocpp_stations", protocol="ocpp1.6") == 2

    def test_are_not_kept_alive(self):
        metrics = Metrics()
        metrics.include(Source())
        assert metrics.value("ocpp_sockets") == 0


class Source:
    def _gauges(self):
        return {("ocpp_sockets", ()): 3.0, ("ocpp_stations", ("ocpp1.6", "0")): 1.0}


class TestReading:
    @each(
        ("name", "labels", "text"),
        [
            ("ocpp_nothing", {}, "expected the name of a metric, got 'ocpp_nothing'"),
            ("ocpp_evictions", {"action": "Reset"}, r"expected labels of ocpp_evictions \(none\), got 'action'"),
        ],
    )
    def test_of_what_does_not_exist_raises(self, name, labels, text):
        with pytest.raises(ValueError, match=text):
            Metrics().value(name, **labels)

    def test_accepts_the_name_that_is_written(self):
        metrics = Metrics()
        metrics.count("ocpp_evictions")
        assert metrics.value("ocpp_evictions_total") == 1


class TestTheText:
    def test_of_prometheus(self):
        metrics = Metrics()
        metrics.count("ocpp_refusals", "401", 'un"auth\\or\nized')
        metrics.lag.observe(0.3)
        lines = metrics.text().splitlines()
        assert "# TYPE ocpp_refusals_total counter" in lines
        assert r'ocpp_refusals_total{status="401",reason="un\"auth\\or\nized"} 1' in lines
        assert 'ocpp_event_loop_lag_seconds_bucket{le="0.5"} 1' in lines
        assert 'ocpp_event_loop_lag_seconds_bucket{le="+Inf"} 1' in lines
        assert "ocpp_event_loop_lag_seconds_sum 0.3" in lines
        assert "ocpp_event_loop_lag_seconds_count 1" in lines
        assert metrics.text().endswith("\n")

    def test_of_openmetrics_names_counters_without_total_and_has_an_end(self):
        lines = Metrics().text(openmetrics=True).splitlines()
        assert "# TYPE ocpp_evictions counter" in lines
        assert "ocpp_evictions_total 0" in lines
        assert lines[-1] == "# EOF"

    def test_has_every_metric(self):
        text = Metrics().text()
        assert [name for name in FAMILIES if f"# HELP {FAMILIES[name].exposed_name} " not in text] == []
