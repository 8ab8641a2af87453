"""Times as OCPP writes them: at most three decimals."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from ocpp_core.times import write_time
from ocpp_core.validation import load_validator
from tests.tables import each

AT = datetime(2026, 3, 1, 12, 0, 0, 123_999, tzinfo=UTC)


@each(
    ("at", "text"),
    [
        (AT, "2026-03-01T12:00:00.123Z"),
        (AT.replace(microsecond=0), "2026-03-01T12:00:00.000Z"),
        (AT.astimezone(timezone(timedelta(hours=2))), "2026-03-01T12:00:00.123Z"),
        (AT.astimezone(timezone(-timedelta(hours=9, minutes=30))), "2026-03-01T12:00:00.123Z"),
    ],
)
def test_writing(at: datetime, text: str) -> None:
    assert write_time(at) == text
    for protocol in ("ocpp1.6", "ocpp2.0.1", "ocpp2.1"):
        assert load_validator(protocol).check_result("Heartbeat", {"currentTime": text}) is None


def test_a_time_without_an_offset_could_be_any() -> None:
    with pytest.raises(ValueError, match=r"expected a datetime with an offset, such as datetime\.now\(UTC\), got"):
        write_time(AT.replace(tzinfo=None))


@each("at", ["2026-03-01T12:00:00Z", None, AT.date(), AT.timestamp()])
def test_only_a_datetime_is_a_time(at: Any) -> None:
    with pytest.raises(TypeError, match=r"expected a datetime, got (str|NoneType|date|float)$"):
        write_time(at)
