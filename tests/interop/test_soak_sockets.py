"""A bounded sample of `make soak-sockets`: stations that misbehave at random, and nothing lost, doubled or left."""

import pytest

from tools.soak_sockets import BACKENDS, soak

ROUNDS = 3


@pytest.mark.parametrize("backend", BACKENDS)
def test_nothing_is_lost_doubled_or_left(backend):
    ledger = soak(backend, 15, 20261122, lambda played: played < ROUNDS, acts=2)
    assert ledger.faults == []
    assert ledger.rounds == ROUNDS
    assert ledger.outcomes.total() == ledger.started > 0
