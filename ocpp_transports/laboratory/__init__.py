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
    from ._errors import DeadlockError, StandstillError, VirtualTimeEndError, VirtualTimeError
    from ._loop import VirtualLoop
    from ._run import run

_HOMES = {
    "_errors": ("DeadlockError", "StandstillError", "VirtualTimeEndError", "VirtualTimeError"),
    "_loop": ("VirtualLoop",),
    "_run": ("run",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "DeadlockError",
    "StandstillError",
    "VirtualLoop",
    "VirtualTimeEndError",
    "VirtualTimeError",
    "run",
]


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
