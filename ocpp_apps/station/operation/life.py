"""The life cycle of a station: connecting, BootNotification, heartbeats, outages, resets."""

from collections.abc import Mapping
from typing import Any, Final

from ocpp_apps.station.clock import Event, Task
from ocpp_apps.station.messages.log import LogEntry
from ocpp_apps.station.model.configuration import Option
from ocpp_apps.station.model.connector import Connector
from ocpp_apps.station.model.errors import StationError
from ocpp_core.errors import ClosedError, ConnectionLostError, OCPPError
from ocpp_transports.events import OpenEvent

from .equipment import Equipment, call_off
from .metering import Metering
from .reservations import Reservations
from .transaction_messages import TransactionMessages
from .transactions import Transactions

__all__ = ["Life"]

_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 30.0
"""Seconds before the first and the last repeated attempt to connect after a reset. The pause doubles."""
_LONGEST_INTERVAL: Final = 31_536_000
"""Longest interval in seconds: a year. A longer one is cut to this."""
_BREATH: Final = 0.1
"""Seconds from a lost connection to the next check."""
_IDLE_CHECK: Final = 1.0
"""Seconds between two checks whether all transactions have ended."""


class Life:
    """Keeps a station registered while it runs."""

    def __init__(
        self,
        equipment: Equipment,
        messages: TransactionMessages,
        metering: Metering,
        transactions: Transactions,
        reservations: Reservations,
    ) -> None:
        self._equipment = equipment
        self._messages = messages
        self._metering = metering
        self._transactions = transactions
        self._reservations = reservations
        self._heartbeats: Task | None = None
        self._is_running = self._is_working = self._is_scheduled = False
        self._is_powering_up = False
        """True from the start until the client has opened its queue and connects."""
        self._suspended: list[Connector] = []
        """Connectors whose transactions continue after a reset."""
        self._registration: Task | None = None
        self._boot_reason = "PowerUp"
        self._boot_interval: float | None = None
        """Interval in seconds from the last response to BootNotification; None without one."""
        self._opened = equipment.clock.event()
        self._settled = equipment.clock.event()
        """Set when the current start or reset is over: the station is accepted or off."""
        self._farewell: Event | None = None
        """Set when the connection of a failed start is closed."""
        self._offline_since: float | None = None
        self._reconnects = 0
        self._is_booting = False
        """True while a BootNotification is outstanding."""
        equipment.obeys.append(self._obey)
        equipment.log.watch(self._logged)
        client = equipment.client
        client.on("connecting", self._connecting)
        client.on("open", self._open)
        client.on("disconnect", self._lost)
        client.on("close", self._closed)

    @property
    def is_running(self) -> bool:
        """True if the station is switched on."""
        return self._is_running

    @property
    def is_resetting(self) -> bool:
        """True if a reset is in progress."""
        return self._equipment.is_resetting

    @property
    def reconnects(self) -> int:
        """Number of reconnects after a lost connection."""
        return self._reconnects

    # Power

    async def start(self) -> str:
        """Connect and register. Returns the negotiated subprotocol.

        Raises what the client's `connect` raises. Raises StationError if the station runs, or if it is switched off
        or the connection is closed for good before it is accepted.
        """
        if self._is_running:
            raise StationError("cannot start: the station runs already")
        self._is_running = True
        settled = self._settled = self._equipment.clock.event()
        try:
            if self._farewell is not None:
                await self._farewell.wait()
            self._reservations.resume()
            self._is_powering_up = True
            protocol = await self._connect()
            self._boot_reason = "PowerUp"
            self._begin_registration()
            await settled.wait()
        except BaseException:
            if self._settled is settled:  # otherwise the station was switched off and on again
                self._power_off()
                self._break_off()
            raise
        if self._settled is not settled or not (self._is_working or self.is_resetting):
            raise StationError(
                "the station was switched off, or the connection closed for good, before it was accepted"
            )
        return protocol

    async def _connect(self) -> str:
        protocol = await self._equipment.client.connect()
        self._equipment.speak(protocol)
        self._equipment.spawn("the outcomes of queued messages", self._messages.follow)
        return protocol

    async def stop(self) -> None:
        """Switch the station off.

        A transaction stays open. At the next start it ends with PowerLoss.
        """
        self._power_off()
        await self._equipment.client.close()

    def _break_off(self) -> None:
        """Close the connection of a failed start in a task, since a cancelled caller cannot wait."""
        if self._equipment.client.state.name != "CLOSED":
            self._farewell = self._equipment.clock.event()
            self._equipment.clock.spawn(self._hang_up(self._farewell))

    async def _hang_up(self, done: Event) -> None:
        try:
            await self._equipment.client.close()
        finally:
            self._farewell = None
            done.set()

    def _power_off(self) -> None:
        equipment = self._equipment
        self._is_running = self._is_working = self._is_scheduled = self._is_powering_up = False
        equipment.is_resetting = equipment.is_rebooting = False
        equipment.cancel_all()
        self._messages.end_waiting()
        equipment.boot_status = ""
        for connector in equipment.connectors:
            connector.meter.power_w = 0.0
            connector.is_starting = False
            self._transactions.withdraw(connector)
        self._settled.set()
        equipment.changed()

    async def reboot(self, boot_reason: str, stop_reason: str | None) -> None:
        """End the transactions for this reason, disconnect, reconnect and register.

        Without a reason, the transactions continue afterwards. Returns when the station is accepted again. If the
        caller is cancelled, the reset continues.
        """
        if self.is_resetting:
            return
        self._equipment.is_resetting, self._is_scheduled = True, False
        for connector in self._equipment.connectors:
            self._transactions.withdraw(connector)
        if self._settled.is_set():
            self._settled = self._equipment.clock.event()
        self._equipment.spawn("the restart", self._restart, boot_reason, stop_reason)
        await self._settled.wait()

    async def _restart(self, boot_reason: str, stop_reason: str | None) -> None:
        equipment = self._equipment
        call_off(self._registration)
        while equipment.busy and stop_reason is not None:  # checked again: a driver may have ended one
            await self._transactions.end(equipment.busy[0], stop_reason)
        equipment.is_rebooting = True
        self._rest()
        await equipment.client.close(1000, "reset")
        await equipment.clock.sleep(equipment.settings.reboot_seconds)
        await self._come_back()
        equipment.is_resetting = equipment.is_rebooting = False
        self._boot_reason = boot_reason
        self._begin_registration()

    async def reboot_when_idle(self, boot_reason: str) -> None:
        """Wait for the end of all transactions, then reboot, unless another reset starts first."""
        self._is_scheduled = True
        while self._equipment.busy:
            await self._equipment.clock.sleep(_IDLE_CHECK)
        if self._is_scheduled:
            await self.reboot(boot_reason, None)

    def _rest(self) -> None:
        """Stop charging while the station restarts."""
        equipment = self._equipment
        equipment.boot_status, self._is_working = "", False
        call_off(self._heartbeats)
        self._suspended = equipment.busy
        for connector in equipment.connectors:
            self._metering.stop(connector)
            connector.is_finishing = False
            connector.meter.power_w = 0.0
        equipment.changed()

    async def _come_back(self) -> None:
        """Connect, with retries until it succeeds."""
        pause = _FIRST_PAUSE
        while True:
            try:
                await self._connect()
            except OCPPError as error:
                self._equipment.log.note("the connection after a reset", error)
                await self._equipment.clock.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                return

    def _go_on(self) -> None:
        """Resume the transactions that the reset did not end."""
        self._metering.refresh()
        suspended, self._suspended = self._suspended, []
        for connector in suspended:
            transaction = connector.transaction
            if transaction is not None:
                self._metering.tell_update(transaction, "TxResumed")
                self._metering.start(connector)

    # Registration

    def _begin_registration(self, pause: float = 0.0) -> None:
        call_off(self._registration)
        self._registration = self._equipment.spawn("the registration", self._register, pause)

    async def _register(self, pause: float) -> None:
        """Wait for `pause` seconds, then send BootNotification until the CSMS accepts.

        The pause in between is the last interval from the CSMS. An attempt without a CALLRESULT does not change it (1.6
        §4.2; 2.0.1 Part 2 B02.FR.04, B02.FR.08, B03.FR.06). Without an interval it is the station's own, which must not
        flood the CSMS (1.6 §4.2; B02.FR.07, B03.FR.05).
        """
        equipment = self._equipment
        while equipment.boot_status != "Accepted":
            await equipment.clock.sleep(pause)
            await self._opened.wait()
            try:
                pause = await self.boot(self._boot_reason)
            except (ConnectionLostError, ClosedError):
                pause = _BREATH
            except OCPPError as error:
                equipment.log.note("BootNotification", error)
                pause = self._boot_interval or equipment.settings.heartbeat_interval
        await self._begin_work()

    async def boot(self, reason: str) -> float:
        """Send one BootNotification. Returns the interval from the response in seconds."""
        equipment = self._equipment
        self._is_booting = True
        try:
            answer = await equipment.client.call(*equipment.dialect.boot(equipment.firmware_version, reason))
        finally:
            self._is_booting = False
        interval = self._read_interval(answer)
        equipment.boot_status = _boot_status(answer)
        if equipment.boot_status == "Accepted":
            equipment.configuration.store(Option.HEARTBEAT_INTERVAL, str(round(interval)))
        equipment.changed()
        return interval

    def _logged(self, entry: LogEntry) -> None:
        """Store the status when the response is received: a command may follow before `boot` continues."""
        is_answer = entry.kind == "CALLRESULT" and entry.direction == "in" and entry.action == "BootNotification"
        is_awaited = self._is_booting and self._is_running and not self._equipment.is_rebooting
        if is_answer and is_awaited and entry.problem is None:
            self._equipment.boot_status = _boot_status(entry.frame[2])

    def _read_interval(self, answer: Mapping[str, Any]) -> float:
        interval = answer.get("interval")
        if isinstance(interval, (int, float)) and not isinstance(interval, bool):
            self._boot_interval = float(min(interval, _LONGEST_INTERVAL)) if interval >= 1 else None
        return self._boot_interval or self._equipment.settings.heartbeat_interval

    async def boot_again(self) -> None:
        """Send a BootNotification on request of the CSMS, which may accept or reject the station again."""
        pause = await self.boot("Triggered")
        if self._is_working and self._equipment.boot_status == "Accepted":
            return
        self._is_working = False
        call_off(self._heartbeats)
        self._begin_registration(pause)

    async def _begin_work(self) -> None:
        """Send all statuses, and start the heartbeats, once after acceptance."""
        self._is_working = True
        self._equipment.forget_reports()
        self._start_heartbeats()
        self._metering.start_clock()
        await self._equipment.report()
        if not self._is_working:  # a reset has started: the rest follows after it
            return
        event = self._equipment.dialect.security_event_of.get(self._boot_reason)
        if event is not None:
            call = self._equipment.dialect.security_event(event, self._equipment.clock.now())
            await self._messages.deliver(self._messages.put(call))
        self._go_on()
        self._settled.set()

    # Heartbeats

    def _start_heartbeats(self) -> None:
        call_off(self._heartbeats)
        self._heartbeats = self._equipment.spawn("heartbeats", self._beat)

    async def _beat(self) -> None:
        equipment = self._equipment
        while True:
            await equipment.clock.sleep(equipment.configuration.number(Option.HEARTBEAT_INTERVAL))
            await equipment.send(equipment.dialect.heartbeat())

    def _obey(self, option: Option) -> None:
        if option is Option.HEARTBEAT_INTERVAL and self._equipment.boot_status == "Accepted":
            self._start_heartbeats()

    # The connection

    def _connecting(self, _: object) -> None:
        """End the transactions of before the power was off, before any other message is made."""
        if self._is_powering_up:
            self._is_powering_up = False
            for connector in self._equipment.busy:
                self._transactions.close(connector, "PowerLoss")

    def _open(self, event: OpenEvent) -> None:
        equipment = self._equipment
        if not self._is_running:
            return
        if event.protocol != equipment.protocol:
            equipment.speak(event.protocol)
        self._opened.set()
        if self._offline_since is not None:
            self._reconnects += 1
            offline = equipment.clock.monotonic() - self._offline_since
            self._offline_since = None
            if equipment.boot_status == "Accepted":
                equipment.spawn("the time after an outage", self._resume, offline)
        equipment.changed()

    async def _resume(self, offline: float) -> None:
        """Continue after an outage, without a BootNotification, since the station has not rebooted."""
        equipment = self._equipment
        threshold = equipment.configuration.number(Option.OFFLINE_THRESHOLD)
        if equipment.dialect.reconnection_reports_all and offline > threshold:
            equipment.forget_reports()
        await equipment.report()

    def _lost(self, _: object) -> None:
        self._messages.end_waiting()
        self._offline_since = self._equipment.clock.monotonic()
        if self._opened.is_set():
            self._opened = self._equipment.clock.event()
        self._equipment.changed()

    def _closed(self, _: object) -> None:
        """Switch off if the station did not close the connection itself: the client will not reconnect."""
        self._offline_since = None
        self._opened = self._equipment.clock.event()
        if self._is_running and not self._equipment.is_rebooting and self._farewell is None:
            self._power_off()


def _boot_status(answer: Mapping[str, Any]) -> str:
    status = answer.get("status")
    return status if status in ("Accepted", "Pending") else "Rejected"
