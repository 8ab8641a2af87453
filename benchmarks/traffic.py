"""What the stations of the benchmark say: three kinds of OCPP 1.6 messages as ready WebSocket frames.

The load generator must cost less than any server under test, so it makes every frame before the clock starts.
"""

import json
import os
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["ACCEPTED", "BOOT", "HEARTBEAT", "METER_VALUES", "SUBPROTOCOL", "PreparedCall", "frame", "prepared_calls"]

SUBPROTOCOL: Final = "ocpp1.6"


def _sample(value: str, measurand: str, unit: str, **more: str) -> dict[str, str]:
    constant = {"context": "Sample.Periodic", "format": "Raw", "location": "Outlet"}
    return {"value": value, "measurand": measurand, "unit": unit, **constant, **more}


HEARTBEAT: Final[dict[str, Any]] = {}
BOOT: Final[dict[str, Any]] = {
    "chargePointVendor": "Example Power",
    "chargePointModel": "Twin 22",
    "chargePointSerialNumber": "EP-22-000184",
    "firmwareVersion": "4.2.1",
    "meterType": "MID 3x63A",
}
METER_VALUES: Final[dict[str, Any]] = {
    "connectorId": 1,
    "transactionId": 4711,
    "meterValue": [
        {
            "timestamp": "2026-03-01T12:00:00.000Z",
            "sampledValue": [
                _sample("1542310", "Energy.Active.Import.Register", "Wh"),
                _sample("10847.5", "Power.Active.Import", "W"),
                _sample("15.9", "Current.Import", "A", phase="L1"),
                _sample("16.0", "Current.Import", "A", phase="L2"),
                _sample("15.8", "Current.Import", "A", phase="L3"),
            ],
        }
    ],
}
_CYCLE: Final = (
    ("Heartbeat", HEARTBEAT),
    ("MeterValues", METER_VALUES),
    ("BootNotification", BOOT),
    ("MeterValues", METER_VALUES),
)
ACCEPTED: Final = b"[3,"
"""How the text of a CALLRESULT begins, whoever wrote it."""


@dataclass(frozen=True, slots=True)
class PreparedCall:
    """A CALL as it goes over the wire, and the message id that its answer must repeat."""

    message_id: bytes
    frame: bytes


def frame(opcode: int, payload: bytes) -> bytes:
    """Make one whole client frame, masked as RFC 6455 §5.3 demands."""
    mask = os.urandom(4)
    length = len(payload)
    if length < 126:
        header = bytes((0x80 | opcode, 0x80 | length))
    else:
        header = bytes((0x80 | opcode, 0x80 | 126)) + length.to_bytes(2, "big")
    masked = bytes(byte ^ mask[index & 3] for index, byte in enumerate(payload))
    return header + mask + masked


def prepared_calls(count: int) -> list[PreparedCall]:
    """Make this many CALLs: Heartbeat, MeterValues, BootNotification, MeterValues, and again, under different ids."""
    return [_prepare(f"{number:08x}", *_CYCLE[number % len(_CYCLE)]) for number in range(count)]


def _prepare(message_id: str, action: str, payload: dict[str, Any]) -> PreparedCall:
    text = json.dumps([2, message_id, action, payload], separators=(",", ":"))
    return PreparedCall(message_id.encode(), frame(1, text.encode()))
