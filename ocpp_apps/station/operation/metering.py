"""The meter values and the power of transactions."""

from typing import Final

from ocpp_apps.station.clock import Task
from ocpp_apps.station.model.charging_profiles import Situation
from ocpp_apps.station.model.configuration import Option
from ocpp_apps.station.model.connector import Connector, Sample, Transaction
from ocpp_apps.station.model.dialect import MeterReading, read_values

from .equipment import Equipment, call_off
from .transaction_messages import TransactionMessages

__all__ = ["Metering"]

_LONGEST_WAIT: Final = 3600.0
"""Seconds between two checks of a transaction without meter values."""
_EARLY: Final = 0.05
"""Seconds that timers may fire early."""
_DAY: Final = 86_400


class Metering:
    """Samples the meters at intervals and at clock times, and applies the charging profiles."""

    def __init__(self, equipment: Equipment, messages: TransactionMessages) -> None:
        self._equipment = equipment
        self._messages = messages
        self._tasks: dict[int, Task] = {}
        self._by_clock: Task | None = None
        equipment.obeys.append(self._obey)

    # Samples

    def readings(self, option: Option, connector: Connector, sample: Sample) -> list[MeterReading]:
        """Return a sample of the measurands that an option lists."""
        equipment = self._equipment
        return read_values(equipment.configuration.members(option), connector, sample, equipment.settings)

    def measure(self, connector: Connector) -> Sample:
        """Return a reading of a meter."""
        return Sample(self._equipment.clock.now(), connector.meter.energy_wh, connector.meter.power_w)

    def start(self, connector: Connector) -> None:
        """Start to sample the transaction of a connector."""
        self.stop(connector)
        if connector.transaction is not None:
            self._tasks[connector.id] = self._equipment.spawn(
                "meter values", self._follow, connector, connector.transaction
            )

    def stop(self, connector: Connector) -> None:
        """Stop sampling a connector."""
        call_off(self._tasks.pop(connector.id, None))

    def start_clock(self) -> None:
        """Start clock-aligned meter values if their interval is set."""
        call_off(self._by_clock)
        self._by_clock = None
        if self._equipment.configuration.number(Option.ALIGNED_INTERVAL):
            self._by_clock = self._equipment.spawn("clock-aligned meter values", self._follow_clock)

    def take(self, connector: Connector, transaction: Transaction, context: str, option: Option) -> None:
        """Sample a transaction and report the values."""
        equipment = self._equipment
        sample = transaction.sample(equipment.clock.now())
        readings = self.readings(option, connector, sample)
        if readings:
            self._messages.put(equipment.dialect.sampled(transaction, sample, readings, context), transaction)
        equipment.changed()

    def tell_state(self, connector: Connector, transaction: Transaction) -> None:
        """Report a transaction on request of the CSMS, even without measurands."""
        equipment = self._equipment
        if equipment.configuration.members(Option.SAMPLED_DATA):
            self.take(connector, transaction, "Trigger", Option.SAMPLED_DATA)
            return
        self.tell_update(transaction, "Trigger")

    def tell_update(self, transaction: Transaction, trigger: str) -> None:
        """Report a new or a requested charging state, if the version has a message for it."""
        call = self._equipment.dialect.updated(transaction, trigger, self._equipment.clock.now())
        if call is not None:
            self._messages.put(call, transaction)

    async def send_values(self, connector: Connector, context: str, option: Option) -> None:
        """Report the meter of a connector outside of transactions."""
        equipment = self._equipment
        sample = self.measure(connector)
        readings = self.readings(option, connector, sample)
        if readings:
            await equipment.send(equipment.dialect.meter_values(connector, sample.at, readings, context))

    # Power

    def situation(self, connector: Connector) -> Situation:
        """Return the target whose limit applies to a connector."""
        transaction = connector.transaction
        return Situation(
            connector_id=connector.id,
            transaction_id=None if transaction is None else transaction.id,
            started_at=None if transaction is None else transaction.started_at,
            is_charging=transaction is not None,
            capacity=connector.max_power,
            sharers=max(1, len(self._equipment.busy)),
        )

    def whole(self) -> Situation:
        """Return the station as the target of a limit."""
        capacity = sum(connector.max_power for connector in self._equipment.connectors)
        return Situation(connector_id=0, capacity=capacity)

    def refresh(self) -> None:
        """Set the power to what the limits and the car allow, and report changes of the charging state."""
        for connector in self._equipment.connectors:
            self._refresh(connector)
        self._equipment.changed()

    def _refresh(self, connector: Connector) -> None:
        equipment, transaction = self._equipment, connector.transaction
        connector.offered_w = equipment.profiles.limit(equipment.clock.now(), self.situation(connector))
        if transaction is not None and transaction.is_refused:
            connector.offered_w = 0.0
        connector.set_flow()
        if transaction is not None and transaction.charging_state != connector.charging_state:
            is_new = not transaction.charging_state
            transaction.charging_state = connector.charging_state
            if not is_new:
                self.tell_update(transaction, "ChargingStateChanged")
                equipment.spawn("StatusNotification", equipment.report)

    # In time

    async def _follow(self, connector: Connector, transaction: Transaction) -> None:
        """Sample a transaction at its interval, and check the limits when they may change."""
        clock = self._equipment.clock
        interval = self._equipment.configuration.number(Option.SAMPLE_INTERVAL)
        due = clock.monotonic() + (interval or _LONGEST_WAIT)
        while connector.transaction is transaction:
            horizon = due - clock.monotonic()
            where = self.situation(connector)
            await clock.sleep(self._equipment.profiles.next_change(clock.now(), where, horizon))
            if connector.transaction is not transaction:
                return
            self.refresh()
            if clock.monotonic() >= due - _EARLY:
                due += interval or _LONGEST_WAIT
                if interval:
                    self.take(connector, transaction, "Sample.Periodic", Option.SAMPLED_DATA)

    async def _follow_clock(self) -> None:
        equipment = self._equipment
        interval = equipment.configuration.number(Option.ALIGNED_INTERVAL)
        while True:
            now = equipment.clock.now()
            passed = (now.hour * 3600 + now.minute * 60 + now.second + now.microsecond / 1e6) % interval
            await equipment.clock.sleep(min(interval - passed + _EARLY, _DAY))
            for connector in equipment.connectors:
                if connector.transaction is not None:
                    self.take(connector, connector.transaction, "Sample.Clock", Option.ALIGNED_DATA)
                elif equipment.is_ready:
                    equipment.spawn("meter values", self.send_values, connector, "Sample.Clock", Option.ALIGNED_DATA)

    def _obey(self, option: Option) -> None:
        if option is Option.SAMPLE_INTERVAL:
            for connector in self._equipment.busy:
                self.start(connector)
        elif option is Option.ALIGNED_INTERVAL:
            self.start_clock()
