"""Cold start of a program."""

from typing import Final

from benchmarks.accelerators import STANDARD_LIBRARY
from benchmarks.imports import import_times
from benchmarks.report import Figure, Section, Target
from benchmarks.runner import Runner
from benchmarks.sizes import Sizes

__all__ = ["measure"]

_IMPORTS: Final = ("import ocpp_transports", "from ocpp_transports import OCPPClient, OCPPServer")
_FLAVOURS: Final = (("standard library only", (STANDARD_LIBRARY,)), ("with speed", ()))


def measure(runner: Runner, sizes: Sizes) -> Section:
    """Measure in fresh interpreters."""
    figures = [Figure(f"`{each}`", "ms", import_times(each, sizes.starts), Target(120)) for each in _IMPORTS]
    for flavour, arguments in _FLAVOURS:
        for what, title, target in (
            ("validated", "First validated OCPP 1.6 BootNotification", Target(30)),
            ("whole", "Server listens, station connects, BootNotification answered", None),
        ):
            runs = [runner.script("cold.py", what, *arguments)["seconds"] * 1e3 for _ in range(sizes.starts)]
            figures.append(Figure(f"{title}, {flavour}", "ms", runs, target))
    return Section(
        "Cold start",
        "cold",
        f"Fresh interpreters, {sizes.starts} each; figures in the table of targets. The imports are processor time"
        " beyond a bare interpreter of the same environment. The packages load what they need when it is first used,"
        " so the second import shows a program that uses it. The other two count from there on the"
        " clock, both without TLS: the validator is loaded, a request and its answer are checked; a server in strict"
        " mode listens, which compiles all its checks, a client in strict mode connects and has its BootNotification"
        " answered over the loopback interface, on asyncio.",
        figures=figures,
    )
