"""Judges a trial by what its processes have written down."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .journal import lines_of

__all__ = ["Verdict", "judge"]

_LOOK_AND_LOAD: Final = 2.0
"""Seconds by which a busy process may see late that it believes, or no longer does."""


@dataclass(frozen=True)
class Verdict:
    """The figures of a trial, and what it broke."""

    calls: int
    outcomes: Counter[str]
    ran: int
    claims: int
    longest: float
    """Seconds for which two nodes believed in one station at the same time."""
    broken: list[str]

    def __str__(self) -> str:
        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(self.outcomes.items()))
        return (
            f"{self.calls} calls: {outcomes}; {self.ran} ran; {self.claims} beliefs in stations; "
            f"two nodes believed in a station for {self.longest:.1f} s at most"
        )


def judge(folder: Path, lease: float, killed: set[str]) -> Verdict:
    """Check that each call settled once, ran at most once, and not if it was "unsent"; and who believed in stations.

    Args:
        folder: The files of the trial.
        lease: Seconds that two nodes may believe in a station.
        killed: Names of the processes that were killed: the outcomes of their calls have no witness.
    """
    broken: list[str] = []
    started = [words[2] for words in lines_of(folder, "*.node") + lines_of(folder, "*.calls") if words[1] == "call"]
    ended = [words[2:] for words in lines_of(folder, "*.node") + lines_of(folder, "*.calls") if words[1] == "end"]
    outcomes = dict(map(tuple, ended))
    ran = Counter(words[2] for words in lines_of(folder, "*.ran"))
    broken += [f"call {number} has two outcomes" for number, count in Counter(n for n, _ in ended).items() if count > 1]
    broken += [f"call {number} ran {count} times" for number, count in ran.items() if count > 1]
    broken += [f"call {number} was reported as unsent, and ran" for number in ran if outcomes.get(number) == "unsent"]
    broken += [
        f"call {number} was answered and did not run"
        for number, end in outcomes.items()
        if end == "answered" and number not in ran
    ]
    living = [number for number in started if number.rpartition("-")[0] not in killed]
    broken += [f"call {number} has no outcome" for number in living if number not in outcomes]
    claims, longest = _beliefs(folder, killed, lease)
    if longest > lease + _LOOK_AND_LOAD:
        broken.append(f"two nodes believed in a station for {longest:.1f} s")
    return Verdict(len(started), Counter(outcomes.values()), sum(ran.values()), claims, longest, broken)


def _beliefs(folder: Path, killed: set[str], lease: float) -> tuple[int, float]:
    """Return how often a node began to believe in a station, and how long two did at the same time."""
    spans: defaultdict[str, list[tuple[float, float, str]]] = defaultdict(list)
    for path in folder.glob("*.node"):
        since: dict[str, float] = {}
        last = 0.0
        for time, word, *rest in lines_of(folder, path.name):
            last = float(time)
            if word == "believes":
                since[rest[0]] = last
            elif word == "ceases":
                spans[rest[0]].append((since.pop(rest[0]), last - float(rest[2]), path.stem))
        for name, begin in since.items():
            spans[name].append((begin, last, path.stem))
    longest = 0.0
    for each in spans.values():
        each.sort()
        for number, (_, end, node) in enumerate(each):
            for begin, other_end, other in each[number + 1 :]:
                if begin < end and other != node:
                    longest = max(longest, min(end, other_end) - begin)
    return sum(map(len, spans.values())), longest
