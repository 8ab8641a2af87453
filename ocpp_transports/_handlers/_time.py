"""The current time as OCPP writes it."""

from datetime import UTC, datetime

from ocpp_core.times import write_time

__all__ = ["utc_now"]


def utc_now() -> str:
    """Return the current time for `currentTime`, `timestamp` and other fields: `2026-03-01T12:00:00.000Z`."""
    return write_time(datetime.now(UTC))
