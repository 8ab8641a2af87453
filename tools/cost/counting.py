"""Counts of executed bytecode instructions and calls, by function."""

import gc
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final, NamedTuple

__all__ = ["Cost", "Counter", "Place"]

_ROOT: Final = Path(__file__).resolve().parents[2]
_OWN: Final = str(Path(__file__).resolve().parent)
"""Folder of the code that plays the application and the network, which is not counted."""


class Cost(NamedTuple):
    """The cost of one message."""

    instructions: int
    """Bytecode instructions of all Python code, including dependencies."""
    calls: int
    """Calls of Python functions, and resumptions of generators."""
    c_calls: int
    """Calls of functions and methods written in C, as far as the interpreter reports them."""


@dataclass(slots=True)
class Place:
    """A function and its own cost for one message, without the functions that it calls."""

    where: str
    instructions: float
    calls: float
    c_calls: float


class Counter:
    """Counts what calls of a function execute. The counts do not depend on the machine's load."""

    def __init__(self) -> None:
        self._counts: dict[CodeType, list[int]] = {}
        self._rounds = 0

    def run(self, step: Callable[[], object], rounds: int) -> None:
        """Call `step` `rounds` + 1 times and count all calls but the first.

        An earlier tracer (a debugger, coverage) continues afterwards.
        """
        self._rounds += rounds
        tracer, profiler, collects = sys.gettrace(), sys.getprofile(), gc.isenabled()
        gc.disable()  # finalizers of other objects are not part of a step
        # Python 3.12 checks only at `settrace` whether any frame traces opcodes.
        sys._getframe().f_trace_opcodes = True  # documented, despite its name
        try:
            sys.setprofile(self._profiled)
            sys.settrace(self._entered)
            self._warm_up(step)
            for _ in range(rounds):
                step()
        finally:
            sys.settrace(tracer)
            sys.setprofile(profiler)
            if collects:
                gc.enable()

    def _warm_up(self, step: Callable[[], object]) -> None:
        """Run an uncounted step: Python 3.13 reports a function's opcodes only from its second traced call on."""
        counts, self._counts = self._counts, {}
        step()
        self._counts = counts

    @property
    def cost(self) -> Cost:
        """The mean of all rounds, rounded to integers."""
        totals = [sum(column) for column in zip(*self._counts.values(), strict=True)] or [0, 0, 0]
        return Cost(*(round(total / self._rounds) for total in totals))

    @property
    def places(self) -> list[Place]:
        """Every function that ran, most expensive first."""
        places = [
            Place(_name(code), *(number / self._rounds for number in numbers)) for code, numbers in self._counts.items()
        ]
        return sorted(places, key=lambda place: (-place.instructions, place.where))

    def _entered(
        self, frame: FrameType, event: str, arg: Any
    ) -> Callable[[FrameType, str, Any], Any] | None:  # signature of `settrace`
        code = frame.f_code
        if code.co_filename.startswith(_OWN):
            return None
        numbers = self._counts.setdefault(code, [0, 0, 0])
        numbers[1] += 1
        frame.f_trace_lines = False
        frame.f_trace_opcodes = True

        def executed(_: FrameType, event: str, __: Any) -> Callable[[FrameType, str, Any], Any]:
            if event == "opcode":
                numbers[0] += 1
            return executed

        return executed

    def _profiled(self, frame: FrameType, event: str, arg: Any) -> None:  # signature of `setprofile`
        if event == "c_call" and not frame.f_code.co_filename.startswith(_OWN):
            self._counts.setdefault(frame.f_code, [0, 0, 0])[2] += 1


def _name(code: CodeType) -> str:
    path = Path(code.co_filename)
    ours = any(path.is_relative_to(_ROOT / package) for package in ("ocpp_core", "ocpp_transports"))
    shown = path.relative_to(_ROOT) if ours else Path(*path.parts[-2:])
    return f"{shown}:{code.co_firstlineno} {code.co_qualname}"
