"""What was asked for, what came of it, and what must hold between the two."""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Final

from ocpp_transports import HandlerContext, OCPPError, RPCError

__all__ = ["SETTLING", "Ledger"]

SETTLING: Final = 2
"""Rounds in which caches fill: memory is compared with what it was after them."""
_STATM: Final = Path("/proc/self/statm")


@dataclass
class Ledger:
    """What was asked for and what came of it."""

    started: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    acts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    rounds: int = 0
    resident: list[int] = field(default_factory=list)
    """KiB of memory in use, after each round; zeros where the operating system does not tell."""
    _runs: Counter[int] = field(default_factory=Counter)
    _unsent: list[int] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def fault(self, text: str) -> None:
        """Note what must not be."""
        self.faults.append(text)

    def ran(self, ctx: HandlerContext) -> None:
        """Note that the handler of a request runs."""
        if ctx.params["n"]:  # those of vandals have no number
            self._runs[ctx.params["n"]] += 1

    async def call(self, call: Callable[[str, dict[str, Any]], Awaitable[Any]], action: str) -> None:
        """Make a call and note its one outcome; being cancelled is one."""
        number = next(self._numbers)
        self.started += 1
        outcome = "cancelled"
        try:
            answer = await call(action, {"n": number})
            outcome = "answered"
            if answer != {"n": number}:
                self.fault(f"{action} {number} was answered by {answer}")
        except OCPPError as error:
            outcome = "refused" if isinstance(error, RPCError) and error.remote else type(error).__name__
            if getattr(error, "sent", True) is False:
                self._unsent.append(number)
        finally:
            self.outcomes[outcome] += 1

    def close_round(self) -> None:
        """Check what must hold when all stations have left."""
        if self.started != self.outcomes.total():
            self.fault(f"{self.started} calls were started, {self.outcomes.total()} have an outcome")
        for number, runs in self._runs.items():
            if runs > 1:
                self.fault(f"request {number} ran {runs} times")
        for number in self._unsent:
            if self._runs[number]:
                self.fault(f"request {number} ran although its caller was told that it was not sent")
        self._runs.clear()
        self._unsent.clear()
        self.rounds += 1
        self.resident.append(_resident())

    def check_memory(self) -> None:
        """Check that the rounds after the first ones left nothing behind."""
        if self.rounds <= SETTLING:
            self.fault(f"{self.rounds} rounds are too few to judge memory by")
            return
        before, after = self.resident[SETTLING - 1], self.resident[-1]
        if after > before * 1.25 + 16384:
            self.fault(f"{after - before} KiB more than after round {SETTLING}: {self.resident}")


def _resident() -> int:
    return int(_STATM.read_text().split()[1]) * 4 if _STATM.exists() else 0
