"""Commands of a CSMS that every version has. The versions add their names and payloads."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

from ocpp_apps.station.model.authorization import Authorization
from ocpp_apps.station.model.charging_profiles import TRANSACTION, ChargingProfile, Situation
from ocpp_apps.station.model.configuration import Option
from ocpp_apps.station.model.connector import Connector, IdToken
from ocpp_apps.station.model.dialect import Payload
from ocpp_apps.station.model.errors import StationError
from ocpp_apps.station.model.times import read_time
from ocpp_core.errors import OCPPError

from .equipment import Equipment
from .life import Life
from .metering import Metering
from .profile_messages import ProfileError, read_profile, write_periods
from .reservations import Reservations
from .transaction_messages import TransactionMessages
from .transactions import Transactions
from .transfers import Firmware, Transfers

__all__ = ["Command", "Commands", "Parts", "Step"]

Command: TypeAlias = Callable[[Payload], Payload]
"""Receives the payload of a CALL, which conforms to its schema, and returns the payload of the CALLRESULT."""
_IS_CERTIFICATE: Final = "-----BEGIN CERTIFICATE-----"
Step: TypeAlias = Callable[[], Awaitable[object]]
"""Work that runs after the response."""


@dataclass(frozen=True)
class Parts:
    """The components of a station."""

    equipment: Equipment
    messages: TransactionMessages
    metering: Metering
    transactions: Transactions
    life: Life
    transfers: Transfers
    reservations: Reservations


class Commands(ABC):
    """The commands of a version. Work that takes time runs after the response."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._equipment = parts.equipment

    @property
    @abstractmethod
    def table(self) -> Mapping[str, Command]:
        """The supported actions and their handlers."""

    def _later(self, what: str, *steps: Step) -> None:
        """Run work after the response, in the order of the calls."""

        async def do() -> None:
            for step in steps:
                await step()

        self._equipment.spawn(what, do)

    # Availability

    def _set_availability(self, connectors: Iterable[Connector], kind: str, *, whole: bool) -> str:
        """Change the availability now, or after the transaction. Returns the status of the response."""
        status = "Accepted"
        if whole:
            self._equipment.availability = kind
        for connector in connectors:
            if kind == "Inoperative":
                self._parts.transactions.withdraw(connector)
            if kind == "Inoperative" and connector.transaction is not None:
                connector.next_availability = kind
                status = "Scheduled"
            else:
                connector.availability, connector.next_availability = kind, None
        self._equipment.changed()
        self._later("ChangeAvailability", self._equipment.report)
        return status

    # Transactions

    def _remote_start(
        self, number: int | None, token: IdToken, profile: Payload | None, remote_start_id: int | None
    ) -> Connector | None:
        """Start a transaction after the response. Returns None if that is impossible."""
        connector = self._suitable(number, token)
        if connector is None or self._equipment.boot_status != "Accepted":
            return None
        try:
            profiles = [] if profile is None else [self._adopt(profile, connector)]
        except ProfileError:
            return None

        async def begin() -> None:
            try:
                await self._parts.transactions.begin(connector, token, remote_start_id=remote_start_id, is_remote=True)
            except (StationError, OCPPError):
                self._equipment.profiles.remove(profiles)
                raise

        self._later("the remote start", begin)
        return connector

    def _adopt(self, message: Payload, connector: Connector) -> ChargingProfile:
        """Install the profile of a transaction that is about to start. Raises ProfileError if that is impossible."""
        profile = read_profile(message, connector.id, self._equipment.settings.phases)
        if profile.purpose != TRANSACTION or profile.transaction_id is not None:
            raise ProfileError("it is not for a transaction that is about to start")
        self._add_profile(profile)
        return profile

    def _add_profile(self, profile: ChargingProfile) -> None:
        try:
            self._equipment.profiles.add(profile)
        except ValueError as error:
            raise ProfileError(str(error)) from error

    def _suitable(self, number: int | None, token: IdToken) -> Connector | None:
        """Return the requested connector, or choose one, preferably with a plugged-in car."""
        if number is not None:
            candidates = [self._equipment.connector(number)] if self._equipment.has_connector(number) else []
        else:
            candidates = sorted(self._equipment.connectors, key=lambda connector: not connector.is_plugged)
        for connector in candidates:
            reservation = connector.reservation
            is_free = reservation is None or reservation.id_token.value.lower() == token.value.lower()
            if is_free and self._can_begin(connector):
                return connector
        return None

    def _can_begin(self, connector: Connector) -> bool:
        try:
            self._parts.transactions.check(connector)
        except StationError:
            return False
        return True

    def _remote_stop(self, transaction_id: int | str) -> bool:
        """End a transaction after the response.

        Returns False if it is not running or the CSMS has not accepted the station.
        """
        connector = self._parts.transactions.find(transaction_id)
        if connector is None or self._equipment.boot_status != "Accepted":  # 1.6 §4.2; 2.0.1 Part 2 B02.FR.05
            return False
        self._later("the remote stop", partial(self._parts.transactions.end, connector, "Remote"))
        return True

    # Tokens

    def _clear_cache(self, _: Payload) -> Payload:
        is_used = self._equipment.configuration.is_on(Option.CACHE_ENABLED)
        if is_used:
            self._equipment.cache.clear()
        return {"status": "Accepted" if is_used else "Rejected"}

    def _take_list(self, version: int, kind: str, entries: Iterable[tuple[IdToken, Authorization | None]]) -> str:
        """Replace or update the local list. Returns the status of the response."""
        known = self._equipment.local_list
        if kind == "Full":
            is_taken = known.replace(version, entries)
        elif version <= known.version:
            return "VersionMismatch"
        else:
            is_taken = known.update(version, entries)
        self._equipment.changed()
        return "Accepted" if is_taken else "Failed"

    # Smart charging

    def _install_profile(self, number: int, message: Payload) -> None:
        """Install a profile. Raises ProfileError if that is not allowed."""
        equipment = self._equipment
        if number != 0 and not equipment.has_connector(number):
            raise ProfileError("the connector does not exist")
        profile = read_profile(message, number, equipment.settings.phases)
        if profile.purpose == TRANSACTION:
            transaction = equipment.connector(number).transaction
            if transaction is None or profile.transaction_id not in (None, transaction.id):
                raise ProfileError("the transaction does not exist")
            if transaction.id is not None:
                profile = profile.bound_to(transaction.id)
        self._add_profile(profile)
        self._parts.metering.refresh()
        self._restart_metering()

    def _restart_metering(self) -> None:
        """Update the time of the next check, since a limit may now change sooner."""
        for connector in self._equipment.busy:
            self._parts.metering.start(connector)

    def _clear_profiles(self, profiles: Iterable[ChargingProfile]) -> str:
        """Remove the matching profiles. Returns the status of the response."""
        removed = self._equipment.profiles.remove(profiles)
        if removed:
            self._parts.metering.refresh()
        return "Accepted" if removed else "Unknown"

    def _schedule(self, number: int, seconds: int, unit: str) -> list[Payload]:
        """Return the periods of a composite schedule."""
        where = self._situation(number)
        periods = self._equipment.profiles.schedule(self._equipment.clock.now(), seconds, where)
        return write_periods(periods, unit, where, self._equipment.settings.phases)

    def _situation(self, number: int) -> Situation:
        metering = self._parts.metering
        return metering.situation(self._equipment.connector(number)) if number else metering.whole()

    # Triggered messages

    def _trigger_values(self, connectors: Sequence[Connector], measurands: Option) -> str:
        """Send the values of these measurands. Returns Rejected without a connector or a measurand."""
        if not connectors or not self._equipment.configuration.members(measurands):
            return "Rejected"
        metering = self._parts.metering
        self._later("MeterValues", *(partial(metering.send_values, one, "Trigger", measurands) for one in connectors))
        return "Accepted"

    def _trigger_status(self, connectors: Sequence[Connector], *, whole: bool = False) -> str:
        if not connectors:
            return "Rejected"
        self._later("StatusNotification", partial(self._equipment.report_as_asked, connectors, whole=whole))
        return "Accepted"

    # Firmware and logs

    def _update_requested_firmware(self, params: Payload) -> Payload:
        """Run an update with a request id: those of 2.x, and the signed ones of 1.6."""
        message = params["firmware"]
        is_signed = "signature" in message
        if is_signed and _IS_CERTIFICATE not in message.get("signingCertificate", ""):
            event = self._equipment.dialect.security_event(
                "InvalidFirmwareSigningCertificate", self._equipment.clock.now()
            )
            self._later("SecurityEventNotification", partial(self._equipment.send, event))
            return {"status": "InvalidCertificate"}
        firmware = Firmware(
            location=message["location"],
            retrieve=read_time(message["retrieveDateTime"]),
            install=read_time(message["installDateTime"]) if "installDateTime" in message else None,
            request=params["requestId"],
            is_signed=is_signed,
            retries=max(0, params.get("retries", 0)),
            retry_interval=params.get("retryInterval", 60),
        )
        return {"status": "AcceptedCanceled" if self._parts.transfers.update(firmware) else "Accepted"}

    def _upload_requested_log(self, params: Payload) -> Payload:
        """Upload a log with a request id: all but the diagnostics of plain 1.6."""
        transfers = self._parts.transfers
        replaced = transfers.upload_log(params["log"]["remoteLocation"], params["requestId"])
        return {"status": "AcceptedCanceled" if replaced else "Accepted", "filename": transfers.file_name()}
