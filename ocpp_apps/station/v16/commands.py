"""The commands of OCPP 1.6."""

from collections.abc import Iterator, Mapping
from functools import cached_property, partial
from typing import Final

from ocpp_apps.station.model.authorization import Authorization
from ocpp_apps.station.model.charging_profiles import LONGEST_COMPOSITE, ChargingProfile
from ocpp_apps.station.model.configuration import Change, Key, Option
from ocpp_apps.station.model.connector import Connector, IdToken, Reservation
from ocpp_apps.station.model.dialect import Payload, dig
from ocpp_apps.station.model.errors import StationError
from ocpp_apps.station.model.times import read_expiry, read_time
from ocpp_apps.station.operation.commands import Command, Commands, Step
from ocpp_apps.station.operation.profile_messages import PURPOSES, ProfileError
from ocpp_apps.station.operation.transfers import Firmware
from ocpp_core.times import write_time

from .security import Security16

__all__ = ["Commands16"]

_CHANGES: Final[Mapping[Change, str]] = {
    Change.ACCEPTED: "Accepted",
    Change.REJECTED: "Rejected",
    Change.READ_ONLY: "Rejected",
    Change.UNKNOWN: "NotSupported",
}


class Commands16(Commands):
    """OCPP 1.6, all feature profiles, and the security extension."""

    @cached_property
    def table(self) -> Mapping[str, Command]:
        """The supported actions and their handlers."""
        return {
            "CancelReservation": self._cancel_reservation,
            "ChangeAvailability": self._change_availability,
            "ChangeConfiguration": self._change_configuration,
            "ClearCache": self._clear_cache,
            "ClearChargingProfile": self._clear_charging_profile,
            "DataTransfer": self._data_transfer,
            "GetCompositeSchedule": self._get_composite_schedule,
            "GetConfiguration": self._get_configuration,
            "GetDiagnostics": self._get_diagnostics,
            "GetLocalListVersion": self._get_local_list_version,
            "RemoteStartTransaction": self._remote_start_transaction,
            "RemoteStopTransaction": self._remote_stop_transaction,
            "ReserveNow": self._reserve_now,
            "Reset": self._reset,
            "SendLocalList": self._send_local_list,
            "SetChargingProfile": self._set_charging_profile,
            "TriggerMessage": self._trigger_message,
            "UnlockConnector": self._unlock_connector,
            "UpdateFirmware": self._update_firmware,
            **Security16(self._parts, self._trigger).table,
        }

    # Core

    def _change_availability(self, params: Payload) -> Payload:
        number = params["connectorId"]
        if number != 0 and not self._equipment.has_connector(number):
            return {"status": "Rejected"}
        return {"status": self._set_availability(self._meant(number), params["type"], whole=number == 0)}

    def _meant(self, number: int | None) -> list[Connector]:
        """Return the connector with this number, all for None and 0, none for an unknown number."""
        if not number:
            return list(self._equipment.connectors)
        return [self._equipment.connector(number)] if self._equipment.has_connector(number) else []

    def _change_configuration(self, params: Payload) -> Payload:
        change = self._equipment.configuration.change(Key(params["key"]), params["value"])
        return {"status": _CHANGES[change]}

    def _get_configuration(self, params: Payload) -> Payload:
        configuration = self._equipment.configuration
        names = params.get("key") or [variable.key.name for variable in configuration]
        found = {name: configuration.find(Key(name)) for name in names}
        known = [
            {"key": variable.key.name, "readonly": not variable.writable, "value": variable.text}
            for variable in found.values()
            if variable is not None
        ]
        unknown = [name for name, variable in found.items() if variable is None]
        return {"configurationKey": known, "unknownKey": unknown}

    def _data_transfer(self, params: Payload) -> Payload:
        is_ours = params["vendorId"] == self._equipment.settings.vendor
        return {"status": "UnknownMessageId" if is_ours else "UnknownVendorId"}

    def _remote_start_transaction(self, params: Payload) -> Payload:
        token = IdToken(params["idTag"])
        connector = self._remote_start(params.get("connectorId"), token, params.get("chargingProfile"), None)
        return {"status": "Rejected" if connector is None else "Accepted"}

    def _remote_stop_transaction(self, params: Payload) -> Payload:
        return {"status": "Accepted" if self._remote_stop(params["transactionId"]) else "Rejected"}

    def _reset(self, params: Payload) -> Payload:
        if self._parts.life.is_resetting:
            return {"status": "Rejected"}
        self._later("Reset", partial(self._parts.life.reboot, "RemoteReset", f"{params['type']}Reset"))
        return {"status": "Accepted"}

    def _unlock_connector(self, params: Payload) -> Payload:
        if not self._equipment.has_connector(params["connectorId"]):
            return {"status": "NotSupported"}
        connector = self._equipment.connector(params["connectorId"])
        if connector.fault == "ConnectorLockFailure":
            return {"status": "UnlockFailed"}
        if connector.transaction is not None:
            self._later("UnlockConnector", partial(self._parts.transactions.end, connector, "UnlockCommand"))
        return {"status": "Unlocked"}

    # Remote trigger

    def _trigger_message(self, params: Payload) -> Payload:
        return {"status": self._trigger(params["requestedMessage"], params.get("connectorId"))}

    def _trigger(self, message: str, number: int | None) -> str:
        """Send a message after the response. Returns the status of the response.

        A connector that the message does not need is ignored, even one that does not exist (§5.17).
        """
        if message == "StatusNotification":
            return self._trigger_status(self._meant(number), whole=not number)
        if message == "MeterValues":
            return self._trigger_values(self._meant(number), Option.SAMPLED_DATA)
        transfers, equipment = self._parts.transfers, self._equipment
        steps: dict[str, Step] = {
            "BootNotification": self._parts.life.boot_again,
            "DiagnosticsStatusNotification": partial(transfers.report_log, is_diagnostics=True),
            "FirmwareStatusNotification": transfers.report_firmware,
            "Heartbeat": lambda: equipment.send(equipment.dialect.heartbeat()),
        }
        self._later(message, steps[message])
        return "Accepted"

    # Local list, reservations

    def _get_local_list_version(self, _: Payload) -> Payload:
        is_used = self._equipment.configuration.is_on(Option.LIST_ENABLED)
        return {"listVersion": self._equipment.local_list.version if is_used else -1}

    def _send_local_list(self, params: Payload) -> Payload:
        if not self._equipment.configuration.is_on(Option.LIST_ENABLED):
            return {"status": "NotSupported"}
        entries = [
            (IdToken(entry["idTag"]), _authorization(entry.get("idTagInfo")))
            for entry in params.get("localAuthorizationList", ())
        ]
        return {"status": self._take_list(params["listVersion"], params["updateType"], entries)}

    def _reserve_now(self, params: Payload) -> Payload:
        reservation = Reservation(
            params["reservationId"],
            IdToken(params["idTag"]),
            params.get("parentIdTag"),
            read_time(params["expiryDate"]),
        )
        return {"status": self._parts.reservations.reserve(params["connectorId"], reservation)}

    def _cancel_reservation(self, params: Payload) -> Payload:
        is_cancelled = self._parts.reservations.cancel(params["reservationId"])
        return {"status": "Accepted" if is_cancelled else "Rejected"}

    # Firmware and diagnostics

    def _update_firmware(self, params: Payload) -> Payload:
        self._parts.transfers.update(
            Firmware(
                location=params["location"],
                retrieve=read_time(params["retrieveDate"]),
                retries=max(0, params.get("retries", 0)),
                retry_interval=params.get("retryInterval", 60),
            )
        )
        return {}

    def _get_diagnostics(self, params: Payload) -> Payload:
        self._parts.transfers.upload_log(params["location"], None)
        return {"fileName": self._parts.transfers.file_name()}

    # Smart charging

    def _set_charging_profile(self, params: Payload) -> Payload:
        try:
            self._install_profile(params["connectorId"], params["csChargingProfiles"])
        except (ProfileError, StationError):
            return {"status": "Rejected"}
        return {"status": "Accepted"}

    def _clear_charging_profile(self, params: Payload) -> Payload:
        return {"status": self._clear_profiles(list(self._matching(params)))}

    def _matching(self, params: Payload) -> Iterator[ChargingProfile]:
        purpose = PURPOSES.get(params.get("chargingProfilePurpose", ""))
        for profile in self._equipment.profiles:
            if "id" in params:
                is_meant = profile.id == params["id"]
            else:
                is_meant = (
                    params.get("connectorId", profile.connector_id) == profile.connector_id
                    and purpose in (None, profile.purpose)
                    and params.get("stackLevel", profile.stack_level) == profile.stack_level
                )
            if is_meant:
                yield profile

    def _get_composite_schedule(self, params: Payload) -> Payload:
        number, seconds = params["connectorId"], min(params["duration"], LONGEST_COMPOSITE)
        if (number != 0 and not self._equipment.has_connector(number)) or seconds <= 0:
            return {"status": "Rejected"}
        unit = params.get("chargingRateUnit", "W")
        begin = write_time(self._equipment.clock.now())
        schedule = {
            "duration": seconds,
            "startSchedule": begin,
            "chargingRateUnit": unit,
            "chargingSchedulePeriod": self._schedule(number, seconds, unit),
        }
        return {
            "status": "Accepted",
            "connectorId": number,
            "scheduleStart": begin,
            "chargingSchedule": schedule,
        }


def _authorization(message: Payload | None) -> Authorization | None:
    if message is None:
        return None
    return Authorization(message["status"], dig(message, "parentIdTag"), read_expiry(message.get("expiryDate")))
