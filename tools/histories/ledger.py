"""What happened in a history, and what must hold of it."""

from collections import Counter
from dataclasses import dataclass, field, fields

from ocpp_core.errors import OCPPError

__all__ = ["BrokenInvariant", "Figures", "Ledger"]


class BrokenInvariant(AssertionError):  # noqa: N818 - it names what is broken
    """A promise of the library was not kept."""


@dataclass(slots=True)
class Figures:
    """The counts of histories."""

    histories: int = 0
    calls: int = 0
    """Calls, commands and queued messages that were started."""
    messages: int = 0
    """Requests and responses that arrived."""
    faults: int = 0
    """Faults that were injected."""
    checks: int = 0
    """Invariants that were checked."""
    connections: int = 0
    chunks: int = 0
    """Chunks of bytes, or messages, on the connections that have ended."""
    seconds: float = 0.0
    """Virtual seconds."""

    def add(self, other: "Figures") -> None:
        """Add the counts of other histories."""
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))


@dataclass(slots=True)
class Ledger:
    """The requests of one history by their texts, each of which is used once."""

    figures: Figures = field(default_factory=lambda: Figures(histories=1))
    handled: Counter[str] = field(default_factory=Counter)
    """How often a handler ran for each text."""
    order: dict[str, list[str]] = field(default_factory=dict)
    """The queued messages that each station enqueued, in order."""
    first_handled: dict[str, list[str]] = field(default_factory=dict)
    """The queued messages of each station in the order in which a handler first ran for them."""
    settled: Counter[str] = field(default_factory=Counter)

    def handle(self, text: str) -> None:
        """Note that a handler runs for a request."""
        self.handled[text] += 1
        self.figures.messages += 1

    def answered(self, text: str, answer: object) -> None:
        """Note the response to a call."""
        self.figures.messages += 1
        self._settle(text)
        self.check(answer == text, f"{text} got the response {answer!r}")
        self.check(self.handled[text] == 1, f"{text} has a response, and was handled {self.handled[text]} times")

    def failed(self, text: str, error: OCPPError) -> None:
        """Note that a call failed."""
        self._settle(text)
        times = self.handled[text]
        self.check(times <= 1, f"{text} failed, and was handled {times} times")
        self.check(getattr(error, "sent", True) or not times, f"{text} was handled, and its caller was told: {error}")

    def delivered(self, text: str, outcome: object, *, was_answered: bool, may_have_run: bool) -> None:
        """Note the outcome of a message that the server queued, which is sent once."""
        self._settle(text)
        self.figures.messages += was_answered
        times = self.handled[text]
        self.check(was_answered <= times <= may_have_run, f"{text} ended as {outcome}, and was handled {times} times")

    def _settle(self, text: str) -> None:
        self.settled[text] += 1
        self.check(self.settled[text] == 1, f"{text} has {self.settled[text]} outcomes")

    def check_queue(self, station: str) -> None:
        """Check the queued messages of a station: all were handled, in order."""
        order, handled = self.order.get(station, []), self.first_handled.get(station, [])
        self.check(handled == order, f"{station} enqueued {order}, and the server saw {handled}")

    def check(self, holds: bool, what: str) -> None:
        """Raise BrokenInvariant unless it holds."""
        self.figures.checks += 1
        if not holds:
            raise BrokenInvariant(what)
