"""The protocol rules that a CSMS broke, with counts."""

from collections import Counter
from collections.abc import Callable
from typing import Final

from ocpp_transports._logging._printable import printable

from .log import LogEntry

__all__ = ["Breaches"]

MOST: Final = 100
"""Kinds of breaches with a count of their own. Further kinds share one count, since a CSMS can send any number."""
_LONGEST: Final = 1000
"""Characters in the description of a kind, which may name several rules."""
_WHAT: Final = {"CALL": "command", "CALLRESULT": "answer to", "SEND": "message"}


class Breaches:
    """The breaches of all CSMSs that a fleet talks to. `report` gets a line about each kind when it is first seen."""

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report
        self._kinds: Counter[str] = Counter()
        self.total: int = 0

    def note(self, identity: str, entry: LogEntry) -> None:
        """Count a log entry of a station if it is a message from the CSMS that breaks a rule."""
        if entry.direction != "in" or entry.problem is None:
            return
        self.total += 1
        kind = _describe(entry)
        if kind not in self._kinds:
            if len(self._kinds) >= MOST:
                return
            self._report(f"{printable(identity)}: the central system broke the protocol: {kind}")
        self._kinds[kind] += 1

    def table(self) -> list[str]:
        """Return the breaches and their counts, line by line."""
        if not self.total:
            return []
        rows = [f"{count:>8}  {kind}" for kind, count in self._kinds.most_common()]
        rest = self.total - self._kinds.total()
        return ["protocol errors of the central system", *rows, *([f"{rest:>8}  of further kinds"] if rest else [])]


def _describe(entry: LogEntry) -> str:
    """Return the action of the message with the path and the keyword of the broken rule."""
    if entry.kind not in _WHAT:
        return printable(f"broken message: {entry.problem}", _LONGEST)
    rules = (entry.problem or "").removeprefix(f"{entry.action} {entry.kind} ")  # the result names both differently
    return printable(f"{_WHAT[entry.kind]} {entry.action}: {rules}", _LONGEST)
