"""The commands of OCPP 2.0.1 and 2.1."""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, partial
from typing import Final

from ocpp_apps.station.model.authorization import Authorization
from ocpp_apps.station.model.configuration import Option
from ocpp_apps.station.model.connector import Connector, IdToken, Reservation, Transaction
from ocpp_apps.station.model.dialect import Payload, dig
from ocpp_apps.station.model.times import read_expiry, read_time
from ocpp_apps.station.operation.commands import Command, Commands, Step

from .device_model import DeviceModel
from .smart_charging import SmartCharging2

__all__ = ["Commands2"]

_LOCK_FAILURE: Final = "ConnectorLockFailure"


class Commands2(Commands):
    """The commands of OCPP 2.0.1 and 2.1. The dialect decides what only 2.1 has."""

    @cached_property
    def table(self) -> Mapping[str, Command]:
        """The supported actions and their handlers."""
        return {
            "CancelReservation": self._cancel_reservation,
            "ChangeAvailability": self._change_availability,
            "ClearCache": self._clear_cache,
            "DataTransfer": self._data_transfer,
            "GetLocalListVersion": self._get_local_list_version,
            "GetLog": self._upload_requested_log,
            "GetTransactionStatus": self._get_transaction_status,
            "RequestStartTransaction": self._request_start_transaction,
            "RequestStopTransaction": self._request_stop_transaction,
            "ReserveNow": self._reserve_now,
            "Reset": self._reset,
            "SendLocalList": self._send_local_list,
            "SetNetworkProfile": lambda _: {"status": "Rejected"},
            "TriggerMessage": self._trigger_message,
            "UnlockConnector": self._unlock_connector,
            "UpdateFirmware": self._update_requested_firmware,
            **DeviceModel(self._parts).table,
            **SmartCharging2(self._parts).table,
        }

    # Places

    def _meant(self, evse: Payload | None) -> list[Connector]:
        """Return the connector of an EVSE, all for None, none for an unknown EVSE."""
        if evse is None or evse["id"] == 0:
            return list(self._equipment.connectors)
        is_known = self._equipment.has_connector(evse["id"]) and evse.get("connectorId", 1) == 1
        return [self._equipment.connector(evse["id"])] if is_known else []

    def _change_availability(self, params: Payload) -> Payload:
        evse = params.get("evse")
        connectors = self._meant(evse)
        if not connectors:
            return {"status": "Rejected"}
        is_whole = evse is None or evse["id"] == 0
        return {"status": self._set_availability(connectors, params["operationalStatus"], whole=is_whole)}

    def _unlock_connector(self, params: Payload) -> Payload:
        connectors = self._meant({"id": params["evseId"], "connectorId": params["connectorId"]})
        if params["evseId"] == 0 or not connectors:
            return {"status": "UnknownConnector"}
        if connectors[0].transaction is not None:
            return {"status": "OngoingAuthorizedTransaction"}
        return {"status": "UnlockFailed" if connectors[0].fault == _LOCK_FAILURE else "Unlocked"}

    # Transactions

    def _request_start_transaction(self, params: Payload) -> Payload:
        token = _token(params["idToken"])
        connector = self._remote_start(
            params.get("evseId"), token, params.get("chargingProfile"), params["remoteStartId"]
        )
        return {"status": "Rejected" if connector is None else "Accepted"}

    def _request_stop_transaction(self, params: Payload) -> Payload:
        return {"status": "Accepted" if self._remote_stop(params["transactionId"]) else "Rejected"}

    def _get_transaction_status(self, params: Payload) -> Payload:
        messages = self._parts.messages
        if "transactionId" not in params:
            return {"messagesInQueue": len(messages) > 0}
        number = params["transactionId"]
        return {
            "ongoingIndicator": self._parts.transactions.find(number) is not None,
            "messagesInQueue": messages.holds(number),
        }

    # The station

    def _reset(self, params: Payload) -> Payload:
        """Restart now or when no transaction runs. A single EVSE cannot be reset."""
        if "evseId" in params and params["evseId"] != 0:
            return {"status": "Rejected", "statusInfo": {"reasonCode": "UnsupportedRequest"}}
        life, equipment = self._parts.life, self._equipment
        if life.is_resetting:
            return {"status": "Rejected"}
        if params["type"] == "OnIdle" and equipment.busy:
            self._later("Reset", partial(life.reboot_when_idle, "ScheduledReset"))
            return {"status": "Scheduled"}
        reason = None if params["type"] == "ImmediateAndResume" else "ImmediateReset"
        self._later("Reset", partial(life.reboot, "RemoteReset", reason))
        return {"status": "Accepted"}

    def _data_transfer(self, params: Payload) -> Payload:
        is_ours = params["vendorId"] == self._equipment.settings.vendor
        return {"status": "UnknownMessageId" if is_ours else "UnknownVendorId"}

    # Triggered messages (2.0.1 Part 2, F06)

    def _trigger_message(self, params: Payload) -> Payload:
        message, evse = params["requestedMessage"], params.get("evse")
        triggers: dict[str, Callable[[], str]] = {
            "BootNotification": self._trigger_boot,
            "FirmwareStatusNotification": partial(self._trigger, message, self._parts.transfers.report_firmware),
            "Heartbeat": partial(self._trigger, message, self._beat),
            "LogStatusNotification": partial(self._trigger, message, self._report_log),
            "MeterValues": lambda: self._trigger_values(self._meant(evse), Option.ALIGNED_DATA),  # F06.FR.06
            "StatusNotification": lambda: self._trigger_status(self._meant_connector(evse)),
            "TransactionEvent": lambda: self._trigger_events(self._meant(evse)),
        }
        return {"status": triggers[message]() if message in triggers else "NotImplemented"}  # F06.FR.08

    def _trigger(self, message: str, step: Step) -> str:
        """Send a message about the station as a whole. An EVSE is ignored, even an unknown one (F06.FR.03)."""
        self._later(message, step)
        return "Accepted"

    def _trigger_boot(self) -> str:
        if self._equipment.boot_status == "Accepted":
            return "Rejected"  # F06.FR.17
        return self._trigger("BootNotification", self._parts.life.boot_again)

    def _meant_connector(self, evse: Payload | None) -> list[Connector]:
        """Return the connector whose status is requested, none unless EVSE and connector are given (F06.FR.12)."""
        is_named = evse is not None and evse["id"] != 0 and "connectorId" in evse
        return self._meant(evse) if is_named else []

    def _trigger_events(self, connectors: list[Connector]) -> str:
        running = list(_running(connectors))
        for connector, transaction in running:
            self._parts.metering.tell_state(connector, transaction)
        return "Accepted" if running else "Rejected"

    async def _beat(self) -> None:
        await self._equipment.send(self._equipment.dialect.heartbeat())

    async def _report_log(self) -> None:
        await self._parts.transfers.report_log(is_diagnostics=False)

    # Local list, reservations

    def _get_local_list_version(self, _: Payload) -> Payload:
        is_used = self._equipment.configuration.is_on(Option.LIST_ENABLED)
        return {"versionNumber": self._equipment.local_list.version if is_used else 0}

    def _send_local_list(self, params: Payload) -> Payload:
        if not self._equipment.configuration.is_on(Option.LIST_ENABLED):
            return {"status": "Failed"}
        entries = [
            (_token(entry["idToken"]), _authorization(entry.get("idTokenInfo")))
            for entry in params.get("localAuthorizationList", ())
        ]
        return {"status": self._take_list(params["versionNumber"], params["updateType"], entries)}

    def _reserve_now(self, params: Payload) -> Payload:
        """Reserve an EVSE. Without an EVSE it is rejected."""
        reservation = Reservation(
            params["id"],
            _token(params["idToken"]),
            dig(params, "groupIdToken", "idToken"),
            read_time(params["expiryDateTime"]),
        )
        return {"status": self._parts.reservations.reserve(params.get("evseId", 0), reservation)}

    def _cancel_reservation(self, params: Payload) -> Payload:
        is_cancelled = self._parts.reservations.cancel(params["reservationId"])
        return {"status": "Accepted" if is_cancelled else "Rejected"}


def _running(connectors: list[Connector]) -> Iterator[tuple[Connector, Transaction]]:
    for connector in connectors:
        if connector.transaction is not None:
            yield connector, connector.transaction


def _token(message: Payload) -> IdToken:
    return IdToken(message["idToken"], message["type"])


def _authorization(message: Payload | None) -> Authorization | None:
    if message is None:
        return None
    group = dig(message, "groupIdToken", "idToken")
    return Authorization(message["status"], group, read_expiry(message.get("cacheExpiryDateTime")))
