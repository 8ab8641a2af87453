"""The messages of OCPP 2.0.1 and 2.1, which hardly differ."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import count
from types import MappingProxyType
from typing import Any, ClassVar, Final
from uuid import uuid4

from ocpp_apps.station.model.authorization import Authorization
from ocpp_apps.station.model.configuration import Variable
from ocpp_apps.station.model.connector import Connector, IdToken, Sample, Transaction
from ocpp_apps.station.model.dialect import Call, Dialect, Facts, MeterReading, Payload, dig
from ocpp_apps.station.model.settings import StationSettings
from ocpp_apps.station.model.times import read_expiry
from ocpp_core.times import write_time

from .variables import variables

__all__ = ["Dialect2", "token_message"]

_TRIGGER_OF_REASON: Final[Mapping[str, str]] = {
    "DeAuthorized": "Deauthorized",
    "EnergyLimitReached": "EnergyLimitReached",
    "EVDisconnected": "EVCommunicationLost",
    "ImmediateReset": "ResetCommand",
    "Local": "StopAuthorized",
    "MasterPass": "StopAuthorized",
    "Remote": "RemoteStop",
    "StoppedByEV": "ChargingStateChanged",
    "TimeLimitReached": "TimeLimitReached",
    "Timeout": "EVConnectTimeout",
}
"""Trigger reasons of stop reasons. All others are AbnormalCondition."""
_REASON_OF_FAULT: Final[Mapping[str, str]] = {
    "GroundFailure": "GroundFault",
    "OverCurrentFailure": "OvercurrentFault",
    "OverVoltage": "PowerQuality",
    "UnderVoltage": "PowerQuality",
}


class Dialect2(Dialect):
    """OCPP 2.0.1 and 2.1."""

    reconnection_reports_all: ClassVar[bool] = True
    security_event_of: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "FirmwareUpdate": "FirmwareUpdated",
            "PowerUp": "StartupOfTheDevice",
            "RemoteReset": "ResetOrReboot",
            "ScheduledReset": "ResetOrReboot",
        }
    )
    stop_reasons: ClassVar[frozenset[str]] = frozenset(
        {
            "DeAuthorized", "EmergencyStop", "EnergyLimitReached", "EVDisconnected", "GroundFault", "ImmediateReset",
            "Local", "LocalOutOfCredit", "MasterPass", "Other", "OvercurrentFault", "PowerLoss", "PowerQuality",
            "Reboot", "Remote", "SOCLimitReached", "StoppedByEV", "TimeLimitReached", "Timeout",
        }
    )  # fmt: skip

    def __init__(self, protocol: str, settings: StationSettings) -> None:
        super().__init__(protocol, settings)
        self._events = count(1)

    def status_of(self, connector: Connector) -> str:
        """Return the status of a connector. In 2.x, Occupied has no details."""
        if connector.fault is not None:
            return "Faulted"
        if connector.transaction is not None:
            return "Occupied"
        if connector.availability == "Inoperative":
            return "Unavailable"
        if connector.is_plugged:
            return "Occupied"
        return "Available" if connector.reservation is None else "Reserved"

    def fault_reason(self, code: str) -> str:
        """Return the stop reason of a transaction that a fault ends."""
        return _REASON_OF_FAULT.get(code, "Other")

    def read_authorization(self, answer: Mapping[str, Any]) -> Authorization | None:
        """Return the information in `idTokenInfo`."""
        about = answer.get("idTokenInfo")
        status = dig(about, "status")
        if not isinstance(status, str):
            return None
        return Authorization(
            status, dig(about, "groupIdToken", "idToken"), read_expiry(dig(about, "cacheExpiryDateTime"))
        )

    def token(self, value: str) -> IdToken:
        """Return a token of the type that this station reads."""
        return IdToken(value, self.settings.id_token_type)

    def boot(self, firmware_version: str, reason: str) -> Call:
        """Return the BootNotification."""
        settings = self.settings
        station = {
            "vendorName": settings.vendor,
            "model": settings.model,
            "serialNumber": settings.serial,
            "firmwareVersion": firmware_version,
        }
        return "BootNotification", {"reason": reason, "chargingStation": station}

    def status(self, connector: Connector, at: datetime) -> list[Call]:
        """Report the status of a connector. A NotifyEvent reports its fault or the end of it."""
        moment = write_time(at)
        place = {"evseId": connector.id, "connectorId": 1}
        calls: list[Call] = [
            ("StatusNotification", {"timestamp": moment, "connectorStatus": connector.status, **place})
        ]
        before = None if connector.reported is None else connector.reported[1]
        if connector.fault != before:
            code = connector.fault or before or ""
            calls.append(("NotifyEvent", _problem(next(self._events), connector, code, moment)))
        return calls

    def station_status(self, availability: str, at: datetime) -> Call | None:  # EVSE 0 has no connector
        """Return None: StatusNotification is about connectors."""
        return None

    def authorize(self, token: IdToken) -> Call:
        """Ask the CSMS to authorize a token."""
        return "Authorize", {"idToken": token_message(token)}

    def name(self, transaction: Transaction) -> None:
        """Assign a transaction id that is unique over all stations."""
        transaction.id = str(uuid4())

    def started(self, transaction: Transaction, sample: Sample, readings: Sequence[MeterReading], trigger: str) -> Call:
        """Report the start of a transaction."""
        further: Payload = {"evse": _evse(transaction), "idToken": token_message(transaction.token)}
        if transaction.reservation_id is not None:
            further["reservationId"] = transaction.reservation_id
        values = _values(sample.at, readings, "Transaction.Begin")
        return self._event(transaction, "Started", trigger, sample.at, {**further, **values})

    def learn(self, transaction: Transaction, answer: Mapping[str, Any]) -> None:
        """Do nothing: the station has chosen the id."""

    def sampled(self, transaction: Transaction, sample: Sample, readings: Sequence[MeterReading], context: str) -> Call:
        """Report the meter of a transaction."""
        trigger = _TRIGGER_OF_CONTEXT[context]
        values = _values(sample.at, readings, context)
        return self._event(transaction, "Updated", trigger, sample.at, values)

    def updated(self, transaction: Transaction, trigger: str, at: datetime) -> Call | None:
        """Report a new or a requested charging state."""
        return self._event(transaction, "Updated", trigger, at, {})

    def ended(
        self,
        transaction: Transaction,
        begun: Sequence[MeterReading],  # sent in the first event
        last: Sequence[MeterReading],
        reason: str,
    ) -> Call:
        """Report the end. The values of the start were sent in the first event."""
        at = transaction.ended_at or transaction.started_at
        further: Payload = _values(at, last, "Transaction.End")
        if reason in ("Local", "MasterPass"):
            further["idToken"] = token_message(transaction.token)
        trigger = _TRIGGER_OF_REASON.get(reason, "AbnormalCondition")
        return self._event(transaction, "Ended", trigger, at, further, stoppedReason=reason)

    def meter_values(
        self, connector: Connector, at: datetime, readings: Sequence[MeterReading], context: str
    ) -> Call | None:
        """Report the meter of a connector, or return None without a measurand."""
        values = _values(at, readings, context)
        return ("MeterValues", {"evseId": connector.id, **values}) if values else None

    def firmware_status(self, status: str, request: int | None, *, is_signed: bool) -> Call:  # the same message
        """Report the state of a firmware update."""
        return "FirmwareStatusNotification", {"status": status, **({} if request is None else {"requestId": request})}

    def log_status(self, status: str, request: int | None, *, is_diagnostics: bool) -> Call:  # the same message
        """Report the state of an upload."""
        return "LogStatusNotification", {"status": status, **({} if request is None else {"requestId": request})}

    def log_canceled(self, request: int) -> Call | None:
        """Report that another upload replaced this one."""
        return self.log_status("AcceptedCanceled", request, is_diagnostics=False)

    def reservation_ended(self, reservation_id: int) -> Call | None:
        """Report that a reservation has expired."""
        payload = {"reservationId": reservation_id, "reservationUpdateStatus": "Expired"}
        return "ReservationStatusUpdate", payload

    def variables(self, facts: Facts) -> list[Variable]:
        """Return the variables of the device model."""
        return variables(facts, self.settings)

    def _event(
        self, transaction: Transaction, kind: str, trigger: str, at: datetime, further: Payload, **info: str
    ) -> Call:
        """Report an event. The outbox of the client adds `offline` to one that happens without a connection."""
        number, transaction.next_sequence = transaction.next_sequence, transaction.next_sequence + 1
        about: Payload = {"transactionId": transaction.id, **info, "chargingState": transaction.charging_state}
        if transaction.remote_start_id is not None and kind == "Started":
            about["remoteStartId"] = transaction.remote_start_id
        payload = {
            "eventType": kind,
            "timestamp": write_time(at),
            "triggerReason": trigger,
            "seqNo": number,
            "transactionInfo": about,
            **further,
        }
        return "TransactionEvent", payload


_TRIGGER_OF_CONTEXT: Final[Mapping[str, str]] = {
    "Sample.Periodic": "MeterValuePeriodic",
    "Sample.Clock": "MeterValueClock",
    "Trigger": "Trigger",
}


def token_message(token: IdToken) -> Payload:
    """Return the `IdTokenType` of a token."""
    return {"idToken": token.value, "type": token.type}


def _evse(transaction: Transaction) -> Payload:
    return {"id": transaction.connector_id, "connectorId": 1}


def _values(at: datetime, readings: Sequence[MeterReading], context: str) -> Payload:
    """Return the member with the meter value, or nothing without readings: its list must not be empty."""
    if not readings:
        return {}
    sampled = [
        {
            "value": reading.value,
            "context": context,
            "measurand": reading.measurand,
            "unitOfMeasure": {"unit": reading.unit},
        }
        for reading in readings
    ]
    return {"meterValue": [{"timestamp": write_time(at), "sampledValue": sampled}]}


def _problem(number: int, connector: Connector, code: str, moment: str) -> Payload:
    """Report that a connector has a problem, or no longer has one."""
    event = {
        "eventId": number,
        "timestamp": moment,
        "trigger": "Delta",
        "actualValue": "false" if connector.fault is None else "true",
        "techCode": code,
        "cleared": connector.fault is None,
        "eventNotificationType": "HardWiredNotification",
        "component": {"name": "Connector", "evse": {"id": connector.id, "connectorId": 1}},
        "variable": {"name": "Problem"},
    }
    return {"generatedAt": moment, "seqNo": 0, "eventData": [event]}
