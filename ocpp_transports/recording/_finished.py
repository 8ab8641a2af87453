"""What is done with a recording before it is written."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ocpp_core.recording import replayed_again

from ._redacted import redacted

__all__ = ["finished"]

_ARRIVALS: Final = frozenset({"BytesReceived", "TextReceived", "UpgradeReceived", "StreamFailed", "TransportFailed"})
"""An input that makes a recording worth keeping; a failed attempt to connect too."""


def finished(lines: Sequence[str], code: Mapping[str, Any], *, redact: bool, most_inflated: int) -> Sequence[str]:
    """Return the lines to write; none for a health check, or a connection on which nothing arrived.

    Redacted inputs are replayed once, because the checksums are those of the redacted outputs then.

    Args:
        lines: The lines of the recording.
        code: What it has by name only, see `replay`.
        redact: True to replace secrets.
        most_inflated: Bytes of all compressed messages, without compression, in a redacted recording.
    """
    records = [json.loads(line) for line in lines]
    is_used = any(record.get("in") in _ARRIVALS for record in records)
    if not is_used or any("HttpRequest" in record.get("poll", ()) for record in records):
        return ()
    return replayed_again(redacted(records, most_inflated=most_inflated), code=code) if redact else lines
