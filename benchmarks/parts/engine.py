"""The cost of the engine without sockets, its imports and its tests."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks.accelerators import STANDARD_LIBRARY
from benchmarks.imports import import_times
from benchmarks.report import Figure, Section, Target
from benchmarks.runner import Runner
from benchmarks.sizes import Sizes

__all__ = ["measure"]

_ROOT: Final = Path(__file__).parents[2]
_METHOD: Final = """\
The figures are in the table of targets.

- Session: one connection's engine alone, fed with ready texts and polled for its actions, without a validator, with
  the standard library only. What the standard library's parser and encoder take for the same texts and payloads,
  measured alone, is subtracted. The best of several repetitions, in processor time.
- Laboratory: a station and a server on a virtual wire under a virtual clock, a Heartbeat every 300 s. The target is
  for the calls; the row with pings shows what keepalive at its default of 30 s on both sides adds.
- Imports: fresh interpreters with bytecode written, processor time beyond a bare one. The package loads what it needs
  when it is first used, so the second row loads the whole engine."""
_MONTH: Final = "Laboratory, 30 virtual days with 8,640 calls"
_STACK: Final = "from ocpp_core import ServerStack"
"""Loads the modules that the lazy `import ocpp_core` does not."""


def measure(runner: Runner, sizes: Sizes) -> Section:
    """Measure the engine's figures, each in a separate process."""
    figures = [
        *_sessions(runner, sizes),
        Figure(f"{_MONTH}, pings off", "s", _month(runner, "month", min(sizes.repeats, 3)), Target(1)),
        Figure(
            f"{_MONTH} and about 345,600 pings and pongs",
            "s",
            _month(runner, "pinging", 1) if sizes.slow_figures else [],
        ),
        Figure("`import ocpp_core`", "ms", import_times("import ocpp_core", sizes.starts), Target(100)),
        Figure(f"`{_STACK}`", "ms", import_times(_STACK, sizes.starts)),
        Figure("`tests/core`", "s", _core_tests() if sizes.slow_figures else [], Target(2)),
    ]
    return Section("The engine alone", "engine", _METHOD, figures=figures)


def _sessions(runner: Runner, sizes: Sizes) -> Iterator[Figure]:
    sized = [f"--pairs={sizes.pairs}", f"--repeats={sizes.repeats}"]
    for what, verb in (("answering", "answers"), ("asking", "asks")):
        result = runner.script("engine.py", what, *sized, STANDARD_LIBRARY)
        title = f"Session that {verb}, a CALL and its CALLRESULT"
        yield Figure(f"{title}, JSON work subtracted", "µs", [result["without_json"]], Target(10))
        yield Figure(f"{title}, JSON work included", "µs", [result["whole"]], Target(10))


def _month(runner: Runner, what: str, repeats: int) -> list[float]:
    return [runner.script("engine.py", what, f"--repeats={repeats}", STANDARD_LIBRARY)["seconds"]]


def _core_tests() -> list[float]:
    """Return the seconds that pytest reports for the tests of the engine, or an empty list if they fail."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:hypothesispytest", "-p", "no:anyio", "tests/core"]
    run = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    found = re.search(r"passed.* in ([0-9.]+)s", run.stdout)
    return [] if run.returncode or found is None else [float(found[1])]
