"""Times as OCPP writes them."""

from datetime import UTC, datetime

__all__ = ["read_expiry", "read_time", "write_time"]


def write_time(at: datetime) -> str:
    """Write a time with milliseconds, in UTC."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_time(text: str) -> datetime:
    """Read a time; without an offset it is UTC. Raises ValueError for anything else."""
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def read_expiry(text: object) -> datetime | None:
    """Read until when something holds; what cannot be read sets no end."""
    if not isinstance(text, str):
        return None
    try:
        return read_time(text)
    except ValueError:
        return None
