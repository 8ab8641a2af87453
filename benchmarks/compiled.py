"""How a process under test makes sure that it runs the compiled library, or the interpreted one."""

import sys
from typing import Final

__all__ = ["COMPILED", "expect_form"]

COMPILED: Final = "--compiled"
"""Command-line argument of a process that must run the compiled library."""


def expect_form() -> None:
    """End the process unless the library is compiled exactly if the command line requests it."""
    import ocpp_core  # after the accelerators are hidden

    expected = COMPILED in sys.argv[1:]
    compiled = getattr(ocpp_core, "compiled", False)  # revisions before the compiled wheel have no such name
    if compiled is not expected:
        sys.exit(f"expected compiled={expected}, got {compiled} from {ocpp_core.__file__}")
