"""What is done with a recording before it is written."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ocpp_core.recording import replayed_again

from ._redacted import redacted

__all__ = ["finished"]

_ARRIVALS: Final = frozenset(
    {"BytesReceived", "TextReceived", "UpgradeReceived", "TransportOpened", "StreamFailed", "TransportFailed"}
)
"""An input that makes a recording worth keeping; a failed attempt to connect too."""
_HTTP: Final = '"HttpRequest"'
"""A text in the record of a health check."""


def finished(lines: Sequence[str], code: Mapping[str, Any], *, redact: bool, most_inflated: int) -> Sequence[str]:
    """Return the lines to write; none for a health check, or a connection on which nothing arrived.

    Redacted inputs are replayed once, because the checksums are those of the redacted outputs then.

    Args:
        lines: The lines of the recording.
        code: What it has by name only, see `replay`.
        redact: True to replace secrets.
        most_inflated: Bytes of all compressed messages, without compression, in a redacted recording.
    """
    is_used = any(json.loads(line).get("in") in _ARRIVALS for line in lines)
    if not is_used or any("HttpRequest" in json.loads(line).get("poll", ()) for line in lines if _HTTP in line):
        return ()
    if not redact:
        return lines
    records = redacted([json.loads(line) for line in lines], most_inflated=most_inflated)
    return replayed_again(records, code=code)
