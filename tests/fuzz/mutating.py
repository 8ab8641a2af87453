"""Seeded mutations of a corpus, for where no fuzzer is installed: bounded in count, and the same each time."""

from collections.abc import Iterator, Sequence
from random import Random

__all__ = ["mutants"]

_EDGES = (b"\x00", b"\x7f", b"\x80", b"\xff", b"\xff\xff", b'"', b"\\", b"[", b"}", b"\r\n", b"\x00" * 8)


def mutants(corpus: Sequence[bytes], count: int, seed: int) -> Iterator[bytes]:
    """Iterate over inputs of a corpus, each changed in up to eight places."""
    random = Random(seed)
    for _ in range(count):
        data = bytearray(random.choice(corpus))
        for _ in range(random.randint(1, 8)):
            _mutate(data, random, corpus)
        yield bytes(data)


def _mutate(data: bytearray, random: Random, corpus: Sequence[bytes]) -> None:
    at = random.randint(0, len(data))
    size = random.choice((0, 1, 1, 2, 4, 16))
    match random.randrange(5):
        case 0:
            data[at : at + 1] = bytes([random.randrange(256)])
        case 1:
            data[at : at + size] = random.choice(_EDGES)
        case 2:
            del data[at : at + size]
        case 3:
            data[at:at] = data[at : at + size] * random.randint(1, 3)
        case _:
            other = random.choice(corpus)
            start = random.randint(0, len(other))
            data[at:at] = other[start : start + random.choice((4, 16, 64))]
