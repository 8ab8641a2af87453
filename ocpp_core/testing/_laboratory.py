"""The laboratory: a server and its stations with a common clock."""

from collections.abc import Callable
from dataclasses import field
from itertools import count
from math import inf

from ocpp_core._dataclasses import dataclass
from ocpp_core.actions import UpgradeRequested
from ocpp_core.config import ClientConfig, IdFactory, LinkConfig, SessionConfig, UpgradeTarget
from ocpp_core.inbound.answers import AnswerMemory
from ocpp_core.inputs import Accept, Reject, Tick
from ocpp_core.link import Unfinished
from ocpp_core.stack import ClientStack, ServerStack

from ._clock import LabClock
from ._endpoint import Handler, LabEndpoint
from ._ends import LabStation, ServerConnection
from ._wire import Wire

__all__ = ["Laboratory", "Server"]


@dataclass
class Server:
    """The central system.

    Its attribute `admit` is the function that decides on an upgrade request; by default it accepts the first of
    `protocols` that was offered.
    """

    lab: LabClock
    """The laboratory that the server belongs to."""
    protocols: tuple[str, ...]
    """The subprotocols to accept, in order of preference."""
    session: SessionConfig
    """The config of each session."""
    link: LinkConfig
    """The config of each WebSocket."""
    ids: IdFactory
    """Function that returns message IDs."""
    handlers: dict[str, Handler] = field(default_factory=dict)
    """The handlers by action, which all stations share."""
    connections: list[ServerConnection] = field(default_factory=list)
    """The open connections."""

    def __post_init__(self) -> None:
        self.admit: Callable[[UpgradeRequested], Accept | Reject] = self._accept_first
        self._numbers = count(1)
        self._unfinished = Unfinished()
        self._answers = AnswerMemory()

    def accept_stream(self, station: LabStation) -> ServerConnection:
        """Accept a new stream of a station."""
        stack = ServerStack(
            self.link,
            self.session,
            random=self.lab.random,
            ids=self.ids,
            now=self.lab.now,
            numbers=self._numbers,
            unfinished=self._unfinished,
            answers=self._answers,
        )
        connection = ServerConnection(self.lab, self, stack, station)
        self.connections.append(connection)
        return connection

    def decide(self, request: UpgradeRequested) -> Accept | Reject:
        """Decide on an upgrade request with `admit`."""
        return self.admit(request)

    def _accept_first(self, request: UpgradeRequested) -> Accept | Reject:
        chosen = next((name for name in self.protocols if name in request.subprotocols), None)
        return Reject(400) if chosen is None else Accept(chosen, identity=request.target)


class Laboratory(LabClock):
    """Stations and a server with one clock.

    Args:
        client: The config of new stations; by default they speak `ocpp1.6`.
        session: The config of the sessions of the server.
        link: The config of every WebSocket.
        latency: Seconds that a chunk takes on the wire.
        seed: The seed of all randomness.
        record: True to keep the actions of each endpoint for inspection; False for long runs.
    """

    def __init__(
        self,
        client: ClientConfig | None = None,
        *,
        session: SessionConfig | None = None,
        link: LinkConfig | None = None,
        latency: float = 0.01,
        seed: int = 0,
        record: bool = True,
    ) -> None:
        super().__init__(seed, record=record)
        self.latency = latency
        """Seconds that a chunk takes on the wire of a new station."""
        self.client: ClientConfig = client or ClientConfig(protocols=("ocpp1.6",))
        """The config of new stations."""
        self.link: LinkConfig = link or LinkConfig()
        """The config of every WebSocket."""
        self.stations: list[LabStation] = []
        """The stations that were added."""
        numbers = count(1)
        self.ids: Callable[[], str] = lambda: f"id-{next(numbers)}"
        """Function that returns message IDs: `id-1`, `id-2`, …"""
        self.server: Server = Server(self, self.client.protocols, session or SessionConfig(), self.link, self.ids)
        """The central system."""

    def station(self, config: ClientConfig | None = None, identity: str = "CP1") -> LabStation:
        """Add a station that is not connected yet, on a wire of its own."""
        target = UpgradeTarget("csms.example", f"/ocpp/{identity}")
        stack = ClientStack(config or self.client, self.link, target, random=self.random, ids=self.ids)
        station = LabStation(self, self.server, stack, Wire(self.latency))
        self.stations.append(station)
        return station

    def connect(self, config: ClientConfig | None = None, identity: str = "CP1") -> LabStation:
        """Add a station and run until its connection is open.

        Raises the error of `connect` if it fails.
        """
        station = self.station(config, identity)
        outcome = station.connect()
        while not outcome.settled and self._step(inf):
            pass
        outcome.unwrap()
        return station

    def run_for(self, seconds: float) -> None:
        """Advance the clock by `seconds`, and do everything that is due."""
        self.run_until(self.now + seconds)

    def run_until(self, when: float) -> None:
        """Advance the clock to `when`, and do everything that is due."""
        while self._step(when):
            pass
        self.advance_to(when)

    def _step(self, until: float) -> bool:
        """Do what is due next; return False if that is after `until`."""
        event_at = self.next_at
        endpoint, deadline = self._next_deadline()
        if min(event_at, deadline) > until or event_at == deadline == inf:
            return False
        if event_at <= deadline:
            self.do_next()
        elif endpoint is not None:
            self.advance_to(deadline)
            endpoint.feed(Tick())
        return True

    def _next_deadline(self) -> tuple[LabEndpoint | None, float]:
        first, deadline = None, inf
        for endpoints in (self.stations, self.server.connections):
            for endpoint in endpoints:
                if endpoint.due < deadline:
                    first, deadline = endpoint, endpoint.due
        return first, deadline
