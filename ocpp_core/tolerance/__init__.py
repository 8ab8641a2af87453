"""Tolerance as data: profiles of stations that break the rules, and how a session applies them.

The names are loaded when they are first used: a session without profiles needs none of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .profiles import QuirkProfile, StationFacts, StationMatch, TextRepair
    from .quirks import (
        AllowValues,
        Coerce,
        DropMembers,
        FixCase,
        Forgive,
        MendTimes,
        Quirk,
        RelaxLength,
        ReplaceValues,
    )
    from .reading import read_profiles
    from .sources import Quirks, load_quirks
    from .station import QuirkBook, StationQuirks

_HOMES = {
    "profiles": ("QuirkProfile", "StationFacts", "StationMatch", "TextRepair"),
    "quirks": (
        "AllowValues",
        "Coerce",
        "DropMembers",
        "FixCase",
        "Forgive",
        "MendTimes",
        "Quirk",
        "RelaxLength",
        "ReplaceValues",
    ),
    "reading": ("read_profiles",),
    "sources": ("Quirks", "load_quirks"),
    "station": ("QuirkBook", "StationQuirks"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "AllowValues",
    "Coerce",
    "DropMembers",
    "FixCase",
    "Forgive",
    "MendTimes",
    "Quirk",
    "QuirkBook",
    "QuirkProfile",
    "Quirks",
    "RelaxLength",
    "ReplaceValues",
    "StationFacts",
    "StationMatch",
    "StationQuirks",
    "TextRepair",
    "load_quirks",
    "read_profiles",
]

if not TYPE_CHECKING:  # type checkers see the imports above, and report every other name

    def __getattr__(name: str) -> Any:
        if name not in _HOME_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
        return value
