"""The messages of the benchmark's stations, as ready WebSocket frames.

The load generator must cost less than any server under test, so it makes every frame before the clock starts.
"""

import json
import os
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

__all__ = [
    "ACCEPTED",
    "ALL_KINDS",
    "BOOT",
    "HEARTBEAT",
    "HEARTBEATS",
    "KINDS",
    "METERS",
    "METER_VALUES",
    "OCPP16_MIX",
    "TRANSACTION_EVENTS",
    "PreparedCall",
    "Traffic",
    "compressed_call",
    "frame",
    "inflate",
    "prepared_calls",
]

_NOW: Final = "2026-03-01T12:00:00.000Z"
_MEASURED: Final = (
    (1542310, "Energy.Active.Import.Register", "Wh", None),
    (10847.5, "Power.Active.Import", "W", None),
    (15.9, "Current.Import", "A", "L1"),
    (16.0, "Current.Import", "A", "L2"),
    (15.8, "Current.Import", "A", "L3"),
)


def _phase(phase: str | None) -> dict[str, str]:
    return {} if phase is None else {"phase": phase}


def _sample16(value: float, measurand: str, unit: str, phase: str | None) -> dict[str, str]:
    constant = {"context": "Sample.Periodic", "format": "Raw", "location": "Outlet"}
    return {"value": str(value), "measurand": measurand, "unit": unit, **constant, **_phase(phase)}


def _sample201(value: float, measurand: str, unit: str, phase: str | None) -> dict[str, Any]:
    constant = {"context": "Sample.Periodic", "location": "Outlet", "unitOfMeasure": {"unit": unit}}
    return {"value": value, "measurand": measurand, **constant, **_phase(phase)}


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
    "meterValue": [{"timestamp": _NOW, "sampledValue": [_sample16(*measured) for measured in _MEASURED]}],
}
_TRANSACTION_EVENT: Final[dict[str, Any]] = {
    "eventType": "Updated",
    "timestamp": _NOW,
    "triggerReason": "MeterValuePeriodic",
    "seqNo": 1742,
    "transactionInfo": {"transactionId": "7e5f1f64-9d1c-4b7c-8d53-0b1f0a6a2b11"},
    "meterValue": [{"timestamp": _NOW, "sampledValue": [_sample201(*measured) for measured in _MEASURED]}],
}
_LONG: Final[dict[str, Any]] = {"vendorId": "org.example", "data": "A charging profile of many periods. " * 60}
"""Payload that every server echoes, longer than any server's threshold of compression."""
ACCEPTED: Final = b"[3,"
"""Start of a CALLRESULT, as any implementation writes it."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """One kind of traffic: a subprotocol, and the actions that a station calls in turn."""

    key: str
    title: str
    protocol: str
    cycle: Sequence[tuple[str, dict[str, Any]]]


OCPP16_MIX: Final = Traffic(
    "mix",
    "OCPP 1.6 mix",
    "ocpp1.6",
    (
        ("Heartbeat", HEARTBEAT),
        ("MeterValues", METER_VALUES),
        ("BootNotification", BOOT),
        ("MeterValues", METER_VALUES),
    ),
)
TRANSACTION_EVENTS: Final = Traffic(
    "events", "OCPP 2.0.1 TransactionEvent", "ocpp2.0.1", (("TransactionEvent", _TRANSACTION_EVENT),)
)
KINDS: Final = {traffic.key: traffic for traffic in (OCPP16_MIX, TRANSACTION_EVENTS)}
HEARTBEATS: Final = Traffic("heartbeats", "OCPP 1.6 Heartbeat", "ocpp1.6", (("Heartbeat", HEARTBEAT),))
METERS: Final = Traffic("meters", "OCPP 1.6 MeterValues", "ocpp1.6", (("MeterValues", METER_VALUES),))
ALL_KINDS: Final = KINDS | {traffic.key: traffic for traffic in (HEARTBEATS, METERS)}


@dataclass(frozen=True, slots=True)
class PreparedCall:
    """A CALL as a frame, and the message id that its response must repeat."""

    message_id: bytes
    frame: bytes


def frame(opcode: int, payload: bytes, *, compressed: bool = False) -> bytes:
    """Return one complete client frame, masked (RFC 6455 §5.3). RSV1 marks compression (RFC 7692 §6)."""
    mask = os.urandom(4)
    length = len(payload)
    first = 0x80 | opcode | (0x40 if compressed else 0)
    size = (length,) if length < 126 else (126, *length.to_bytes(2, "big"))
    header = bytes((first, 0x80 | size[0], *size[1:]))
    return header + mask + _masked(payload, mask)


def _masked(payload: bytes, mask: bytes) -> bytes:
    """Return masked bytes, computed as one large integer."""
    length = len(payload)
    masks = (mask * (length // 4 + 1))[:length]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(masks, "big")).to_bytes(length, "big")


def prepared_calls(traffic: Traffic, count: int) -> list[PreparedCall]:
    """Return this many CALLs with different ids, with the actions of the traffic in turn."""
    return [_prepare(f"{number:08x}", *traffic.cycle[number % len(traffic.cycle)]) for number in range(count)]


def _prepare(message_id: str, action: str, payload: dict[str, Any]) -> PreparedCall:
    return PreparedCall(message_id.encode(), frame(1, _text(message_id, action, payload)))


def _text(message_id: str, action: str, payload: dict[str, Any]) -> bytes:
    return json.dumps([2, message_id, action, payload], separators=(",", ":")).encode()


def compressed_call() -> PreparedCall:
    """Return a CALL of 2 KB, compressed without context takeover. Its response has the same length."""
    deflate = zlib.compressobj(wbits=-12)
    text = _text("compressed", "DataTransfer", _LONG)
    data = deflate.compress(text) + deflate.flush(zlib.Z_SYNC_FLUSH)
    return PreparedCall(b"compressed", frame(1, data.removesuffix(b"\x00\x00\xff\xff"), compressed=True))


def inflate(payload: bytes) -> bytes:
    """Return the payload of a compressed message (RFC 7692 §7.2.2)."""
    return zlib.decompressobj(wbits=-15).decompress(payload + b"\x00\x00\xff\xff")
