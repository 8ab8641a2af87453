"""Messages to systemd about the state of a service, as sd_notify(3) and sd_watchdog_enabled(3) define them.

Each message is one datagram to the socket that `NOTIFY_SOCKET` names. Only a service of `Type=notify`, or with
`WatchdogSec=`, has one. A message that cannot be sent is lost: systemd then acts as if the service had not sent it.
"""

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

__all__ = ["Notifier"]

_MICROSECONDS: Final = 1_000_000
_LONGEST: Final = 86_400.0
"""Seconds of the longest extension: a day."""


class Notifier:
    """Tells systemd what this process does. Does nothing for a process that is not such a service."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        name = environment.get("NOTIFY_SOCKET", "")
        self._address = f"\0{name[1:]}" if name.startswith("@") else name
        self._watchdog = _watchdog(environment) if self.is_wanted else None

    @property
    def is_wanted(self) -> bool:
        """True if systemd listens, on the path of a socket or an abstract one."""
        return self._address[:1] in ("/", "\0") and hasattr(socket, "AF_UNIX")

    @property
    def watchdog_interval(self) -> float | None:
        """Seconds between two signs of life: half of what systemd waits for one. None if it waits for none."""
        return None if self._watchdog is None else self._watchdog / 2

    def ready(self) -> None:
        """Tell that the service has started."""
        self._send("READY=1")

    def stopping(self, seconds: float) -> None:
        """Tell that the service stops, and that this may take so long; otherwise `TimeoutStopSec` may end it."""
        self._send(f"STOPPING=1\nEXTEND_TIMEOUT_USEC={int(min(seconds, _LONGEST) * _MICROSECONDS)}")

    def alive(self) -> None:
        """Give a sign of life."""
        self._send("WATCHDOG=1")

    def _send(self, message: str) -> None:
        if not self.is_wanted:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sending:
            sending.setblocking(False)
            sending.sendto(message.encode(), self._address)


def _watchdog(environment: Mapping[str, str]) -> float | None:
    """Return the seconds after which systemd misses a sign of life of this process."""
    try:
        microseconds = int(environment.get("WATCHDOG_USEC", ""))
        pid = int(environment.get("WATCHDOG_PID", os.getpid()))
    except ValueError:
        return None
    return microseconds / _MICROSECONDS if microseconds > 0 and pid == os.getpid() else None
