"""The simulated station and the operations of its driver, technician and operator."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from ocpp_core.errors import RPCError, RPCPropertyConstraintViolationError, RPCSecurityError

from .client import Client
from .clock import Clock
from .faults import FaultInjector
from .messages.conformance import violation_of
from .messages.log import MessageLog
from .model.configuration import Change, Key, Setting
from .model.connector import Connector, Transaction
from .model.dialect import Dialect
from .model.errors import UnknownSettingError
from .model.settings import StationSettings
from .model.times import TimeError
from .operation.commands import Commands, Parts
from .operation.equipment import Equipment
from .operation.life import Life
from .operation.metering import Metering
from .operation.reservations import Reservations
from .operation.transaction_messages import TransactionMessages
from .operation.transactions import Transactions
from .operation.transfers import Transfers
from .v2.commands import Commands2
from .v2.dialect import Dialect2
from .v16.commands import Commands16
from .v16.dialect import Dialect16

__all__ = ["Station"]

_DIALECTS: Final[Mapping[str, type[Dialect]]] = {
    "ocpp1.6": Dialect16,
    "ocpp2.0.1": Dialect2,
    "ocpp2.1": Dialect2,
}
_COMMANDS: Final[Mapping[str, type[Commands]]] = {
    "ocpp1.6": Commands16,
    "ocpp2.0.1": Commands2,
    "ocpp2.1": Commands2,
}


class Station:
    """A simulated charging station.

        client = OCPPClient("CP1", "ws://127.0.0.1:9000", protocols=["ocpp1.6"], offline_queue=True)
        station = Station(client, AsyncioClock(), StationSettings())
        await station.start()
        await station.plug_in(1)
        await station.begin(1)

    Args:
        client: A client for this station alone, which has an offline queue. The station registers its handlers on it,
            and sets its `offline_queue_config`.
        clock: The time of the simulation.
        settings: What is simulated; None for the defaults.

    Raises:
        ValueError: The client already has handlers of these actions.
        RuntimeError: The client has no offline queue.
    """

    def __init__(self, client: Client, clock: Clock, settings: StationSettings | None = None) -> None:
        settings = StationSettings() if settings is None else settings
        self.client = client
        """The client that the station uses."""
        self.settings = settings
        """The settings of the simulation."""
        _ = client.queued  # raises RuntimeError without an offline queue
        self.log: MessageLog = MessageLog(client, clock.now)
        """The messages that were sent and received."""
        self.faults: FaultInjector = FaultInjector(client, clock, self.log)
        """Faults that can be armed, to test how a central system reacts."""
        self._equipment = equipment = Equipment(client, clock, settings, self.log, _DIALECTS)
        self._messages = messages = TransactionMessages(equipment)
        metering = Metering(equipment, messages)
        self._transactions = Transactions(equipment, messages, metering)
        reservations = Reservations(equipment)
        self._life = Life(equipment, messages, metering, self._transactions, reservations)
        self._transfers = Transfers(equipment, self._life)
        self._serve(Parts(equipment, messages, metering, self._transactions, self._life, self._transfers, reservations))

    def __repr__(self) -> str:
        return f"<Station {self.client.identity!r} {self.protocol} {self.boot_status or 'off'}>"

    # State

    @property
    def protocol(self) -> str:
        """The negotiated subprotocol. Before the first connection, that of the settings."""
        return self._equipment.protocol

    @property
    def connectors(self) -> tuple[Connector, ...]:
        """The connectors, numbered from 1."""
        return self._equipment.connectors

    @property
    def availability(self) -> str:
        """Operative or Inoperative, for the station as a whole."""
        return self._equipment.availability

    @property
    def boot_status(self) -> str:
        """Status of the last BootNotification: Accepted, Pending or Rejected. Empty before it and when off."""
        return self._equipment.boot_status

    @property
    def is_on(self) -> bool:
        """True if the station is on, also during a restart.

        A connection that is closed for good switches it off.
        """
        return self._life.is_running

    @property
    def firmware_version(self) -> str:
        """Version of the firmware. An update sets it to the version in the name of the file."""
        return self._equipment.firmware_version

    @property
    def firmware_status(self) -> str:
        """State of the firmware update, as the version names it. Idle before the first."""
        return self._transfers.firmware_status

    @property
    def diagnostics_status(self) -> str:
        """State of the upload of diagnostics or of a log. Idle before the first."""
        return self._transfers.diagnostics_status

    @property
    def queued(self) -> int:
        """Number of messages in the outbox of the client: about transactions, and security events."""
        return len(self._messages)

    @property
    def reconnects(self) -> int:
        """Number of reconnects after a lost connection."""
        return self._life.reconnects

    @property
    def stop_reasons(self) -> tuple[str, ...]:
        """Reasons that `end` accepts."""
        return tuple(sorted(self._equipment.dialect.stop_reasons))

    @property
    def fault_codes(self) -> tuple[str, ...]:
        """Codes that `fault` accepts."""
        return tuple(sorted(self._equipment.dialect.fault_codes))

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call a function after every change of the station. Returns the function that ends this."""
        return self._equipment.watch(callback)

    # Settings

    @property
    def configuration(self) -> list[Setting]:
        """The current settings: configuration keys of 1.6, variables of 2.x."""
        return [variable.setting for variable in self._equipment.configuration]

    def configure(
        self, name: str, value: str, *, component: str = "", evse: int | None = None, instance: str = ""
    ) -> None:
        """Change a setting, as the CSMS can.

        Args:
            name: The key of 1.6, or the name of the variable of 2.x.
            value: The new value as text.
            component: The component of the variable (2.x).
            evse: The EVSE of the component (2.x); None for the whole station.
            instance: The instance of the variable (2.x).

        Raises:
            UnknownSettingError: The station has no such setting, or the setting does not allow the value.
        """
        change = self._equipment.configuration.change(Key(name, component, evse, instance), value)
        if change is not Change.ACCEPTED:
            reasons = {
                Change.UNKNOWN: "is not a setting of this station",
                Change.READ_ONLY: "is read-only",
                Change.REJECTED: f"does not accept {value!r}",
            }
            raise UnknownSettingError(f"{component}{'.' if component else ''}{name} {reasons[change]}")

    # Life

    async def start(self) -> str:
        """Switch on, connect, and register until the CSMS accepts. Returns the negotiated subprotocol.

        Raises what the client's `connect` raises. Raises StationError if the station runs already, or if the
        connection is closed for good before the CSMS accepts.
        """
        return await self._life.start()

    async def stop(self) -> None:
        """Switch off and close the client. A transaction ends at the next start, with PowerLoss."""
        await self._life.stop()

    # Operations of a driver

    async def plug_in(self, connector_id: int) -> None:
        """Plug the cable in.

        Raises:
            ConnectorError: It is already plugged in.
            UnknownConnectorError: The station has no such connector.
        """
        await self._transactions.plug_in(self._equipment.connector(connector_id))

    async def unplug(self, connector_id: int) -> None:
        """Unplug the cable, which ends the transaction.

        Raises:
            ConnectorError: It is not plugged in.
            UnknownConnectorError: The station has no such connector.
        """
        await self._transactions.unplug(self._equipment.connector(connector_id))

    async def begin(self, connector_id: int, id_token: str | None = None) -> Transaction | None:
        """Present an ID token, and start a transaction if it may charge.

        Returns the transaction. Returns None without a cable: then it starts if the cable is plugged in in time. It
        also
        raises what the client raises for an Authorize without a CALLRESULT.

        Raises:
            NotAuthorizedError: The token may not charge.
            ConnectorError: The connector is in the wrong state.
            NotRegisteredError: The central system has not accepted the station.
            UnknownConnectorError: The station has no such connector.
        """
        token = self._equipment.dialect.token(self.settings.id_token if id_token is None else id_token)
        return await self._transactions.begin(self._equipment.connector(connector_id), token)

    async def end(self, connector_id: int, reason: str = "Local") -> None:
        """End the transaction.

        Raises:
            ConnectorError: There is no transaction.
            ValueError: The version has no such reason.
        """
        await self._transactions.end(self._equipment.connector(connector_id), reason)

    async def set_power(self, connector_id: int, watts: float) -> None:
        """Set the watts that the car requests, 0 to 1e6. Raises ValueError for any other value.

        The station may deliver less. At 0 the car suspends charging.
        """
        connector = self._equipment.connector(connector_id)
        if not 0 <= watts <= 1e6:
            raise ValueError(f"expected 0 to 1000000 watts, got {watts!r}")
        connector.demand_w = watts
        self._transactions.refresh()

    # Operations of a technician

    async def fault(self, connector_id: int, code: str) -> None:
        """Set a fault, which ends the transaction. Raises ValueError for a code that the version lacks."""
        await self._transactions.fault(self._equipment.connector(connector_id), code)

    async def clear_fault(self, connector_id: int) -> None:
        """Clear the fault of a connector.

        Raises:
            ConnectorError: It has no fault.
            UnknownConnectorError: The station has no such connector.
        """
        await self._transactions.clear_fault(self._equipment.connector(connector_id))

    # Commands of the CSMS

    def _serve(self, parts: Parts) -> None:
        for protocol, commands in _COMMANDS.items():
            for action, command in commands(parts).table.items():
                self.client.handle(protocol, action, partial(self._answer, protocol, action, command))

    def _answer(
        self, protocol: str, action: str, command: Callable[[dict[str, Any]], dict[str, Any]], context: Any
    ) -> dict[str, Any]:
        """Respond to a CALL. It fails if it breaks its schema or the station is not accepted or Pending."""
        violation = violation_of(protocol, action, context.params)
        if violation is not None:
            raise RPCError(violation.code.value, violation.description)
        if self.boot_status not in ("Accepted", "Pending"):
            raise RPCSecurityError("the BootNotification of this station was not answered with Accepted or Pending")
        try:
            return command(context.params)
        except TimeError as error:
            raise RPCPropertyConstraintViolationError(str(error)) from error
