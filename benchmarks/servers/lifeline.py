"""What every Python server under test does alike: say its port, and end when whoever started it ends."""

import os
import sys
import threading
from typing import Any, Final

__all__ = ["BOOT_ANSWER", "HEARTBEAT_ANSWER", "announce"]

_NOW: Final = "2026-03-01T12:00:00.000Z"
BOOT_ANSWER: Final[dict[str, Any]] = {"currentTime": _NOW, "interval": 300, "status": "Accepted"}
HEARTBEAT_ANSWER: Final[dict[str, Any]] = {"currentTime": _NOW}


def announce(port: int) -> None:
    """Print the port; from then on the process ends with its standard input."""
    threading.Thread(target=_wait_for_the_end, daemon=True).start()
    print(port, flush=True)


def _wait_for_the_end() -> None:
    sys.stdin.read()
    os._exit(0)
