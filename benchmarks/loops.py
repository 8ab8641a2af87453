"""Running a coroutine on a selected event loop."""

import asyncio
from collections.abc import Coroutine
from typing import Any

__all__ = ["run"]


def run(loop: str, main: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine on `asyncio` or `uvloop`."""
    if loop == "uvloop":
        import uvloop  # not available on every platform

        uvloop.run(main)
    else:
        asyncio.run(main)
