"""The delivery of queued commands to the stations of one node.

What it is. For each connected station, one command at a time: take it from the store, which marks it; send it; settle
it in the store, or give it back if it was certainly not written. Then the next one.

What it guarantees. A command that was taken is sent once at most, and only after the store has answered that it is
marked. The next one is taken only after the store has the outcome of the last one, so the order is kept. A request
without an answer is repeated with the same token until it is answered, also after the connection has ended.

What the host must do. It performs each action, and reports its end with the input of the same token.
"""

from collections import deque
from collections.abc import Hashable
from enum import Enum, auto
from typing import assert_never

from ocpp_core._dataclasses import dataclass
from ocpp_core.cluster.records import NodeId
from ocpp_core.inputs import Tick
from ocpp_core.timers import Timers, coarse

from .delivery_events import (
    CommandEnded,
    CommandsStored,
    DeliveryAction,
    DeliveryConnected,
    DeliveryDisconnected,
    DeliveryInput,
    DeliveryRegistered,
    QueueRequestFailed,
    SendCommand,
    SettleAnswered,
    SettleTaken,
    TakeAnswered,
    TakeNext,
)
from .settings import DeliveryConfig

__all__ = ["QueueDelivery"]


class _Phase(Enum):
    IDLE = auto()
    TAKING = auto()
    SENDING = auto()
    SETTLING = auto()


@dataclass(slots=True)
class _Station:
    connection: Hashable = None
    is_registered: bool = False
    is_wanted: bool = False
    """True if the store may have a command that was not asked for yet."""
    phase: _Phase = _Phase.IDLE
    token: str = ""
    number: int | None = None
    outcome: str | None = None
    failures: int = 0

    @property
    def gets_commands(self) -> bool:
        return self.connection is not None and self.is_registered


class QueueDelivery:
    """The deliveries of one node.

    Args:
        node: The node, whose epoch makes its tokens unique.
        config: The pauses.
    """

    def __init__(self, node: NodeId, config: DeliveryConfig) -> None:
        self._node = node
        self._config = config
        self._stations: dict[str, _Station] = {}
        self._tokens = 0
        self._timers = Timers()
        self._actions: deque[DeliveryAction] = deque()
        self._is_closing = False

    @property
    def deadline(self) -> float:
        """Time at which the engine needs a `Tick` at the latest, in the host's seconds; `inf`: never."""
        return self._timers.next

    @property
    def in_progress(self) -> int:
        """Stations with a command that is being taken, sent or settled."""
        return sum(each.phase is not _Phase.IDLE for each in self._stations.values())

    def poll(self) -> DeliveryAction | None:
        """Return the next action; None if there is none."""
        return self._actions.popleft() if self._actions else None

    def close(self) -> None:
        """Take no further commands. Those in progress are settled."""
        self._is_closing = True

    def handle(self, event: DeliveryInput, now: float) -> None:
        """Take an input at a time in the host's seconds. One with an old token or connection is ignored."""
        for name in self._timers.due(now):
            self._continue(str(name))
        match event:
            case DeliveryConnected():
                station = self._stations.setdefault(event.station, _Station())
                station.connection, station.is_registered = event.connection, False
            case DeliveryRegistered() | DeliveryDisconnected():
                self._follow_connection(event)
            case CommandsStored():
                self._want(event.station)
            case TakeAnswered() | SettleAnswered() | QueueRequestFailed() | CommandEnded():
                self._take_answer(event, now)
            case Tick():
                pass
            case _:
                assert_never(event)

    # Connections

    def _follow_connection(self, event: DeliveryRegistered | DeliveryDisconnected) -> None:
        station = self._stations.get(event.station)
        if station is None or station.connection != event.connection:
            return
        if isinstance(event, DeliveryDisconnected):
            station.connection, station.is_registered = None, False
            self._forget_idle(event.station, station)
        else:
            station.is_registered = event.is_registered
            self._want(event.station)

    def _want(self, name: str) -> None:
        station = self._stations.get(name)
        if station is not None:
            station.is_wanted = True
            self._advance(name, station)

    def _advance(self, name: str, station: _Station) -> None:
        """Take the next command, if there may be one and the station gets any."""
        if station.phase is _Phase.IDLE and station.is_wanted and station.gets_commands and not self._is_closing:
            self._tokens += 1
            station.phase, station.is_wanted = _Phase.TAKING, False
            station.token, station.number, station.outcome = f"{self._node}/{self._tokens}", None, None
            self._request(name, station)

    def _request(self, name: str, station: _Station) -> None:
        self._timers.cancel(name)
        if station.phase is _Phase.TAKING:
            self._actions.append(TakeNext(name, station.connection, station.token))
        else:
            self._actions.append(SettleTaken(name, station.token, station.number, station.outcome))

    def _forget_idle(self, name: str, station: _Station) -> None:
        if station.phase is _Phase.IDLE and station.connection is None:
            del self._stations[name]
            self._timers.cancel(name)

    # Answers

    def _take_answer(
        self, event: TakeAnswered | SettleAnswered | QueueRequestFailed | CommandEnded, now: float
    ) -> None:
        station = self._stations.get(event.station)
        if station is None or station.token != event.token:
            return
        phase = station.phase
        if isinstance(event, TakeAnswered) and phase is _Phase.TAKING:
            self._note_taken(event, station, now)
        elif isinstance(event, CommandEnded) and phase is _Phase.SENDING:
            self._settle(event.station, station, event.outcome)
        elif isinstance(event, SettleAnswered) and phase is _Phase.SETTLING:
            self._note_settled(event.station, station, now)
        elif isinstance(event, QueueRequestFailed) and phase in {_Phase.TAKING, _Phase.SETTLING}:
            station.failures += 1
            self._timers.set(event.station, now + self._pause(station))

    def _note_taken(self, event: TakeAnswered, station: _Station, now: float) -> None:
        command, failures, station.failures = event.answer.command, station.failures, 0
        if not event.answer.is_owner and failures:  # an attempt before may have marked a command
            self._settle(event.station, station, None)
            return
        if command is None:
            pause = self._config.recheck if event.answer.is_owner else self._config.owner_retry
            self._rest(event.station, station, now, pause)
            return
        station.number = command.number
        if station.gets_commands:
            station.phase = _Phase.SENDING
            self._actions.append(SendCommand(event.station, station.connection, station.token, command))
        else:
            self._settle(event.station, station, None)

    def _settle(self, name: str, station: _Station, outcome: str | None) -> None:
        station.phase, station.outcome = _Phase.SETTLING, outcome
        self._request(name, station)

    def _note_settled(self, name: str, station: _Station, now: float) -> None:
        station.failures = 0
        if station.outcome is None:  # not written: at once it would not be either
            self._rest(name, station, now, self._config.owner_retry)
        else:
            station.is_wanted = True
            self._rest(name, station, now, self._config.recheck)

    def _rest(self, name: str, station: _Station, now: float, pause: float) -> None:
        """Wait for more commands, or look again after a pause."""
        station.phase = _Phase.IDLE
        self._timers.set(name, coarse(now, pause))
        self._advance(name, station)
        self._forget_idle(name, station)

    # Time

    def _pause(self, station: _Station) -> float:
        return min(self._config.longest_retry, self._config.retry * float(1 << min(station.failures - 1, 16)))

    def _continue(self, name: str) -> None:
        """Look for commands again, or repeat the request that has no answer."""
        station = self._stations[name]
        if station.phase is _Phase.IDLE:
            self._want(name)
        elif station.phase is _Phase.TAKING and not station.gets_commands:
            self._settle(name, station, None)  # what it may have marked
        elif station.phase is not _Phase.SENDING:
            self._request(name, station)
