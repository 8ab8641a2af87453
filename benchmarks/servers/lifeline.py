"""What every Python server under test does alike: its options and answers, its port, its end with who started it."""

import argparse
import os
import sys
import threading
from typing import Any, Final

__all__ = ["BACKLOG", "BOOT_ANSWER", "HEARTBEAT_ANSWER", "announce", "options_parser"]

_NOW: Final = "2026-03-01T12:00:00.000Z"
BOOT_ANSWER: Final[dict[str, Any]] = {"currentTime": _NOW, "interval": 300, "status": "Accepted"}
HEARTBEAT_ANSWER: Final[dict[str, Any]] = {"currentTime": _NOW}
BACKLOG: Final = 4096
"""Connections that may wait to be accepted: in a storm the default ones of all servers lose some."""


def options_parser(description: str | None) -> argparse.ArgumentParser:
    """Make the parser of the options that every server takes."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--compression", action="store_true", help="negotiate permessage-deflate")
    parser.add_argument("--password", help="ask for HTTP Basic with this password of every station")
    return parser


def announce(port: int) -> None:
    """Print the port; from then on the process ends with its standard input."""
    threading.Thread(target=_wait_for_the_end, daemon=True).start()
    print(port, flush=True)


def _wait_for_the_end() -> None:
    sys.stdin.read()
    os._exit(0)
