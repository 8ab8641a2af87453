"""From measurements to the page: medians, spread, ratios, targets."""

import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.contestants import BASELINE, Contestant

__all__ = ["Figure", "Measurements", "Target", "render"]

_PACKAGES: Final = ("anyio", "fastjsonschema", "h11", "ocpp", "trio", "uvloop", "websockets", "wsproto")
_INTRO: Final = """\
# Benchmarks

<!-- Written by benchmarks/run.py. -->

What `make bench` measured on the machine below. Every figure belongs to this machine and this run: quote the ratios
between servers of one run, never a single figure.

All servers are measured in turn under the same load, a separate process with raw sockets and ready-made frames, in
several rounds that start with another server each. Every server checks requests and answers against the schemas of
OCPP 1.6. A connection sends its next CALL when the last one is answered: Heartbeat, MeterValues (777 bytes, five
samples), BootNotification, MeterValues. Cost is the processor time of the server's process, user and system, over the
answered CALLs. Servers and load have a processor each where there are two.
"""


_NOTES: Final = """\
How the figures of the engine are made:

- Session: one connection's engine alone, fed with ready texts and polled for its actions, without a validator. What
  the standard library's parser and encoder take for the same texts and payloads, measured alone, is subtracted. The
  best of seven repetitions, in processor time.
- Laboratory: a station and a server on a virtual wire under a virtual clock, a Heartbeat every 300 s. The target is
  for the calls; the row with pings shows what keepalive at its default of 30 s on both sides adds.
- Imports: the median of seven fresh interpreters, in processor time. The packages load what they need when it is first
  used, so the second row loads the whole engine.
"""


@dataclass(frozen=True, slots=True)
class Target:
    """A bound that a figure has to keep."""

    bound: float
    at_least: bool = False

    def met(self, value: float) -> bool:
        """Whether the value keeps it."""
        return value >= self.bound if self.at_least else value <= self.bound

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.bound:g}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value that is no matter of rounds; `value` is None where it was not measured."""

    title: str
    unit: str
    value: float | None
    target: Target | None = None


@dataclass
class Measurements:
    """All that a run found out. Values of one round stand at the same index for every server."""

    command: str
    connections: int
    idle_connections: int
    seconds: float
    pinned: bool
    load_average: float
    """Of the machine over the minute before: what else ran."""
    node: str | None
    cost_us: dict[str, list[float]] = field(default_factory=dict)
    load_us: dict[str, list[float]] = field(default_factory=dict)
    share: dict[str, list[float]] = field(default_factory=dict)
    idle_bytes: dict[str, list[float]] = field(default_factory=dict)
    missing: list[tuple[Contestant, str]] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)

    def add(self, key: str, busy: dict[str, float], idle: dict[str, float]) -> None:
        """Take the results of the load generator for one server in one round."""
        for table, value in (
            (self.cost_us, busy["server_us"]),
            (self.load_us, busy["load_us"]),
            (self.share, busy["server_share"]),
            (self.idle_bytes, idle["bytes_each"]),
        ):
            table.setdefault(key, []).append(value)

    def ratios(self, key: str) -> list[float]:
        """Return how many times cheaper a server was than the baseline, round by round."""
        return [base / cost for base, cost in zip(self.cost_us[BASELINE.key], self.cost_us[key], strict=True)]


def render(measured: Measurements, contestants: Sequence[Contestant]) -> str:
    """Write the page as Markdown."""
    ran = [contestant for contestant in contestants if contestant.key in measured.cost_us]
    return "\n".join(
        [_INTRO, *_machine(measured), "", *_servers(measured, ran), "", *_targets(measured, ran), "", _NOTES]
    )


def _machine(measured: Measurements) -> Iterable[str]:
    pinned = "pinned" if measured.pinned else "not pinned: there is only one processor"
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES if _installed(name))
    yield "| | |"
    yield "|---|---|"
    yield f"| Command | `{measured.command}` |"
    yield f"| Machine | {_processor()}, {os.cpu_count()} processors ({pinned}), {platform.system()} |"
    yield f"| Its load before | {measured.load_average:.1f} |"
    python = f"{platform.python_implementation()} {platform.python_version()}"
    yield f"| Interpreters | {python}, {measured.node or 'no Node'} |"
    yield f"| Packages | {packages} |"


def _servers(measured: Measurements, ran: Sequence[Contestant]) -> Iterable[str]:
    rounds = len(measured.cost_us[BASELINE.key])
    yield "## Servers"
    yield ""
    yield f"{measured.connections} connections in closed loop, {measured.seconds:g} s a server and round; memory with"
    yield f"{measured.idle_connections:,} idle connections. Median (least..greatest), rounds: {rounds}."
    yield ""
    yield "| Server | Times cheaper than PyPI ocpp | µs CPU a message | KB an idle connection |"
    yield "|---|---|---|---|"
    for contestant in ran:
        ratio = "1" if contestant is BASELINE else _spread(measured.ratios(contestant.key), 1)
        cost = _spread(measured.cost_us[contestant.key], 0)
        memory = _spread([each / 1000 for each in measured.idle_bytes[contestant.key]], 1)
        yield f"| {contestant.title} | {ratio} | {cost} | {memory} |"
    yield ""
    for contestant, reason in measured.missing:
        yield f"Not measured: {contestant.title} ({reason})."
    load = max(median(measured.load_us[contestant.key]) for contestant in ran)
    share = min(median(measured.share[contestant.key]) for contestant in ran)
    yield f"The load generator itself used at most {load:.0f} µs a message, in the median; the servers were busy for at"
    yield f"least {share:.0%} of the measured time."


def _targets(measured: Measurements, ran: Sequence[Contestant]) -> Iterable[str]:
    yield "## Targets"
    yield ""
    yield "| Figure | Target | Measured | Met |"
    yield "|---|---|---|---|"
    for figure in (*_ratio_figures(measured, ran), *measured.figures):
        value = "not measured" if figure.value is None else f"{figure.value:.3g} {figure.unit}".rstrip()
        met = (
            "" if figure.value is None or figure.target is None else "yes" if figure.target.met(figure.value) else "no"
        )
        yield f"| {figure.title} | {figure.target or ''} | {value} | {met} |"


def _ratio_figures(measured: Measurements, ran: Sequence[Contestant]) -> Iterable[Figure]:
    for contestant in ran:
        if contestant.target is not None:
            ratio = Target(contestant.target, at_least=True)
            memory = median(measured.idle_bytes[contestant.key]) / 1000
            yield Figure(
                f"{contestant.title}: times cheaper than PyPI ocpp", "", median(measured.ratios(contestant.key)), ratio
            )
            yield Figure(f"{contestant.title}: KB an idle connection", "KB", memory, Target(20))


def _spread(values: Sequence[float], digits: int) -> str:
    if len(values) == 1:
        return f"{values[0]:.{digits}f}"
    return f"{median(values):.{digits}f} ({min(values):.{digits}f}..{max(values):.{digits}f})"


def _installed(name: str) -> bool:
    try:
        version(name)
    except ImportError:
        return False
    return True


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
