"""What a fleet tells of itself."""

import pytest

from ocpp_apps.station import LogEntry
from ocpp_apps.station.fleet.statistics import Snapshot, Statistics, percentile
from tests.apps.station.virtual_clock import EPOCH

NOW = Snapshot(total=3, connected=2, booted=1, charging=4, failed=1, reconnects=5, queued=6)


def entry(direction, kind, *, action="Heartbeat", latency=None, problem=None):
    return LogEntry(1, EPOCH, direction, kind, action, "1", None, latency, problem)


@pytest.fixture
def statistics():
    made = Statistics()
    for one in (
        entry("out", "CALL"),
        entry("in", "CALLRESULT", latency=0.002),
        entry("out", "CALL", action="Authorize"),
        entry("in", "CALLERROR", action="Authorize", latency=0.004),
        entry("in", "CALL", action="Reset"),
        entry("out", "CALLRESULT", action="Reset", latency=9.0, problem="status is missing"),
        entry("in", "BAD", problem="not JSON"),
        entry("", "ERROR", problem="no route"),
        entry("", "NOTE", problem="no answer"),
    ):
        made(one)
    return made


def test_it_counts(statistics):
    assert (statistics.sent, statistics.received, statistics.errors, statistics.problems) == (3, 4, 3, 2)
    assert statistics.actions == {"Heartbeat": 1, "Authorize": 1}


def test_only_the_stations_own_calls_have_a_latency(statistics):
    assert list(statistics.latencies) == [0.002, 0.004]


def test_it_has_a_line(statistics):
    assert statistics.line(NOW, 12.3) == (
        "    12 s  2/3 connected, 1 booted, 4 charging  sent 3, received 4, errors 3  p50 2.0 ms, p99 4.0 ms"
    )


def test_it_has_a_table(statistics):
    rows = statistics.table(NOW, 2)
    values = dict(row.rsplit(maxsplit=1) for row in rows if row.split()[0] in ("stations", "reconnects", "broken"))
    assert values == {"stations": "3", "reconnects": "5", "broken messages": "2"}
    assert rows[-1].split() == ["Authorize", "1"]


def test_without_a_call_there_is_no_latency():
    assert Statistics().line(NOW, 0).endswith("  -")


@pytest.mark.parametrize(("percent", "value"), [(1, 1), (50, 50), (99, 99), (100, 100)])
def test_a_percentile_is_the_nearest_rank(percent, value):
    assert percentile(range(1, 101), percent) == value
    assert percentile([7], percent) == 7
