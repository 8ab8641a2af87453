"""Charging profiles and schedules as messages. The versions differ in a few names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from ocpp_apps.station.model.charging_profiles import (
    DEFAULT,
    HIGHEST_LEVEL,
    LONGEST_SCHEDULE,
    LONGEST_TIME,
    STATION,
    TRANSACTION,
    ChargingProfile,
    Period,
    Situation,
    amperes,
)
from ocpp_apps.station.model.dialect import Payload
from ocpp_apps.station.model.settings import VOLTAGE
from ocpp_apps.station.model.times import read_time

__all__ = ["PURPOSES", "ProfileError", "read_profile", "write_periods"]

PURPOSES: Final[Mapping[str, str]] = {
    "ChargePointMaxProfile": STATION,
    "ChargingStationMaxProfile": STATION,
    "TxDefaultProfile": DEFAULT,
    "TxProfile": TRANSACTION,
}
_KINDS: Final = frozenset({"Absolute", "Recurring", "Relative"})


class ProfileError(ValueError):
    """The station cannot apply a charging profile."""


@dataclass(frozen=True)
class _Schedule:
    start: datetime | None
    duration: float | None
    periods: tuple[Period, ...]


def read_profile(message: Payload, connector_id: int, phases: int) -> ChargingProfile:
    """Parse a profile for a connector. Raises ProfileError if the station cannot apply it."""
    schedules = message["chargingSchedule"]
    schedule = _read_schedule(schedules[0] if isinstance(schedules, list) else schedules, phases)
    profile = ChargingProfile(
        id=message["chargingProfileId"] if "chargingProfileId" in message else message["id"],
        connector_id=connector_id,
        stack_level=message["stackLevel"],
        purpose=PURPOSES.get(message["chargingProfilePurpose"], ""),
        kind=message["chargingProfileKind"],
        recurrence=message.get("recurrencyKind"),
        valid_from=_time(message, "validFrom"),
        valid_to=_time(message, "validTo"),
        transaction_id=message.get("transactionId"),
        start=schedule.start,
        duration=schedule.duration,
        periods=schedule.periods,
        message=message,
    )
    _check(profile)
    if message["chargingProfilePurpose"] == "ChargingStationMaxProfile" and profile.kind == "Relative":
        raise ProfileError("a profile of the station cannot be relative to a transaction")  # 2.0.1 Part 2 K01.FR.38
    return profile


def _check(profile: ChargingProfile) -> None:
    faults = {
        "its purpose is unknown": not profile.purpose,
        "its kind is unknown": profile.kind not in _KINDS,
        "the stack level is out of range": not 0 <= profile.stack_level <= HIGHEST_LEVEL,
        "the schedule is too long": len(profile.periods) > LONGEST_SCHEDULE,
        "the schedule lasts too long": any(period.start > LONGEST_TIME for period in profile.periods)
        or not 0 <= (profile.duration or 0) <= LONGEST_TIME,
        "the first period does not start at 0": not profile.periods or profile.periods[0].start != 0,
        "a profile of the station is for connector 0": profile.purpose == STATION and profile.connector_id != 0,
        "a profile of a transaction is for a connector": profile.purpose == TRANSACTION and profile.connector_id == 0,
        "it lacks recurrence or start": profile.kind == "Recurring" and not (profile.recurrence and profile.start),
    }
    for fault, is_there in faults.items():
        if is_there:
            raise ProfileError(fault)


def _read_schedule(message: Payload, phases: int) -> _Schedule:
    is_current = message["chargingRateUnit"] == "A"
    periods = [
        Period(period["startPeriod"], _watts(period, phases, is_current=is_current))
        for period in message["chargingSchedulePeriod"]
    ]
    return _Schedule(
        _time(message, "startSchedule"), message.get("duration"), tuple(sorted(periods, key=lambda one: one.start))
    )


def _watts(period: Payload, phases: int, *, is_current: bool) -> float | None:
    if "limit" not in period:
        return None
    limit = float(period["limit"])
    return limit * VOLTAGE * min(period.get("numberPhases", 3), phases) if is_current else limit


def _time(message: Payload, name: str) -> datetime | None:
    return read_time(message[name]) if name in message else None


def write_periods(periods: Sequence[Period], unit: str, where: Situation, phases: int) -> list[dict[str, Any]]:
    """Return the periods of a composite schedule in watts or amperes."""
    return [
        {
            "startPeriod": round(period.start),
            "limit": round(_in_unit(where.capacity if period.limit is None else period.limit, unit, phases), 1),
        }
        for period in periods
    ]


def _in_unit(watts: float, unit: str, phases: int) -> float:
    return amperes(watts, phases) if unit == "A" else watts
