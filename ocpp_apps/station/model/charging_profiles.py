"""Charging profiles and the power limit that they set, now and over a period."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from .settings import VOLTAGE

__all__ = ["ChargingProfile", "ChargingProfiles", "Period", "Situation", "amperes"]

LONGEST_SCHEDULE: Final = 100
"""Most periods of a schedule."""
HIGHEST_LEVEL: Final = 20
"""The highest stack level."""
LONGEST_TIME: Final = 315_360_000
"""Longest schedule in seconds: ten years."""
LONGEST_COMPOSITE: Final = 604_800
"""Longest composite schedule in seconds: a week."""
MOST_PROFILES: Final = 50
"""Most charging profiles in a station."""

STATION, DEFAULT, TRANSACTION = "station", "default", "transaction"
"""Purposes: for the station as a whole, for any transaction, for one transaction."""

_RECURRENCE: Final = {"Daily": timedelta(days=1), "Weekly": timedelta(days=7)}


def amperes(watts: float, phases: int) -> float:
    """Return the current per phase, in amperes."""
    return watts / VOLTAGE / phases


@dataclass(frozen=True, slots=True)
class Period:
    """A limit in watts from `start` seconds on. None means no limit."""

    start: float
    limit: float | None


@dataclass(frozen=True, kw_only=True)
class Situation:
    """The target of a limit: a connector (0 for the station) and its transaction."""

    connector_id: int
    transaction_id: int | str | None = None
    started_at: datetime | None = None
    is_charging: bool = False
    """True if there is a transaction, with an id or still without one."""
    capacity: float
    """Watts that flow without a profile."""
    sharers: int = 1
    """Connectors that share the limit of the station."""


@dataclass(frozen=True, kw_only=True)
class ChargingProfile:
    """A charging profile. `message` is the payload from the CSMS, which reports repeat."""

    id: int
    connector_id: int
    stack_level: int
    purpose: str
    kind: str
    recurrence: str | None
    valid_from: datetime | None
    valid_to: datetime | None
    transaction_id: int | str | None
    start: datetime | None
    duration: float | None
    periods: tuple[Period, ...]
    message: dict[str, Any]

    def is_for(self, where: Situation) -> bool:
        """Return True if the profile applies to this target."""
        if self.purpose == STATION:
            return where.connector_id == 0 or self.connector_id == 0
        if self.connector_id not in (0, where.connector_id):
            return False
        if self.purpose == DEFAULT:
            return where.connector_id != 0
        return where.is_charging and self.transaction_id in (None, where.transaction_id)

    def bound_to(self, transaction_id: int | str) -> "ChargingProfile":
        """Return a copy for this transaction. Reports then include the transaction id."""
        return replace(self, transaction_id=transaction_id, message={**self.message, "transactionId": transaction_id})

    def begun(self, at: datetime, where: Situation) -> datetime:
        """Return the start of the schedule, which the periods count from."""
        if self.kind == "Relative" or self.start is None:
            return where.started_at or at
        every = self._every
        return self.start if every is None or at < self.start else self.start + (at - self.start) // every * every

    @property
    def _every(self) -> timedelta | None:
        return _RECURRENCE.get(self.recurrence or "") if self.kind == "Recurring" else None

    def limit(self, at: datetime, where: Situation) -> Period | None:
        """Return the period that applies now, or None."""
        if (self.valid_from and at < self.valid_from) or (self.valid_to and at >= self.valid_to):
            return None
        elapsed = (at - self.begun(at, where)).total_seconds()
        if elapsed < 0 or (self.duration is not None and elapsed >= self.duration):
            return None
        held = [period for period in self.periods if period.start <= elapsed]
        return held[-1] if held else None

    def edges(self, begin: datetime, end: datetime, where: Situation) -> Iterator[datetime]:
        """Return the moments within this time at which the limit may change."""
        yield from (edge for edge in (self.valid_from, self.valid_to) if edge)
        start, every = self.begun(begin, where), self._every
        while start < end:
            yield start
            yield from (start + timedelta(seconds=period.start) for period in self.periods)
            if self.duration is not None:
                yield start + timedelta(seconds=self.duration)
            if every is None:
                return
            start += every


class ChargingProfiles:
    """All profiles of a station."""

    def __init__(self) -> None:
        self._profiles: list[ChargingProfile] = []

    def __iter__(self) -> Iterator[ChargingProfile]:
        return iter(self._profiles)

    def __len__(self) -> int:
        return len(self._profiles)

    def add(self, profile: ChargingProfile) -> None:
        """Install a profile. It replaces one with the same id, or the same purpose, level and connector.

        Raises ValueError if there are too many.
        """
        kept = [other for other in self._profiles if not _replaces(profile, other)]
        if len(kept) >= MOST_PROFILES:
            raise ValueError(f"expected at most {MOST_PROFILES} charging profiles")
        self._profiles = [*kept, profile]

    def remove(self, profiles: Iterable[ChargingProfile]) -> int:
        """Remove the matching profiles. Returns their number."""
        removed = list(profiles)
        self._profiles = [profile for profile in self._profiles if profile not in removed]
        return len(removed)

    def forget_transaction(self, transaction_id: int | str | None, connector_id: int) -> None:
        """Remove the profiles of an ended transaction."""
        self.remove(
            [
                profile
                for profile in self._profiles
                if profile.purpose == TRANSACTION
                and profile.connector_id in (0, connector_id)
                and profile.transaction_id in (None, transaction_id)
            ]
        )

    def adopt(self, transaction_id: int | str, connector_id: int) -> None:
        """Bind the profiles from a remote start to the transaction, which now has an id."""
        self._profiles = [
            profile.bound_to(transaction_id)
            if profile.purpose == TRANSACTION
            and profile.connector_id == connector_id
            and profile.transaction_id is None
            else profile
            for profile in self._profiles
        ]

    def limit(self, at: datetime, where: Situation) -> float:
        """Return the power limit in watts.

        That is the lower of two limits: the highest level of the transaction's purpose, and that of the station.
        """
        own = self._leading(at, where, TRANSACTION) or self._leading(at, where, DEFAULT)
        whole = self._leading(at, where, STATION)
        limits = [where.capacity]
        if own is not None and own.limit is not None:
            limits.append(own.limit)
        if whole is not None and whole.limit is not None:
            limits.append(whole.limit / where.sharers)
        return max(0.0, min(limits))

    def _leading(self, at: datetime, where: Situation, purpose: str) -> Period | None:
        """Return the period that applies now in the profile with the highest level."""
        relevant = [profile for profile in self._profiles if profile.purpose == purpose and profile.is_for(where)]
        for profile in sorted(relevant, key=lambda profile: -profile.stack_level):
            period = profile.limit(at, where)
            if period is not None:
                return period
        return None

    def schedule(self, begin: datetime, seconds: float, where: Situation) -> list[Period]:
        """Return the limits within this time, one for each change."""
        end = begin + timedelta(seconds=seconds)
        edges = {begin, *(edge for edge in self._edges(begin, end, where) if begin < edge < end)}
        periods: list[Period] = []
        for edge in sorted(edges):
            limit = self.limit(edge, where)
            if not periods or periods[-1].limit != limit:
                periods.append(Period((edge - begin).total_seconds(), limit))
        return periods

    def next_change(self, at: datetime, where: Situation, horizon: float) -> float:
        """Return the seconds until the limit may change, at most `horizon`."""
        end = at + timedelta(seconds=horizon)
        edges = [edge for edge in self._edges(at, end, where) if at < edge < end]
        return (min(edges) - at).total_seconds() if edges else horizon

    def _edges(self, begin: datetime, end: datetime, where: Situation) -> Iterator[datetime]:
        for profile in self._profiles:
            if profile.is_for(where):
                yield from profile.edges(begin, end, where)


def _replaces(new: ChargingProfile, old: ChargingProfile) -> bool:
    place = (old.connector_id, old.purpose, old.stack_level, old.transaction_id)
    return old.id == new.id or place == (new.connector_id, new.purpose, new.stack_level, new.transaction_id)
