"""Times in the format of OCPP."""

from datetime import UTC, datetime

__all__ = ["write_time"]


def write_time(at: datetime) -> str:
    """Return a time in UTC with three decimals: `2026-03-01T12:00:00.000Z`.

    OCPP 2.x allows no more decimals (2.0.1 and 2.1 Part 2, primitive datatypes, dateTime); further ones are cut off.

    Raises:
        TypeError: The time is not a datetime.
        ValueError: The datetime has no offset, so its zone is unknown.
        OverflowError: The year in UTC is not from 1 to 9999.
    """
    if not isinstance(at, datetime):
        raise TypeError(f"expected a datetime, got {type(at).__name__}")
    if at.utcoffset() is None:
        raise ValueError(f"expected a datetime with an offset, such as datetime.now(UTC), got {at!r}")
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
