"""The registry engine of a node, an input at a time; `test_histories.py` plays whole clusters."""

from math import inf

import pytest

from ocpp_core.cluster.records import Claimed, ClaimRestored, ClusterOwner, NodeId, Renewed, UnknownOwner
from ocpp_core.cluster.registry.actions import (
    AdmitConnection,
    EvictConnection,
    EvictionReason,
    LeaseChanged,
    NotifyReplaced,
    RefusalReason,
    RefuseConnection,
    SendCheck,
    SendClaim,
    SendRelease,
    SendRenewal,
    SendRestore,
)
from ocpp_core.cluster.registry.buckets import bucket_of
from ocpp_core.cluster.registry.engine import RegistryEngine
from ocpp_core.cluster.registry.inputs import (
    CheckAnswered,
    ClaimAnswered,
    ClaimStation,
    ConnectionEnded,
    OwnershipQuestioned,
    ReleaseAnswered,
    RenewalAnswered,
    ReplacementNoticed,
    RequestFailed,
    RestoreAnswered,
)
from ocpp_core.cluster.registry.settings import RegistryConfig
from ocpp_core.inputs import Tick

A, B = NodeId("a.0000000000000001"), NodeId("b.0000000000000001")


class Node:
    """An engine with one bucket or more, and the actions of its last input."""

    def __init__(self, buckets=1, known=("g",), **settings):
        self.engine = RegistryEngine(A, RegistryConfig(buckets=buckets, **settings), 0.0)
        assert self.handle(Tick(), 0.0) == [SendRenewal(1)]
        assert self.handle(RenewalAnswered(1, Renewed(known, (0,) * buckets)), 0.0) == [LeaseChanged(True)]

    def handle(self, event, now):
        self.engine.handle(event, now)
        return list(iter(self.engine.poll, None))

    def claim(self, identity, connection, now, fence, losses=0, generation="g"):
        """Claim a station, which the store grants at once."""
        [sent] = self.handle(ClaimStation(identity, connection), now)
        return self.handle(ClaimAnswered(sent.request, Claimed(fence, losses, None, generation)), now)

    def renew(self, now, losses=0, generation="g"):
        """Let a renewal be due and answered at once; return what follows."""
        [sent] = [each for each in self.handle(Tick(), now) if isinstance(each, SendRenewal)]
        return self.handle(RenewalAnswered(sent.request, Renewed((generation,), (losses,))), now)


@pytest.fixture
def node():
    return Node()


class TestClaims:
    def test_admit_the_connection_with_the_fence_of_the_store(self, node):
        assert node.handle(ClaimStation("CP1", 1), 1.0) == [SendClaim(2, "CP1")]
        assert node.handle(ClaimAnswered(2, Claimed(100, 0, None, "g")), 1.5) == [AdmitConnection("CP1", 1, 100)]
        assert node.engine.believes("CP1", 1.5) == 100

    def test_report_to_the_node_that_has_lost_the_station(self, node):
        node.handle(ClaimStation("CP1", 1), 1.0)
        answer = ClaimAnswered(2, Claimed(100, 0, ClusterOwner(B, 50), "g"))
        assert node.handle(answer, 1.5) == [NotifyReplaced(B, "CP1", 100), AdmitConnection("CP1", 1, 100)]

    def test_are_refused_without_an_answer_in_time_and_given_back_after(self, node):
        node.handle(ClaimStation("CP1", 1), 1.0)
        assert node.engine.deadline == 3.0
        refused = RefuseConnection("CP1", 1, RefusalReason.UNAVAILABLE)
        assert refused in node.handle(Tick(), 3.0)
        late = ClaimAnswered(2, Claimed(100, 0, None, "g"))
        assert [type(each) for each in node.handle(late, 3.5)] == [SendRelease]

    def test_that_failed_are_looked_for_after_the_next_renewal(self, node):
        node.handle(ClaimStation("CP1", 1), 1.0)
        refused = RefuseConnection("CP1", 1, RefusalReason.UNAVAILABLE)
        assert node.handle(RequestFailed(2), 2.0) == [refused]
        [check] = node.renew(3.0)
        assert check.identities == ["CP1"]
        [release] = node.handle(CheckAnswered(check.request, [ClusterOwner(A, 100)]), 3.1)
        assert (release.identity, release.fence) == ("CP1", 100)

    def test_of_a_handshake_that_ended_are_given_back(self, node):
        node.handle(ClaimStation("CP1", 1), 1.0)
        node.handle(ConnectionEnded("CP1", 1), 1.1)
        assert node.handle(ClaimAnswered(2, Claimed(100, 0, None, "g")), 1.2) == [SendRelease(3, "CP1", 100)]

    def test_of_a_newer_handshake_follow_the_older_one(self, node):
        node.handle(ClaimStation("CP1", 1), 1.0)
        assert node.handle(ClaimStation("CP1", 2), 1.1) == [RefuseConnection("CP1", 1, RefusalReason.REPLACED)]
        assert node.handle(ClaimAnswered(2, Claimed(100, 0, None, "g")), 1.2) == [SendClaim(3, "CP1")]
        assert node.handle(ClaimAnswered(3, Claimed(200, 0, ClusterOwner(A, 100), "g")), 1.3) == [
            AdmitConnection("CP1", 2, 200)
        ]

    def test_replace_an_older_connection_of_the_node(self, node):
        node.claim("CP1", 1, 1.0, fence=100)
        assert node.claim("CP1", 2, 2.0, fence=200) == [
            EvictConnection("CP1", 1, EvictionReason.REPLACED, A),
            AdmitConnection("CP1", 2, 200),
        ]

    def test_beyond_the_limit_are_refused(self):
        node = Node(max_requests=1)
        node.handle(ClaimStation("CP1", 1), 1.0)
        assert node.handle(ClaimStation("CP2", 2), 1.0) == [RefuseConnection("CP2", 2, RefusalReason.TOO_MANY)]


class TestBelief:
    def test_lasts_from_the_sending_of_the_last_confirmation(self, node):
        node.handle(ClaimStation("CP1", 1), 1.0)
        node.handle(ClaimAnswered(2, Claimed(100, 0, None, "g")), 2.9)
        assert node.engine.believes("CP1", 9.4) == 100
        assert node.engine.believes("CP1", 9.5) is None

    def test_is_extended_by_a_renewal_with_the_same_answer(self, node):
        node.claim("CP1", 1, 1.0, fence=100)
        assert node.renew(3.0) == []
        assert node.engine.believes("CP1", 11.4) == 100

    def test_does_not_end_the_connection(self, node):
        node.claim("CP1", 1, 1.0, fence=100)
        actions = [action for now in (3.0, 6.0, 9.0, 12.0) for action in node.handle(Tick(), now)]
        assert {type(each) for each in actions} == {SendRenewal, LeaseChanged}

    def test_ends_the_connection_if_configured_so(self):
        node = Node(close_when_lapsed=True)
        node.claim("CP1", 1, 1.0, fence=100)
        node.handle(Tick(), 8.5)
        assert EvictConnection("CP1", 1, EvictionReason.LAPSED) in node.handle(Tick(), 9.5)


class TestDoubt:
    @pytest.mark.parametrize("answer", [{"losses": 1}, {"generation": "other"}])
    def test_follows_another_answer_to_a_renewal(self, node, answer):
        node.claim("CP1", 1, 1.0, fence=100)
        assert [type(each) for each in node.renew(3.0, **answer)] == [SendCheck]
        node.renew(6.0, **answer)
        assert node.engine.believes("CP1", 9.6) is None

    def check(self, node, owner):
        """Put the station in doubt, and return what follows the check."""
        node.claim("CP1", 1, 1.0, fence=100)
        [check] = node.renew(3.0, losses=1)
        return node.handle(CheckAnswered(check.request, [owner]), 3.5)

    def test_ends_if_the_store_still_has_the_claim(self, node):
        assert self.check(node, ClusterOwner(A, 100)) == []
        assert node.engine.believes("CP1", 11.4) == 100

    def test_ends_the_connection_if_another_node_has_a_newer_claim(self, node):
        assert self.check(node, ClusterOwner(B, 200)) == [EvictConnection("CP1", 1, EvictionReason.REPLACED, B)]
        assert node.engine.believes("CP1", 3.5) is None

    def test_continues_with_the_fence_of_a_refused_claim_of_the_node(self, node):
        self.check(node, ClusterOwner(A, 150))
        assert node.engine.believes("CP1", 3.5) == 150

    @pytest.mark.parametrize("owner", [None, ClusterOwner(B, 50)])
    def test_leads_to_a_restore_if_the_claim_is_gone(self, node, owner):
        [restore] = self.check(node, owner)
        assert restore == SendRestore(restore.request, "CP1", 100)
        assert node.handle(RestoreAnswered(restore.request, ClaimRestored(True, owner, 1, "g")), 3.7) == []
        assert node.engine.believes("CP1", 11.9) == 100

    def test_lasts_until_an_answer_arrives(self, node):
        node.claim("CP1", 1, 1.0, fence=100)
        [check] = node.renew(3.0, losses=1)
        assert node.handle(RequestFailed(check.request), 5.0) == []
        [again] = node.renew(6.0, losses=1)
        assert again.identities == ["CP1"]
        assert node.engine.believes("CP1", 9.6) is None

    def test_follows_a_claim_whose_answer_is_older_than_a_renewal(self, node):
        [claim] = node.handle(ClaimStation("CP1", 1), 2.5)
        node.renew(3.0, losses=1)
        admit, check = node.handle(ClaimAnswered(claim.request, Claimed(100, 0, None, "g")), 3.5)
        assert admit == AdmitConnection("CP1", 1, 100)
        assert check.identities == ["CP1"]

    def test_ends_the_connection_if_a_restore_finds_a_newer_claim(self, node):
        [restore] = self.check(node, None)
        answer = ClaimRestored(False, ClusterOwner(B, 200), 1, "g")
        assert node.handle(RestoreAnswered(restore.request, answer), 3.7) == [
            EvictConnection("CP1", 1, EvictionReason.REPLACED, B)
        ]

    def restore_after_the_end(self, node):
        """Put a station in doubt, and lose it to a newer claim while its restore is in progress."""
        [restore] = self.check(node, None)
        node.handle(ReplacementNoticed("CP1", 200, B), 3.6)
        return restore

    def test_ends_with_a_release_if_the_connection_ended_before_the_restore_took_effect(self, node):
        restore = self.restore_after_the_end(node)
        answer = RestoreAnswered(restore.request, ClaimRestored(True, None, 1, "g"))
        [release] = node.handle(answer, 3.7)
        assert (release.identity, release.fence) == ("CP1", 100)

    def test_ends_with_a_check_if_the_effect_of_such_a_restore_is_not_known(self, node):
        restore = self.restore_after_the_end(node)
        node.handle(RequestFailed(restore.request), 5.6)
        [check] = node.renew(6.0, losses=1)
        assert check.identities == ["CP1"]

    def test_follows_a_lapse_of_the_lease(self, node):
        node.claim("CP1", 1, 1.0, fence=100)
        node.handle(Tick(), 8.6)
        assert [type(each) for each in node.renew(12.0)] == [LeaseChanged, SendCheck]

    def test_follows_a_request_with_another_fence(self, node):
        node.claim("CP1", 1, 1.0, fence=100)
        assert [type(each) for each in node.handle(OwnershipQuestioned("CP1"), 2.0)] == [SendCheck]

    def test_follows_a_request_for_a_station_without_a_connection_here_after_the_next_renewal(self, node):
        assert node.handle(OwnershipQuestioned("CP1"), 2.0) == []
        [check] = node.renew(3.0)
        [release] = node.handle(CheckAnswered(check.request, [ClusterOwner(A, 100)]), 3.1)
        assert (release.identity, release.fence) == ("CP1", 100)

    def test_ends_no_later_than_the_claim_if_its_answer_is_of_an_earlier_life_of_the_data(self):
        """Each new baseline forgets when the bucket was confirmed: only answers that follow may confirm it."""
        node = Node(renewal=0.5)
        [claim] = [each for each in node.handle(ClaimStation("CP1", 1), 1.2) if isinstance(each, SendClaim)]
        for now in (1.8, 2.4):
            node.renew(now, generation="later")
        node.handle(ClaimAnswered(claim.request, Claimed(100, 0, None, "g")), 2.5)
        assert node.engine.believes("CP1", 9.6) == 100
        assert node.engine.believes("CP1", 9.8) is None


class TestEnds:
    def test_release_the_station(self, node):
        node.claim("CP1", 1, 1.0, fence=100)
        assert node.handle(ConnectionEnded("CP1", 1), 2.0) == [SendRelease(3, "CP1", 100)]
        assert node.engine.believes("CP1", 2.0) is None

    def test_of_an_older_connection_release_nothing(self, node):
        node.claim("CP1", 1, 1.0, fence=100)
        node.claim("CP1", 2, 1.5, fence=200)
        assert node.handle(ConnectionEnded("CP1", 1), 2.0) == []

    @pytest.mark.parametrize("answer", [RequestFailed(3), ReleaseAnswered(3, was_removed=False)])
    def test_whose_release_removed_nothing_are_checked(self, node, answer):
        node.claim("CP1", 1, 1.0, fence=100)
        node.handle(ConnectionEnded("CP1", 1), 2.0)
        assert node.handle(answer, 2.5) == []
        assert [type(each) for each in node.renew(3.0)] == [SendCheck]


class TestABucketWhoseServerDoesNotAnswer:
    """Buckets may be distributed over several servers: CP1 is at one that answers, CP2 at one that does not."""

    @pytest.fixture
    def node(self):
        node = Node(buckets=2, known=("h", "g"))
        assert [bucket_of(each, 2) for each in ("CP1", "CP2")] == [0, 1]
        node.claim("CP1", 1, 1.0, fence=100, generation="h")
        node.claim("CP2", 2, 1.0, fence=101, generation="g")
        return node

    def renew(self, node, now, *generations):
        [sent] = [each for each in node.handle(Tick(), now) if isinstance(each, SendRenewal)]
        return node.handle(RenewalAnswered(sent.request, Renewed(generations, (0, 0))), now)

    def test_is_not_confirmed_and_the_others_are(self, node):
        for now in (3.0, 6.0, 9.0):
            assert self.renew(node, now, "h", None) == []
        assert (node.engine.believes("CP1", 10.0), node.engine.believes("CP2", 9.4)) == (100, 101)
        assert node.engine.believes("CP2", 9.5) is None

    def test_is_confirmed_again_with_the_same_baseline_and_checked_with_another(self, node):
        for now in (3.0, 6.0, 9.0):
            self.renew(node, now, "h", None)
        assert self.renew(node, 12.0, "h", "g") == []
        assert node.engine.believes("CP2", 12.0) == 101
        assert [each.identities for each in self.renew(node, 15.0, "h", "replica")] == [["CP2"]]

    def test_is_in_doubt_after_a_lapse_until_it_answers(self, node):
        [check] = self.renew(node, 20.0, "h", None)[1:]
        assert sorted(check.identities) == ["CP1", "CP2"]
        node.handle(RequestFailed(check.request), 20.1)
        self.renew(node, 23.0, "h", "g")
        assert node.engine.believes("CP2", 23.0) is None

    def test_delays_no_check_of_the_others(self, node):
        [check] = self.renew(node, 3.0, "other", "another")
        owners = [ClusterOwner(A, 100) if each == "CP1" else UnknownOwner.UNKNOWN for each in check.identities]
        assert node.handle(CheckAnswered(check.request, owners), 3.1) == []
        assert self.renew(node, 6.0, "other", None) == [SendCheck(check.request + 2, ["CP2"])]
        assert (node.engine.believes("CP1", 14.0), node.engine.believes("CP2", 9.5)) == (100, None)


def test_a_report_closes_only_an_older_connection(node):
    node.claim("CP1", 1, 1.0, fence=100)
    assert node.handle(ReplacementNoticed("CP1", 100, B), 2.0) == []
    assert node.handle(ReplacementNoticed("CP1", 101, B), 2.0) == [
        EvictConnection("CP1", 1, EvictionReason.REPLACED, B)
    ]


def test_a_report_of_a_claim_that_has_ended_since_leaves_no_entry_that_a_restore_brought_back(node):
    node.claim("CP1", 1, 1.0, fence=100)
    node.handle(ReplacementNoticed("CP1", 101, B), 2.0)
    [check] = node.renew(3.0)
    [release] = node.handle(CheckAnswered(check.request, [ClusterOwner(A, 100)]), 3.1)
    assert (release.identity, release.fence) == ("CP1", 100)


def test_an_answer_to_nothing_raises_and_changes_nothing(node):
    with pytest.raises(ValueError, match="expected the number of a ClaimRequest in progress, got 7"):
        node.handle(ClaimAnswered(7, Claimed(1, 0, None, "g")), 1.0)
    [renewal] = node.handle(Tick(), 3.0)
    with pytest.raises(ValueError, match="expected the generations and losses of 1 buckets, got 2"):
        node.handle(RenewalAnswered(renewal.request, Renewed(("g", "g"), (0, 0))), 3.0)
    assert node.handle(RenewalAnswered(renewal.request, Renewed(("g",), (0,))), 3.0) == []


def test_the_renewal_must_be_shorter_than_the_belief():
    with pytest.raises(ValueError, match=r"expected renewal below lease - margin \(2.5 s\), got 3.0"):
        RegistryConfig(lease=3.0)
    assert RegistryConfig(lease=inf).validity == inf
