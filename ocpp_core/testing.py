"""The laboratory: stations and a central system on a virtual wire with a virtual clock, for tests without sockets.

Everything is deterministic for a seed: a month of charging, a storm of reconnects or a broken frame plays in
milliseconds and plays the same again. Time is in seconds and starts at 0.

    lab = Laboratory()
    lab.server.handlers["Heartbeat"] = lambda request: {"currentTime": "2026-01-01T00:00:00Z"}
    station = lab.connect()
    answer = station.call("Heartbeat")
    lab.run_for(1)
    assert answer.result == {"currentTime": "2026-01-01T00:00:00Z"}
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from heapq import heappop, heappush
from itertools import count
from math import inf
from random import Random
from typing import Any, Protocol, TypeAlias, TypeVar

from .actions import (
    Abandon,
    Action,
    CloseStream,
    Dispatch,
    OpenTransport,
    SendBytes,
    Settle,
    UpgradeRequested,
)
from .config import ClientConfig, LinkConfig, SessionConfig, UpgradeTarget
from .errors import ConnectionFailedError, RPCError
from .inbound.answers import AnswerMemory
from .inputs import (
    Accept,
    BytesReceived,
    CancelCall,
    Close,
    Connect,
    Decline,
    Fail,
    Reject,
    Reply,
    StackInput,
    StartCall,
    StreamFailed,
    StreamOpened,
    Tick,
)
from .link import Unfinished
from .stack import ClientStack, ServerStack

__all__ = ["Endpoint", "Fault", "Handler", "Laboratory", "Outcome", "Server", "Station", "Wire"]

Handler: TypeAlias = Callable[[Dispatch], Mapping[str, Any] | None]
"""Answers a request: a payload for a CALLRESULT, a raised RPCError for a CALLERROR, None for no answer now."""
Fault: TypeAlias = Callable[[bytes, Random], Iterable[tuple[float, bytes]]]
"""What the wire does to a chunk: the pieces that arrive, each with the seconds it takes on top of the latency."""

_T = TypeVar("_T")


class _Engine(Protocol):
    @property
    def deadline(self) -> float: ...
    def handle(self, event: StackInput, now: float) -> None: ...
    def poll(self) -> Action | None: ...


@dataclass(slots=True)
class Outcome:
    """What became of a command: `settled` counts how often it was settled, which is once."""

    token: int
    settled: int = 0
    result: Any = None
    error: Exception | None = None

    def unwrap(self) -> Any:
        """Return the result; raises the error, or AssertionError while there is neither."""
        if self.error is not None:
            raise self.error
        assert self.settled, "expected the command to be settled by now; run the laboratory longer"  # noqa: S101 - a test's own tool
        return self.result


@dataclass(slots=True)
class Wire:
    """The network between a station and the server, both ways.

    `latency` is seconds a chunk takes; `reachable` False refuses new streams; `silent` True swallows bytes, as a
    half-open connection does; `fault` does to each chunk what it likes (delay, drop, duplicate, split, corrupt).
    """

    latency: float = 0.01
    reachable: bool = True
    silent: bool = False
    fault: Fault | None = None

    def carry(self, data: bytes, random: Random) -> Iterable[tuple[float, bytes]]:
        """Say which bytes arrive, and after how many seconds."""
        if self.silent:
            return ()
        if self.fault is None:
            return ((self.latency, data),)
        return [(self.latency + extra, piece) for extra, piece in self.fault(data, random)]


class Endpoint:
    """One engine with its host's duties done by the laboratory.

    `actions` keeps everything but bytes, with times; `due` is when the engine wants its next tick.
    """

    def __init__(self, lab: "Laboratory", engine: _Engine, handlers: Mapping[str, Handler]) -> None:
        self.lab = lab
        self.engine = engine
        self.handlers = handlers
        self.actions: list[tuple[float, Action]] = []
        self.outcomes: dict[int, Outcome] = {}
        self.abandoned: set[int] = set()
        self.due = engine.deadline
        self._tokens = count(1)
        self._draining = False

    def feed(self, event: StackInput) -> None:
        """Give the engine an input now and do all that it asks for."""
        self.engine.handle(event, self.lab.now)
        if self._draining:
            return
        self._draining = True
        try:
            while (action := self.engine.poll()) is not None:
                self._perform(action)
        finally:
            self._draining = False
            self.due = self.engine.deadline

    def call(self, action: str, payload: Mapping[str, Any] | None = None, **options: Any) -> Outcome:
        """Start a call; `options` are those of `StartCall`."""
        outcome = self._outcome()
        self.feed(StartCall(outcome.token, action, payload or {}, **options))
        return outcome

    def command(self, make: Callable[[int], StackInput]) -> Outcome:
        """Feed a command that settles a token: `command(Connect)`."""
        outcome = self._outcome()
        self.feed(make(outcome.token))
        return outcome

    def cancel(self, outcome: Outcome) -> None:
        """Cancel the call of an outcome."""
        self.feed(CancelCall(outcome.token))

    def close(self, code: int = 1000, reason: str = "", *, drain: bool = True, force: bool = False) -> None:
        """Close the connection."""
        self.feed(Close(code, reason, drain, force))

    def seen(self, kind: type[_T]) -> list[_T]:
        """Every action of a kind so far, in order."""
        return [action for _, action in self.actions if isinstance(action, kind)]

    def _outcome(self) -> Outcome:
        token = next(self._tokens)
        outcome = self.outcomes[token] = Outcome(token)
        return outcome

    def _perform(self, action: Action) -> None:
        if type(action) is SendBytes:
            self._send(action.data)
            return
        if self.lab.record:
            self.actions.append((self.lab.now, action))
        if isinstance(action, Settle):
            self._settle(action)
        elif isinstance(action, Dispatch):
            self._dispatch(action)
        elif isinstance(action, Abandon):
            self.abandoned.add(action.request)
        else:
            self._perform_other(action)

    def _send(self, data: bytes) -> None:
        raise NotImplementedError

    def _perform_other(self, action: Action) -> None:
        raise NotImplementedError

    def _settle(self, action: Settle) -> None:
        outcome = self.outcomes[action.token]
        outcome.settled += 1
        outcome.result, outcome.error = action.result, action.error

    def _dispatch(self, request: Dispatch) -> None:
        handler = self.handlers.get(request.action)
        if handler is None:
            self.feed(Fail(request.request, "NotImplemented"))
            return
        try:
            payload = handler(request)
        except RPCError as error:
            self.feed(Fail(request.request, error.code, error.description, error.details))
        else:
            self.feed(Decline(request.request) if payload is None else Reply(request.request, payload))


class Station(Endpoint):
    """A client on the wire `wire`; `handlers` are its own."""

    engine: ClientStack

    def __init__(self, lab: "Laboratory", engine: ClientStack, wire: Wire) -> None:
        super().__init__(lab, engine, {})
        self.handlers: dict[str, Handler] = {}
        self.wire = wire
        self.connection: ServerConnection | None = None
        self._attempt = 0
        self._dialling = False

    def connect(self) -> Outcome:
        """Ask for the connection."""
        return self.command(Connect)

    def cut(self) -> None:
        """Cut the cable: both sides see the stream end now."""
        connection = self._hang_up()
        if connection is not None:
            connection.feed(BytesReceived(b""))
        self.feed(BytesReceived(b"", self._attempt))

    def _hang_up(self) -> "ServerConnection | None":
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.station = None
        return connection

    def _perform_other(self, action: Action) -> None:
        if isinstance(action, OpenTransport):
            self._hang_up()
            self._attempt, self._dialling = action.attempt, True
            self.lab.at(self.lab.now + self.wire.latency, partial(self._dialled, action.attempt))
        elif isinstance(action, CloseStream):
            self._dialling = False
            connection = self._hang_up()
            if connection is not None and not self.wire.silent:
                self.lab.at(self.lab.now + self.wire.latency, partial(connection.feed, BytesReceived(b"")))

    def _dialled(self, attempt: int) -> None:
        if not self._dialling or attempt != self._attempt:
            return
        self._dialling = False
        if not self.wire.reachable:
            self.feed(StreamFailed(ConnectionFailedError("unreachable"), attempt))
            return
        self.connection = self.lab.server.accept_stream(self)
        self.feed(StreamOpened(attempt))

    def _send(self, data: bytes) -> None:
        connection = self.connection
        if connection is not None:
            for delay, piece in self.wire.carry(data, self.lab.random):
                self.lab.at(self.lab.now + delay, partial(connection.receive, piece))

    def receive(self, attempt: int, data: bytes) -> None:
        """Take bytes from the wire, unless their connection is over."""
        if attempt == self._attempt and self.connection is not None:
            self.feed(BytesReceived(data, attempt))


class ServerConnection(Endpoint):
    """The server's end of one stream; `station` is None once the stream is gone."""

    engine: ServerStack

    def __init__(self, lab: "Laboratory", engine: ServerStack, station: Station) -> None:
        super().__init__(lab, engine, lab.server.handlers)
        self.station: Station | None = station
        self.wire = station.wire
        self._attempt = station._attempt  # noqa: SLF001 - two ends of one wire

    def receive(self, data: bytes) -> None:
        """Take bytes from the wire, unless the stream is gone."""
        if self.station is not None:
            self.feed(BytesReceived(data))

    def _perform_other(self, action: Action) -> None:
        if isinstance(action, UpgradeRequested):
            self.feed(self.lab.server.admit(action))
        elif isinstance(action, CloseStream):
            station, self.station = self.station, None
            self.lab.server.connections.remove(self)
            if station is not None and not self.wire.silent:
                self._deliver(station, b"", self.wire.latency)

    def _send(self, data: bytes) -> None:
        if self.station is not None:
            for delay, piece in self.wire.carry(data, self.lab.random):
                self._deliver(self.station, piece, delay)

    def _deliver(self, station: Station, data: bytes, delay: float) -> None:
        self.lab.at(self.lab.now + delay, partial(station.receive, self._attempt, data))


@dataclass
class Server:
    """The central system: `handlers` serve every station, `connections` are the live ones.

    `admit` decides about an upgrade request; by default the first of `protocols` that was offered is accepted.
    """

    lab: "Laboratory"
    protocols: tuple[str, ...]
    session: SessionConfig
    link: LinkConfig
    handlers: dict[str, Handler] = field(default_factory=dict)
    connections: list[ServerConnection] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.admit: Callable[[UpgradeRequested], Accept | Reject] = self._accept_first
        self._numbers = count(1)
        self._unfinished = Unfinished()
        self._answers = AnswerMemory()

    def accept_stream(self, station: Station) -> ServerConnection:
        """Take a new stream of a station."""
        stack = ServerStack(
            self.link,
            self.session,
            random=self.lab.random,
            ids=self.lab.ids,
            now=self.lab.now,
            numbers=self._numbers,
            unfinished=self._unfinished,
            answers=self._answers,
        )
        connection = ServerConnection(self.lab, stack, station)
        self.connections.append(connection)
        return connection

    def _accept_first(self, request: UpgradeRequested) -> Accept | Reject:
        chosen = next((name for name in self.protocols if name in request.subprotocols), None)
        return Reject(400) if chosen is None else Accept(chosen, identity=request.target)


class Laboratory:
    """Stations and a server under one clock.

    `client` and `session` are the settings of new stations and of the server's sessions, `link` of every WebSocket.
    `record` keeps the actions of each endpoint for inspection; switch it off for long runs.
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
        self.now = 0.0
        self.random = Random(seed)
        self.record = record
        self.latency = latency
        self.client = client or ClientConfig(protocols=("ocpp1.6",))
        self.link = link or LinkConfig()
        self.stations: list[Station] = []
        numbers = count(1)
        self.ids: Callable[[], str] = lambda: f"id-{next(numbers)}"
        self.server = Server(self, self.client.protocols, session or SessionConfig(), self.link)
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = count()

    def station(self, config: ClientConfig | None = None, identity: str = "CP1") -> Station:
        """Add a station that is not connected yet, on a wire of its own."""
        target = UpgradeTarget("csms.example", f"/ocpp/{identity}")
        stack = ClientStack(config or self.client, self.link, target, random=self.random, ids=self.ids)
        station = Station(self, stack, Wire(self.latency))
        self.stations.append(station)
        return station

    def connect(self, config: ClientConfig | None = None, identity: str = "CP1") -> Station:
        """Add a station and run until its connection is open. Raises what `connect` settled with, if not."""
        station = self.station(config, identity)
        outcome = station.connect()
        while not outcome.settled and self._step(inf):
            pass
        outcome.unwrap()
        return station

    def at(self, when: float, do: Callable[[], None]) -> None:
        """Do something at a time."""
        heappush(self._events, (when, next(self._count), do))

    def every(self, seconds: float, do: Callable[[], object]) -> None:
        """Do something again and again, first after `seconds`."""

        def again() -> None:
            do()
            self.at(self.now + seconds, again)

        self.at(self.now + seconds, again)

    def run_for(self, seconds: float) -> None:
        """Let this much time pass."""
        self.run_until(self.now + seconds)

    def run_until(self, when: float) -> None:
        """Let time pass until `when`, doing everything that is due on the way."""
        while self._step(when):
            pass
        self.now = max(self.now, when)

    def _step(self, until: float) -> bool:
        """Do what is due next; False if that is after `until`."""
        event_at = self._events[0][0] if self._events else inf
        endpoint, deadline = self._next_deadline()
        if min(event_at, deadline) > until or event_at == deadline == inf:
            return False
        if event_at <= deadline:
            when, _, do = heappop(self._events)
            self.now = max(self.now, when)
            do()
        elif endpoint is not None:
            self.now = max(self.now, deadline)
            endpoint.feed(Tick())
        return True

    def _next_deadline(self) -> tuple[Endpoint | None, float]:
        first, deadline = None, inf
        for endpoints in (self.stations, self.server.connections):
            for endpoint in endpoints:
                if endpoint.due < deadline:
                    first, deadline = endpoint, endpoint.due
        return first, deadline
