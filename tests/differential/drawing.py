"""Choices that a seed makes, in place of the bytes of a fuzzer."""

from collections.abc import Sequence
from itertools import pairwise
from random import Random
from typing import TypeVar

from tests.fuzz.choices import Choices

__all__ = ["Draws"]

T = TypeVar("T")


class Draws(Choices):
    """Choices that never end."""

    def __init__(self, seed: int | str) -> None:
        super().__init__(b"")
        self._random = Random(seed)
        self._calm = self.pick((0.5, 1, 3, 10))

    @property
    def left(self) -> int:
        """One: something is always left."""
        return 1

    def byte(self) -> int:
        """Return a byte."""
        return self._random.getrandbits(8)

    def flag(self) -> bool:
        """Return True in half of the cases."""
        return self._random.random() < 0.5

    def one_in(self, cases: int) -> bool:
        """Return True in one of so many cases."""
        return self._random.random() * cases < 1

    def rarely(self, cases: int) -> bool:
        """Return True in one of so many cases, and less often in a calm history: for what ends or breaks something."""
        return self._random.random() * cases * self._calm < 1

    def number(self, most: int) -> int:
        """Return a number of 0 to `most`."""
        return int(self._random.random() * (most + 1))

    def pick(self, options: Sequence[T]) -> T:
        """Return one of the options."""
        return options[int(self._random.random() * len(options))]

    def take(self, size: int) -> bytes:
        """Return `size` bytes."""
        return self._random.randbytes(size)

    def some(self) -> bytes:
        """Return a few bytes, mostly printable ones."""
        size = self.number(12)
        return self.take(size) if self.one_in(3) else bytes(self.number(94) + 32 for _ in range(size))

    def pieces(self, data: bytes) -> list[bytes]:
        """Cut bytes into pieces: mostly one, or as few as there are, or one for each byte."""
        way = self.number(9)
        if way < 5 or len(data) < 2:
            return [data]
        if way == 9 and len(data) <= 200:
            return [data[at : at + 1] for at in range(len(data))]
        cuts = sorted({0, len(data), *(self.number(len(data)) for _ in range(1 + self.number(4)))})
        return [data[start:end] for start, end in pairwise(cuts)]
