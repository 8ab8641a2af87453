"""What one history is like: settings of the queue, habits of the peer, and how often things go wrong."""

from dataclasses import dataclass
from random import Random
from typing import Any

from ocpp_core.outbox.settings import OutboxConfig


@dataclass(frozen=True, slots=True)
class Scenario:
    config: OutboxConfig
    size: int
    """Messages for which the queue has room."""
    window: int
    """Calls in flight at a time."""
    timeout: float
    """Seconds from the write to the end of the wait for a response."""
    commit: float
    """Most seconds that a commit takes."""
    latency: float
    """Most seconds that a frame takes."""
    remembers: bool
    """True if the peer answers a repeated message ID from its memory, over all connections."""
    refuses: float
    """Share of CALLs that get a CALLERROR."""
    ignores: float
    """Share of CALLs that get no response."""
    delays: float
    """Share of CALLs that get a response after the timeout."""
    doubles: float
    """Share of CALLs that get two responses."""
    weights: dict[str, int]
    """How often each step is chosen."""
    steps: int


STEPS = {
    "enqueue": 30,
    "transaction": 12,
    "call": 8,
    "cancel": 4,
    "acknowledge": 6,
    "again": 4,
    "wait": 30,
    "long_wait": 6,
    "cut": 6,
    "half_open": 3,
    "crash": 5,
    "store_fails": 3,
    "gate": 2,
    "set_clock": 2,
    "configure": 1,
}


def make_scenario(random: Random, steps: int) -> Scenario:
    remembers = random.random() < 0.5
    size = random.choice([3, 8, 1000])
    values: dict[str, Any] = {
        "attempts": random.choice([0, 1, 2, 3, 3]),
        "interval": random.choice([0.0, 2.0, 20.0]),
        "retry_id": random.choice(["auto", "auto", "new", "same"]),
        "free_cuts": random.choice([0, 1, 5]),
        "overtake": random.choice([1, 4]),
        "resume_after": random.choice([0.0, 0.0, 3.0]),
        "outcomes_kept": random.choice([4, 1000, 1000]),
        "gate": random.choice(["open", "manual"]),
    }
    return Scenario(
        config=OutboxConfig(**values),
        size=size,
        window=random.choice([1, 1, 2]),
        timeout=random.choice([5.0, 10.0]),
        commit=random.choice([0.0, 0.01, 1.0]),
        latency=random.choice([0.0, 0.1, 1.0]),
        remembers=remembers,
        refuses=random.choice([0.0, 0.1, 0.4]),
        ignores=random.choice([0.0, 0.1, 0.3]),
        delays=random.choice([0.0, 0.1, 0.3]),
        doubles=random.choice([0.0, 0.2]),
        weights={name: weight if random.random() < 0.8 else 0 for name, weight in STEPS.items()} | {"wait": 30},
        steps=steps,
    )
