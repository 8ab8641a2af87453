"""Tests of an application's own server, client and handlers in virtual time, without sockets.

    async def main():
        await asyncio.sleep(3600)
        return asyncio.get_running_loop().time()

    run(main())  # returns 3600.0 at once

Names are loaded when they are first used (PEP 562).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._errors import (
        BackgroundTaskError,
        DeadlockError,
        PatienceError,
        RealIOError,
        StandstillError,
        UncountedThreadWarning,
        VirtualTimeEndError,
        VirtualTimeError,
    )
    from ._handling._call_handler import HandlerCallKeywords, call_handler
    from ._network._conditions import Conditions
    from ._time._loop import VirtualLoop
    from ._time._run import run, virtual_loop
    from ._time._wall_clock import WallClock
    from ._trio._network import trio_network
    from ._work._threads import real_work
    from ._world._station import Answer, ScriptedStation, StationRequest
    from ._world._world import World

_HOMES = {
    "_errors": (
        "BackgroundTaskError",
        "DeadlockError",
        "PatienceError",
        "RealIOError",
        "StandstillError",
        "UncountedThreadWarning",
        "VirtualTimeEndError",
        "VirtualTimeError",
    ),
    "_handling._call_handler": ("HandlerCallKeywords", "call_handler"),
    "_time._loop": ("VirtualLoop",),
    "_time._run": ("run", "virtual_loop"),
    "_trio._network": ("trio_network",),
    "_work._threads": ("real_work",),
    "_time._wall_clock": ("WallClock",),
    "_world._station": ("Answer", "ScriptedStation", "StationRequest"),
    "_world._world": ("World",),
    "_network._conditions": ("Conditions",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Answer",
    "BackgroundTaskError",
    "Conditions",
    "DeadlockError",
    "HandlerCallKeywords",
    "PatienceError",
    "RealIOError",
    "ScriptedStation",
    "StandstillError",
    "StationRequest",
    "UncountedThreadWarning",
    "VirtualLoop",
    "VirtualTimeEndError",
    "VirtualTimeError",
    "WallClock",
    "World",
    "call_handler",
    "real_work",
    "run",
    "trio_network",
    "virtual_loop",
]


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
