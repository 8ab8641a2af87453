"""The closed sets of values that labels have, and what stands for everything else."""

from collections.abc import Mapping
from typing import Final

from ocpp_core.action_names import ACTION_NAMES
from ocpp_core.actions import ReportKind

__all__ = [
    "BAD_KINDS",
    "CLOSE_CODES",
    "INVALID",
    "KEEPALIVE",
    "KNOWN_ACTIONS",
    "MOST_ACTIONS",
    "OTHER",
    "RATES",
    "refusal_labels",
]

OTHER: Final = "(other)"
"""The value for an action, code or status that is not in the set."""
MOST_ACTIONS: Final = 200
"""Actions of the application that are counted by name, beside those of the standard versions."""

KNOWN_ACTIONS: Final = frozenset(name for names in ACTION_NAMES.values() for name in names)
"""The actions of all standard versions."""

BAD_KINDS: Final[Mapping[ReportKind, str]] = {
    ReportKind.BAD_MESSAGE: "malformed",
    ReportKind.UNKNOWN_TYPE: "unknown_type",
    ReportKind.UNMATCHED_ANSWER: "unmatched_response",
    ReportKind.LATE_ANSWER: "late_response",
    ReportKind.REPEATED_ANSWER: "repeated_response",
    ReportKind.DUPLICATE_ID: "duplicate_id",
    ReportKind.REPEATED_CALL: "repeated_call",
    ReportKind.RESULT_REFUSED: "refused_result",
    ReportKind.PROTOCOL_ERROR: "protocol",
    ReportKind.MEND_FAILED: "mend_failed",
    ReportKind.QUIRK: "quirk_applied",
    ReportKind.NOT_REGISTERED: "not_registered",
}
"""Labels of messages that break the protocol, or that were ignored."""
INVALID: Final[Mapping[ReportKind, str]] = {
    ReportKind.INVALID_CALL: "refused",
    ReportKind.INVALID_RESULT: "refused",
    ReportKind.INVALID_REPLY: "refused",
    ReportKind.INVALID_REQUEST: "refused",
    ReportKind.TOLERATED: "reported",
}
"""What happened to a payload that breaks its schema."""
RATES: Final[Mapping[ReportKind, str]] = {
    ReportKind.CALL_HELD: "held",
    ReportKind.RATE_EXCEEDED: "refused",
    ReportKind.TOO_FAST: "disconnected",
    ReportKind.OVERLOAD: "overload",
}
"""What happened to a CALL or SEND beyond a limit."""
KEEPALIVE: Final[Mapping[ReportKind, str]] = {
    ReportKind.PING: "ping",
    ReportKind.PONG: "pong",
    ReportKind.PONG_TIMEOUT: "pong_timeout",
}
"""Signs of life, and their absence."""
CLOSE_CODES: Final = frozenset(str(code) for code in (*range(1000, 1016), 4000))
"""The close codes of RFC 6455 §7.4 and of its registry, and 4000 for a replaced connection."""

_BY_STATUS: Final[Mapping[int, str]] = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method",
    408: "timeout",
    426: "upgrade_required",
    429: "rate",
    431: "header_size",
    500: "failure",
    503: "unavailable",
    505: "http_version",
}
_OF_503: Final = frozenset({"busy", "closing", "full", "overloaded"})
"""Texts of 503 that have a reason of their own."""


def refusal_labels(status: int, text: str) -> tuple[str, str]:
    """Return the labels of a refusal: its text may be the application's, and is not used unless it is known."""
    reason = _BY_STATUS.get(status)
    if reason is None:
        return OTHER, OTHER
    if status == 503 and text.lower() in _OF_503:
        reason = text.lower()
    return str(status), reason
