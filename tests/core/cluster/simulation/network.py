"""What carries messages between nodes and the store: it delays, loses and doubles them, and may be cut."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from .timeline import Timeline

STORE = "store"
"""The name of the store among the ends of the network."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """How bad the network is; probabilities are from 0 to 1, times in seconds."""

    loss: float = 0.02
    doubling: float = 0.15
    """Of messages between nodes. Requests to the store are never doubled: their client repeats nothing."""
    slowest: float = 0.3
    reply_loss: float = 0.02
    """Of the store's answers."""


CALM = Conditions(loss=0, doubling=0, slowest=0.05, reply_loss=0)
"""Nothing is lost, and nothing comes late."""
HARSH = Conditions(loss=0.05, slowest=2.6, reply_loss=0.25)
"""A quarter of the store's answers are lost, and many messages come after the sender's timeout."""


class Network:
    """The links between all ends; ends have names."""

    def __init__(self, timeline: Timeline, random: Random, conditions: Conditions) -> None:
        self.conditions = conditions
        """How bad it is; may be replaced at any time."""
        self.reply_delays: dict[str, tuple[float, float]] = {}
        """Seconds, from and to, that each answer of the store to these nodes takes."""
        self._timeline = timeline
        self._random = random
        self._cut: set[str] = set()

    def cut(self, end: str) -> None:
        """Lose everything from and to an end that is sent from now on."""
        self._cut.add(end)

    def heal(self, end: str) -> None:
        """Undo `cut`."""
        self._cut.discard(end)

    def is_cut(self, *ends: str) -> bool:
        """Return True if nothing gets through between these ends."""
        return not self._cut.isdisjoint(ends)

    @property
    def is_calm(self) -> bool:
        """True once the faults have ended."""
        return self.conditions is CALM

    def send(self, source: str, destination: str, deliver: Callable[[], object]) -> None:
        """Send a message; `deliver` runs at its destination, perhaps twice, perhaps never."""
        conditions, random = self.conditions, self._random
        is_reply, is_request = source == STORE, destination == STORE
        loss = conditions.reply_loss if is_reply else conditions.loss
        if self.is_cut(source, destination) or random.random() < loss:
            return
        delays = self.reply_delays.get(destination) if is_reply else None
        self._timeline.after(self._delay() if delays is None else random.uniform(*delays), deliver)
        if not is_reply and not is_request and random.random() < conditions.doubling:
            self._timeline.after(self._delay() * 4, deliver)

    def _delay(self) -> float:
        """Return a delay in seconds: most are short."""
        return 0.001 + self.conditions.slowest * self._random.random() ** 6
