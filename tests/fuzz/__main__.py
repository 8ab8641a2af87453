"""Fuzz every target with atheris for a while: `make fuzz SECONDS=60`, `make fuzz TARGETS="outbox-rows json-reading"`.

Each target runs in a process of its own, in bounded memory, from the corpus that earlier runs left in build/fuzz. An
input that breaks something is kept there, and its traceback is printed. Add it to the corpus of its target once the
fault is mended: then every test run plays it.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha1
from pathlib import Path
from typing import Final

from .all_targets import TARGETS
from .target import Target

__all__ = ["main"]

_FOLDER: Final = Path("build/fuzz")
_MEMORY: Final = 1024
"""MiB of a process."""
_SLOWEST: Final = 20
"""Seconds of one input on a busy machine; more is a fault."""
_SPARE: Final = 300.0
"""Seconds for a process to begin and to end."""
_EXECUTED: Final = re.compile(r"stat::number_of_executed_units:\s*(\d+)")
_PEAK: Final = re.compile(r"stat::peak_rss_mb:\s*(\d+)")
_COVERED: Final = re.compile(r"cov: (\d+) ft: (\d+)")


@dataclass(frozen=True, slots=True)
class Run:
    """What one target did."""

    name: str
    executions: int
    edges: int
    features: int
    peak: int
    """MiB of memory at most."""
    is_clean: bool

    def __str__(self) -> str:
        verdict = "" if self.is_clean else "  BROKEN"
        return f"{self.name:<28}{self.executions:>12,}{self.edges:>8,}{self.features:>10,}{self.peak:>8,}{verdict}"


def _corpus(name: str, target: Target) -> Path:
    """Write the first inputs to the folder of the target, where those of earlier runs are."""
    folder = _FOLDER / name / "corpus"
    folder.mkdir(parents=True, exist_ok=True)
    for data in target.corpus:
        (folder / sha1(data, usedforsecurity=False).hexdigest()).write_bytes(data)
    return folder


def fuzz(name: str, seconds: int) -> Run:
    """Fuzz one target; print what libFuzzer says if it stops early."""
    target = TARGETS[name]
    options = (
        f"-max_total_time={seconds}",
        f"-max_len={target.longest}",
        f"-rss_limit_mb={_MEMORY}",
        f"-timeout={_SLOWEST}",
        f"-artifact_prefix={_FOLDER / name}/",
        "-print_final_stats=1",
        "-detect_leaks=0",
    )
    command = [sys.executable, "-m", "tests.fuzz.one", name, *options, str(_corpus(name, target))]
    ended = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds + _SPARE, check=False
    )
    text = ended.stdout.decode(errors="replace")
    if ended.returncode:
        print("\n".join(text.splitlines()[-60:]))
    edges, features = (_COVERED.findall(text) or [("0", "0")])[-1]
    return Run(name, _last(_EXECUTED, text), int(edges), int(features), _last(_PEAK, text), not ended.returncode)


def _last(pattern: re.Pattern[str], text: str) -> int:
    return int((pattern.findall(text) or ["0"])[-1])


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.split("\n")[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"all by default, of: {', '.join(TARGETS)}")
    parser.add_argument("--seconds", type=int, default=60, help="the time of each target")
    options = parser.parse_args(arguments)
    names = options.targets or list(TARGETS)
    if unknown := [name for name in names if name not in TARGETS]:
        parser.error(f"expected targets of {', '.join(TARGETS)}, got {', '.join(unknown)}")
    print(f"{'target':<28}{'executions':>12}{'edges':>8}{'features':>10}{'MiB':>8}")
    runs = []
    for name in names:
        runs.append(fuzz(name, options.seconds))
        print(runs[-1], flush=True)
    return 0 if all(run.is_clean for run in runs) else 1


if __name__ == "__main__":
    sys.exit(main())
