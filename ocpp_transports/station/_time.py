"""Times as OCPP writes them."""

from datetime import UTC, datetime

__all__ = ["TimeError", "read_expiry", "read_time", "write_time"]


class TimeError(ValueError):
    """This is no time, though it may look like one."""


def write_time(at: datetime) -> str:
    """Write a time with milliseconds, in UTC."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_time(text: str) -> datetime:
    """Read a time; without an offset it is UTC. Raises TimeError for anything else, a leap second among them."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise TimeError(f"{text[:40]!r} is no time that this station knows") from error
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def read_expiry(text: object) -> datetime | None:
    """Read until when something holds; what cannot be read sets no end."""
    if not isinstance(text, str):
        return None
    try:
        return read_time(text)
    except TimeError:
        return None
