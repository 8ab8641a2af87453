"""What stations and central systems of the interoperability tests say to each other, version by version."""

from dataclasses import dataclass
from typing import Any, Final

__all__ = ["CONVERSATIONS", "HEARTBEAT", "Conversation", "Exchange"]

_NOW: Final = "2026-03-01T12:00:00Z"


@dataclass(frozen=True)
class Exchange:
    """One CALL, and the CALLRESULT it gets."""

    action: str
    payload: dict[str, Any]
    answer: dict[str, Any]

    @property
    def handlers(self) -> dict[str, Any]:
        """Tell a peer process to answer so."""
        return {self.action: {"result": self.answer}}


@dataclass(frozen=True)
class Conversation:
    """Exchanges of one version that its schemas allow, and a CALL that they refuse: a required field is missing."""

    protocol: str
    boot: Exchange
    from_station: Exchange
    from_csms: Exchange
    incomplete: Exchange
    refusal: str
    """How this version spells the error code for it."""


HEARTBEAT: Final = Exchange("Heartbeat", {}, {"currentTime": _NOW})

_BOOT_ANSWER: Final = {"currentTime": _NOW, "interval": 300, "status": "Accepted"}
_STATION: Final = {"chargingStation": {"vendorName": "Example Power", "model": "Twin 22"}, "reason": "PowerUp"}
_COMPONENT: Final = {
    "component": {"name": "OCPPCommCtrlr", "evse": {"id": 1, "connectorId": 2}},
    "variable": {"name": "HeartbeatInterval"},
}

CONVERSATIONS: Final = (
    Conversation(
        protocol="ocpp1.6",
        boot=Exchange(
            "BootNotification", {"chargePointVendor": "Example Power", "chargePointModel": "Twin 22"}, _BOOT_ANSWER
        ),
        from_station=Exchange(
            "MeterValues",
            {
                "connectorId": 1,
                "transactionId": 4711,
                "meterValue": [
                    {
                        "timestamp": _NOW,
                        "sampledValue": [
                            {"value": "15.9", "measurand": "Current.Import", "phase": "L1", "unit": "A"},
                            {"value": "ünïcödé ⚡"},
                        ],
                    }
                ],
            },
            {},
        ),
        from_csms=Exchange(
            "RemoteStartTransaction",
            {
                "idTag": "04E91C5A",
                "connectorId": 1,
                "chargingProfile": {
                    "chargingProfileId": 1,
                    "stackLevel": 0,
                    "chargingProfilePurpose": "TxProfile",
                    "chargingProfileKind": "Relative",
                    "chargingSchedule": {
                        "chargingRateUnit": "A",
                        # A tenth that is no binary fraction: multipleOf 0.1 is where JSON Schema checkers disagree.
                        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.1}],
                    },
                },
            },
            {"status": "Accepted"},
        ),
        incomplete=Exchange("BootNotification", {"chargePointModel": "Twin 22"}, _BOOT_ANSWER),
        refusal="OccurenceConstraintViolation",  # OCPP-J 1.6 §4.2.3 spells it so
    ),
    Conversation(
        protocol="ocpp2.0.1",
        boot=Exchange("BootNotification", _STATION, _BOOT_ANSWER),
        from_station=Exchange(
            "TransactionEvent",
            {
                "eventType": "Updated",
                "timestamp": _NOW,
                "triggerReason": "MeterValuePeriodic",
                "seqNo": 7,
                "transactionInfo": {"transactionId": "AB-4711", "chargingState": "Charging"},
                "meterValue": [{"timestamp": _NOW, "sampledValue": [{"value": 1234.5, "measurand": "Voltage"}]}],
            },
            {"totalCost": 4.2, "chargingPriority": -3},
        ),
        from_csms=Exchange(
            "GetVariables",
            {"getVariableData": [_COMPONENT]},
            {"getVariableResult": [{"attributeStatus": "Accepted", "attributeValue": "300", **_COMPONENT}]},
        ),
        incomplete=Exchange("BootNotification", {"chargingStation": _STATION["chargingStation"]}, _BOOT_ANSWER),
        refusal="OccurrenceConstraintViolation",
    ),
    Conversation(
        protocol="ocpp2.1",
        boot=Exchange("BootNotification", _STATION, _BOOT_ANSWER),
        from_station=Exchange(
            "NotifySettlement",
            {"pspRef": "psp-1", "status": "Settled", "settlementAmount": 12.5, "settlementTime": _NOW},
            {"receiptId": "R-1"},
        ),
        from_csms=Exchange(
            "ClearTariffs",
            {"tariffIds": ["night", "day"], "evseId": 1},
            {"clearTariffsResult": [{"tariffId": "night", "status": "Accepted"}, {"status": "NoTariff"}]},
        ),
        incomplete=Exchange("BootNotification", {"reason": "PowerUp"}, _BOOT_ANSWER),
        refusal="OccurrenceConstraintViolation",
    ),
)
