"""Parsing of times from the CSMS."""

from datetime import UTC, datetime

__all__ = ["TimeError", "read_expiry", "read_time"]


class TimeError(ValueError):
    """The text is not a valid time."""


def read_time(text: str) -> datetime:
    """Parse a time, which is UTC without an offset. Raises TimeError for invalid text and for leap seconds."""
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError) as error:  # in UTC a time of the year 9999 may be in 10000
        raise TimeError(f"expected an ISO 8601 time, got {text[:40]!r}") from error


def read_expiry(text: object) -> datetime | None:
    """Parse an expiry time. Returns None if there is none or it is invalid."""
    if not isinstance(text, str):
        return None
    try:
        return read_time(text)
    except TimeError:
        return None
