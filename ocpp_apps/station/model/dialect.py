"""What every version says in words of its own: the station's requests, and what the answers mean."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final, TypeAlias

from ocpp_core.times import write_time

from .authorization import Authorization
from .charging_profiles import amperes
from .configuration import Variable
from .connector import Connector, IdToken, Sample, Transaction
from .settings import VOLTAGE, StationSettings

__all__ = ["MEASURANDS", "Call", "Dialect", "Draft", "MeterReading", "Payload", "dig", "read_values"]

Payload: TypeAlias = dict[str, Any]
Call: TypeAlias = tuple[str, Payload]
"""An action and its payload."""
Draft: TypeAlias = tuple[str, Callable[[], Payload]]
"""An action and what makes its payload when it is sent."""
Read: TypeAlias = Callable[[Connector, Sample, StationSettings], float]

MEASURANDS: Final[Mapping[str, tuple[str, Read]]] = {
    "Energy.Active.Import.Register": ("Wh", lambda _connector, sample, _settings: sample.energy_wh),
    "Power.Active.Import": ("W", lambda _connector, sample, _settings: sample.power_w),
    "Current.Import": ("A", lambda _connector, sample, settings: amperes(sample.power_w, settings.phases)),
    "Voltage": ("V", lambda _connector, _sample, _settings: VOLTAGE),
    "Power.Offered": ("W", lambda connector, _sample, _settings: connector.offered_w),
    "Current.Offered": ("A", lambda connector, _sample, settings: amperes(connector.offered_w, settings.phases)),
}
"""What can be measured: its unit, and how."""


@dataclass(frozen=True, slots=True)
class MeterReading:
    """One value of a sample."""

    measurand: str
    value: float
    unit: str


def read_values(
    measurands: Sequence[str], connector: Connector, sample: Sample, settings: StationSettings
) -> list[MeterReading]:
    """Return the values of a sample; without a measurand there are none."""
    readings = []
    for name in measurands:
        unit, read = MEASURANDS[name]
        readings.append(MeterReading(name, round(read(connector, sample, settings), 1), unit))
    return readings


def dig(payload: object, *path: str) -> Any:
    """Return what stands in an answer there; None where the answer is of another shape."""
    for name in path:
        if not isinstance(payload, Mapping):
            return None
        payload = payload.get(name)
    return payload


class Dialect(ABC):
    """A version's words, for one make of station."""

    stop_reasons: ClassVar[frozenset[str]]
    """Why a transaction may end."""
    fault_codes: ClassVar = frozenset(
        {
            "ConnectorLockFailure", "EVCommunicationError", "GroundFailure", "HighTemperature", "InternalError",
            "LocalListConflict", "OtherError", "OverCurrentFailure", "OverVoltage", "PowerMeterFailure",
            "PowerSwitchFailure", "ReaderFailure", "ResetFailure", "UnderVoltage", "WeakSignal",
        }
    )  # fmt: skip
    """What a connector may suffer from: the error codes of 1.6 §7.6, which 2.x leaves to the maker."""
    reconnection_reports_all: ClassVar[bool]
    """True if the status of every connector is sent again after a long time offline."""

    security_event_of: ClassVar[Mapping[str, str]]
    """What is told to the operator's security after a boot for this reason."""

    def __init__(self, protocol: str, settings: StationSettings) -> None:
        self.protocol = protocol
        self.settings = settings

    # Words

    @abstractmethod
    def status_of(self, connector: Connector) -> str:
        """Name the status of a connector."""

    @abstractmethod
    def fault_reason(self, code: str) -> str:
        """Name the reason why a fault ends a transaction."""

    @abstractmethod
    def read_authorization(self, answer: Mapping[str, Any]) -> Authorization | None:
        """Read what an answer says of a token; None if it says nothing."""

    @abstractmethod
    def token(self, value: str) -> IdToken:
        """Make a token of what a driver shows."""

    # The station says

    @abstractmethod
    def boot(self, firmware_version: str, reason: str) -> Call:
        """Introduce the station."""

    def heartbeat(self) -> Call:
        """Return a sign of life."""
        return "Heartbeat", {}

    @abstractmethod
    def status(self, connector: Connector, at: datetime) -> list[Call]:
        """Report the status of a connector, and then its fault if that goes by a message of its own."""

    @abstractmethod
    def station_status(self, availability: str, at: datetime) -> Call | None:
        """Report that of the station as a whole, where the version does."""

    @abstractmethod
    def authorize(self, token: IdToken) -> Call:
        """Ask whether somebody may charge."""

    @abstractmethod
    def name(self, transaction: Transaction) -> None:
        """Return a new transaction its id, if the station does that."""

    @abstractmethod
    def started(
        self, transaction: Transaction, sample: Sample, readings: Sequence[MeterReading], trigger: str, *, offline: bool
    ) -> Draft:
        """Report that a transaction has begun; `trigger` is Authorized, CablePluggedIn or RemoteStart."""

    @abstractmethod
    def learn(self, transaction: Transaction, answer: Mapping[str, Any]) -> None:
        """Learn the id of a transaction from the answer to `started`, if the CSMS gives it."""

    @abstractmethod
    def sampled(
        self, transaction: Transaction, sample: Sample, readings: Sequence[MeterReading], context: str, *, offline: bool
    ) -> Draft:
        """Report the meter of a transaction."""

    @abstractmethod
    def updated(self, transaction: Transaction, trigger: str, at: datetime, *, offline: bool) -> Draft | None:
        """Report a change of the charging state, or that the CSMS asks for it, where the version does."""

    @abstractmethod
    def ended(
        self,
        transaction: Transaction,
        begun: Sequence[MeterReading],
        last: Sequence[MeterReading],
        reason: str,
        *,
        offline: bool,
    ) -> Draft:
        """Report the end, with the values of the first and last sample."""

    @abstractmethod
    def meter_values(
        self, connector: Connector, at: datetime, readings: Sequence[MeterReading], context: str
    ) -> Call | None:
        """Report the meter of a connector apart from any transaction."""

    @abstractmethod
    def firmware_status(self, status: str, request: int | None, *, is_signed: bool) -> Call:
        """Report how an update of the firmware goes."""

    @abstractmethod
    def log_status(self, status: str, request: int | None, *, is_diagnostics: bool) -> Call:
        """Report how an upload goes, of 1.6's diagnostics or of a log."""

    @abstractmethod
    def log_canceled(self, request: int) -> Call | None:
        """Report that an upload was given up for another one, where the version does."""

    @abstractmethod
    def reservation_ended(self, reservation_id: int) -> Call | None:
        """Report that a reservation has expired, where the version does."""

    def security_event(self, kind: str, at: datetime) -> Call:
        """Report what the operator's security should know."""
        return "SecurityEventNotification", {"type": kind, "timestamp": write_time(at)}

    # What a CSMS may set

    @abstractmethod
    def variables(self, facts: "Facts") -> list[Variable]:
        """Make the settings of a station."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What settings show of the station as it is now."""

    connectors: Sequence[Connector]
    firmware_version: Callable[[], str]
    list_length: Callable[[], int]
    profiles: Callable[[], int]
    availability: Callable[[], str]
    now: Callable[[], datetime]
