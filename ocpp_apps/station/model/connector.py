"""The state of a connector, its meter and its transaction."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from ocpp_transports.outbox import Ticket

__all__ = ["Connector", "IdToken", "Meter", "Reservation", "Sample", "Transaction"]

_SAMPLES: Final = 1000
"""Readings kept of a transaction."""


class IdToken(NamedTuple):
    """An ID token with its type. OCPP 1.6 has no types."""

    value: str
    type: str = ""


class Reservation(NamedTuple):
    """The reservation of a connector for a token."""

    id: int
    id_token: IdToken
    group: str | None
    expires: datetime


class Sample(NamedTuple):
    """A meter reading: register in Wh, power in W."""

    at: datetime
    """When the meter was read."""
    energy_wh: float
    """The register in Wh."""
    power_w: float
    """The power in W."""


class Meter:
    """The energy meter of a connector. Its register never decreases. `monotonic` is the clock."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._energy_wh = 0.0
        self._power_w = 0.0
        self._since = monotonic()

    @property
    def energy_wh(self) -> float:
        """The register in Wh."""
        return self._energy_wh + self._power_w * (self._monotonic() - self._since) / 3600

    @property
    def power_w(self) -> float:
        """The power in W."""
        return self._power_w

    @power_w.setter
    def power_w(self, watts: float) -> None:
        self._energy_wh, self._since = self.energy_wh, self._monotonic()
        self._power_w = watts


@dataclass(eq=False, kw_only=True)
class Transaction:
    """A charging session. The CSMS knows of it, or will after a reconnect."""

    connector_id: int
    """The number of the connector."""
    token: IdToken
    """The token that started it."""
    started_at: datetime
    """When it began."""
    meter: Meter = field(repr=False)
    """The meter of the connector."""
    meter_start: float
    """The register in Wh at the beginning."""
    id: int | str | None = None
    """1.6: the number from the CSMS, None until its response. 2.x: the id from the station."""
    start: "Ticket | None" = field(default=None, repr=False)
    """1.6: the ticket of its StartTransaction in the outbox; None before it is queued."""
    remote_start_id: int | None = None
    """2.x: `remoteStartId` of the request that started it; None if it was started here."""
    reservation_id: int | None = None
    """The number of the reservation that it uses; None without one."""
    meter_stop: float | None = None
    """The register in Wh at the end."""
    ended_at: datetime | None = None
    """When it ended; None while it runs."""
    charging_state: str = ""
    """Charging, SuspendedEV or SuspendedEVSE. After the end: EVConnected or Idle."""
    first_sample: Sample | None = None
    """The first meter reading; None before it."""
    is_refused: bool = False
    """True if the CSMS rejected the token and the transaction continues without energy."""
    next_sequence: int = 0
    """2.x: `seqNo` of the next TransactionEvent."""
    samples: deque[Sample] = field(default_factory=lambda: deque(maxlen=_SAMPLES), repr=False)
    """The latest meter readings."""

    @property
    def id_token(self) -> str:
        """ID token that the transaction was started with."""
        return self.token.value

    @property
    def energy_wh(self) -> float:
        """Energy charged so far, in Wh."""
        return (self.meter.energy_wh if self.meter_stop is None else self.meter_stop) - self.meter_start

    @property
    def power_w(self) -> float:
        """The power in W."""
        return self.meter.power_w if self.meter_stop is None else 0.0

    def sample(self, at: datetime) -> Sample:
        """Read the meter and store the reading."""
        taken = Sample(at, self.meter.energy_wh, self.meter.power_w)
        self.samples.append(taken)
        self.first_sample = self.first_sample or taken
        return taken


@dataclass(frozen=True)
class Permission:
    """An authorization that waits for the cable."""

    token: IdToken
    remote_start_id: int | None = None


class Connector:
    """A connector; in 2.x, the only connector of EVSE `id`. `status_of` returns its status as the version names it."""

    def __init__(
        self, number: int, max_power: float, monotonic: Callable[[], float], status_of: "Callable[[Connector], str]"
    ) -> None:
        self.id = number
        """The number of the connector, from 1; in 2.x, that of its EVSE."""
        self.meter: Meter = Meter(monotonic)
        """The energy meter."""
        self.demand_w = max_power
        """Power that the car requests, in W."""
        self.offered_w = max_power
        """Power limit of the station, in W."""
        self.max_power = max_power
        """Most power of the connector, in W."""
        self.is_plugged = False
        """True if a cable is plugged in."""
        self.fault: str | None = None
        """The error code of a fault; None without one."""
        self.availability = "Operative"
        """Operative or Inoperative."""
        self.next_availability: str | None = None
        """Availability to apply when the transaction ends; None for no change."""
        self.transaction: Transaction | None = None
        """The running transaction; None without one."""
        self.permission: Permission | None = None
        """An authorization that waits for the cable; None without one."""
        self.reservation: Reservation | None = None
        """The reservation; None without one."""
        self.is_finishing = False
        """True if a transaction has ended and the cable is still plugged in."""
        self.is_starting = False
        """True if a token is being authorized."""
        self.reported: tuple[str, str | None] | None = None
        """Status and fault that the CSMS was last sent; None if it knows none."""
        self._status_of = status_of

    def __repr__(self) -> str:
        return f"<Connector {self.id} {self.status}>"

    @property
    def status(self) -> str:
        """The status, as the version names it."""
        return self._status_of(self)

    @property
    def energy_wh(self) -> float:
        """The register of the meter in Wh."""
        return self.meter.energy_wh

    def set_flow(self) -> None:
        """Set the power to the lower limit of car and station."""
        is_charging = self.transaction is not None and self.is_plugged and self.fault is None
        self.meter.power_w = min(self.demand_w, self.offered_w) if is_charging else 0.0

    @property
    def charging_state(self) -> str:
        """Charging, or the side that suspends it."""
        if self.offered_w <= 0:
            return "SuspendedEVSE"
        return "Charging" if self.is_plugged and self.demand_w > 0 else "SuspendedEV"
