"""Transactions: plug in, start, end and unplug, and faults that end them."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from ocpp_apps.station.clock import Event
from ocpp_apps.station.model.authorization import Authorization
from ocpp_apps.station.model.configuration import Option
from ocpp_apps.station.model.connector import Connector, IdToken, Permission, Transaction
from ocpp_apps.station.model.dialect import MeterReading
from ocpp_apps.station.model.errors import ConnectorError, NotAuthorizedError, NotRegisteredError, StationError

from .equipment import Equipment
from .metering import Metering
from .transaction_messages import TransactionMessages

__all__ = ["Transactions"]


class Transactions:
    """Starts and ends transactions."""

    def __init__(self, equipment: Equipment, messages: TransactionMessages, metering: Metering) -> None:
        self._equipment = equipment
        self._messages = messages
        self._metering = metering

    # The cable

    async def plug_in(self, connector: Connector) -> None:
        """Plug the cable in. If a token was authorized before, its transaction starts."""
        if connector.is_plugged:
            raise ConnectorError(f"connector {connector.id} is already plugged in")
        connector.is_plugged = True
        self._metering.refresh()
        permission, connector.permission = connector.permission, None
        if permission is not None and connector.fault is None:
            await self._start(connector, permission, "CablePluggedIn")
        await self._equipment.report()

    async def unplug(self, connector: Connector) -> None:
        """Unplug the cable, which ends the transaction unless the CSMS has set otherwise."""
        if not connector.is_plugged:
            raise ConnectorError(f"connector {connector.id} is not plugged in")
        connector.is_plugged = connector.is_finishing = False
        if connector.transaction is not None and self._equipment.configuration.is_on(Option.STOP_ON_UNPLUG):
            await self.end(connector, "EVDisconnected")
        else:
            self._metering.refresh()
            await self._equipment.report()

    # The start

    async def begin(
        self, connector: Connector, token: IdToken, *, remote_start_id: int | None = None, is_remote: bool = False
    ) -> Transaction | None:
        """Authorize a token and start a transaction.

        Without a cable it starts when the cable is plugged in, and this returns None. Raises NotRegisteredError,
        ConnectorError or NotAuthorizedError.
        """
        self.check(connector)
        connector.is_starting = True
        self._equipment.changed()
        try:
            await self._equipment.report()
            about = await self.authorize(token, is_remote=is_remote)
        finally:
            connector.is_starting = False
            self._equipment.changed()
        try:
            self.check(connector)
            _admit(connector, token, about)
        except StationError:
            await self._equipment.report()
            raise
        permission = Permission(token, remote_start_id)
        if connector.is_plugged:
            return await self._start(connector, permission, "RemoteStart" if is_remote else "Authorized")
        await self._await_plug(connector, permission)
        return None

    def check(self, connector: Connector) -> None:
        """Raise unless a transaction may start at the connector."""
        if self._equipment.boot_status != "Accepted":
            raise NotRegisteredError("cannot start a transaction: the CSMS has not accepted the station")
        if self._equipment.is_resetting:
            raise StationError("cannot start a transaction: the station is about to restart")
        if connector.fault is not None:
            raise ConnectorError(f"connector {connector.id} is faulted: {connector.fault}")
        if connector.transaction is not None:
            raise ConnectorError(f"connector {connector.id} already has a transaction")
        if connector.is_starting or connector.permission is not None:
            raise ConnectorError(f"connector {connector.id} is being authorized for another token")
        if connector.availability == "Inoperative":
            raise ConnectorError(f"connector {connector.id} is out of service")

    def withdraw(self, connector: Connector) -> None:
        """Remove an authorization that waits for the cable, and its charging profiles."""
        connector.permission = None
        if connector.transaction is None:
            self._equipment.profiles.forget_transaction(None, connector.id)

    async def authorize(self, token: IdToken, *, is_remote: bool = False) -> Authorization:
        """Authorize a token with the local list, the cache or the CSMS."""
        equipment = self._equipment
        options = equipment.configuration
        if is_remote and not options.is_on(Option.AUTHORIZE_REMOTE):
            return Authorization("Accepted")
        known = self._known(token)
        if not equipment.is_ready:
            return self._offline(known)
        if known is not None and known.is_accepted and options.is_on(Option.PRE_AUTHORIZE):
            return known
        answer = await equipment.client.call(*equipment.dialect.authorize(token))
        return self._learn(token, answer) or Authorization("Invalid")

    def _known(self, token: IdToken) -> Authorization | None:
        equipment, now = self._equipment, self._equipment.clock.now()
        for source, option in ((equipment.local_list, Option.LIST_ENABLED), (equipment.cache, Option.CACHE_ENABLED)):
            found = source.find(token) if equipment.configuration.is_on(option) else None
            if found is not None:
                return found.at(now)
        return None

    def _offline(self, known: Authorization | None) -> Authorization:
        options = self._equipment.configuration
        if known is not None and (not known.is_accepted or options.is_on(Option.LOCAL_OFFLINE)):
            return known
        return Authorization("Accepted" if options.is_on(Option.UNKNOWN_OFFLINE) else "Invalid")

    def _learn(self, token: IdToken, answer: Mapping[str, Any]) -> Authorization | None:
        equipment = self._equipment
        about = equipment.dialect.read_authorization(answer)
        if about is not None and equipment.configuration.is_on(Option.CACHE_ENABLED):
            equipment.cache.learn(token, about)
        return about

    async def _await_plug(self, connector: Connector, permission: Permission) -> None:
        connector.permission = permission
        self._equipment.changed()
        self._equipment.spawn("the time to plug in", self._expire, connector, permission)
        await self._equipment.report()

    async def _expire(self, connector: Connector, permission: Permission) -> None:
        await self._equipment.clock.sleep(self._equipment.configuration.number(Option.CONNECTION_TIMEOUT))
        if connector.permission is permission:
            self.withdraw(connector)
            self._equipment.changed()
            await self._equipment.report()

    async def _start(self, connector: Connector, permission: Permission, trigger: str) -> Transaction:
        equipment = self._equipment
        transaction = self._make(connector, permission)
        connector.transaction, connector.reservation, connector.is_finishing = transaction, None, False
        self._metering.refresh()
        sample = transaction.sample(transaction.started_at)
        readings = self._metering.readings(Option.STARTED_DATA, connector, sample)
        call = equipment.dialect.started(transaction, sample, readings, trigger)
        message = self._messages.put(call, transaction, partial(self._begun, connector, transaction))
        self._metering.start(connector)
        equipment.changed()
        await self._messages.deliver(message)
        await equipment.report()
        return transaction

    def _make(self, connector: Connector, permission: Permission) -> Transaction:
        transaction = Transaction(
            connector_id=connector.id,
            token=permission.token,
            started_at=self._equipment.clock.now(),
            meter=connector.meter,
            meter_start=connector.meter.energy_wh,
            remote_start_id=permission.remote_start_id,
            reservation_id=None if connector.reservation is None else connector.reservation.id,
        )
        self._equipment.dialect.name(transaction)
        if transaction.id is not None:
            self._equipment.profiles.adopt(transaction.id, connector.id)
        return transaction

    def _begun(self, connector: Connector, transaction: Transaction, answer: Mapping[str, Any]) -> None:
        """Apply the CSMS's response to a transaction, which may have ended already."""
        equipment = self._equipment
        equipment.dialect.learn(transaction, answer)
        if transaction.id is not None:
            equipment.profiles.adopt(transaction.id, connector.id)
        about = self._learn(transaction.token, answer)
        if about is not None and not about.is_accepted and connector.transaction is transaction:
            if equipment.configuration.is_on(Option.STOP_ON_INVALID):
                equipment.spawn("the end of a transaction", self.end, connector, "DeAuthorized")
            else:
                transaction.is_refused = True
                self._metering.refresh()
        equipment.changed()

    # The end

    async def end(self, connector: Connector, reason: str) -> None:
        """End the transaction, and wait until that is reported. Raises the errors of `close`."""
        await self._messages.deliver(self.close(connector, reason))
        await self._equipment.report()

    def close(self, connector: Connector, reason: str) -> Event:
        """End the transaction. Returns an event that is set when the CSMS has responded to it.

        Raises ConnectorError without a transaction, ValueError for a reason that the version lacks.
        """
        equipment, transaction = self._equipment, connector.transaction
        if reason not in equipment.dialect.stop_reasons:
            raise ValueError(f"expected one of {', '.join(sorted(equipment.dialect.stop_reasons))}, got {reason!r}")
        if transaction is None:
            raise ConnectorError(f"connector {connector.id} has no transaction")
        self._metering.stop(connector)
        begun, last = self._detach(connector, transaction)
        call = equipment.dialect.ended(transaction, begun, last, reason)
        message = self._messages.put(call, transaction, partial(self._ended, transaction))
        equipment.profiles.forget_transaction(transaction.id, connector.id)
        self._metering.refresh()
        return message

    def _ended(self, transaction: Transaction, answer: Mapping[str, Any]) -> None:
        self._learn(transaction.token, answer)

    def _detach(self, connector: Connector, transaction: Transaction) -> tuple[list[MeterReading], list[MeterReading]]:
        """Detach the transaction from its connector. Returns its first and last values."""
        last = transaction.sample(self._equipment.clock.now())
        samples = (transaction.first_sample or last, last)
        values = [self._metering.readings(Option.ENDED_DATA, connector, sample) for sample in samples]
        transaction.meter_stop, transaction.ended_at = last.energy_wh, last.at
        transaction.charging_state = "EVConnected" if connector.is_plugged else "Idle"
        connector.transaction = None
        connector.is_finishing = connector.is_plugged
        if connector.next_availability is not None:
            connector.availability, connector.next_availability = connector.next_availability, None
        return values[0], values[1]

    def find(self, transaction_id: int | str) -> Connector | None:
        """Return the connector of a transaction, or None if it is not running."""
        for connector in self._equipment.busy:
            if connector.transaction is not None and connector.transaction.id == transaction_id:
                return connector
        return None

    def refresh(self) -> None:
        """Set the power to what car and station allow now."""
        self._metering.refresh()

    # Faults

    async def fault(self, connector: Connector, code: str) -> None:
        """Set a fault, which ends the transaction. Raises ValueError for a code that the version lacks."""
        dialect = self._equipment.dialect
        if code not in dialect.fault_codes:
            raise ValueError(f"expected one of {', '.join(sorted(dialect.fault_codes))}, got {code!r}")
        connector.fault = code
        self.withdraw(connector)
        if connector.transaction is not None:
            await self.end(connector, dialect.fault_reason(code))
        else:
            self._metering.refresh()
            await self._equipment.report()

    async def clear_fault(self, connector: Connector) -> None:
        """Clear the fault of a connector. Raises ConnectorError without a fault."""
        if connector.fault is None:
            raise ConnectorError(f"connector {connector.id} has no fault")
        connector.fault = None
        self._metering.refresh()
        await self._equipment.report()


def _admit(connector: Connector, token: IdToken, about: Authorization) -> None:
    """Raise unless the token may charge at the connector."""
    if not about.is_accepted:
        raise NotAuthorizedError(about.status)
    reservation = connector.reservation
    if reservation is None or token.value.lower() == reservation.id_token.value.lower():
        return
    if about.group is None or about.group != reservation.group:
        raise ConnectorError(f"connector {connector.id} is reserved for another token")
