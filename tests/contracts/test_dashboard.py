"""The dashboard and the guide name metrics and labels that exist, and the dashboard leaves none out."""

import json
import re
from pathlib import Path
from typing import Any

from ocpp_transports.observability import FAMILIES, MetricKind

ROOT = Path(__file__).parents[2]
DASHBOARD: dict[str, Any] = json.loads((ROOT / "docs/assets/grafana-dashboard.json").read_text(encoding="utf-8"))
GUIDE = (ROOT / "docs/observability.md").read_text(encoding="utf-8")
EXPRESSIONS = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]

SERIES = {
    series: family
    for family in FAMILIES.values()
    for series in (
        [f"{family.name}_{part}" for part in ("bucket", "sum", "count")]
        if family.kind is MetricKind.HISTOGRAM
        else [family.exposed_name]
    )
}
"""The metric of each name that the page of metrics has."""


def selectors(text: str) -> list[tuple[str, list[str]]]:
    """The series that a text names, with the labels by which it selects them."""
    found = re.findall(r"\b(ocpp_[a-z_]+)(?:\{([^}]*)\})?", text)
    return [
        (name, re.findall(r"(\w+)=", labels)) for name, labels in found if name not in {"ocpp_ws_io", "ocpp_transports"}
    ]


class TestTheDashboard:
    def test_names_only_series_and_labels_that_exist(self) -> None:
        for expression in EXPRESSIONS:
            for series, labels in selectors(expression):
                assert series in SERIES, expression
                assert set(labels) <= {*SERIES[series].labels, "instance"}, expression

    def test_groups_by_labels_that_the_series_have(self) -> None:
        for expression in EXPRESSIONS:
            for grouped, series in re.findall(r"by \(([\w, ]+)\) \((?:rate\()?(ocpp_[a-z_]+)", expression):
                assert set(grouped.split(", ")) <= {*SERIES[series].labels, "le"}, expression

    def test_shows_every_metric(self) -> None:
        shown = {SERIES[series].name for expression in EXPRESSIONS for series, _ in selectors(expression)}
        assert shown == set(FAMILIES)

    def test_has_panels_that_do_not_overlap(self) -> None:
        cells = [
            (x, y)
            for panel in DASHBOARD["panels"]
            for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
            for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
        ]
        assert len(cells) == len(set(cells))
        assert max(x for x, _ in cells) < 24
        assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


class TestTheGuide:
    def test_has_a_row_for_every_metric_with_its_kind_and_labels(self) -> None:
        rows = re.findall(r"^\| `(ocpp_\w+)` \| (\w+) \| ?(.*?) ?\|$", GUIDE, re.MULTILINE)
        assert [(name, kind) for name, kind, _ in rows] == [
            (family.exposed_name, family.kind.value) for family in FAMILIES.values()
        ]
        for family in FAMILIES.values():
            text = next(text for name, _, text in rows if name == family.exposed_name)
            assert [label for label in family.labels if f"`{label}`" not in text] == []

    def test_names_only_series_that_exist(self) -> None:
        names = {name for name, _ in selectors(GUIDE)}
        assert names <= SERIES.keys() | FAMILIES.keys()
