"""The page of results: sections with tables, and one table of all targets."""

import os
import platform
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from textwrap import fill
from typing import Final

from benchmarks.contestants import Contestant
from benchmarks.plot import Curve
from benchmarks.samples import spread

__all__ = ["Figure", "Header", "Section", "Table", "Target", "absent", "render"]

_PACKAGES: Final = (
    "anyio", "fastjsonschema", "h11", "jsonschema-rs", "ocpp", "orjson", "trio", "uvloop", "websockets", "wsproto",
)  # fmt: skip
_INTRO: Final = """\
# Benchmarks

<!-- Written by benchmarks/run.py. -->

Results of `make bench` on the machine below. Every figure applies only to this machine and this run: quote the ratios
between servers of one run, never a single figure.

Servers are measured in turn under the same load, a separate process with raw sockets and ready-made frames, in several
rounds that start with another server each. Every server supports OCPP 1.6 and 2.0.1 and checks requests and responses
against their schemas. The sections about the engine and cold starts, which need no server, state how often
they were measured. Cells hold the median of all rounds and, in parentheses, the least and the greatest value if
they differ as written; ratios are computed round by round. Cost is the processor time of the server's process, user
and system. Servers and load have a processor each if there are two. "Standard library only" hides orjson,
jsonschema-rs and the C part of websockets, which the extra `speed` installs, from the library."""


@dataclass(frozen=True, slots=True)
class Target:
    """A bound that a figure must meet."""

    bound: float
    at_least: bool = False

    def met(self, value: float) -> bool:
        """Return True if the value meets the bound."""
        return value >= self.bound if self.at_least else value <= self.bound

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.bound:g}"


@dataclass(frozen=True, slots=True)
class Figure:
    """The values of a measurement, one per round, with an optional target. Empty if it was left out."""

    title: str
    unit: str
    values: Sequence[float]
    target: Target | None = None

    @property
    def row(self) -> tuple[str, ...]:
        """The cells for the table of targets. The median must meet the target."""
        if not self.values:
            return self.title, str(self.target or ""), "not measured", ""
        met = "" if self.target is None else "yes" if self.target.met(median(self.values)) else "no"
        return self.title, str(self.target or ""), f"{spread(self.values, '.3g')} {self.unit}".rstrip(), met


@dataclass(frozen=True, slots=True)
class Table:
    """A table with headings."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]

    def lines(self) -> Iterator[str]:
        """Return the lines of the table in Markdown."""
        yield _row(self.headings)
        yield "|" + "---|" * len(self.headings)
        yield from map(_row, self.rows)


@dataclass(frozen=True, slots=True)
class Section:
    """The results of one part."""

    title: str
    part: str
    """The name of the part for `--only`."""
    method: str
    tables: Sequence[Table] = ()
    figures: Sequence[Figure] = ()
    notes: Sequence[str] = ()
    curves: Sequence[Curve] = ()

    def lines(self, plot: str | None) -> Iterator[str]:
        """Return the lines of the section in Markdown. `plot` is the file of the plot, if drawn."""
        yield from (
            f"## {self.title}",
            "",
            _wrapped(self.method),
            "",
            f"Measured with `python benchmarks/run.py --only {self.part}`.",
        )
        for table in self.tables:
            yield from ("", *table.lines())
        if self.curves and plot is not None:
            yield from ("", f"![{self.title}]({plot})")
        for note in self.notes:
            yield from ("", _wrapped(note))


@dataclass(frozen=True, slots=True)
class Header:
    """The circumstances of a run."""

    command: str
    pinned: bool
    load_average: float
    """Load average of the minute before the run, which shows what else ran."""
    node: str | None


def absent(contestants: Iterable[Contestant]) -> list[str]:
    """Return a note for each server that cannot run on this machine."""
    return [f"Not measured: {one.title} ({one.missing})." for one in contestants if one.missing]


def render(header: Header, sections: Sequence[Section], plot: str | None = None) -> str:
    """Return the page in Markdown. `plot` is the name of the file of the plot, if drawn."""
    figures = [figure.row for section in sections for figure in section.figures]
    targets = Table(("Figure", "Target", "Measured", "Met"), figures)
    lines = [_INTRO, "", *_machine(header).lines(), "", "## Targets", "", *targets.lines()]
    for section in sections:
        lines += ["", *section.lines(plot)]
    return "\n".join(lines) + "\n"


def _machine(header: Header) -> Table:
    pinned = "pinned" if header.pinned else "not pinned: there is only one processor"
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES if _installed(name))
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return Table(
        ("", ""),
        [
            ("Command", f"`{header.command}`"),
            ("Machine", f"{_processor()}, {os.cpu_count()} processors ({pinned}), {platform.system()}"),
            ("Its load before", f"{header.load_average:.1f}"),
            ("Interpreters", f"{python}, {header.node or 'no Node'}"),
            ("Packages", packages),
        ],
    )


def _wrapped(text: str) -> str:
    """Wrap a paragraph, unless it already has several lines."""
    return text if "\n" in text else fill(text, 119, break_on_hyphens=False)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


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
