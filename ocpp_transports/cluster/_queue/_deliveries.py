"""Drives the delivery of queued commands to the stations of a node."""

from collections.abc import Callable
from math import inf
from typing import Final, Protocol, assert_never, cast

from ocpp_core.cluster.queue.delivery import QueueDelivery
from ocpp_core.cluster.queue.delivery_events import (
    CommandEnded,
    DeliveryAction,
    DeliveryInput,
    QueueRequestFailed,
    SendCommand,
    SettleAnswered,
    SettleTaken,
    TakeAnswered,
    TakeNext,
)
from ocpp_core.cluster.queue.records import SettledCommand, TakeAnswer, TakenCommand
from ocpp_core.cluster.queue.settings import DeliveryConfig
from ocpp_core.cluster.records import NodeId
from ocpp_core.inputs import Tick
from ocpp_core.outbox.stored.outcomes import MessageUnknown, UnknownReason
from ocpp_core.outbox.stored.texts import write_outcome
from ocpp_transports._driver._interfaces import Completion, Handle, Runtime, complete
from ocpp_transports._logging._log import Log
from ocpp_transports.cluster._store import ForeignDataError

from ._store import QueueStore, QueueUnavailableError

__all__ = ["CommandSender", "Deliveries"]

_UNANSWERED: Final = (QueueUnavailableError, ForeignDataError)
_FAULT: Final = write_outcome(MessageUnknown(UnknownReason.LOST))
_PATIENCE: Final = 5.0
"""Seconds that closing waits for the outcomes of commands in progress."""


class CommandSender(Protocol):
    """A connection of a station."""

    @property
    def patience(self) -> float:
        """Seconds that the station may need to respond, and that a mark lasts beyond the time to live."""

    def __hash__(self) -> int: ...

    async def send(self, command: TakenCommand) -> str | None:
        """Send a command, and return its outcome as JSON text; None if it was certainly not written."""


class Deliveries:
    """The deliveries of one node.

    Args:
        node: The node.
        store: The queue, which is open.
        runtime: The event loop.
        log: The log of the host.
        believes: Function that gets the name of a station and the time. It returns the fence of the claim by which this
            node has the station, or None.
        settled: Function that gets the name of a station, and what was settled.
    """

    def __init__(
        self,
        node: NodeId,
        store: QueueStore,
        runtime: Runtime,
        log: Log,
        believes: Callable[[str, float], int | None],
        settled: Callable[[str, tuple[SettledCommand, ...]], None],
    ) -> None:
        self._engine = QueueDelivery(node, DeliveryConfig())
        self._store = store
        self._runtime = runtime
        self._log = log
        self._believes = believes
        self._settled = settled
        self._timer: Handle | None = None
        self._idle: Completion[None] | None = None
        self._is_closed = False

    def feed(self, event: DeliveryInput) -> None:
        """Take an input of the engine, and perform what follows; after `aclose`, ignore it."""
        if self._is_closed:
            return
        self._engine.handle(event, self._runtime.now())
        while (action := self._engine.poll()) is not None:
            self._runtime.spawn(self._perform(action))
        self._set_timer()

    async def aclose(self) -> None:
        """Take nothing more, and wait a while for the outcomes of what was sent."""
        self._engine.close()
        if self._engine.in_progress:
            self._idle = self._runtime.completion()
            late = self._runtime.call_at(self._runtime.now() + _PATIENCE, self._stop_waiting)
            try:
                await self._idle
            finally:
                late.cancel()
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()

    def _stop_waiting(self) -> None:
        if self._idle is not None:
            self._log.warning("closing: the outcomes of some queued commands are not stored; they count as unknown")
            complete(self._idle, None)

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._engine.deadline < inf:
            self._timer = self._runtime.call_at(self._engine.deadline, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self.feed(Tick())

    async def _perform(self, action: DeliveryAction) -> None:
        name, token = action.station, action.token
        event: DeliveryInput = QueueRequestFailed(name, token)
        try:
            event = await self._answer(action)
        except _UNANSWERED as error:
            self._log.recurring("queue", f"the queue of the cluster did not answer: {error}")
        except Exception as error:
            self._log.failed("a queued command failed", error)
            if isinstance(action, SendCommand):
                event = CommandEnded(name, token, _FAULT)
        finally:
            self.feed(event)
            if self._idle is not None and not self._engine.in_progress:
                complete(self._idle, None)

    async def _answer(self, action: DeliveryAction) -> DeliveryInput:
        match action:
            case TakeNext():
                return TakeAnswered(action.station, action.token, await self._take(action))
            case SendCommand():
                outcome = await _sender_of(action).send(action.command)
                return CommandEnded(action.station, action.token, outcome)
            case SettleTaken():
                news = await self._store.settle(action.station, action.token, action.number, action.outcome)
                self._settled(action.station, news)
                return SettleAnswered(action.station, action.token)
            case _:
                assert_never(action)

    async def _take(self, action: TakeNext) -> TakeAnswer:
        fence = self._believes(action.station, self._runtime.now())
        if fence is None:
            return TakeAnswer(is_owner=False)
        answer = await self._store.take(action.station, action.token, fence, _sender_of(action).patience)
        self._settled(action.station, answer.news)
        return answer


def _sender_of(action: TakeNext | SendCommand) -> CommandSender:
    return cast("CommandSender", action.connection)  # nothing else is connected
