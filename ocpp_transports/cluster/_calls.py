"""Calls from node to node: the host of the engines that call, and that execute the calls of other nodes."""

from collections.abc import Awaitable, Hashable
from contextlib import suppress
from itertools import count
from math import inf
from typing import Any, Final, NamedTuple, Protocol, assert_never

from ocpp_core.cluster.calls.caller import RemoteCaller
from ocpp_core.cluster.calls.caller_actions import (
    CallAnswered,
    CallerAction,
    CallFailed,
    FindOwner,
    WriteCancel,
    WriteProbe,
    WriteRequest,
)
from ocpp_core.cluster.calls.caller_inputs import (
    AbandonRemoteCall,
    AnswerReceived,
    CallerInput,
    NodeLost,
    OwnerKnown,
    OwnerSearched,
    OwnerSearchFailed,
    StartRemoteCall,
    WriteEnded,
    WriteResult,
)
from ocpp_core.cluster.calls.executor import RemoteExecutor
from ocpp_core.cluster.calls.executor_inputs import (
    CancelExecution,
    CancelReceived,
    ExecuteCall,
    ExecutionFailed,
    ExecutionSucceeded,
    ExecutorAction,
    ExecutorInput,
    ProbeReceived,
    QuestionOwnership,
    RequestReceived,
    WriteAnswer,
)
from ocpp_core.cluster.calls.frames import (
    AnswerFrame,
    AskFrame,
    ByeFrame,
    CancelFrame,
    CommandSettledFrame,
    CommandStoredFrame,
    HelloFrame,
    NodeFrameError,
    OpenedFrame,
    ProbeFrame,
    ReplacedFrame,
    RequestFrame,
    WrittenFrame,
    read_frame,
    write_frame,
)
from ocpp_core.cluster.calls.settings import RemoteCallsConfig
from ocpp_core.cluster.records import Found, NodeId
from ocpp_core.errors import ClosedError, ConnectionLostError, OCPPError
from ocpp_core.inputs import Tick
from ocpp_transports._calls._call_options import DEFAULTS, OPTION_NAMES, CallOptions
from ocpp_transports._calls._calling import CallRequest
from ocpp_transports._driver._interfaces import Completion, Handle, Runtime, complete
from ocpp_transports._logging._log import Log

from ._carrier import NotSentError, UnknownError
from ._direct._composed import ComposedCarrier
from ._settings import Cluster
from ._store import ForeignDataError, LayoutError, RegistryStore, StoreUnavailableError

__all__ = ["LocalStations", "NodeCalls", "RemoteCall"]

_NO_LIMIT: Final = "inf"
"""Seconds of an option without a limit: JSON has no infinity."""
_GRACE: Final = 2.0
"""Seconds for which the caller waits longer than the node of the station, whose error says more."""


class RemoteCall(NamedTuple):
    """A call of another node, as `Peer.call` takes it."""

    args: tuple[Any, ...]
    options: dict[str, Any]
    is_urgent: bool
    protocol: str | None = None
    """The version that the call is for; None for any."""


class LocalStations(Protocol):
    """The stations that this node has."""

    def believes(self, name: str, now: float) -> int | None:
        """Return the fence of the claim of a station; None if this node does not have it for certain."""

    def replaced(self, name: str, fence: int, by: NodeId) -> None:
        """Another node has claimed a station, with this fence."""

    def waits_received(self, node: NodeId, frame: AskFrame | OpenedFrame) -> None:
        """Another node waits for a station, or reports one for which this node waits."""

    def question(self, name: str) -> None:
        """Another node found a claim of a station that this node does not know."""

    def execute(self, name: str, call: RemoteCall, /) -> Awaitable[Any]:
        """Call a station of this node."""

    def queue_changed(self, frame: CommandStoredFrame | CommandSettledFrame, /) -> None:
        """Another node has stored a command for a station of this one, or settled one that this node stored."""


class NodeCalls:
    """The calls of one node to others, and of others to its stations.

    Args:
        node: The node.
        cluster: The settings of the carriers.
        store: The registry, which must be open before the first call.
        runtime: The event loop.
        log: What gets faults of this node, whose callers learn no more than that there was one.
        stations: The stations of this node.
    """

    def __init__(
        self, node: NodeId, cluster: Cluster, store: RegistryStore, runtime: Runtime, log: Log, stations: LocalStations
    ) -> None:
        self._log = log
        self._store = store
        self._runtime = runtime
        self._stations = stations
        config = RemoteCallsConfig()
        self._caller = RemoteCaller(node, config)
        self._executor = RemoteExecutor(node, config, stations.believes)
        self._names = count(1)
        self._waiting: dict[Hashable, Completion[dict[str, Any] | Exception]] = {}
        self._executing: dict[tuple[NodeId, int], Handle] = {}
        self._timer: Handle | None = None
        self._timer_at = inf
        self._carrier = ComposedCarrier(cluster, node, log, self._received, self._lost)

    async def listen(self) -> str | None:
        """Accept streams of other nodes, and return the address to advertise; None for none. Raises OSError."""
        return await self._carrier.listen()

    def open(self) -> None:
        """Receive from the other nodes over the carrier of the backend, too."""
        self._carrier.open()

    async def call(self, name: str, request: CallRequest) -> dict[str, Any]:
        """Call a station wherever it is. Raises what `Peer.call` raises."""
        number = next(self._names)
        completion = self._waiting[number] = self._runtime.completion()
        start = StartRemoteCall(number, name, _write_call(request), _seconds_of(request.options))
        try:
            self._feed_caller(start)
            outcome = await completion
        finally:
            del self._waiting[number]
            self._feed_caller(AbandonRemoteCall(number))  # ignored after its outcome
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def note_owner(self, name: str, found: Found) -> None:
        """Note where a station is, so that a call of it need not search."""
        self._feed_caller(OwnerKnown(name, found))

    def report_replaced(self, node: NodeId, name: str, fence: int) -> None:
        """Report to a node that it has lost a station; the registry reports it too, later."""
        self.report(node, ReplacedFrame(name, fence))

    def report(self, node: NodeId, frame: WrittenFrame) -> None:
        """Report something to a node, which learns it later too if the frame is lost."""
        self.send(node, None, write_frame(frame))

    def send(self, node: NodeId, address: str | None, frame: bytes) -> None:
        """Send a frame without which the receiver manages."""
        self._runtime.spawn(self._send(node, address, frame))

    async def aclose(self) -> None:
        """Receive no more frames; fail the calls in progress."""
        try:
            await self._carrier.aclose()
        finally:
            for completion in self._waiting.values():
                complete(completion, ClosedError("closed before the other node answered the call", sent=True))
            if self._timer is not None:
                self._timer.cancel()

    # The carrier

    def _received(self, node: NodeId, data: bytes) -> None:
        try:
            frame = read_frame(data)
        except NodeFrameError:
            return  # no node of this version writes it
        match frame:
            case RequestFrame():
                self._feed_executor(RequestReceived(node, frame, len(data)))
            case AnswerFrame():
                self._feed_caller(AnswerReceived(node, frame))
            case CancelFrame():
                self._feed_executor(CancelReceived(node, frame))
            case ProbeFrame():
                self._feed_executor(ProbeReceived(node, frame))
            case ReplacedFrame():
                self._stations.replaced(frame.identity, frame.fence, node)
            case AskFrame() | OpenedFrame():
                self._stations.waits_received(node, frame)
            case CommandStoredFrame() | CommandSettledFrame():
                self._stations.queue_changed(frame)
            case HelloFrame() | ByeFrame():
                pass  # those of a carrier
            case _:
                assert_never(frame)

    def _lost(self, node: NodeId) -> None:
        self._feed_caller(NodeLost(node))

    async def _send(self, node: NodeId, address: str | None, frame: bytes) -> None:
        with suppress(NotSentError, UnknownError):  # the receiver manages without it
            await self._carrier.send(node, address, frame)

    async def _write(self, action: WriteRequest) -> None:
        result = WriteResult.UNKNOWN
        try:
            await self._carrier.send(action.node, action.address, action.frame)
            result = WriteResult.SENT
        except NotSentError:
            result = WriteResult.NOT_SENT
        except UnknownError:
            pass
        finally:
            self._feed_caller(WriteEnded(action.number, result))

    # The engine that calls

    def _feed_caller(self, event: CallerInput) -> None:
        self._caller.handle(event, self._runtime.now())
        while (action := self._caller.poll()) is not None:
            self._perform_of_caller(action)
        self._set_timer()

    def _perform_of_caller(self, action: CallerAction) -> None:
        match action:
            case FindOwner():
                self._runtime.spawn(self._find(action))
            case WriteRequest():
                self._runtime.spawn(self._write(action))
            case WriteCancel() | WriteProbe():
                self.send(action.node, action.address, action.frame)
            case CallAnswered():
                self._settle(action, action.payload)
            case CallFailed():
                self._settle(action, action.error)
            case _:
                assert_never(action)

    def _settle(self, action: CallAnswered | CallFailed, outcome: dict[str, Any] | Exception) -> None:
        complete(self._waiting[action.call], outcome)

    async def _find(self, action: FindOwner) -> None:
        answer: CallerInput = OwnerSearchFailed(action.call, "the registry of the cluster failed")
        try:
            answer = OwnerSearched(action.call, await self._store.find(action.identity))
        except (StoreUnavailableError, ForeignDataError, LayoutError) as error:
            answer = OwnerSearchFailed(action.call, str(error))
        finally:
            self._feed_caller(answer)

    # The engine that executes

    def _feed_executor(self, event: ExecutorInput) -> None:
        self._executor.handle(event, self._runtime.now())
        while (action := self._executor.poll()) is not None:
            self._perform_of_executor(action)
        self._set_timer()

    def _perform_of_executor(self, action: ExecutorAction) -> None:
        match action:
            case ExecuteCall():
                self._executing[action.node, action.number] = self._runtime.spawn(self._execute(action))
            case CancelExecution():
                if (execution := self._executing.pop((action.node, action.number), None)) is not None:
                    execution.cancel()  # it may have ended at this moment, or not have begun
            case QuestionOwnership():
                self._stations.question(action.identity)
            case WriteAnswer():
                self.send(action.node, None, action.frame)
            case _:
                assert_never(action)

    async def _execute(self, action: ExecuteCall) -> None:
        node, number = action.node, action.number
        cancelled = ConnectionLostError("the call was cancelled on the node of the station", sent=True)
        outcome: ExecutorInput = ExecutionFailed(node, number, cancelled)
        try:
            result = await self._stations.execute(action.identity, _read_call(action.content))
            outcome = ExecutionSucceeded(node, number, result)
        except (OCPPError, TypeError, ValueError) as error:  # the caller is told
            outcome = ExecutionFailed(node, number, error)
        except Exception as error:
            self._log.failed("a call of another node failed", error)
            outcome = ExecutionFailed(node, number, error)
        finally:  # application code may raise a cancellation of its own, or end the process
            self._executing.pop((node, number), None)
            self._feed_executor(outcome)  # ignored after `CancelExecution`

    # Time

    def _set_timer(self) -> None:
        at = min(self._caller.deadline, self._executor.deadline)
        if at < self._timer_at:
            if self._timer is not None:
                self._timer.cancel()
            self._timer, self._timer_at = self._runtime.call_at(at, self._tick), at

    def _tick(self) -> None:
        self._timer, self._timer_at = None, inf
        self._feed_caller(Tick())
        self._feed_executor(Tick())


def _seconds_of(options: CallOptions) -> float:
    """Return the seconds after which the caller waits no more for the node of the station.

    Without a limit in the options this is `inf`: those of the station's server apply, which this node does not know.
    """
    if options.deadline is not None:
        return options.deadline + _GRACE
    if options.ttl is None or options.timeout is None:
        return inf
    pauses = options.retries * (options.retry_max_delay + options.timeout)
    return options.ttl + options.timeout + pauses + _GRACE


def _write_call(request: CallRequest) -> list[Any]:
    names = [request.action] if request.protocol is None else [request.protocol, request.action]
    return [names, request.params, _options_of(request), request.urgent]


def _read_call(content: list[Any]) -> RemoteCall:
    match content:
        case [[*names], params, dict(options), bool(is_urgent)]:
            protocol = names[0] if len(names) > 1 else None
            return RemoteCall((*names, params), _read_options(options), is_urgent, protocol)
        case _:
            raise TypeError("expected a call with names, parameters, options and urgency")


def _options_of(request: CallRequest) -> dict[str, Any]:
    """Return the options that differ from their defaults, without `check`, which the caller runs."""
    given = {each: getattr(request.options, each) for each in OPTION_NAMES if each != "check"}
    return {
        each: _NO_LIMIT if value == inf else value for each, value in given.items() if value != getattr(DEFAULTS, each)
    }


def _read_options(options: dict[str, Any]) -> dict[str, Any]:
    return {each: inf if value == _NO_LIMIT and each != "message_id" else value for each, value in options.items()}
