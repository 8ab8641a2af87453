"""A connector, its meter and its transaction: what is true of them, in no version's words but where it says so."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

__all__ = ["Connector", "IdToken", "Meter", "Reservation", "Sample", "Transaction"]

_SAMPLES: Final = 1000
"""Kept of a transaction."""


class IdToken(NamedTuple):
    """Who wants to charge; 1.6 has no types."""

    value: str
    type: str = ""


class Reservation(NamedTuple):
    """A connector that is kept for somebody."""

    id: int
    id_token: IdToken
    group: str | None
    expires: datetime


class Sample(NamedTuple):
    """A meter value: register in Wh, power in W."""

    at: datetime
    energy_wh: float
    power_w: float


class Meter:
    """The energy meter of a connector. Its register only ever grows; `monotonic` is the clock."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._energy_wh = 0.0
        self._power_w = 0.0
        self._since = monotonic()

    @property
    def energy_wh(self) -> float:
        """The register, Wh."""
        return self._energy_wh + self._power_w * (self._monotonic() - self._since) / 3600

    @property
    def power_w(self) -> float:
        """What flows, W."""
        return self._power_w

    @power_w.setter
    def power_w(self, watts: float) -> None:
        self._energy_wh, self._since = self.energy_wh, self._monotonic()
        self._power_w = watts


@dataclass(eq=False, kw_only=True)
class Transaction:
    """A charging session that the CSMS knows of, or will when the connection is back."""

    connector_id: int
    token: IdToken
    started_at: datetime
    meter: Meter = field(repr=False)
    meter_start: float
    """The register when it began, Wh."""
    id: int | str | None = None
    """1.6: the CSMS's number, None until it has answered; 2.x: the station's text."""
    remote_start_id: int | None = None
    reservation_id: int | None = None
    meter_stop: float | None = None
    """The register when it ended, Wh."""
    ended_at: datetime | None = None
    charging_state: str = ""
    """Charging, SuspendedEV or SuspendedEVSE; when it has ended, EVConnected or Idle."""
    first_sample: Sample | None = None
    is_refused: bool = False
    """The CSMS refuses the token, and it goes on without energy."""
    next_sequence: int = 0
    """2.x: the number of the next TransactionEvent."""
    samples: deque[Sample] = field(default_factory=lambda: deque(maxlen=_SAMPLES), repr=False)

    @property
    def id_token(self) -> str:
        """Of whoever charges."""
        return self.token.value

    @property
    def energy_wh(self) -> float:
        """What was charged so far, Wh."""
        return (self.meter.energy_wh if self.meter_stop is None else self.meter_stop) - self.meter_start

    @property
    def power_w(self) -> float:
        """What flows, W."""
        return self.meter.power_w if self.meter_stop is None else 0.0

    def sample(self, at: datetime) -> Sample:
        """Read the meter, and keep what it shows."""
        taken = Sample(at, self.meter.energy_wh, self.meter.power_w)
        self.samples.append(taken)
        self.first_sample = self.first_sample or taken
        return taken


@dataclass(frozen=True)
class Permission:
    """Somebody may charge as soon as the cable is plugged in."""

    token: IdToken
    remote_start_id: int | None = None


class Connector:
    """A connector; in 2.x the one connector of EVSE `id`. `status_of` names its status in the words of the version."""

    def __init__(
        self, number: int, max_power: float, monotonic: Callable[[], float], status_of: "Callable[[Connector], str]"
    ) -> None:
        self.id = number
        self.meter = Meter(monotonic)
        self.demand_w = max_power
        """What the car would take, W."""
        self.offered_w = max_power
        """What the station would give, W."""
        self.max_power = max_power
        self.is_plugged = False
        self.fault: str | None = None
        self.availability = "Operative"
        self.next_availability: str | None = None
        """What it becomes when the transaction has ended."""
        self.transaction: Transaction | None = None
        self.permission: Permission | None = None
        self.reservation: Reservation | None = None
        self.is_finishing = False
        """A transaction has ended and the cable is still plugged in."""
        self.is_starting = False
        """Somebody is being authorized."""
        self.reported: tuple[str, str | None] | None = None
        """Status and fault as the CSMS knows them."""
        self._status_of = status_of

    def __repr__(self) -> str:
        return f"<Connector {self.id} {self.status}>"

    @property
    def status(self) -> str:
        """The status, in the words of the version."""
        return self._status_of(self)

    @property
    def energy_wh(self) -> float:
        """The register of the meter, Wh."""
        return self.meter.energy_wh

    def set_flow(self) -> None:
        """Let flow what car and station agree on."""
        is_charging = self.transaction is not None and self.is_plugged and self.fault is None
        self.meter.power_w = min(self.demand_w, self.offered_w) if is_charging else 0.0

    @property
    def charging_state(self) -> str:
        """Charging, or who has suspended it."""
        if self.offered_w <= 0:
            return "SuspendedEVSE"
        return "Charging" if self.is_plugged and self.demand_w > 0 else "SuspendedEV"
