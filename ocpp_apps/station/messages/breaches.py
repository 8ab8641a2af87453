"""What a CSMS did wrong: every rule of the protocol that it broke, with how often."""

from collections import Counter
from collections.abc import Callable
from typing import Final

from ocpp_transports._logging._printable import printable

from .log import LogEntry

__all__ = ["Breaches"]

MOST: Final = 100
"""Kinds of breaches that are told apart; more are counted together, since a CSMS can invent any number."""
_LONGEST: Final = 1000
"""Characters of a kind, which may be of several rules."""
_WHAT: Final = {"CALL": "command", "CALLRESULT": "answer to", "SEND": "message"}


class Breaches:
    """The breaches of all CSMSs that a fleet talks to. `tell` gets a line about each kind when it is first seen."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._kinds: Counter[str] = Counter()
        self.total = 0

    def note(self, identity: str, entry: LogEntry) -> None:
        """Take note of a log entry of a station, if it is a message of the CSMS that breaks a rule."""
        if entry.direction != "in" or entry.problem is None:
            return
        self.total += 1
        kind = _describe(entry)
        if kind not in self._kinds:
            if len(self._kinds) >= MOST:
                return
            self._tell(f"{printable(identity)}: the central system broke the protocol: {kind}")
        self._kinds[kind] += 1

    def table(self) -> list[str]:
        """Tell at the end what was wrong, and how often."""
        if not self.total:
            return []
        rows = [f"{count:>8}  {kind}" for kind, count in self._kinds.most_common()]
        rest = self.total - self._kinds.total()
        return ["what the central system did wrong", *rows, *([f"{rest:>8}  of further kinds"] if rest else [])]


def _describe(entry: LogEntry) -> str:
    """Name the message by its action, and the rule by the path and the keyword of the schema."""
    if entry.kind not in _WHAT:
        return printable(f"broken message: {entry.problem}", _LONGEST)
    rules = (entry.problem or "").removeprefix(f"{entry.action} {entry.kind} ")  # which stands there in other words
    return printable(f"{_WHAT[entry.kind]} {entry.action}: {rules}", _LONGEST)
