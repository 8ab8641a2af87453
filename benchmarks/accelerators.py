"""The packages of the extra `speed`, and how a process hides them if they are installed.

Import this module before the library, which looks for the packages only once, at import.
"""

import sys
from importlib.util import find_spec
from typing import Final

__all__ = ["ACCELERATORS", "STANDARD_LIBRARY", "hide_if_asked", "missing"]

STANDARD_LIBRARY: Final = "--standard-library"
"""Command-line argument that hides the packages."""
ACCELERATORS: Final = ("orjson", "jsonschema_rs", "websockets.speedups")
"""Of `websockets`, the library uses the C part alone."""


def hide_if_asked() -> None:
    """Make the import of the accelerators fail if the command line requests it."""
    if STANDARD_LIBRARY in sys.argv[1:]:
        for name in ACCELERATORS:
            sys.modules[name] = None  # type: ignore[assignment]  # documented: makes its import fail


def missing() -> list[str]:
    """Return the packages of the extra that are not installed."""
    return [name for name in (*ACCELERATORS, "uvloop") if not _is_installed(name)]


def _is_installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # not even the package that the name is a part of
        return False
