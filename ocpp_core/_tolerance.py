"""What is done for peers that break the rules, before their texts are parsed and after: `messages` does it between."""

from collections.abc import Callable
from typing import Any

from .actions import Report, ReportKind
from .config import Kind, SessionConfig
from .errors import OCPPError

__all__ = ["forgive_nulls", "mended"]


def mended(text: str, mend: Callable[[str], object], emit: Callable[[Report], None]) -> str:
    """Have a received text mended by the application's function; as it came, and reported, where that fails."""
    try:
        better = mend(text)
    except BaseException as raised:  # whatever it is, it must not end the connection
        error = raised if isinstance(raised, Exception) else OCPPError(f"mend_text raised {type(raised).__name__}")
        emit(Report(ReportKind.MEND_FAILED, f"mend_text raised {type(raised).__name__}", message=text, error=error))
        return text
    if isinstance(better, str):
        return better
    wrong = TypeError(f"expected mend_text to return a text, got {type(better).__name__}")
    emit(Report(ReportKind.MEND_FAILED, str(wrong), message=text, error=wrong))
    return text


def forgive_nulls(config: SessionConfig, kind: Kind, action: str, payload: Any) -> Any:
    """Copy a refused payload without the members that are null and must not be.

    None where that tolerance is off, or what is left is refused as well.
    """
    validator = config.validator_of(action) if config.leniency.null_members else None
    if validator is None:
        return None
    bare = validator.without_nulls(kind, action, payload)
    checks = {"call": validator.check_call, "result": validator.check_result, "send": validator.check_send}
    return bare if checks[kind](action, bare) is None else None
