"""What every target is: a function of bytes that fails by an exception, and the inputs to begin with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

__all__ = ["Target"]


@dataclass(frozen=True, slots=True)
class Target:
    """One function to fuzz."""

    run: Callable[[bytes], None]
    """Plays one input. It returns for every input, or the code has a fault."""
    corpus: Sequence[bytes]
    """The first inputs: those that reach something, and those that broke it once."""
    longest: int = 4096
    """Bytes of the longest input that a fuzzer makes."""
