"""Times that a CSMS wrote."""

from datetime import UTC, datetime

__all__ = ["TimeError", "read_expiry", "read_time"]


class TimeError(ValueError):
    """This is no time, though it may look like one."""


def read_time(text: str) -> datetime:
    """Read a time; without an offset it is UTC. Raises TimeError for anything else, a leap second among them."""
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError) as error:  # the year 9999 west of Greenwich ends in 10000
        raise TimeError(f"{text[:40]!r} is no time that this station knows") from error


def read_expiry(text: object) -> datetime | None:
    """Read until when something holds; what cannot be read sets no end."""
    if not isinstance(text, str):
        return None
    try:
        return read_time(text)
    except TimeError:
        return None
