"""The host of a node's waits for stations: it performs the actions of the engine on the store and the carrier."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import count
from math import inf
from typing import Protocol, assert_never

from ocpp_core.cluster.calls.frames import AskFrame, OpenedFrame, write_frame
from ocpp_core.cluster.records import NodeId
from ocpp_core.cluster.waits.engine import StationWaits
from ocpp_core.cluster.waits.inputs import (
    AskReceived,
    EndWait,
    OpenedReceived,
    SendWatch,
    StartWait,
    WaitEnded,
    WaitsAction,
    WaitsInput,
    WatchAnswered,
    WatchFailed,
    WriteAsk,
    WriteOpened,
)
from ocpp_core.errors import ClosedError
from ocpp_core.inputs import Tick
from ocpp_transports._driver._interfaces import Completion, Handle, Runtime, complete
from ocpp_transports.cluster._store import ForeignDataError, LayoutError, RegistryStore, StoreUnavailableError

__all__ = ["FrameWriter", "WaitHost"]


class FrameWriter(Protocol):
    """What sends frames whose loss does no harm."""

    def send(self, node: NodeId, address: str | None, frame: bytes) -> None:
        """Send a frame to a node, now or never."""


class WaitHost:
    """Runs the waits of one node on an open store, until `close`.

    Args:
        node: The node.
        look: Seconds between two questions to the store about a station.
        is_open: Function that returns True if a station has an open connection to this node.
        store: The store, which is open.
        runtime: The event loop.
        writer: What sends frames.
    """

    def __init__(
        self,
        node: NodeId,
        look: float,
        is_open: Callable[[str], bool],
        store: RegistryStore,
        runtime: Runtime,
        writer: FrameWriter,
    ) -> None:
        self._engine = StationWaits(node, look, is_open)
        self._store = store
        self._runtime = runtime
        self._writer = writer
        self._names = count(1)
        self._waiting: dict[object, Completion[NodeId | None]] = {}
        self._timer: Handle | None = None
        self._timer_at = inf
        self._is_closed = False

    async def wait(self, name: str) -> NodeId:
        """Return the node that has a station, as soon as one has it. Raises ClosedError after `close`."""
        wait = next(self._names)
        completion: Completion[NodeId | None] = self._runtime.completion()
        self._waiting[wait] = completion
        try:
            self.feed(StartWait(wait, name))
            node = await completion
        finally:
            del self._waiting[wait]
            self.feed(EndWait(wait))  # ignored after its end
        if node is None:
            raise ClosedError("closed before the station connected")
        return node

    def received(self, node: NodeId, frame: AskFrame | OpenedFrame) -> None:
        """Take a frame of another node."""
        is_ask = isinstance(frame, AskFrame)
        self.feed(AskReceived(node, frame.identity) if is_ask else OpenedReceived(node, frame.identity))

    def close(self) -> None:
        """End all waits, and take no more inputs."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
        for completion in self._waiting.values():
            complete(completion, None)

    def feed(self, event: WaitsInput) -> None:
        """Pass an input to the engine, and perform its actions."""
        if self._is_closed:
            return
        self._engine.handle(event, self._runtime.now())
        while (action := self._engine.poll()) is not None:
            self._perform(action)
        self._set_timer()

    def _perform(self, action: WaitsAction) -> None:
        match action:
            case SendWatch():
                self._runtime.spawn(self._watch(action.identity))
            case WriteAsk():
                self._writer.send(action.node, action.address, write_frame(AskFrame(action.identity)))
            case WriteOpened():
                self._writer.send(action.node, None, write_frame(OpenedFrame(action.identity)))
            case WaitEnded():
                complete(self._waiting[action.wait], action.node)
            case _:
                assert_never(action)

    async def _watch(self, identity: str) -> None:
        answer: WaitsInput = WatchFailed(identity)
        with suppress(StoreUnavailableError, ForeignDataError, LayoutError):  # the next look follows
            answer = WatchAnswered(identity, await self._store.watch(identity))
        self.feed(answer)

    def _set_timer(self) -> None:
        at = self._engine.deadline
        if at != self._timer_at:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = None if at == inf else self._runtime.call_at(at, partial(self.feed, Tick()))
            self._timer_at = at
