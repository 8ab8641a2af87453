"""What is done with a recording before it is written."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ocpp_core.recording import replayed_again

from ._redacted import redacted

__all__ = ["finished"]


def finished(lines: Sequence[str], code: Mapping[str, Any], *, redact: bool) -> Sequence[str]:
    """Return the lines to write; none for a connection on which no WebSocket was asked for, such as a health check.

    Redacted inputs are replayed once, because the checksums are those of the redacted outputs then.
    """
    records = [json.loads(line) for line in lines]
    is_used = any("in" in record for record in records)
    if not is_used or any("HttpRequest" in record.get("poll", ()) for record in records):
        return ()
    return replayed_again(redacted(records), code=code) if redact else lines
