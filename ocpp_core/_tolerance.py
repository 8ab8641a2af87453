"""Tolerance for peers that break the rules, before and after parsing.

`messages` has the tolerant parser.
"""

from collections.abc import Callable
from typing import Any

from .actions import Report, ReportKind
from .config import Kind, SessionConfig
from .errors import OCPPError

__all__ = ["forgive_nulls", "mended"]


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


def forgive_nulls(config: SessionConfig, kind: Kind, action: str, payload: Any) -> Any:
    """Return a copy of a refused payload without the members that are null and must not be.

    None if this tolerance is off, or if the remaining payload is refused as well.
    """
    validator = config.validator if config.leniency.null_members else None
    if validator is None:
        return None
    bare = validator.without_nulls(kind, action, payload)
    checks = {"call": validator.check_call, "result": validator.check_result, "send": validator.check_send}
    return bare if checks[kind](action, bare) is None else None
