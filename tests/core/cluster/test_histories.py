"""Simulated clusters: `make cluster-histories` runs far more of them, and looks for every seeded mistake."""

import pytest

from tests.core.cluster.simulation.__main__ import histories_to_find, run_histories

FOUND_SOON = [
    "renewals prove nothing: only the lease counts",
    "the losses are not checked",
    "a release does not compare the fence",
    "a doubt ends when the check is sent",
    "every request counts from its answer",
    "a fence may be lower than one before",
    "a restore takes the station from a newer owner",
    "a failed check is not repeated",
]


@pytest.mark.slow
@pytest.mark.parametrize("harsh", [False, True], ids=["usual", "harsh"])
def test_no_invariant_breaks_in_a_sample(harsh):
    figures = run_histories(first=0, count=4, harsh=harsh)
    assert figures.faults > 100
    assert figures.takeovers > 30


@pytest.mark.slow
@pytest.mark.parametrize("name", FOUND_SOON)
def test_a_seeded_mistake_is_found(name):
    assert histories_to_find(name, 8) is not None
