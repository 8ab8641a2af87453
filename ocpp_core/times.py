"""Times as OCPP writes them."""

from datetime import UTC, datetime

__all__ = ["write_time"]


def write_time(at: datetime) -> str:
    """Write a time in UTC with three decimals: `2026-03-01T12:00:00.000Z`.

    OCPP 2.x allows no more decimals (2.0.1 and 2.1 Part 2, primitive datatypes, dateTime); further ones are cut off.
    Raises ValueError for a time without an offset, which could be any.
    """
    if at.utcoffset() is None:
        raise ValueError(f"expected a datetime with an offset, such as datetime.now(UTC), got {at!r}")
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
