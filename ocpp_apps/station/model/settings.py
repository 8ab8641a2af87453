"""The settings of a simulated station."""

from dataclasses import dataclass
from math import isfinite
from typing import Final

__all__ = ["PROTOCOLS", "VOLTAGE", "StationSettings"]

PROTOCOLS: Final = ("ocpp1.6", "ocpp2.0.1", "ocpp2.1")
"""Subprotocols that a station supports."""
VOLTAGE: Final = 230.0
"""Volts between a phase and neutral."""


@dataclass(frozen=True, kw_only=True)
class StationSettings:
    """The hardware and the initial settings of a station.

    Raises ValueError for a value that no version can carry.
    """

    vendor: str = "Example"
    """At most 20 characters."""
    model: str = "Wallbox 11"
    """At most 20 characters."""
    serial: str = "SIM-0001"
    """At most 25 characters."""
    firmware_version: str = "1.0.0"
    """At most 50 characters."""
    connectors: int = 1
    """1 to 99. In 2.x each connector is a separate EVSE."""
    max_power: float = 11_000.0
    """Watts of each connector."""
    phases: int = 3
    """1 to 3."""
    id_token: str = "04A1B2C3D4E5F6"  # noqa: S105 - the number of a charging card
    """ID token of the driver, unless an operation names another one; at most 20 characters."""
    id_token_type: str = "ISO14443"  # noqa: S105 - a type, not a secret
    """Type of the ID token, which 2.x sends."""
    heartbeat_interval: float = 300.0
    """Seconds between heartbeats, and between BootNotifications, if the CSMS sends interval 0."""
    meter_interval: int = 60
    """Initial seconds between the meter values of a transaction. The CSMS may change it."""
    reboot_seconds: float = 2.0
    """Seconds that the station is disconnected during a reset."""
    transfer_seconds: float = 2.0
    """Seconds that each download, upload and installation takes."""
    protocol: str = "ocpp1.6"
    """Subprotocol that applies before the first connection."""

    def __post_init__(self) -> None:
        limits = {"vendor": 20, "model": 20, "serial": 25, "firmware_version": 50, "id_token": 20}
        for name, longest in limits.items():
            if not 0 < len(getattr(self, name)) <= longest:
                raise ValueError(f"expected {name} of 1 to {longest} characters, got {getattr(self, name)!r}")
        ranges = {"connectors": (1, 99), "max_power": (1, 1e6), "phases": (1, 3)}
        ranges |= dict.fromkeys(("reboot_seconds", "transfer_seconds"), (0, 3600))
        ranges |= {"heartbeat_interval": (1, 1e7), "meter_interval": (0, 86_400)}
        for name, (least, most) in ranges.items():
            value = getattr(self, name)
            if not isfinite(value) or not least <= value <= most:
                raise ValueError(f"expected {name} from {least:g} to {most:g}, got {value!r}")
        if self.protocol not in PROTOCOLS:
            raise ValueError(f"expected protocol as one of {', '.join(PROTOCOLS)}, got {self.protocol!r}")
