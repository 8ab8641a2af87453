"""The options that are functions of the application and may block: they run in threads."""

from collections.abc import Mapping
from typing import Any, Final

from ._bridge import Bridge

__all__ = ["ASKED", "in_threads"]

ASKED: Final[Mapping[str, tuple[str, ...]]] = {
    "auth": ("auth", "accept", "reject", "handshake"),
    "credentials": ("credentials", "identity"),
    "identify": ("identify", "certificate", "identity"),
    "certificate_pins": ("certificate_pins", "identity"),
    "namespace": ("namespace", "handshake"),
}
"""Those options, with the names of the function and its arguments."""


def in_threads(bridge: Bridge, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options with functions that run in threads in place of plain functions."""
    given = dict(options)
    for name, arguments in ASKED.items():
        if callable(given.get(name)):
            given[name] = bridge.in_thread(given[name], *arguments)
    return given
