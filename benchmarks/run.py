"""Compare speed, latency and memory with other implementations, and write docs/benchmarks.md.

python benchmarks/run.py               # about twenty minutes; also: make bench
python benchmarks/run.py --only cost   # one part, or several separated by commas; writes no page
python benchmarks/run.py --quick       # seconds, to check that everything runs; its figures mean nothing

The compiled wheel of this tree is built first, which takes a minute or two; --compiled takes one that exists. --before
names the older revision that the fleet is compared with. What cannot be built is left out, with the reason.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from benchmarks import plot
from benchmarks.builds import Builds
from benchmarks.parts import cluster, cold, cost, engine, fleet, flood, laboratory, latency, memory, pings, scale, storm
from benchmarks.process import raise_descriptor_limit, split_processors
from benchmarks.report import Header, Section, render
from benchmarks.runner import Runner, say
from benchmarks.sizes import FULL, QUICK, Sizes

__all__ = ["PARTS", "main"]

_PAGE: Final = Path(__file__).parents[1] / "docs" / "benchmarks.md"

PARTS: Final[Mapping[str, Callable[[Runner, Sizes], Section]]] = {
    "cost": cost.measure,
    "latency": latency.measure,
    "memory": memory.measure,
    "scale": scale.measure,
    "pings": pings.measure,
    "storm": storm.measure,
    "flood": flood.measure,
    "fleet": fleet.measure,
    "cluster": cluster.measure,
    "cold": cold.measure,
    "engine": engine.measure,
    "laboratory": laboratory.measure,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    options = _parse(arguments)
    if not sys.platform.startswith("linux"):
        sys.exit("The benchmarks read /proc, which only Linux has.")
    raise_descriptor_limit()
    header = Header(options.command, bool(split_processors()[0]), os.getloadavg()[0], _node_version())
    sections = _measure(options)
    picture = None if options.output is None else _draw(sections, options.output.with_suffix(".png"))
    page = render(header, sections, picture)
    print(page)
    if options.output is not None:
        options.output.write_text(page, encoding="utf-8")


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a short smoke run; needs --output to write a page")
    parser.add_argument("--only", type=_part_names, default=[*PARTS], metavar="NAME,...", help=", ".join(PARTS))
    parser.add_argument("--rounds", type=_positive, help="rounds of every part, instead of 1 to 5")
    parser.add_argument("--compiled", type=Path, metavar="WHEEL", help="instead of building one")
    parser.add_argument("--before", metavar="REVISION", help="compare the fleet with this revision of the library")
    parser.add_argument("--output", type=Path, help="file of the page (docs/benchmarks.md)")
    options = parser.parse_args(arguments)
    if options.output is None and not options.quick and options.only == [*PARTS]:
        options.output = _PAGE
    options.command = " ".join(["python benchmarks/run.py", *(sys.argv[1:] if arguments is None else arguments)])
    return options


def _positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"expected at least 1, got {number}")
    return number


def _part_names(text: str) -> list[str]:
    names = text.split(",")
    if unknown := sorted({*names} - {*PARTS}):
        raise argparse.ArgumentTypeError(f"expected some of {', '.join(PARTS)}, got {', '.join(unknown)}")
    return names


def _measure(options: argparse.Namespace) -> list[Section]:
    with (
        tempfile.TemporaryDirectory(prefix="benchmarks-") as workshop,
        tempfile.NamedTemporaryFile("w", prefix="benchmarks-", suffix=".log", delete=False) as log,
    ):
        builds = Builds(Path(workshop), compiled=options.compiled, compiles=not options.quick, before=options.before)
        sections = [_section(name, Runner(log, builds), _sizes(options)) for name in options.only]
    Path(log.name).unlink()  # kept only after a failure
    return sections


def _sizes(options: argparse.Namespace) -> Sizes:
    sizes = QUICK if options.quick else FULL
    if options.rounds is None:
        return sizes
    return replace(
        sizes,
        rounds=options.rounds,
        few_rounds=options.rounds,
        least_rounds=options.rounds,
        ping_rounds=options.rounds,
        cluster_rounds=options.rounds,
    )


def _section(name: str, runner: Runner, sizes: Sizes) -> Section:
    start = time.monotonic()
    say(name)
    section = PARTS[name](runner, sizes)
    say(f"  {name} took {time.monotonic() - start:.0f} s")
    return section


def _draw(sections: Sequence[Section], path: Path) -> str | None:
    """Draw the plot if there are results and matplotlib is installed. Returns the name of the picture."""
    curves = [curve for section in sections for curve in section.curves]
    if not curves:
        return None
    if not plot.is_possible():
        say("No plot: matplotlib is not installed (make bench installs it).")
        return None
    plot.draw(curves, path)
    return path.name


def _node_version() -> str | None:
    node = shutil.which("node")
    if node is None:
        return None
    return "Node " + subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    main()
