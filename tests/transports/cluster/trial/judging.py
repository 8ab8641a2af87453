"""Judges a trial by what its processes have written down."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from .journal import lines_of

__all__ = ["Span", "Verdict", "beliefs", "judge", "longest_overlap"]


@dataclass(frozen=True)
class Verdict:
    """The figures of a trial, and what it broke."""

    calls: int
    outcomes: Counter[str]
    ran: int
    moves: int
    """How often a station went from one server to another."""
    longest: float
    """Seconds for which two nodes were seen to believe in one station at the same time."""
    broken: list[str]

    def __str__(self) -> str:
        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(self.outcomes.items()))
        return (
            f"{self.calls} calls: {outcomes}; {self.ran} ran; {self.moves} moves of stations; "
            f"two servers believed in a station for {self.longest:.1f} s at most"
        )


class Span(NamedTuple):
    """A node was seen to believe in a station, from a first to a last look."""

    first: float
    last: float
    node: str


def judge(folder: Path, lease: float, killed: set[str]) -> Verdict:
    """Judge the journals of a trial.

    Each call settles once, runs at most once and at its station, and not if it was "unsent"; most are answered. Two
    nodes believe in a station for no longer than a lease, and in the end one believes in each.

    Args:
        folder: The journals.
        lease: Seconds that two nodes may believe in a station.
        killed: Names of the processes that were killed: the outcomes of their calls have no witness.
    """
    lines = lines_of(folder, "*.node") + lines_of(folder, "*.calls")
    called = {words[2]: words[3] for words in lines if words[1] == "call"}
    ended = [(words[2], words[3]) for words in lines if words[1] == "end"]
    ran = [(words[2], words[3]) for words in lines_of(folder, "*.ran")]
    spans = beliefs(folder)
    longest = max((longest_overlap(each) for each in spans.values()), default=0.0)
    settled = min((float(words[0]) for words in lines if words[1] == "settled"), default=0.0)  # all still look then
    broken = [*_broken_calls(called, ended, ran, killed), *_broken_beliefs(spans, settled, longest, lease)]
    moves = sum(len({span.node for span in each}) - 1 for each in spans.values())
    if not moves:
        broken.append("no station moved")
    return Verdict(len(called), Counter(dict(ended).values()), len(ran), moves, longest, broken)


def _broken_calls(
    called: dict[str, str], ended: list[tuple[str, str]], ran: list[tuple[str, str]], killed: set[str]
) -> Iterator[str]:
    outcomes, where = dict(ended), dict(ran)
    yield from (f"call {number} was settled {times} times" for number, times in _repeated(n for n, _ in ended))
    yield from (f"call {number} ran {times} times" for number, times in _repeated(n for n, _ in ran))
    yield from (f"call {number} of {called.get(number)} ran at {at}" for number, at in ran if called.get(number) != at)
    for number, outcome in outcomes.items():
        if (outcome == "unsent" and number in where) or (outcome == "answered" and number not in where):
            yield f"call {number} was {outcome}, and it {'ran' if number in where else 'did not run'}"
    for number in called.keys() - outcomes.keys():
        if number.rpartition("-")[0] not in killed:
            yield f"call {number} has no outcome"
    if 2 * sum(outcome == "answered" for outcome in outcomes.values()) < len(called):
        yield "most calls were not answered"


def _broken_beliefs(spans: Mapping[str, list[Span]], settled: float, longest: float, lease: float) -> Iterator[str]:
    if longest > lease:
        yield f"two nodes believed in a station for {longest:.1f} s"
    for name, each in spans.items():
        owners = {span.node for span in each if span.first <= settled <= span.last}
        if len(owners) != 1:
            yield f"{len(owners)} nodes believe in {name} in the end"


def _repeated(numbers: Iterable[str]) -> list[tuple[str, int]]:
    return [(number, times) for number, times in Counter(numbers).items() if times > 1]


def beliefs(folder: Path) -> dict[str, list[Span]]:
    """Return the beliefs in each station, in their order. One that lasts is seen until the last line of its node."""
    spans: defaultdict[str, list[Span]] = defaultdict(list)
    for path in folder.glob("*.node"):
        since: dict[str, float] = {}
        now = 0.0
        for time, word, *rest in lines_of(folder, path.name):
            now = float(time)
            if word == "believes":
                since[rest[0]] = now
            elif word == "ceases":
                spans[rest[0]].append(Span(since.pop(rest[0]), float(rest[2]), path.stem))
        for name, first in since.items():
            spans[name].append(Span(first, now, path.stem))
    return {name: sorted(each) for name, each in spans.items()}


def longest_overlap(spans: Sequence[Span]) -> float:
    """Return the longest time for which two nodes were seen to believe at once, in seconds."""
    pairs = ((one, two) for number, one in enumerate(spans) for two in spans[number + 1 :] if one.node != two.node)
    return max((min(one.last, two.last) - two.first for one, two in pairs), default=0.0)
