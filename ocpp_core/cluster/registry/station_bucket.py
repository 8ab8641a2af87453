"""The stations of one bucket at one node, and the answer of the store under which the node has them.

The baseline is a generation and a count of losses. While the store answers with the same baseline, no station of the
bucket was taken from this node, so one renewal confirms them all. Any other baseline puts all of them in doubt.
"""

from math import inf

from .states import Doubted, Owned, OwnedState

__all__ = ["StationBucket"]


class StationBucket:
    """The stations of one bucket."""

    __slots__ = ("_confirmed", "_generation", "_losses", "stations", "version")

    def __init__(self) -> None:
        self.stations: dict[str, OwnedState] = {}
        """The stations with a connection at this node, by identity."""
        self.version: int = 0
        """How often the baseline has changed. The answer to a request confirms a claim only under the baseline that the
        request was sent under, or under one that it brings itself: between them, the entry may have been removed."""
        self._generation: str | None = None
        self._losses = 0
        self._confirmed = -inf

    def is_news(self, generation: str, losses: int) -> bool:
        """Return True if stations were taken, or data may have been lost, since the baseline.

        An answer with fewer losses is older than the baseline, and so is the request that it belongs to.
        """
        return generation != self._generation or losses > self._losses

    def rebase(self, generation: str | None, losses: int) -> None:
        """Take a new baseline, which puts every station of the bucket in doubt; without one, any answer is news."""
        self._generation = generation
        self._losses = losses
        self.version += 1
        for identity, state in self.stations.items():
            self.stations[identity] = self._doubted(state)
        self._confirmed = -inf

    def confirm(self, sent: float) -> None:
        """Note that the store confirmed every owned station; `sent` is when it was asked, in seconds."""
        self._confirmed = max(self._confirmed, sent)

    def doubt(self, identity: str) -> None:
        """Put one station in doubt."""
        self.stations[identity] = self._doubted(self.stations[identity])

    def confirmed_at(self, state: OwnedState) -> float:
        """Return when the last request was sent that confirmed a station of this bucket."""
        return max(state.confirmed, self._confirmed) if isinstance(state, Owned) else state.confirmed

    def _doubted(self, state: OwnedState) -> Doubted:
        return Doubted(state.connection, state.fence, self.confirmed_at(state))
