"""Tolerance in a session, before and after parsing: it calls what the application and the profiles repair.

`messages` has the tolerant parser.
"""

from collections.abc import Callable, Sequence
from typing import Any

from ocpp_core.actions import Report, ReportKind
from ocpp_core.config import AppliedQuirk, Kind, SessionConfig
from ocpp_core.errors import OCPPError

__all__ = ["forgive", "mended", "report_quirks"]


def mended(text: str, mend: Callable[[str], object], emit: Callable[[Report], None]) -> str:
    """Return a received text as repaired by the application's `mend_text`.

    If the function raises or does not return a text, the failure is reported and the text is returned unchanged.
    """
    try:
        better = mend(text)
    except BaseException as raised:  # no exception of the application may end the connection
        error = raised if isinstance(raised, Exception) else OCPPError(f"mend_text raised {type(raised).__name__}")
        emit(Report(ReportKind.MEND_FAILED, f"mend_text raised {type(raised).__name__}", message=text, error=error))
        return text
    if isinstance(better, str):
        return better
    wrong = TypeError(f"expected mend_text to return a text, got {type(better).__name__}")
    emit(Report(ReportKind.MEND_FAILED, str(wrong), message=text, error=wrong))
    return text


def forgive(config: SessionConfig, kind: Kind, action: str, payload: Any, emit: Callable[[Report], None]) -> Any:
    """Return a received payload that its schema refuses as it may be delivered; None if it stays refused.

    The quirks of the peer apply, and those that this connection needs for the first time are reported.

    Args:
        config: The config of the session.
        kind: The type of the message.
        action: The action of the message.
        payload: The payload; it is not changed.
        emit: Takes the reports.
    """
    if config.validator is None or config.tolerance is None:
        return None
    result = config.tolerance.mend(config.validator, kind, action, payload)
    if result is None:
        return None
    report_quirks(result.news, emit, action)
    return result.content


def report_quirks(news: Sequence[AppliedQuirk], emit: Callable[[Report], None], action: str | None = None) -> None:
    """Report the quirks that a connection needed for the first time."""
    for each in news:
        place = f" at {each.at}" if each.at else ""
        emit(Report(ReportKind.QUIRK, f"profile {each.profile}: {each.quirk}{place}", message=each, action=action))
