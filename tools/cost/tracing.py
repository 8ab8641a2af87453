"""The Python functions that one thing passes through, in the order they are called."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final, NamedTuple

from ocpp_core.inputs._plain import PlainData

__all__ = ["Call", "Tracer", "Trip"]

_ROOT: Final = Path(__file__).resolve().parents[2]
_PACKAGES: Final = tuple(f"{_ROOT / package}{os.sep}" for package in ("ocpp_core", "ocpp_transports", "ocpp_apps"))
_INLINED: Final = frozenset({"<genexpr>", "<listcomp>", "<dictcomp>", "<setcomp>"})
"""Python 3.12 inlines most comprehensions, so they do not count in any version."""


class Call(NamedTuple):
    """A call of a Python function, or a resumption of a generator or coroutine."""

    depth: int
    """Calling functions in our packages. Functions of other packages in between do not count."""
    file: str
    """Path of the source file, relative to the repository."""
    function: str
    """Qualified name of the function."""


class Trip(list[Call]):
    """The calls of functions in our packages, in order.

    Functions of the standard library and of dependencies do not count, nor do functions written in C, comprehensions,
    generator expressions, and constructors that `dataclass` and `NamedTuple` generate or that `PlainData` replaces.
    """

    @property
    def files(self) -> list[str]:
        """The distinct files, in the order they are entered."""
        return list(dict.fromkeys(call.file for call in self))


class Tracer:
    """Records the calls of a thread between `start` and `stop`."""

    def __init__(self) -> None:
        self.trip = Trip()
        self._before: Any = None
        self._is_running = False

    def start(self) -> None:
        """Start a new trip. A profiler that runs already continues after `stop`."""
        self.trip = Trip()
        self._before = sys.getprofile()
        self._is_running = True
        sys.setprofile(self._profiled)

    def stop(self) -> None:
        """Stop recording. Idempotent."""
        if self._is_running:
            self._is_running = False
            sys.setprofile(self._before)

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record what the block calls, up to `stop` if that is called within."""
        self.start()
        try:
            yield
        finally:
            self.stop()

    def _profiled(self, frame: FrameType, event: str, arg: Any) -> None:  # signature of `setprofile`
        if event == "call" and _is_ours(frame.f_code):
            code = frame.f_code
            file = Path(code.co_filename).relative_to(_ROOT).as_posix()
            self.trip.append(Call(_depth(frame), file, code.co_qualname))


def _is_ours(code: CodeType) -> bool:
    return code.co_filename.startswith(_PACKAGES) and code.co_name not in _INLINED and not _makes_plain_data(code)


def _makes_plain_data(code: CodeType) -> bool:
    """Return True for the constructor of an input or action, which is written by hand as a dataclass has it."""
    return code.co_name == "__init__" and any(cls.__init__.__code__ is code for cls in PlainData.__subclasses__())


def _depth(frame: FrameType) -> int:
    depth, outer = 0, frame.f_back
    while outer is not None:
        depth += _is_ours(outer.f_code)
        outer = outer.f_back
    return depth
