"""Count the instructions that the interpreter executes, and the calls it makes, function by function."""

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
"""Where the code lives that plays the user and the network: it is not counted."""


class Cost(NamedTuple):
    """What something takes, for one message."""

    instructions: int
    """Bytecode instructions of all Python code, that of the dependencies included."""
    calls: int
    """Calls of Python functions, and resumptions of generators."""
    c_calls: int
    """Calls of functions and methods written in C, as far as the interpreter tells of them."""


@dataclass(slots=True)
class Place:
    """A function and what it takes itself, for one message, without what it calls."""

    where: str
    instructions: float
    calls: float
    c_calls: float


class Counter:
    """Counts what calls of a function execute; the counts repeat exactly, whatever else the machine does."""

    def __init__(self) -> None:
        self._counts: dict[CodeType, list[int]] = {}
        self._rounds = 0

    def run(self, step: Callable[[], object], rounds: int) -> None:
        """Call `step` once more than so many times and count all but the first.

        Whoever traced before (a debugger, coverage) goes on afterwards.
        """
        self._rounds += rounds
        tracer, profiler, collects = sys.gettrace(), sys.getprofile(), gc.isenabled()
        gc.disable()  # the finalizers of what others left are no part of a step
        # Python 3.12 asks at `settrace` whether any frame wants opcodes, and not again.
        sys._getframe().f_trace_opcodes = True  # documented, in spite of its name
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
        """Play it once for nothing: Python 3.13 tells of a function's opcodes from its second traced call on."""
        counts, self._counts = self._counts, {}
        step()
        self._counts = counts

    @property
    def cost(self) -> Cost:
        """The mean of all rounds, to the nearest whole."""
        totals = [sum(column) for column in zip(*self._counts.values(), strict=True)] or [0, 0, 0]
        return Cost(*(round(total / self._rounds) for total in totals))

    @property
    def places(self) -> list[Place]:
        """Every function that ran, the dearest first."""
        places = [
            Place(_name(code), *(number / self._rounds for number in numbers)) for code, numbers in self._counts.items()
        ]
        return sorted(places, key=lambda place: (-place.instructions, place.where))

    def _entered(
        self, frame: FrameType, event: str, arg: Any
    ) -> Callable[[FrameType, str, Any], Any] | None:  # as `settrace` has it
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

    def _profiled(self, frame: FrameType, event: str, arg: Any) -> None:  # as `setprofile` has it
        if event == "c_call" and not frame.f_code.co_filename.startswith(_OWN):
            self._counts.setdefault(frame.f_code, [0, 0, 0])[2] += 1


def _name(code: CodeType) -> str:
    path = Path(code.co_filename)
    ours = any(path.is_relative_to(_ROOT / package) for package in ("ocpp_core", "ocpp_transports"))
    shown = path.relative_to(_ROOT) if ours else Path(*path.parts[-2:])
    return f"{shown}:{code.co_firstlineno} {code.co_qualname}"
