"""What is done for peers that break the rules, before their texts are parsed and after: `messages` does it between."""

from collections.abc import Callable
from typing import Any

from .actions import Report, ReportKind
from .config import Violation
from .errors import OCPPError

__all__ = ["forgive_nulls", "mended"]


def mended(text: str, mend: Callable[[str], object], emit: Callable[[Report], None]) -> str:
    """Have a received text mended by the application's function; as it came, and reported, where that fails."""
    try:
        better = mend(text)
    except BaseException as raised:  # noqa: BLE001 - whatever it is, it must not end the connection
        error = raised if isinstance(raised, Exception) else OCPPError(f"mend_text raised {type(raised).__name__}")
        emit(Report(ReportKind.MEND_FAILED, f"mend_text raised {type(raised).__name__}", message=text, error=error))
        return text
    if isinstance(better, str):
        return better
    wrong = TypeError(f"expected mend_text to return a text, got {type(better).__name__}")
    emit(Report(ReportKind.MEND_FAILED, str(wrong), message=text, error=wrong))
    return text


def forgive_nulls(check: Callable[[str, object], Violation | None], action: str, payload: Any) -> Any:
    """Copy a payload that its check has refused, without the members that are null; None if that is refused as well."""
    bare = _without_nulls(payload)
    return bare if check(action, bare) is None else None


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(member) for name, member in value.items() if member is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value
