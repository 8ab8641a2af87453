"""The waits of a node for stations, and of other nodes for its own.

What it is. A node that waits enters itself at the store. The next claim of the station takes this entry away and hands
it to the node that claims, which reports the station to those who wait as soon as its connection is open. If a node
has the station already, it is asked: its handshake may still be in progress.

What it guarantees. A wait ends only when a node has reported that the station is open there. It never polls: `look`
seconds pass between two questions to the store, which repeat what may have been lost. So a lost frame, a handshake that
failed after its claim, or a store that was away delays a wait by `look` seconds at most.
"""

from collections import deque
from collections.abc import Callable, Hashable, Iterable
from typing import Final, assert_never

from ocpp_core.cluster.records import NodeId
from ocpp_core.inputs import Tick
from ocpp_core.timers import Timers

from .inputs import (
    AskReceived,
    EndWait,
    OpenedReceived,
    SendWatch,
    StartWait,
    StationAwaited,
    StationEnded,
    StationOpened,
    WaitEnded,
    WaitsAction,
    WaitsInput,
    WatchAnswered,
    WatchFailed,
    WriteAsk,
    WriteOpened,
)

__all__ = ["StationWaits"]

_MOST_AWAITED: Final = 10_000
"""Stations that are not open yet and for which other nodes wait; beyond, the oldest one is forgotten."""


class StationWaits:
    """The waits of one node.

    Args:
        node: The node.
        look: Seconds between two questions to the store about a station.
        is_open: Function that returns True if a station has an open connection to this node.
    """

    def __init__(self, node: NodeId, look: float, is_open: Callable[[str], bool]) -> None:
        self._node = node
        self._look = look
        self._is_open = is_open
        self._identities: dict[Hashable, str] = {}
        self._waits: dict[str, dict[Hashable, None]] = {}
        self._asking: dict[str, dict[NodeId, None]] = {}
        """By station, the nodes to which its opening is to be reported."""
        self._timers = Timers()
        self._actions: deque[WaitsAction] = deque()

    def __len__(self) -> int:
        """Return the number of waits of this node."""
        return len(self._identities)

    @property
    def awaited(self) -> int:
        """Stations whose opening is to be reported to other nodes."""
        return len(self._asking)

    @property
    def deadline(self) -> float:
        """Time at which the engine needs a `Tick` at the latest, in the host's seconds; `inf`: never."""
        return self._timers.next

    def poll(self) -> WaitsAction | None:
        """Return the next action; None if there is none."""
        return self._actions.popleft() if self._actions else None

    def handle(self, event: WaitsInput, now: float) -> None:
        """Take an input at a time in the host's seconds.

        Raises ValueError, and changes nothing, for the name of a wait that has not ended.
        """
        match event:
            case StartWait():
                self._start(event, now)
            case EndWait():
                self._end(event.wait)
            case WatchAnswered():
                self._take_answer(event)
            case WatchFailed() | Tick():
                pass  # the next look is due as it was
            case OpenedReceived():
                self._open(event.identity, event.node)
            case StationAwaited() | AskReceived() | StationOpened() | StationEnded():
                self._serve(event)
            case _:
                assert_never(event)
        for identity in self._timers.due(now):
            self._watch(str(identity), now)

    # The waits of this node

    def _start(self, event: StartWait, now: float) -> None:
        if event.wait in self._identities:
            raise ValueError(f"expected the name of a new wait, got {event.wait!r}")
        self._identities[event.wait] = event.identity
        self._waits.setdefault(event.identity, {})[event.wait] = None
        if self._is_open(event.identity):
            self._open(event.identity, self._node)
        elif event.identity not in self._timers:
            self._watch(event.identity, now)

    def _watch(self, identity: str, now: float) -> None:
        self._timers.set(identity, now + self._look)
        self._actions.append(SendWatch(identity))

    def _take_answer(self, event: WatchAnswered) -> None:
        found = event.found
        if event.identity not in self._waits or found is None or not found.is_alive:
            return
        if found.owner.node != self._node:
            self._actions.append(WriteAsk(found.owner.node, found.address, event.identity))
        elif self._is_open(event.identity):
            self._open(event.identity, self._node)

    def _open(self, identity: str, node: NodeId) -> None:
        for wait in self._waits.pop(identity, ()):
            del self._identities[wait]
            self._actions.append(WaitEnded(wait, node))
        self._timers.cancel(identity)

    def _end(self, wait: Hashable) -> None:
        identity = self._identities.pop(wait, None)
        if identity is None:
            return
        waits = self._waits[identity]
        del waits[wait]
        if not waits:
            del self._waits[identity]
            self._timers.cancel(identity)

    # The waits of other nodes

    def _serve(self, event: StationAwaited | AskReceived | StationOpened | StationEnded) -> None:
        match event:
            case StationAwaited():
                self._ask(event.identity, event.nodes)
            case AskReceived():
                self._answer(event)
            case StationOpened():
                self._note_opened(event.identity)
            case StationEnded():
                self._asking.pop(event.identity, None)
            case _:
                assert_never(event)

    def _ask(self, identity: str, nodes: Iterable[NodeId]) -> None:
        asking = self._asking.setdefault(identity, {})
        asking.update(dict.fromkeys(node for node in nodes if node != self._node))
        if not asking:
            del self._asking[identity]
        elif len(self._asking) > _MOST_AWAITED:
            del self._asking[next(iter(self._asking))]

    def _answer(self, event: AskReceived) -> None:
        if self._is_open(event.identity):
            self._actions.append(WriteOpened(event.node, event.identity))
        else:
            self._ask(event.identity, [event.node])

    def _note_opened(self, identity: str) -> None:
        self._open(identity, self._node)
        for node in self._asking.pop(identity, ()):
            self._actions.append(WriteOpened(node, identity))
