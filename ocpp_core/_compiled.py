"""Whether the hot path of this installation is compiled."""

import sys
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec, PathFinder
from pathlib import Path
from typing import Final

__all__ = ["compiled"]

_HOT: Final = (
    "_json/_codec",
    "inbound/receiver",
    "inbound/requests",
    "link/_fast_path",
    "link/_incoming",
    "messages",
    "session",
    "stack/_server",
)
"""Modules that every received CALL passes, below this package."""


def _spec(path: str) -> ModuleSpec | None:
    """Return where a module was loaded from, or would be; its package is not loaded."""
    package = __name__.partition(".")[0]
    name = f"{package}.{path.replace('/', '.')}"
    loaded = sys.modules.get(name)
    folder = Path(__file__).parent.joinpath(path).parent
    return PathFinder.find_spec(name, [str(folder)]) if loaded is None else loaded.__spec__


def _is_extension(spec: ModuleSpec | None) -> bool:
    return spec is not None and (spec.origin or "").endswith(tuple(EXTENSION_SUFFIXES))


compiled: Final[bool] = all(_is_extension(_spec(path)) for path in _HOT)
"""True if the modules that every message passes are compiled, False if Python interprets any of them.

Both forms do the same. Wheels for one platform are compiled, the wheel for all of them is not.
"""
