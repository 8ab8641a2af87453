"""The outboxes of the stations of a server, in histories with crashes, lost connections and a store that fails."""

import pytest

from tests.core.durable.fleet.__main__ import histories_to_find
from tests.core.durable.fleet.history import run

FOUND_SOON = [
    "messages do not wait for the registration",
    "an outbox does not learn of a lost connection",
    "a batch is reported with those of other stations",
    "a failure rolls back the last batch only",
    "after a failure the store gets the state of one station",
    "stations number their tickets alone",
    "an outbox with outcomes is removed",
    "no timer expires the messages of an absent station",
    "the session of a station does not learn of its outbox",
]


@pytest.mark.slow
def test_no_invariant_breaks_in_a_sample():
    worlds = [run(seed) for seed in range(20)]
    assert sum(world.crashes for world in worlds) > 40
    assert sum(world.failures for world in worlds) > 30
    assert sum(message.sent for world in worlds for message in world.oracle.messages.values()) > 100


@pytest.mark.slow
@pytest.mark.parametrize("name", FOUND_SOON)
def test_a_seeded_mistake_is_found(name):
    assert histories_to_find(name, 10) is not None
