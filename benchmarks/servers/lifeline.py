"""Common parts of the Python servers under test: options, responses, port and end."""

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
"""Backlog of connections. In a storm, the defaults of all servers lose some."""


def options_parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser with the options of every server."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--compression", action="store_true", help="negotiate permessage-deflate")
    parser.add_argument("--password", help="require HTTP Basic with this password from every station")
    return parser


def announce(port: int) -> None:
    """Print the port, and end the process when its standard input ends."""
    threading.Thread(target=_wait_for_the_end, daemon=True).start()
    print(port, flush=True)


def _wait_for_the_end() -> None:
    sys.stdin.read()
    os._exit(0)
