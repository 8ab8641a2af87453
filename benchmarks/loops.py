"""The event loop that a process is asked to run on."""

import asyncio
from collections.abc import Coroutine
from typing import Any

__all__ = ["run"]


def run(loop: str, main: Coroutine[Any, Any, None]) -> None:
    """Run on `asyncio` or `uvloop`."""
    if loop == "uvloop":
        import uvloop  # it does not exist on every platform

        uvloop.run(main)
    else:
        asyncio.run(main)
