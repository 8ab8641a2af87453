"""Counts of tasks, sockets, timers and objects in this process, to detect leaks."""

import asyncio
import gc
from collections import Counter
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Final

import sniffio

import ocpp_core
import ocpp_transports

__all__ = ["live_objects", "load_modules", "under_way"]

_FILES: Final = Path("/proc/self/fd")
_REMEMBERED: Final = "ocpp_core.inbound.answers"
_LATE: Final = ("_Timer", "Turns")


_LEFT_UNLOADED: Final = ("ocpp_transports.compat", "ocpp_transports.laboratory", "ocpp_transports.cluster")


def load_modules() -> None:
    """Load what the library loads when it is first used, because constants of modules are objects too."""
    for package in (ocpp_core, ocpp_transports):
        for module in walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.startswith(_LEFT_UNLOADED):
                import_module(module.name)


def under_way() -> Counter[str]:
    """Return the numbers of running tasks, open sockets and active timers of this library."""
    return Counter(tasks=_running_tasks(), sockets=_open_sockets(), timers=_timers())


def live_objects() -> int:
    """Return the numbers of reachable instances of this library's classes.

    Cancelled timers of trio are left out: `Timers` removes them from its heap later. So are the turns of a runtime,
    which are made for the first connection that has to wait, and the responses that a server stores for disconnected
    stations, which are bounded.
    """
    gc.collect()
    kinds = (type(each) for each in gc.get_objects())
    return sum(
        str(kind.__module__).startswith("ocpp_") and kind.__name__ not in _LATE and kind.__module__ != _REMEMBERED
        for kind in kinds
    )


def _running_tasks() -> int:
    if sniffio.current_async_library() == "trio":
        import trio  # not a dependency: loaded only if it runs

        return trio.lowlevel.current_statistics().tasks_living
    return len(asyncio.all_tasks())


def _open_sockets() -> int:
    return sum(_is_socket(file) for file in _FILES.iterdir()) if _FILES.exists() else 0


def _is_socket(file: Path) -> bool:
    try:
        return str(file.readlink()).startswith("socket:")
    except OSError:  # the descriptor of the directory itself, already closed
        return False


def _timers() -> int:
    """Return the number of active timers of this library on asyncio. uvloop and trio do not list theirs."""
    if sniffio.current_async_library() == "trio":
        return 0
    armed = getattr(asyncio.get_running_loop(), "_scheduled", ())
    return sum("ocpp_" in repr(handle) for handle in armed if not handle.cancelled())
