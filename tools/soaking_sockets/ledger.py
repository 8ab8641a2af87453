"""The record of calls and their outcomes, and the rules that must hold."""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Final

from ocpp_transports import HandlerContext, OCPPError, RPCError

__all__ = ["SETTLING", "Ledger"]

SETTLING: Final = 2
"""Rounds in which caches fill. Memory is compared with its size after them."""
_STATM: Final = Path("/proc/self/statm")


@dataclass
class Ledger:
    """The record of calls, handler runs and outcomes."""

    started: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    acts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    rounds: int = 0
    resident: list[int] = field(default_factory=list)
    """KiB of memory after each round; zeros if the operating system does not report it."""
    _runs: Counter[int] = field(default_factory=Counter)
    _unsent: list[int] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def fault(self, text: str) -> None:
        """Record a violated rule."""
        self.faults.append(text)

    def ran(self, ctx: HandlerContext) -> None:
        """Record a run of a request's handler."""
        if ctx.params["n"]:  # garbage has no number
            self._runs[ctx.params["n"]] += 1

    async def call(self, call: Callable[[str, dict[str, Any]], Awaitable[Any]], action: str) -> None:
        """Make a call and record its outcome. Cancellation is an outcome."""
        number = next(self._numbers)
        self.started += 1
        outcome = "cancelled"
        try:
            answer = await call(action, {"n": number})
            outcome = "answered"
            if answer != {"n": number}:
                self.fault(f"{action} {number} was answered with {answer}")
        except OCPPError as error:
            outcome = "refused" if isinstance(error, RPCError) and error.remote else type(error).__name__
            if getattr(error, "sent", True) is False:
                self._unsent.append(number)
        finally:
            self.outcomes[outcome] += 1

    def close_round(self) -> None:
        """Check the rules after all stations have disconnected."""
        if self.started != self.outcomes.total():
            self.fault(f"{self.started} calls were started, {self.outcomes.total()} have an outcome")
        for number, runs in self._runs.items():
            if runs > 1:
                self.fault(f"request {number} ran {runs} times")
        for number in self._unsent:
            if self._runs[number]:
                self.fault(f"request {number} ran, but its caller got an error that it was not sent")
        self._runs.clear()
        self._unsent.clear()
        self.rounds += 1
        self.resident.append(_resident())

    def check_memory(self) -> None:
        """Check that memory has not grown after the first rounds."""
        if self.rounds <= SETTLING:
            self.fault(f"expected more rounds to compare memory, got {self.rounds}")
            return
        before, after = self.resident[SETTLING - 1], self.resident[-1]
        if after > before * 1.25 + 16384:
            self.fault(f"{after - before} KiB more than after round {SETTLING}: {self.resident}")


def _resident() -> int:
    return int(_STATM.read_text().split()[1]) * 4 if _STATM.exists() else 0
