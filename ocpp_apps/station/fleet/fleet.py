"""A fleet of stations that start one after the other, charge in cycles, and stop together."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import TypeAlias

from ocpp_apps.station.attempts import may_be_up_later, start_when_up
from ocpp_apps.station.client import Client
from ocpp_apps.station.clock import Clock, Task
from ocpp_apps.station.messages.breaches import Breaches
from ocpp_apps.station.model.errors import StationError
from ocpp_apps.station.model.settings import StationSettings
from ocpp_apps.station.operation.equipment import call_off
from ocpp_apps.station.station import Station
from ocpp_core.errors import ConnectionFailedError, OCPPError, StoreError

from .statistics import Snapshot, Statistics

__all__ = ["Fleet", "MakeClient", "Plan"]

MakeClient: TypeAlias = Callable[[str], AbstractAsyncContextManager[Client]]
"""Returns the client of an identity."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The stations of a fleet and what they do."""

    identities: Sequence[str]
    settings: StationSettings
    ramp: float = 0.0
    """Seconds over which the starts are spread."""
    wait: float = 0.0
    """Seconds for which each station retries if the CSMS is not up."""
    charge: float | None = None
    """Seconds of each charging session, varied by up to a quarter; None for no sessions."""


class _Member:
    """One station of the fleet, from power-up to power-off."""

    def __init__(self, identity: str, fleet: "Fleet") -> None:
        self.identity = identity
        self.station: Station | None = None
        self.failure: str | None = None
        """Error of the last attempt to start; None if it succeeded."""
        self.is_unreached = False
        """True if the CSMS could not be reached, so that a longer wait may help."""
        self._fleet = fleet
        self._clock = fleet.clock
        self._task: Task | None = None
        self._ending = fleet.clock.event()
        self.ended = fleet.clock.event()
        self._has_started = False

    @property
    def is_accepted(self) -> bool:
        """True if the CSMS has accepted the station, also while its first messages are still on their way."""
        return self._has_started or (self.station is not None and self.station.boot_status == "Accepted")

    def begin(self, delay: float) -> None:
        """Start after a delay, charge in cycles, and stop after `end`."""
        self._task = self._clock.spawn(self._live(delay))

    async def _live(self, delay: float) -> None:
        try:
            await self._clock.sleep(delay)
            async with self._fleet.make_client(self.identity) as client:
                self.station = Station(client, self._clock, self._fleet.plan.settings)
                client.on("open", self._reached)
                self.station.log.watch(self._fleet.statistics)
                self.station.log.watch(partial(self._fleet.breaches.note, self.identity))
                if await self._start(self.station):
                    await self._work(self.station)
        except StoreError as error:
            self.failure = str(error)
        finally:
            self.ended.set()

    async def _start(self, station: Station) -> bool:
        try:
            await start_when_up(station, self._clock, self._fleet.plan.wait, self._failed)
        except (OCPPError, StationError) as error:
            self.failure = str(error)
        else:
            self._has_started, self.failure = True, None
        return self._has_started

    def _reached(self, _: object) -> None:
        self.failure, self.is_unreached = None, False

    def _failed(self, error: ConnectionFailedError) -> None:
        self.failure, self.is_unreached = str(error), may_be_up_later(error)

    async def _work(self, station: Station) -> None:
        charge = self._fleet.plan.charge
        cycles = [] if charge is None else [self._cycle(station, one.id, charge) for one in station.connectors]
        tasks = [self._clock.spawn(cycle) for cycle in cycles]
        await self._ending.wait()
        for task in tasks:
            call_off(task)
        await self._put_away(station)

    async def _cycle(self, station: Station, number: int, charge: float) -> None:
        """Run charging sessions in a loop, also after a command of the CSMS made one fail."""
        random = Random(f"{self.identity} {number}")
        while True:
            await self._clock.sleep(charge * random.uniform(0, 0.5))
            try:
                await self._session(station, number, charge * random.uniform(0.75, 1.25))
            except (OCPPError, StationError) as error:
                station.log.note("the charging session", error)

    async def _session(self, station: Station, number: int, seconds: float) -> None:
        connector = station.connectors[number - 1]
        if not connector.is_plugged:
            await station.plug_in(number)
        try:
            await station.begin(number)
            await self._clock.sleep(seconds)
            if connector.transaction is not None:
                await station.end(number)
        finally:
            if connector.is_plugged and connector.transaction is None:
                await station.unplug(number)

    async def _put_away(self, station: Station) -> None:
        """End the transactions as a driver would, and switch the station off."""
        for connector in station.connectors:
            if connector.transaction is not None:
                await station.end(connector.id)
        await station.stop()

    def end(self) -> None:
        """Request the end. A start in progress is cancelled."""
        self._ending.set()
        if not self._has_started:
            call_off(self._task)


class Fleet:
    """The stations of a plan. `make_client` returns a context manager, which each station enters in its own task.

    `report` gets a line about each kind of breach of the protocol by the CSMS, when it is first seen.
    """

    def __init__(
        self, plan: Plan, make_client: MakeClient, clock: Clock, report: Callable[[str], None] = lambda _: None
    ) -> None:
        self.plan = plan
        self.make_client = make_client
        self.clock = clock
        self.statistics: Statistics = Statistics()
        self.breaches: Breaches = Breaches(report)
        self._members = [_Member(identity, self) for identity in plan.identities]
        self._begun = clock.monotonic()

    def start(self) -> None:
        """Switch all stations on, one after the other."""
        step = self.plan.ramp / max(1, len(self._members))
        for number, member in enumerate(self._members):
            member.begin(number * step)

    async def end(self) -> None:
        """Stop all stations and wait for their end."""
        for member in self._members:
            member.end()
        for member in self._members:
            await member.ended.wait()

    @property
    def is_over(self) -> bool:
        """True if no station runs: each one has failed or was stopped."""
        return all(member.ended.is_set() for member in self._members)

    @property
    def seconds(self) -> float:
        """Seconds that the fleet has run."""
        return self.clock.monotonic() - self._begun

    @property
    def failures(self) -> dict[str, str]:
        """Errors of the stations that could not start, by identity."""
        return {member.identity: member.failure for member in self._members if member.failure is not None}

    @property
    def unreached(self) -> list[str]:
        """Identities of the stations that could not reach the CSMS, which may not be up yet."""
        return [member.identity for member in self._members if member.is_unreached]

    @property
    def missing(self) -> list[str]:
        """Identities of the stations that the CSMS has not accepted."""
        return [member.identity for member in self._members if not member.is_accepted]

    def snapshot(self) -> Snapshot:
        """Count the stations by their state."""
        stations = [member.station for member in self._members if member.station is not None]
        return Snapshot(
            total=len(self._members),
            connected=sum(station.client.state.name == "OPEN" for station in stations),
            booted=sum(station.boot_status == "Accepted" for station in stations),
            charging=sum(connector.transaction is not None for station in stations for connector in station.connectors),
            failed=len(self.failures),
            reconnects=sum(station.reconnects for station in stations),
            queued=sum(station.queued for station in stations),
        )
