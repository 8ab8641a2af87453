"""The outboxes of the stations of a server, in histories with crashes, lost connections and a store that fails."""

from itertools import count
from typing import Any

import pytest

from ocpp_core.durable.stations import StationOutboxes
from ocpp_core.durable.totals import OutboxLimits
from ocpp_core.outbox.commands import CancelTicket, Enqueue, Restored, Stored
from ocpp_core.outbox.effects import Store
from ocpp_core.outbox.settings import OutboxConfig
from ocpp_core.outbox.stored.records import Lane, OutboxRecord
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


class FakeCalls:
    """The calls of a connection that does nothing else."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.outbox: Any = None

    def use(self, outbox: Any) -> None:
        self.outbox = outbox

    def expect_valid(self, action: str, payload: Any) -> None:
        pass

    def fill_window(self, now: float) -> None:
        self.outbox.take(now)

    def transmit(self, transmit: Any, now: float) -> None:
        self.sent.append(transmit.action)


def made() -> StationOutboxes:
    ids = count()
    return StationOutboxes(
        OutboxConfig(gate="manual"),
        OutboxLimits(),
        ids=lambda: str(next(ids)),
        name_of=lambda peer: peer,
        touched=lambda: None,
    )


@pytest.mark.parametrize(("jump", "rest"), [(-1e6, 60.0), (0.0, 60.0), (20.0, 40.0)])
def test_a_restored_command_lives_no_longer_than_its_time_to_live(jump: float, rest: float) -> None:
    record = OutboxRecord(
        ticket=1, action="Reset", payload="{}", lane=Lane.OTHER, accepted_at=1e9, expires_at=1e9 + 60, peer="A"
    )
    engine = made()
    engine.handle(Restored(wall=1e9 + jump, records=[record]), 5.0)
    assert engine.poll(5.0) is None
    assert engine.deadline == 5.0 + rest


def test_what_the_application_enqueues_while_its_station_is_served_is_sent() -> None:
    calls, engine = FakeCalls(), made()
    later: list[str] = []

    def enqueue(action: str) -> int:
        return engine.enqueue("A", Enqueue(action=action, payload={}, peer="A"), 0.0)

    def wake() -> None:
        if later:
            enqueue(later.pop())

    def perform() -> None:
        while (effect := engine.poll(0.0)) is not None:
            if isinstance(effect, Store):
                engine.handle(Stored(effect.number), 0.0)

    engine.handle(Restored(wall=0.0), 0.0)
    engine.connected("A", calls, "ocpp1.6", wake, 0.0)  # type: ignore[arg-type]  # as much of it as is needed
    engine.handle(CancelTicket(enqueue("ClearCache")), 0.0)
    perform()
    later.append("Reset")
    engine.registered("A", calls, is_registered=True)  # type: ignore[arg-type]  # see above
    perform()
    assert calls.sent == ["Reset"]
