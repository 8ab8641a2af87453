"""CPU time and memory of processes, and their limits of processors and descriptors. Linux only."""

import os
import resource
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

__all__ = ["cpu_seconds", "pinned_to", "raise_descriptor_limit", "resident_bytes", "split_processors", "too_many"]

_CPUCLOCK_SCHED: Final = 2
"""Id of the kernel's clock for the processor time of a process."""

_SPARE: Final = 100
"""File descriptors that a process needs besides its connections."""


def cpu_seconds(pid: int) -> float:
    """Return the seconds of processor time, user and system, that all threads of a process have used."""
    # The result of clock_getcpuclockid(3) for a process id. /proc has the same time only in steps of 10 ms.
    return time.clock_gettime(~pid << 3 | _CPUCLOCK_SCHED)


def resident_bytes(pid: int) -> int:
    """Return the bytes of memory that a process holds in RAM."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise ProcessLookupError(f"process {pid} has ended")


def raise_descriptor_limit() -> int:
    """Raise the limit of descriptors to the system's maximum, also for child processes. Returns the limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def too_many(connections: int) -> str | None:
    """Return why a process cannot have so many connections, or None if it can."""
    limit = raise_descriptor_limit()
    if connections + _SPARE <= limit:
        return None
    return f"Left out: {connections:,} connections; a process may open {limit:,} descriptors here."


def split_processors() -> tuple[list[int], list[int]]:
    """Return processors for the server and the load, separate ones if there are two."""
    processors = sorted(os.sched_getaffinity(0))
    return (processors[:1], processors[1:]) if len(processors) >= 2 else ([], [])


@contextmanager
def pinned_to(cpus: Sequence[int]) -> Iterator[None]:
    """Run processes that the `with` block starts on these processors. An empty set means any."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus or before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
