"""What the engines of a client or server draw from: random numbers, message ids and the numbers of requests."""

from collections.abc import Callable, Iterator
from dataclasses import field
from itertools import count
from random import Random, SystemRandom
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from ocpp_core._dataclasses import dataclass
from ocpp_core.config import IdFactory

if TYPE_CHECKING:
    from ocpp_core.inbound.answers import AnswerMemory
    from ocpp_core.link import Unfinished

__all__ = ["Draws", "Sources"]

E = TypeVar("E")

_SECRET: Final = SystemRandom()
"""The operating system's source for all clients of a process: it has no state, but an object of it takes 3 KB."""


@dataclass(slots=True)
class Draws:
    """What one engine draws from, besides its inputs and the clock."""

    random: Random
    """Jitter, and the masking keys and nonces of a client."""
    ids: IdFactory
    """Message ids."""
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    """The numbers of requests; all connections of a server share them."""
    unfinished: "Unfinished | None" = None
    """The memory of unfinished messages of all connections of a server; a client has its own."""
    answers: "AnswerMemory | None" = None
    """The stored answers of all connections of a server; a client has its own."""


class Sources:
    """The sources of a client or server. A subclass makes runs repeatable, or records what an engine does."""

    def random(self, name: str, *, secret: bool = False) -> Random:
        """Return a source of random numbers for what `name` names; `secret` ones must be unpredictable."""
        return _SECRET if secret else Random()

    def ids(self, make: IdFactory) -> IdFactory:
        """Return the source of message ids, for which the options have `make`."""
        return make

    def engine(self, name: str, draws: Draws, make: Callable[[Draws], E]) -> E:
        """Make the engine of a client, or of one connection of a server; `name` is an identity or an address."""
        return make(draws)

    def recorded(self, engine: E, record: Callable[[Any], Any]) -> E:
        """Return an engine whose part that hosts feed is replaced by what `record` returns for it."""
        return cast("E", record(engine))

    async def aclose(self) -> None:
        """Finish what was recorded; the client or server ends."""
