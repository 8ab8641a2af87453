"""The serial number of a BootNotification against the certificate of its station (OCPP 2.x Part 2, B01.FR.12)."""

from collections.abc import Mapping
from typing import Any, Final

from .certificates import common_names
from .handshake import Certificate

__all__ = ["checks_serial_numbers", "conflicting_serial_number"]

_SHOWN: Final = 64


def checks_serial_numbers(protocol: str) -> bool:
    """Return True for a subprotocol whose BootNotification has the serial number that a CN is: OCPP 2.x."""
    return protocol.startswith("ocpp2")


def conflicting_serial_number(action: str, payload: Mapping[str, Any], certificate: Certificate) -> str | None:
    """Return the serial number of a BootNotification if the certificate has no such CN, cut to 64 characters.

    None for other actions, and for a BootNotification without a serial number: the field is optional.
    """
    if action != "BootNotification":
        return None
    station = payload.get("chargingStation")
    claimed = station.get("serialNumber") if isinstance(station, dict) else None
    if claimed is None or claimed in common_names(certificate):
        return None
    return str(claimed)[:_SHOWN]
