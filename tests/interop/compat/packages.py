"""The two packages, and programs that run on both from one source."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

__all__ = ["OURS", "PACKAGES", "PROGRAMS", "THEIRS", "load"]

THEIRS = "ocpp"
OURS = "ocpp_transports.compat"
PACKAGES = (THEIRS, OURS)
PROGRAMS = Path(__file__).parent / "programs"
"""The programs for the package `ocpp`."""


def load(path: Path, package: str) -> ModuleType:
    """Return the module of a program that was written or rewritten for a package."""
    unique = f"{path.stem}_on_{package.replace('.', '_')}"
    if unique not in sys.modules:
        spec = importlib.util.spec_from_file_location(unique, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        sys.modules[unique] = module
    return sys.modules[unique]
