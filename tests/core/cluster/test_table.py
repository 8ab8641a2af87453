"""The table of a registry: what a store answers, without I/O."""

import pytest

from ocpp_core.cluster.records import Claimed, ClaimRestored, ClusterOwner, Found, NodeId
from ocpp_core.cluster.registry.buckets import bucket_of
from ocpp_core.cluster.registry.table import RegistryTable

A, B = NodeId("a.0000000000000001"), NodeId("b.0000000000000001")


@pytest.fixture
def table():
    return RegistryTable(1, "first", lease=9.0)


def test_a_bucket_is_that_of_redis_cluster():
    """The check value of CRC-16/XMODEM, which Redis Cluster uses."""
    assert bucket_of("123456789", 1 << 16) == 0x31C3


def test_a_claim_takes_the_station_and_counts_a_loss(table):
    assert table.claim("CP1", A, 100) == Claimed(100, 0, None, "first")
    assert table.claim("CP1", B, 200) == Claimed(200, 0, ClusterOwner(A, 100), "first")
    assert table.renew(A, None, 0.0).losses == (1,)


def test_a_claim_of_the_own_station_is_no_loss(table):
    table.claim("CP1", A, 100)
    assert table.claim("CP1", A, 200) == Claimed(200, 0, ClusterOwner(A, 100), "first")


def test_fences_grow_in_a_bucket_if_the_clock_is_set_back_after_a_release(table):
    table.claim("CP1", A, 100)
    table.release("CP1", A, 100)
    assert table.claim("CP2", B, 50).fence == 101


def test_a_release_removes_only_what_it_names(table):
    table.claim("CP1", A, 100)
    table.claim("CP1", A, 200)
    assert not table.release("CP1", A, 100)
    assert not table.release("CP1", B, 200)
    assert table.release("CP1", A, 200)
    assert table.check(["CP1"]) == [None]


class TestRestore:
    def test_gives_back_what_was_lost(self, table):
        assert table.restore("CP1", A, 100) == ClaimRestored(True, None, 0, "first")
        assert table.check(["CP1"]) == [ClusterOwner(A, 100)]

    def test_leaves_a_newer_owner(self, table):
        table.claim("CP1", B, 200)
        assert table.restore("CP1", A, 100) == ClaimRestored(False, ClusterOwner(B, 200), 0, "first")

    def test_takes_the_station_from_an_older_owner(self, table):
        table.claim("CP1", B, 50)
        assert table.restore("CP1", A, 100).is_ours
        assert table.renew(B, None, 0.0).losses == (1,)

    def test_raises_the_largest_fence(self, table):
        table.restore("CP1", A, 100)
        assert table.claim("CP1", B, 50).fence == 101


def test_find_reports_the_address_and_the_lease(table):
    table.claim("CP1", A, 100)
    assert table.find("CP1", 0.0) == Found(ClusterOwner(A, 100), None, is_alive=False)
    table.renew(A, "10.0.0.1:9000", 0.0)
    assert table.find("CP1", 8.9) == Found(ClusterOwner(A, 100), "10.0.0.1:9000", is_alive=True)
    assert table.find("CP1", 9.0) == Found(ClusterOwner(A, 100), "10.0.0.1:9000", is_alive=False)
    assert table.find("CP2", 0.0) is None


class TestSweep:
    def test_removes_what_a_dead_node_left_after_a_lease_without_one(self, table):
        table.renew(A, None, 0.0)
        table.claim("CP1", A, 100)
        assert [table.sweep(now, now) for now in (8.9, 9.0, 17.9, 18.0)] == [0, 0, 0, 1]
        assert len(table) == 0

    def test_makes_no_answer_from_before_it_look_newer_than_one_after_it(self, table):
        """Seed 7827 of the simulation: a claim of a node without a lease, answered after the sweep."""
        table.claim("CP1", A, 100)
        table.claim("CP1", B, 101)
        late = table.claim("CP1", A, 102)
        table.renew(B, None, 9.0)
        for now in (0.0, 9.0):
            table.sweep(now, now)
        bucket = table.renew(A, None, 10.0).losses.index(max(table.renew(A, None, 10.0).losses))
        assert table.renew(A, None, 10.0).losses[bucket] > late.losses

    def test_waits_a_lease_for_a_node_that_has_not_renewed_since_data_was_lost(self, table):
        table.claim("CP1", A, 100)
        table.sweep(0.0, 0.0)
        table.renew(A, None, 8.0)
        assert table.sweep(9.0, 9.0) == 0
        table.generation = "second"
        assert [table.sweep(now, now) for now in (17.0, 25.9, 26.0)] == [0, 0, 1]

    def test_waits_a_lease_of_its_own_clock_if_that_of_the_store_is_set_forward(self, table):
        table.claim("CP1", A, 100)
        table.renew(A, None, 0.0)
        assert [table.sweep(now, clock) for now, clock in ((3600.0, 1.0), (7200.0, 9.9))] == [0, 0]
        assert table.sweep(7200.1, 10.0) == 1


class TestWaiting:
    def test_lasts_until_the_next_claim_of_the_station(self, table):
        for node in (A, B, A):
            assert table.watch("CP1", node, 0.0, 9.0) is None
        assert table.claim("CP2", A, 100).waiters == ()
        assert table.claim("CP1", A, 101).waiters == (A, B)
        assert table.claim("CP1", A, 102).waiters == ()

    def test_tells_who_has_the_station_already(self, table):
        table.renew(A, "a:1", 0.0)
        table.claim("CP1", A, 100)
        assert table.watch("CP1", B, 1.0, 9.0) == Found(ClusterOwner(A, 100), "a:1", True)
        assert table.claim("CP1", A, 101).waiters == (B,)

    def test_ends_with_its_time(self, table):
        table.watch("CP1", A, 0.0, 9.0)
        table.watch("CP2", A, 9.0, 9.0)
        assert table.claim("CP1", B, 100).waiters == ()


def test_the_stations_of_a_bucket_are_found_with_their_leases():
    table = RegistryTable(2, "first", lease=9.0)
    table.renew(A, "a:1", 0.0)
    names = [f"CP{number}" for number in range(8)]
    for node, name in zip((A, B) * 4, names, strict=True):
        table.claim(name, node, 100)
    both = [table.stations_of([bucket], 1.0) for bucket in range(2)]
    assert sorted([*both[0], *both[1]]) == names
    assert table.stations_of(range(2), 1.0) == both[0] | both[1]
    assert all(table.find(name, 1.0) == found for each in both for name, found in each.items())
    assert {found.is_alive for each in both for found in each.values()} == {True, False}
