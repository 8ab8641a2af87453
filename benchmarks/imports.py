"""What an import takes in a fresh interpreter."""

import resource
import subprocess
import sys

__all__ = ["import_times"]


def import_times(statement: str, repeats: int) -> list[float]:
    """Measure milliseconds that a statement takes beyond a bare interpreter of the same environment.

    Processor time: what a busy machine adds is not counted, nor is waiting for a cold disk.
    """
    return [(_start(statement) - _start("pass")) * 1e3 for _ in range(repeats)]


def _start(statement: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", statement], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
