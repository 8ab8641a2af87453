"""The messages of OCPP 1.6."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, ClassVar

from ocpp_apps.station.model.authorization import Authorization
from ocpp_apps.station.model.configuration import Variable
from ocpp_apps.station.model.connector import Connector, IdToken, Sample, Transaction
from ocpp_apps.station.model.dialect import Call, Dialect, Facts, MeterReading, Payload, dig
from ocpp_apps.station.model.times import read_expiry
from ocpp_core.outbox.transaction_ids import NO_ID
from ocpp_core.times import write_time

from .variables import variables

__all__ = ["Dialect16"]


class Dialect16(Dialect):
    """OCPP 1.6, with the messages of its security extension."""

    reconnection_reports_all: ClassVar[bool] = False
    security_event_of: ClassVar[Mapping[str, str]] = MappingProxyType({})
    stop_reasons: ClassVar[frozenset[str]] = frozenset(
        {
            "DeAuthorized", "EmergencyStop", "EVDisconnected", "HardReset", "Local", "Other", "PowerLoss", "Reboot",
            "Remote", "SoftReset", "UnlockCommand",
        }
    )  # fmt: skip

    def status_of(self, connector: Connector) -> str:
        """Return the status of a connector (§4.9)."""
        if connector.fault is not None:
            return "Faulted"
        if connector.transaction is not None:
            return connector.transaction.charging_state
        if connector.availability == "Inoperative":
            return "Unavailable"
        if connector.is_finishing:
            return "Finishing"
        if connector.is_plugged or connector.permission or connector.is_starting:
            return "Preparing"
        return "Available" if connector.reservation is None else "Reserved"

    def fault_reason(self, code: str) -> str:  # 1.6 has one reason for all
        """Return the stop reason of a transaction that a fault ends."""
        return "Other"

    def read_authorization(self, answer: Mapping[str, Any]) -> Authorization | None:
        """Return the information in `idTagInfo`."""
        about = answer.get("idTagInfo")
        status = dig(about, "status")
        if not isinstance(status, str):
            return None
        return Authorization(status, dig(about, "parentIdTag"), read_expiry(dig(about, "expiryDate")))

    def token(self, value: str) -> IdToken:
        """Return an idTag."""
        return IdToken(value)

    def boot(self, firmware_version: str, reason: str) -> Call:  # 1.6 has no reason
        """Return the BootNotification."""
        settings = self.settings
        return "BootNotification", {
            "chargePointVendor": settings.vendor,
            "chargePointModel": settings.model,
            "chargePointSerialNumber": settings.serial,
            "firmwareVersion": firmware_version,
        }

    def status(self, connector: Connector, at: datetime) -> list[Call]:
        """Report the status of a connector, and its fault."""
        return [_status(connector.id, connector.status, connector.fault, at)]

    def station_status(self, availability: str, at: datetime) -> Call | None:
        """Report the status of connector 0, which represents the station."""
        return _status(0, "Available" if availability == "Operative" else "Unavailable", None, at)

    def authorize(self, token: IdToken) -> Call:
        """Ask the CSMS to authorize a token."""
        return "Authorize", {"idTag": token.value}

    def name(self, transaction: Transaction) -> None:
        """Do nothing: the CSMS chooses the id."""

    def started(
        self,
        transaction: Transaction,
        sample: Sample,
        readings: Sequence[MeterReading],  # 1.6 sends only the register
        trigger: str,  # 1.6 sends no trigger
    ) -> Call:
        """Report the start of a transaction."""
        payload = {
            "connectorId": transaction.connector_id,
            "idTag": transaction.id_token,
            "meterStart": round(transaction.meter_start),
            "timestamp": write_time(sample.at),
        }
        if transaction.reservation_id is not None:
            payload["reservationId"] = transaction.reservation_id
        return "StartTransaction", payload

    def learn(self, transaction: Transaction, answer: Mapping[str, Any]) -> None:
        """Store the transaction id. The CSMS sends 0 for a transaction that it rejects."""
        number = answer.get("transactionId")
        transaction.id = number if isinstance(number, int) and not isinstance(number, bool) else NO_ID

    def sampled(self, transaction: Transaction, sample: Sample, readings: Sequence[MeterReading], context: str) -> Call:
        """Report the meter of a transaction, whose id the outbox of the client fills in."""
        values = [_meter_value(sample.at, readings, context)]
        return "MeterValues", {"connectorId": transaction.connector_id, "meterValue": values}

    def updated(
        self,
        transaction: Transaction,  # not in 1.6
        trigger: str,  # not in 1.6
        at: datetime,  # not in 1.6
    ) -> Call | None:
        """Return None: in 1.6 the status of the connector shows it."""
        return None

    def ended(
        self, transaction: Transaction, begun: Sequence[MeterReading], last: Sequence[MeterReading], reason: str
    ) -> Call:
        """Report the end. The outbox of the client fills in the id."""
        at = transaction.ended_at or transaction.started_at
        payload: Payload = {
            "idTag": transaction.id_token,
            "meterStop": round(transaction.meter_stop or 0),
            "timestamp": write_time(at),
            "reason": reason,
        }
        if last:
            payload["transactionData"] = [
                _meter_value(transaction.started_at, begun, "Transaction.Begin"),
                _meter_value(at, last, "Transaction.End"),
            ]
        return "StopTransaction", payload

    def meter_values(
        self, connector: Connector, at: datetime, readings: Sequence[MeterReading], context: str
    ) -> Call | None:
        """Report the meter of a connector."""
        running = {} if connector.transaction is None else _number(connector.transaction)
        return "MeterValues", {
            "connectorId": connector.id,
            **running,
            "meterValue": [_meter_value(at, readings, context)],
        }

    def firmware_status(self, status: str, request: int | None, *, is_signed: bool) -> Call:
        """Report the state of a firmware update."""
        if not is_signed:
            return "FirmwareStatusNotification", {"status": status}
        return "SignedFirmwareStatusNotification", {
            "status": status,
            **({} if request is None else {"requestId": request}),
        }

    def log_status(self, status: str, request: int | None, *, is_diagnostics: bool) -> Call:
        """Report the state of an upload."""
        if is_diagnostics:
            return "DiagnosticsStatusNotification", {"status": _DIAGNOSTICS.get(status, status)}
        return "LogStatusNotification", {"status": status, **({} if request is None else {"requestId": request})}

    def log_canceled(self, request: int) -> Call | None:  # nothing is sent
        """Return None: 1.6 has no state for it."""
        return None

    def reservation_ended(self, reservation_id: int) -> Call | None:  # nothing is sent
        """Return None: the status of the connector shows it."""
        return None

    def variables(self, facts: Facts) -> list[Variable]:
        """Return the configuration keys."""
        return variables(facts, self.settings)


_DIAGNOSTICS: Mapping[str, str] = {"UploadFailure": "UploadFailed"}


def _status(connector_id: int, status: str, fault: str | None, at: datetime) -> Call:
    payload = {"connectorId": connector_id, "errorCode": fault or "NoError", "status": status}
    return "StatusNotification", {**payload, "timestamp": write_time(at)}


def _number(transaction: Transaction) -> Payload:
    return {} if transaction.id is None else {"transactionId": transaction.id}


def _meter_value(at: datetime, readings: Sequence[MeterReading], context: str) -> Payload:
    sampled = [
        {
            "value": f"{reading.value:.1f}",
            "context": context,
            "measurand": reading.measurand,
            "unit": reading.unit,
        }
        for reading in readings
    ]
    return {"timestamp": write_time(at), "sampledValue": sampled}
