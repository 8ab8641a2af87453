"""The plot of the page: cost per message against number of connections. Needs matplotlib from the group `bench`."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from statistics import median

__all__ = ["Curve", "draw", "is_possible"]


@dataclass(frozen=True, slots=True)
class Curve:
    """One server: numbers of connections, and the cost of a message in each round."""

    title: str
    points: Sequence[tuple[int, Sequence[float]]]


def is_possible() -> bool:
    """Return True if matplotlib is installed."""
    return find_spec("matplotlib") is not None


def draw(curves: Sequence[Curve], path: Path) -> None:
    """Draw medians as lines with bars from the least to the greatest value, and save the picture."""
    figure = import_module("matplotlib.figure").Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    for curve in curves:
        counts = [count for count, _ in curve.points]
        middles = [median(values) for _, values in curve.points]
        below = [median(values) - min(values) for _, values in curve.points]
        above = [max(values) - median(values) for _, values in curve.points]
        axes.errorbar(counts, middles, yerr=(below, above), marker="o", capsize=3, label=curve.title)
    axes.set(xscale="log", yscale="log", xlabel="connections", ylabel="µs CPU a message")
    ticks = sorted({count for curve in curves for count, _ in curve.points})
    axes.set_xticks(ticks, [f"{count:,}" for count in ticks])
    axes.yaxis.set_major_locator(import_module("matplotlib.ticker").LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_formatter("")
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=120)
