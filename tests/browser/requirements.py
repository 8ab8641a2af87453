"""What tests in a browser need, and whether a lack of it is a failure."""

import os
import shutil

import pytest

from tools.web.browsers import PROGRAMS
from tools.web.distribution import PYODIDE, kept_wheel

__all__ = ["require"]

_REQUIRED = os.environ.get("BROWSER_TESTS") == "required"
"""Whether a missing browser is a failure, as in continuous integration; elsewhere it is a reason to skip."""


def require(browser: str) -> None:
    """Skip the test, or fail it where nothing may be missing, if something is."""
    if (reason := _missing(browser)) is not None:
        (pytest.fail if _REQUIRED else pytest.skip)(reason)


def _missing(browser: str) -> str | None:
    if not any(map(shutil.which, PROGRAMS[browser])):
        return f"{browser} is not installed"
    if not PYODIDE.is_dir():
        return "the npm package pyodide is not installed: install Node and npm, then run `make setup`"
    if kept_wheel("fastjsonschema") is None:
        return "the wheel of fastjsonschema is missing: run `make setup`"
    return None
