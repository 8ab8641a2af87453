"""Rates that nodes share: what they allow together, and what a report changes."""

import pytest

from ocpp_core.cluster.shared.rates import CountedBuckets
from ocpp_core.cluster.shared.table import SharedTable

RATE, BURST = 0.5, 4


class Nodes:
    """Nodes that report each second to one table."""

    def __init__(self, number):
        self.table = SharedTable(lambda name: 0)
        self.nodes = [CountedBuckets(RATE, BURST) for _ in range(number)]

    def take(self, node, now):
        if self.nodes[node].ready_at("a", now) > now:
            return False
        self.nodes[node].take("a", now)
        return True

    def report(self, now):
        for node in self.nodes:
            for owner, tokens in node.report(10).items():
                node.adopt(owner, now + self.table.take(owner, tokens, RATE, BURST, now))


@pytest.mark.parametrize("number", [1, 2, BURST])
def test_nodes_take_no_more_together_than_one_may(number):
    nodes, taken = Nodes(number), 0
    for second in range(1000):
        taken += sum(nodes.take(node, float(second)) for node in range(number))
        nodes.report(second + 0.9)
    assert 1000 * RATE * 0.9 <= taken <= 1000 * RATE + number * BURST


def test_an_owner_never_waits_longer_than_a_burst_takes():
    nodes = Nodes(50)
    for node in range(50):
        for _ in range(BURST):
            assert nodes.take(node, 0.0)
    nodes.report(0.0)
    assert nodes.nodes[49].ready_at("a", 0.0) <= BURST / RATE


def test_what_could_not_be_reported_is_reported_later():
    node = CountedBuckets(RATE, BURST)
    node.take("a", 0.0)
    report = node.report(10)
    node.take("a", 0.0)
    node.take_back(report)
    assert node.report(10) == {"a": 2}
    assert node.report(10) == {}


def test_a_report_is_bounded():
    node = CountedBuckets(RATE, BURST)
    for number in range(20_000):
        node.take(str(number), 0.0)
    assert len(node.report(1_000)) == 1_000
    assert len(node.report(20_000)) == 9_000


def test_reports_of_a_low_rate_are_small_because_its_buckets_are_stored_for_long():
    assert CountedBuckets(0.001, 10).most_reported(1.0) == 5
    assert CountedBuckets(100.0, 1).most_reported(1.0) == 10_000_000
