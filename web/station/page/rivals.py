"""Other tabs of this page. Each announces its identity, so that two tabs do not use the same one.

Some central systems drop the older connection without a close code, so the code alone does not show it.
"""

import json
from collections.abc import Callable
from typing import Any, Final

import js
from pyodide.ffi import create_proxy

__all__ = ["Rivals"]

_CHANNEL: Final = "charging-station"


class Rivals:
    """The tabs of the same origin. `claimed` is called with the address and identity of another tab."""

    def __init__(self, claimed: Callable[[str, str], None]) -> None:
        self._claimed = claimed
        self._channel = js.BroadcastChannel.new(_CHANNEL)
        self._channel.addEventListener("message", create_proxy(self._heard))

    def claim(self, url: str, identity: str) -> None:
        """Announce that this tab has connected."""
        self._channel.postMessage(json.dumps([url, identity]))

    def _heard(self, event: Any) -> None:
        url, identity = json.loads(event.data)
        self._claimed(url, identity)
