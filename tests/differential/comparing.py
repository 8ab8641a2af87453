"""The comparison of two forms: the same seeds in both, and the first history that differs."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from .forms import Form, forms_of

__all__ = ["Comparison", "Difference", "PlayerError", "first_difference", "lines_of"]

_CHUNK: Final = 5000
"""Histories of a process."""
_LONGEST: Final = 600.0
"""Seconds of a process, on a busy machine."""
_BEFORE: Final = 12
"""Lines that are shown before a difference."""
_AFTER: Final = 6


class PlayerError(RuntimeError):
    """A process ended before it had played its histories."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The first history that two forms play differently."""

    seed: int
    forms: tuple[str, str]
    lines: tuple[Sequence[str], Sequence[str]]

    def __str__(self) -> str:
        one, other = self.lines
        at = next(
            (at for at, (line, beside) in enumerate(zip(one, other, strict=False)) if line != beside),
            min(len(one), len(other)),
        )
        shown = [f"history {self.seed} differs at line {at + 1}:", *one[max(0, at - _BEFORE) : at]]
        for form, lines in zip(self.forms, self.lines, strict=True):
            shown += [f"--- {form}", *(lines[at : at + _AFTER] or ["(it ends here)"])]
        again = f"python -m tests.differential --first {self.seed} --show"
        return "\n".join([*shown, "all of it:", *(f"    {again} {form}" for form in self.forms)])


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two forms of the library."""

    one: Form
    other: Form

    def differences(self, first: int, count: int) -> Iterator[Difference]:
        """Play the histories of so many seeds in both forms at the same time, and yield those that differ.

        Raises PlayerError if a process crashes or a form is not the one that was asked for.
        """
        for start in range(first, first + count, _CHUNK):
            size = min(_CHUNK, first + count - start)
            one, other = _digests_of((self.one, self.other), start, size)
            for seed in range(start, start + size):
                if one[seed] != other[seed]:
                    lines = lines_of(self.one, seed), lines_of(self.other, seed)
                    yield Difference(seed, (self.one.name, self.other.name), lines)


def first_difference(forms: Sequence[str], histories: int, first: int = 0) -> Difference | None:
    """Return the first history that two forms play differently, see `forms_of`.

    Args:
        forms: The names of the two forms.
        histories: How many histories to play.
        first: The seed of the first one.

    Raises:
        PlayerError: A form crashes, or is not the one that is imported.
        ValueError: A form is not installed there.
    """
    with ExitStack() as exits:
        return next(Comparison(*forms_of(forms, exits)).differences(first, histories), None)


def _digests_of(forms: Sequence[Form], first: int, count: int) -> list[dict[int, str]]:
    processes = [form.start(str(first), str(count)) for form in forms]
    return [_read_digests(form, process, first, count) for form, process in zip(forms, processes, strict=True)]


def _read_digests(form: Form, process: "subprocess.Popen[str]", first: int, count: int) -> dict[int, str]:
    _, *lines = _output_of(form, process, first)
    digests = {int(seed): digest for seed, digest in map(str.split, lines)}
    if len(digests) != count:
        raise PlayerError(f"expected {count} histories of {form.name}, got {len(digests)}")
    return digests


def lines_of(form: Form, seed: int) -> list[str]:
    """Return what the history of a seed does, line by line."""
    return _output_of(form, form.start("--show", str(seed), "1"), seed)[1:]


def _output_of(form: Form, process: "subprocess.Popen[str]", first: int) -> list[str]:
    try:
        output, errors = process.communicate(timeout=_LONGEST)
    except subprocess.TimeoutExpired:
        process.kill()
        output, errors = process.communicate()
        errors += f"\nit took longer than {_LONGEST:.0f} s"
    lines = output.splitlines()
    if process.returncode:
        at = first + max(0, len(lines) - 1)
        raise PlayerError(f"{form.name} ended with {process.returncode} in history {at}:\n{errors[-3000:]}")
    if lines[0] != str(form.folder):
        raise PlayerError(f"expected the library in {form.folder}, got it from {lines[0]}")
    return lines
