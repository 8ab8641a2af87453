"""Messages as they are written to the log: without passwords, keys, ID tokens and certificates."""

import json
from copy import copy
from typing import Any, Final

from ocpp_transports._logging._redaction import redact
from ocpp_transports._logging._redaction_text import hide_in_text

__all__ = ["Shown"]

_LONGEST: Final = 65536
"""Characters of a message that are searched for secrets and written; a peer could keep the loop busy with more."""


class Shown:
    """A text or message for a log record; secrets are searched only if the record is written."""

    __slots__ = ("_shown",)

    def __init__(self, shown: Any) -> None:
        self._shown = shown

    def __str__(self) -> str:
        shown = self._shown
        if isinstance(shown, (str, bytes, bytearray)):
            return _without_secrets(shown if isinstance(shown, str) else shown.decode(errors="replace"))
        text = shown.to_json()
        if len(text) > _LONGEST:
            return _beginning(text)
        shown = copy(shown)
        for name in ("payload", "error_description", "error_details"):
            if hasattr(shown, name):
                setattr(shown, name, redact(getattr(shown, name)))
        return repr(shown)


def _without_secrets(text: str) -> str:
    """Return a text without its secrets, and the text itself if it has none."""
    if len(text) > _LONGEST:
        return _beginning(text)
    try:
        frame = json.loads(text)
        redacted = redact(frame)
    except (ValueError, RecursionError):
        return hide_in_text(text, redact)
    return text if redacted == frame else json.dumps(redacted, separators=(",", ":"))


def _beginning(text: str) -> str:
    return f"{hide_in_text(text[:_LONGEST], redact)}… ({len(text)} characters)"
