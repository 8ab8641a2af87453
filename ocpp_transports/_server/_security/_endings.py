"""Which ends of a station's connection are incidents."""

from collections.abc import Mapping
from typing import Final

from ocpp_core.inbound.limited import TOO_FAST
from ocpp_core.inbound.receiver import TOO_MANY_BAD_MESSAGES
from ocpp_core.states import Closed, Closing
from ocpp_core.websocket.close import POLICY_VIOLATION, PROTOCOL_ERROR, TOO_BIG
from ocpp_transports.events import SecurityEventKind

__all__ = ["EVICTED", "REPLACED", "kind_of_closing", "kind_of_end"]

EVICTED: Final = 4000
"""The close code for a connection that a newer one of the same identity replaces."""
REPLACED: Final = "replaced by a newer connection"
"""The reason for it."""

_OF_CLOSING: Final[Mapping[tuple[int, str], SecurityEventKind]] = {
    (EVICTED, REPLACED): "replaced",
    (PROTOCOL_ERROR, TOO_MANY_BAD_MESSAGES): "too_many_bad_messages",
    (POLICY_VIOLATION, TOO_FAST): "rate_exceeded",
}
_OF_BROKEN: Final[Mapping[int, SecurityEventKind]] = {
    POLICY_VIOLATION: "message_too_slow",
    TOO_BIG: "message_too_big",
}


def kind_of_closing(closing: Closing) -> SecurityEventKind | None:
    """Return the kind of incident for which this side closes; None if it is none."""
    return _OF_CLOSING.get((closing.code, closing.reason))


def kind_of_end(end: Closed, *, violation: str, gave_up: bool) -> SecurityEventKind | None:
    """Return the kind of incident that ended a connection without a decision of the application; None if it is none.

    `violation` is the rule of WebSocket that the peer broke, or empty; `gave_up` means that it did not read.
    """
    if gave_up:
        return "output_not_read"
    return _OF_BROKEN.get(end.code, "protocol_violation") if violation else None
