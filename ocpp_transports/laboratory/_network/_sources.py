"""Sources of random numbers and message ids that are made of a seed."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from random import Random
from typing import TypeVar

from ocpp_core.config import IdFactory
from ocpp_transports._driver._sources import Draws, Sources
from ocpp_transports._options._message_ids import new_message_id

__all__ = ["SeededSources"]

E = TypeVar("E")


class SeededSources(Sources):
    """Gives each engine a random source of its own, so that what one draws does not change the luck of another."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._made: Counter[str] = Counter()
        self._prefix = f"{Random(f'{seed}/ids').getrandbits(96):024x}"
        self._numbers = count(1)

    def random(self, name: str, *, secret: bool = False) -> Random:
        """Return a source of random numbers, made of the seed, the name, and how often the name was used."""
        self._made[name] += 1
        return Random(f"{self._seed}/{name}/{self._made[name]}")

    def ids(self, make: IdFactory) -> IdFactory:
        """Return a source of message ids; that of an application stays."""
        return self._next_id if make is new_message_id else make

    def engine(self, name: str, draws: Draws, make: Callable[[Draws], E]) -> E:
        """Make an engine with a random source of its own."""
        return make(replace(draws, random=self.random(f"engine {name}")))

    def _next_id(self) -> str:
        return f"{self._prefix}-{next(self._numbers):x}"
