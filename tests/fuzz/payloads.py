"""A conforming payload of each message, to begin with."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

__all__ = ["PROTOCOLS", "known_payloads"]

PROTOCOLS: Final = ("ocpp1.6", "ocpp2.0.1", "ocpp2.1")
_KNOWN: Final = Path(__file__).parents[1] / "contracts" / "known_good.json"


@cache
def known_payloads(protocol: str) -> Mapping[str, Mapping[str, Any]]:
    """Return a conforming payload of each message, by action and kind."""
    payloads: dict[str, dict[str, Any]] = json.loads(_KNOWN.read_text(encoding="utf-8"))[protocol]
    return payloads
