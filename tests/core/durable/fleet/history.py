"""Random steps, then a calm time in which everything must settle."""

from collections.abc import Callable
from functools import partial

from ocpp_core.outbox.commands import Acknowledge, CancelTicket, Enqueue
from ocpp_core.outbox.stored.outcomes import MessageAnswered

from .world import STATIONS, World

WEIGHTS = {
    "enqueue": 30,
    "connect": 12,
    "lose": 6,
    "cancel": 3,
    "acknowledge": 5,
    "wait": 20,
    "long_wait": 5,
    "crash": 4,
    "store_fails": 3,
}


def run(seed: int, steps: int = 120) -> World:
    """Run one history; return its world."""
    world = World(seed)
    for _ in range(steps):
        step(world)
    calm_down(world)
    return world


def step(world: World) -> None:
    random = world.random
    steps: dict[str, Callable[[], None]] = {
        "enqueue": world.enqueue,
        "connect": lambda: world.connect(random.choice(STATIONS)),
        "lose": world.lose_one,
        "cancel": lambda: world.give(CancelTicket),
        "acknowledge": lambda: world.give(Acknowledge),
        "wait": lambda: world.wait(random.expovariate(1.0)),
        "long_wait": lambda: world.wait(random.uniform(0.0, 100.0)),
        "crash": world.crash,
        "store_fails": world.fail_store,
    }
    steps[random.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]]()


def calm_down(world: World) -> None:
    world.wait(60.0)
    world.is_calm = True
    for name in STATIONS:
        world.connect(name)
    world.wait(4000.0)
    world.store_back()
    world.wait(100.0)
    engine, oracle = world.engine, world.oracle
    assert engine is not None
    last = [world.queue(Enqueue(action="Reset", payload={}, peer=name)) for name in STATIONS]
    world.wait(60.0)
    for ticket in filter(None, last):
        oracle.expect(isinstance(oracle.messages[ticket].told, MessageAnswered), "a message is delivered")
    oracle.expect(engine.totals.messages == 0, "nothing is left in the queue, and the total knows it")
    for ticket, message in oracle.messages.items():
        if message.told is not None:
            engine.handle(Acknowledge(ticket), world.timeline.now)
    world.settle()
    world.wait(60.0)
    state = world.disk.state
    oracle.finish(partial(_is_kept, state.records.keys() | state.outcomes.keys()))
    oracle.expect(len(engine) == 0, "an outbox without messages and outcomes is removed")


def _is_kept(kept: set[int], ticket: int) -> bool:
    return ticket in kept
