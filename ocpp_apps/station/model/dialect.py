"""The interface of a version's messages: requests of the station, and the meaning of responses."""

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

__all__ = ["MEASURANDS", "Call", "Dialect", "MeterReading", "Payload", "dig", "read_values"]

Payload: TypeAlias = dict[str, Any]
Call: TypeAlias = tuple[str, Payload]
"""An action and its payload."""
Read: TypeAlias = Callable[[Connector, Sample, StationSettings], float]

MEASURANDS: Final[Mapping[str, tuple[str, Read]]] = {
    "Energy.Active.Import.Register": ("Wh", lambda _connector, sample, _settings: sample.energy_wh),
    "Power.Active.Import": ("W", lambda _connector, sample, _settings: sample.power_w),
    "Current.Import": ("A", lambda _connector, sample, settings: amperes(sample.power_w, settings.phases)),
    "Voltage": ("V", lambda _connector, _sample, _settings: VOLTAGE),
    "Power.Offered": ("W", lambda connector, _sample, _settings: connector.offered_w),
    "Current.Offered": ("A", lambda connector, _sample, settings: amperes(connector.offered_w, settings.phases)),
}
"""A measurand: its unit and how it is read."""


@dataclass(frozen=True, slots=True)
class MeterReading:
    """One value of a sample."""

    measurand: str
    value: float
    unit: str


def read_values(
    measurands: Sequence[str], connector: Connector, sample: Sample, settings: StationSettings
) -> list[MeterReading]:
    """Return the values of a sample, one for each known measurand."""
    readings = []
    for name in measurands:
        unit, read = MEASURANDS[name]
        readings.append(MeterReading(name, round(read(connector, sample, settings), 1), unit))
    return readings


def dig(payload: object, *path: str) -> Any:
    """Return the value at this path of a response, or None if the response has another shape."""
    for name in path:
        if not isinstance(payload, Mapping):
            return None
        payload = payload.get(name)
    return payload


class Dialect(ABC):
    """The messages of a version, for stations with these settings."""

    stop_reasons: ClassVar[frozenset[str]]
    """Reasons for the end of a transaction."""
    fault_codes: ClassVar[frozenset[str]] = frozenset(
        {
            "ConnectorLockFailure", "EVCommunicationError", "GroundFailure", "HighTemperature", "InternalError",
            "LocalListConflict", "OtherError", "OverCurrentFailure", "OverVoltage", "PowerMeterFailure",
            "PowerSwitchFailure", "ReaderFailure", "ResetFailure", "UnderVoltage", "WeakSignal",
        }
    )  # fmt: skip
    """Fault codes of a connector: the error codes of 1.6 §7.6. In 2.x the vendor chooses them."""
    reconnection_reports_all: ClassVar[bool]
    """True if the status of every connector is sent again after a long time offline."""

    security_event_of: ClassVar[Mapping[str, str]]
    """Security event to report after a boot for this reason."""

    def __init__(self, protocol: str, settings: StationSettings) -> None:
        self.protocol = protocol
        self.settings = settings

    # Words

    @abstractmethod
    def status_of(self, connector: Connector) -> str:
        """Return the status of a connector."""

    @abstractmethod
    def fault_reason(self, code: str) -> str:
        """Return the stop reason of a transaction that a fault ends."""

    @abstractmethod
    def read_authorization(self, answer: Mapping[str, Any]) -> Authorization | None:
        """Return the token information in a response, or None without one."""

    @abstractmethod
    def token(self, value: str) -> IdToken:
        """Return the token of the text that a driver presents."""

    # Requests of the station

    @abstractmethod
    def boot(self, firmware_version: str, reason: str) -> Call:
        """Return the BootNotification."""

    def heartbeat(self) -> Call:
        """Return the Heartbeat."""
        return "Heartbeat", {}

    @abstractmethod
    def status(self, connector: Connector, at: datetime) -> list[Call]:
        """Report the status of a connector, followed by its fault if the version reports it separately."""

    @abstractmethod
    def station_status(self, availability: str, at: datetime) -> Call | None:
        """Report the status of the station as a whole, or None if the version has no message for it."""

    @abstractmethod
    def authorize(self, token: IdToken) -> Call:
        """Ask the CSMS to authorize a token."""

    @abstractmethod
    def name(self, transaction: Transaction) -> None:
        """Assign an id to a new transaction if the version lets the station choose it."""

    @abstractmethod
    def started(self, transaction: Transaction, sample: Sample, readings: Sequence[MeterReading], trigger: str) -> Call:
        """Report the start of a transaction. `trigger` is Authorized, CablePluggedIn or RemoteStart."""

    @abstractmethod
    def learn(self, transaction: Transaction, answer: Mapping[str, Any]) -> None:
        """Store the transaction id from the response to `started` if the CSMS chooses it."""

    @abstractmethod
    def sampled(self, transaction: Transaction, sample: Sample, readings: Sequence[MeterReading], context: str) -> Call:
        """Report the meter of a transaction."""

    @abstractmethod
    def updated(self, transaction: Transaction, trigger: str, at: datetime) -> Call | None:
        """Report a new or a requested charging state, or None if the version has no message for it."""

    @abstractmethod
    def ended(
        self, transaction: Transaction, begun: Sequence[MeterReading], last: Sequence[MeterReading], reason: str
    ) -> Call:
        """Report the end, with the values of the first and last sample."""

    @abstractmethod
    def meter_values(
        self, connector: Connector, at: datetime, readings: Sequence[MeterReading], context: str
    ) -> Call | None:
        """Report the meter of a connector, independent of transactions."""

    @abstractmethod
    def firmware_status(self, status: str, request: int | None, *, is_signed: bool) -> Call:
        """Report the state of a firmware update."""

    @abstractmethod
    def log_status(self, status: str, request: int | None, *, is_diagnostics: bool) -> Call:
        """Report the state of an upload of diagnostics (1.6) or of a log."""

    @abstractmethod
    def log_canceled(self, request: int) -> Call | None:
        """Report that another upload replaced this one, or None if the version has no message for it."""

    @abstractmethod
    def reservation_ended(self, reservation_id: int) -> Call | None:
        """Report that a reservation has expired, or None if the version has no message for it."""

    def security_event(self, kind: str, at: datetime) -> Call:
        """Report a security event."""
        return "SecurityEventNotification", {"type": kind, "timestamp": write_time(at)}

    # Settings

    @abstractmethod
    def variables(self, facts: "Facts") -> list[Variable]:
        """Return the settings of a station."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """The state of the station that settings show."""

    connectors: Sequence[Connector]
    firmware_version: Callable[[], str]
    list_length: Callable[[], int]
    profiles: Callable[[], int]
    availability: Callable[[], str]
    now: Callable[[], datetime]
