"""What is under way in this process: counted before and after, it shows what was left behind."""

import asyncio
import gc
from collections import Counter
from pathlib import Path
from typing import Final

import sniffio

__all__ = ["live_objects", "under_way"]

_FILES: Final = Path("/proc/self/fd")
_REMEMBERED: Final = "ocpp_core.inbound.answers"


def under_way() -> Counter[str]:
    """Count the running tasks, the open sockets and the armed timers of ours."""
    return Counter(tasks=_running_tasks(), sockets=_open_sockets(), timers=_timers())


def live_objects() -> int:
    """Count the instances of this library's classes that are reachable.

    Cancelled timers of trio are left out: they stay in their heap until it is worth the trouble, see `Timers`. So are
    the answers that a server remembers of stations that have gone: that is their purpose, and they are bounded.
    """
    gc.collect()
    kinds = (type(each) for each in gc.get_objects())
    return sum(
        str(kind.__module__).startswith("ocpp_") and kind.__name__ != "_Timer" and kind.__module__ != _REMEMBERED
        for kind in kinds
    )


def _running_tasks() -> int:
    if sniffio.current_async_library() == "trio":
        import trio  # no dependency: loaded where it runs

        return trio.lowlevel.current_statistics().tasks_living
    return len(asyncio.all_tasks())


def _open_sockets() -> int:
    return sum(_is_socket(file) for file in _FILES.iterdir()) if _FILES.exists() else 0


def _is_socket(file: Path) -> bool:
    try:
        return str(file.readlink()).startswith("socket:")
    except OSError:  # the directory itself, closed by now
        return False


def _timers() -> int:
    """Count the armed timers of ours that asyncio would tell of; uvloop and trio tell of none."""
    if sniffio.current_async_library() == "trio":
        return 0
    armed = getattr(asyncio.get_running_loop(), "_scheduled", ())
    return sum("ocpp_" in repr(handle) for handle in armed if not handle.cancelled())
