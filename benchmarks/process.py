"""CPU time and memory of another process, as Linux tells them in /proc (proc(5))."""

import os
from pathlib import Path
from typing import Final

__all__ = ["cpu_seconds", "resident_bytes"]

_TICKS: Final = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """Seconds of processor time, user and system, that all threads of a process have used; 10 ms fine."""
    # The second field is the name of the program, in parentheses, which may hold anything.
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def resident_bytes(pid: int) -> int:
    """Bytes of memory that a process holds in RAM."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise ProcessLookupError(f"process {pid} has ended")
