"""What the extra `speed` brings, and how a process does without it though it is installed.

Has to be asked before anything of the library is imported: the library looks once, at import.
"""

import sys
from importlib.util import find_spec
from typing import Final

__all__ = ["ACCELERATORS", "STANDARD_LIBRARY", "hide_if_asked", "missing"]

STANDARD_LIBRARY: Final = "--standard-library"
"""The argument by which a process is asked to do without."""
ACCELERATORS: Final = ("orjson", "jsonschema_rs")


def hide_if_asked() -> None:
    """Make the import of the accelerators fail where the command line asks for it."""
    if STANDARD_LIBRARY in sys.argv[1:]:
        for name in ACCELERATORS:
            sys.modules[name] = None  # type: ignore[assignment]  # documented: then the import of it fails


def missing() -> list[str]:
    """Name what of the extra is not installed."""
    return [name for name in (*ACCELERATORS, "uvloop") if find_spec(name) is None]
