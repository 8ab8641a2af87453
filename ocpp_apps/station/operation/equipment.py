"""The state of a station, its tasks, and its connection to the CSMS."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Final

from ocpp_apps.station.client import Client
from ocpp_apps.station.clock import Clock, Task
from ocpp_apps.station.messages.log import MessageLog
from ocpp_apps.station.model.authorization import AuthorizationCache, LocalList
from ocpp_apps.station.model.charging_profiles import ChargingProfiles
from ocpp_apps.station.model.configuration import Configuration, Option
from ocpp_apps.station.model.connector import Connector
from ocpp_apps.station.model.dialect import Call, Dialect, Facts
from ocpp_apps.station.model.errors import StationError, UnknownConnectorError
from ocpp_apps.station.model.settings import StationSettings
from ocpp_core.errors import ClosedError, ConnectionLostError, OCPPError
from ocpp_core.outbox.settings import OutboxConfig

__all__ = ["Equipment", "call_off"]

_RETRIES: Final = (Option.MESSAGE_ATTEMPTS, Option.MESSAGE_INTERVAL)


class _Job:
    """A task and its entry in the running tasks.

    A task that is cancelled before its first step cannot remove the entry itself.
    """

    def __init__(self, jobs: "set[_Job]") -> None:
        self._jobs = jobs
        self.task: Task | None = None

    def cancel(self) -> None:
        self._jobs.discard(self)
        call_off(self.task)


class Equipment:
    """The state that all components share. A component that changes it calls `changed`."""

    dialect: Dialect
    configuration: Configuration

    def __init__(
        self,
        client: Client,
        clock: Clock,
        settings: StationSettings,
        log: MessageLog,
        dialects: Mapping[str, type[Dialect]],
    ) -> None:
        self.client = client
        self.clock = clock
        self.settings = settings
        self.log = log
        self.connectors: tuple[Connector, ...] = tuple(
            Connector(number, settings.max_power, clock.monotonic, self._status_of)
            for number in range(1, settings.connectors + 1)
        )
        self.availability = "Operative"
        self.reported_availability: str | None = None
        """Availability of the station, as the CSMS set it."""
        self.firmware_version: str = settings.firmware_version
        self.boot_status = ""
        """Accepted, Pending or Rejected; empty until the CSMS has responded."""
        self.is_resetting = False
        """True if a reset is in progress: no transaction may start."""
        self.is_rebooting = False
        """True if the reset has closed the connection."""
        self.local_list: LocalList = LocalList()
        self.cache: AuthorizationCache = AuthorizationCache()
        self.profiles: ChargingProfiles = ChargingProfiles()
        self.obeys: list[Callable[[Option], None]] = []
        """Called with every option that changed."""
        self._watchers: list[Callable[[], None]] = []
        self._jobs: set[_Job] = set()
        self._dialects = dialects
        self._spoken: dict[str, tuple[Dialect, Configuration]] = {}
        self.speak(settings.protocol)

    # The version

    def speak(self, protocol: str) -> None:
        """Switch to a version and its configuration. Raises StationError if the station does not support it."""
        if protocol not in self._dialects:
            raise StationError(f"expected one of {', '.join(self._dialects)}, negotiated {protocol!r}")
        if protocol not in self._spoken:
            dialect = self._dialects[protocol](protocol, self.settings)
            configuration = Configuration(dialect.variables(self._facts()), self._option_changed)
            self._spoken[protocol] = dialect, configuration
        self.protocol = protocol
        self.dialect, self.configuration = self._spoken[protocol]
        self._set_retries()

    def _set_retries(self) -> None:
        """Let the outbox of the client repeat messages as the CSMS has configured, also those that are queued."""
        attempts, interval = map(self.configuration.number, _RETRIES)
        self.client.reconfigure(offline_queue_config=OutboxConfig(attempts=attempts, interval=interval))

    def _facts(self) -> Facts:
        return Facts(
            connectors=self.connectors,
            firmware_version=lambda: self.firmware_version,
            list_length=lambda: len(self.local_list),
            profiles=lambda: len(self.profiles),
            availability=lambda: self.availability,
            now=self.clock.now,
        )

    def _status_of(self, connector: Connector) -> str:
        return self.dialect.status_of(connector)

    def _option_changed(self, option: Option | None) -> None:
        if option in _RETRIES:
            self._set_retries()
        if option is not None:
            for obey in self.obeys:
                obey(option)
        self.changed()

    # Connectors

    def connector(self, number: int) -> Connector:
        """Return a connector. Raises UnknownConnectorError if it does not exist."""
        if isinstance(number, bool) or not 1 <= number <= len(self.connectors):
            raise UnknownConnectorError(f"expected a connector from 1 to {len(self.connectors)}, got {number!r}")
        return self.connectors[number - 1]

    def has_connector(self, number: int) -> bool:
        """Return True if the connector exists."""
        return 1 <= number <= len(self.connectors)

    @property
    def busy(self) -> list[Connector]:
        """The connectors with a transaction."""
        return [connector for connector in self.connectors if connector.transaction is not None]

    # Watchers

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call a function after every change. Returns the function that ends this."""
        self._watchers.append(callback)

        def cancel() -> None:
            if callback in self._watchers:
                self._watchers.remove(callback)

        return cancel

    def changed(self) -> None:
        """Notify the watchers."""
        for watcher in tuple(self._watchers):
            watcher()

    # Tasks

    def spawn(self, what: str, work: Callable[..., Coroutine[Any, Any, Any]], *args: Any) -> Task:
        """Run `work(*args)` in a task until the station stops. Its errors are added to the log."""
        job = _Job(self._jobs)

        async def run() -> None:
            try:
                await work(*args)
            except (StationError, OCPPError) as error:
                self.log.note(what, error)
            finally:
                self._jobs.discard(job)

        self._jobs.add(job)
        job.task = self.clock.spawn(run())
        return job

    def cancel_all(self) -> None:
        """End every task."""
        for job in tuple(self._jobs):
            job.cancel()

    # Connection

    @property
    def is_online(self) -> bool:
        """True if the connection is open."""
        return self.client.state.name == "OPEN"

    @property
    def is_ready(self) -> bool:
        """True if the station may send requests: the CSMS has accepted it and the connection is open."""
        return self.is_admitted and self.boot_status == "Accepted"

    @property
    def is_admitted(self) -> bool:
        """True if the station may send what the CSMS requested, which it may also while Pending."""
        return self.is_online and self.boot_status in ("Accepted", "Pending") and not self.is_rebooting

    async def send(self, call: Call | None) -> bool:
        """Send a request if that is possible now.

        Returns False without a connection or if it is lost. A rejected request is added to the log.
        """
        if call is None or not self.is_admitted:
            return False
        try:
            await self.client.call(*call)
        except (ConnectionLostError, ClosedError):
            return False
        except OCPPError as error:
            self.log.note(call[0], error)
        return True

    async def report(self) -> None:
        """Send every status that the CSMS does not know."""
        if not self.is_ready:
            return
        if self.reported_availability != self.availability:
            self.reported_availability = self.availability
            call = self.dialect.station_status(self.availability, self.clock.now())
            if call is not None and not await self.send(call):
                self.reported_availability = None
        for connector in self.connectors:
            await self._report(connector)

    async def _report(self, connector: Connector) -> None:
        current = (connector.status, connector.fault)
        if connector.reported == current:
            return
        calls = self.dialect.status(connector, self.clock.now())
        connector.reported = current
        for call in calls:
            if not await self.send(call):
                connector.reported = None
                return

    async def report_as_asked(self, connectors: Sequence[Connector], *, whole: bool) -> None:
        """Send these statuses on request of the CSMS, which may request them before it accepts the station.

        `whole` adds the status of the station if the version has one. A fault that 2.x reports separately is left out.
        """
        if whole:
            await self.send(self.dialect.station_status(self.availability, self.clock.now()))
        for connector in connectors:
            await self.send(self.dialect.status(connector, self.clock.now())[0])

    def forget_reports(self) -> None:
        """Assume that the CSMS knows no status."""
        self.reported_availability = None
        for connector in self.connectors:
            connector.reported = None


def call_off(task: Task | None) -> None:
    """Cancel a task, if there is one."""
    if task is not None:
        task.cancel()
