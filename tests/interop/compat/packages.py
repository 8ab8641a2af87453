"""The two packages, and programs that run on both from one source."""

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

__all__ = ["FORMER", "OURS", "PACKAGES", "PROGRAMS", "THEIRS", "in_former_spelling", "load"]

THEIRS = "ocpp"
OURS = "ocpp_transports.compat"
PACKAGES = (THEIRS, OURS)
FORMER = "former spelling"
"""A program on our package that was written for releases of the other one before 2.0."""
PROGRAMS = Path(__file__).parent / "programs"
"""The programs for the package `ocpp`."""


def load(path: Path, package: str) -> ModuleType:
    """Return the module of a program that was written or rewritten for a package."""
    unique = f"{path.stem}_{package.replace('.', '_')}"
    if unique not in sys.modules:
        spec = importlib.util.spec_from_file_location(unique, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        sys.modules[unique] = module
    return sys.modules[unique]


def in_former_spelling(program: str) -> str:
    """Return the text of a program with the names of releases before 2.0."""
    program = re.sub(r"(?<!v21\.)\b(call|call_result)\.([A-Z]\w+)", r"\1.\2Payload", program)
    return re.sub(r"\bAction\.([a-z_]+)\b", lambda found: f"Action.{found[1].title().replace('_', '')}", program)
