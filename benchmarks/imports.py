"""Processor time of imports in a fresh interpreter."""

import resource
import subprocess
import sys

from benchmarks.bytecode import bytecode_kept

__all__ = ["import_times"]


def import_times(statement: str, repeats: int) -> list[float]:
    """Return the milliseconds that a statement takes beyond the start of the interpreter.

    This is processor time, which excludes other programs and waits for the disk. Bytecode is written first.
    """
    with bytecode_kept():
        _start(statement)
        return [(_start(statement) - _start("pass")) * 1e3 for _ in range(repeats)]


def _start(statement: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", statement], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
