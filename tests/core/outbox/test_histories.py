"""Simulated histories: `make outbox-histories` runs far more of them, and looks for every seeded mistake."""

import pytest

from tests.core.outbox.simulation.__main__ import histories_to_find, run_histories
from tests.core.outbox.simulation.engine_station import EngineStation
from tests.core.outbox.simulation.station import Station

FOUND_SOON = [
    "a transmission does not wait for its mark",
    "an outcome does not wait",
    "a cut repeats a command",
    "a restart gives tickets out again",
    "a restart forgets that a message may have been sent",
    "what a failed store rejects stays queued",
    "a message gets no transaction ID",
    "a message and what it replaces are two batches",
    "a restart forgets the deadlines",
    "messages pass a closed gate",
    "a message that is not written leaves its slot to calls",
    "the outbox does not learn of a lost connection",
]


@pytest.mark.slow
@pytest.mark.parametrize("station", [Station, EngineStation])
def test_no_invariant_breaks_in_a_sample(station):
    figures = run_histories(first=0, count=45, station=station)
    assert figures.crashes > 100
    assert figures.store_failures > 20
    assert figures.accepted > 500


@pytest.mark.slow
@pytest.mark.parametrize("name", FOUND_SOON)
def test_a_seeded_mistake_is_found(name):
    assert histories_to_find(name, 20) is not None
