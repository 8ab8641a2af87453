"""What kind of station is simulated."""

from dataclasses import dataclass
from math import isfinite
from typing import Final

__all__ = ["PROTOCOLS", "VOLTAGE", "StationSettings"]

PROTOCOLS: Final = ("ocpp1.6", "ocpp2.0.1", "ocpp2.1")
"""The versions that a station can speak."""
VOLTAGE: Final = 230.0
"""Between a phase and neutral, volts."""


@dataclass(frozen=True, kw_only=True)
class StationSettings:
    """The make of a station and how it begins. Raises ValueError for a value that no version can carry."""

    vendor: str = "Example"
    """At most 20 characters."""
    model: str = "Wallbox 11"
    """At most 20 characters."""
    serial: str = "SIM-0001"
    """At most 25 characters."""
    firmware_version: str = "1.0.0"
    """At most 50 characters."""
    connectors: int = 1
    """1 to 99; in 2.x each one is an EVSE of its own."""
    max_power: float = 11_000.0
    """Of each connector, watts."""
    phases: int = 3
    """1 to 3."""
    id_token: str = "04A1B2C3D4E5F6"  # noqa: S105 - the number of a charging card
    """Of the driver who comes unless another one is named; at most 20 characters."""
    id_token_type: str = "ISO14443"  # noqa: S105 - a kind, no secret
    """Its type, which 2.x tells."""
    heartbeat_interval: float = 300.0
    """Seconds between heartbeats, and between BootNotifications, where the CSMS names none (0)."""
    meter_interval: int = 60
    """Seconds between the meter values of a transaction at first; the CSMS may change it."""
    reboot_seconds: float = 2.0
    """How long a reset keeps the station away."""
    transfer_seconds: float = 2.0
    """How long a download, an upload and an installation take, each."""
    protocol: str = "ocpp1.6"
    """The version whose words are used before the first connection."""

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
