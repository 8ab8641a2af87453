"""The collector gives a registry of prometheus-client exactly the numbers that the server writes itself."""

import pytest

from ocpp_core.errors import ClosedError
from ocpp_transports.observability import FAMILIES, Metrics

client = pytest.importorskip("prometheus_client", reason="the extra `metrics` is not installed")


@pytest.fixture
def metrics():
    metrics = Metrics()
    metrics.inbound.result("Heartbeat", 0.003)
    metrics.inbound.error("Invented", 20.0)
    metrics.outbound.unanswered("Reset", ClosedError(""))
    metrics.count("ocpp_refusals", "401", "unauthorized")
    metrics.lag.observe(0.1)
    metrics.traffic.sent = 12
    return metrics


@pytest.fixture
def registry(metrics):
    from ocpp_transports.observability.prometheus import OCPPCollector

    registry = client.CollectorRegistry()
    registry.register(OCPPCollector(metrics))
    return registry


def series(text):
    """The samples of a text by name and labels, in any order."""
    from prometheus_client.parser import text_string_to_metric_families

    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_both_texts_have_the_same_series(metrics, registry):
    own = series(metrics.text())
    assert len(own) > 60
    assert series(client.generate_latest(registry).decode()) == own


def test_the_text_of_openmetrics_is_valid(metrics):
    from prometheus_client.openmetrics.parser import text_string_to_metric_families

    families = list(text_string_to_metric_families(metrics.text(openmetrics=True)))
    assert {family.name for family in families} == set(FAMILIES)


def test_a_registry_refuses_it_twice(metrics, registry):
    from ocpp_transports.observability.prometheus import OCPPCollector

    with pytest.raises(ValueError, match="Duplicated timeseries"):
        registry.register(OCPPCollector(metrics))
