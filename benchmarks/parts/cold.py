"""Cold start of a program."""

from collections.abc import Iterator
from typing import Final

from benchmarks.accelerators import STANDARD_LIBRARY
from benchmarks.bytecode import bytecode_kept
from benchmarks.imports import import_times
from benchmarks.report import Figure, Section, Target
from benchmarks.runner import Runner
from benchmarks.sizes import Sizes

__all__ = ["measure"]

_IMPORTS: Final = (
    ("import ocpp_transports", 120),
    ("from ocpp_transports import OCPPClient, OCPPServer", 95),
)
_STARTS: Final = (
    ("validated", "First validated OCPP 1.6 BootNotification", Target(30)),
    ("whole", "Server listens, station connects, BootNotification answered", None),
)
_FLAVOURS: Final = (("standard library only", (STANDARD_LIBRARY,)), ("with speed", ()))


def measure(runner: Runner, sizes: Sizes) -> Section:
    """Measure in fresh interpreters."""
    figures = [Figure(f"`{each}`", "ms", import_times(each, sizes.starts), Target(most)) for each, most in _IMPORTS]
    with bytecode_kept():
        figures += _starts(runner, sizes.starts)
    return Section(
        "Cold start",
        "cold",
        f"Fresh interpreters, {sizes.starts} each, after one that writes bytecode (Python does so when a program first"
        " runs, unless the machine forbids it); figures in the table of targets. The imports are processor time"
        " beyond a bare interpreter of the same environment. The packages load what they need when it is first used,"
        " so the second import shows a program that uses it. The other two count from there on the"
        " clock, both without TLS: the validator is loaded, a request and its answer are checked; a server in strict"
        " mode listens, which compiles all its checks, a client in strict mode connects and has its BootNotification"
        " answered over the loopback interface, on asyncio.",
        figures=figures,
    )


def _starts(runner: Runner, repeats: int) -> Iterator[Figure]:
    """Yield the figures on the clock; the first run of each, which compiles what it loads, does not count."""
    for flavour, arguments in _FLAVOURS:
        for what, title, target in _STARTS:
            runs = [runner.script("cold.py", what, *arguments)["seconds"] * 1e3 for _ in range(1 + repeats)]
            yield Figure(f"{title}, {flavour}", "ms", runs[1:], target)
