"""Simulated clusters: `make cluster-histories` runs far more of them, and looks for every seeded mistake."""

import pytest

from tests.core.cluster.simulation.__main__ import finds, run_histories

FOUND = {
    "the generation is not checked": (1, False, "I1"),
    "a release does not compare the fence": (0, False, "I2"),
    "requests are not remembered": (0, False, "I3"),
    "a lost node has got nothing": (1, False, "I5"),
    "a request is executed under any fence": (2, False, "I9"),
}
"""Seeds that find mistakes, and the invariants that these break."""


@pytest.mark.slow
@pytest.mark.parametrize("harsh", [False, True], ids=["usual", "harsh"])
def test_no_invariant_breaks_in_a_sample(harsh):
    figures = run_histories(first=0, count=3, harsh=harsh)
    assert figures.faults > 100
    assert figures.takeovers > 30
    assert figures.ran > 50


@pytest.mark.slow
@pytest.mark.parametrize("name", FOUND)
def test_a_seeded_mistake_is_found(name):
    seed, harsh, invariant = FOUND[name]
    assert finds(name, seed, harsh=harsh).startswith(invariant)
