"""The host of the engines of calls between nodes: it carries their frames, searches stations and calls them."""

from collections.abc import Awaitable, Callable, Hashable
from functools import partial
from itertools import count
from math import inf
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

from ocpp_core.cluster.calls.caller import RemoteCaller
from ocpp_core.cluster.calls.caller_actions import CallAnswered, CallerAction, CallFailed, FindOwner, WriteRequest
from ocpp_core.cluster.calls.caller_inputs import (
    AbandonRemoteCall,
    AnswerReceived,
    CallerInput,
    NodeLost,
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
    RequestReceived,
)
from ocpp_core.cluster.calls.frames import (
    AnswerFrame,
    CancelFrame,
    FrameError,
    ReplacedFrame,
    RequestFrame,
    read_frame,
    write_frame,
)
from ocpp_core.cluster.calls.settings import RemoteCallsConfig
from ocpp_core.cluster.records import NodeId
from ocpp_core.errors import ClosedError
from ocpp_core.inputs import Tick
from ocpp_transports._calls._call_options import DEFAULTS, OPTION_NAMES, CallOptions
from ocpp_transports._calls._calling import CallRequest
from ocpp_transports._driver._interfaces import Completion, Handle, Runtime, complete
from ocpp_transports._logging._log import Log

from ._carrier import Carrier, NotSentError, UnknownError
from ._settings import Backend
from ._store import ForeignDataError, RegistryStore, StoreUnavailableError

__all__ = ["LocalStations", "NodeCalls", "RemoteCall"]

_NO_LIMIT: Final = "inf"
"""Seconds of an option without a limit: JSON has no infinity."""
_SLACK: Final = 2.0
"""Seconds by which the timer of a call exceeds its options, so that the error of the other node arrives first."""
_Outcome: TypeAlias = CallAnswered | CallFailed


class RemoteCall(NamedTuple):
    """A call of another node, as `Peer.call` takes it."""

    args: tuple[Any, ...]
    options: dict[str, Any]
    is_urgent: bool


class LocalStations(Protocol):
    """The stations that this node has."""

    def believes(self, name: str, now: float) -> int | None:
        """Return the fence of the claim of a station; None if this node does not have it for certain."""

    def replaced(self, name: str, fence: int, by: NodeId) -> None:
        """Another node has claimed a station, with this fence."""

    def execute(self, name: str, call: RemoteCall, /) -> Awaitable[Any]:
        """Call a station of this node."""


class NodeCalls:
    """The calls of one node to others, and of others to its stations.

    Args:
        node: The node.
        backend: What makes the carrier.
        store: The registry, which is open.
        runtime: The event loop.
        log: The log of the host.
        stations: The stations of this node.
    """

    def __init__(
        self,
        node: NodeId,
        backend: Backend,
        store: RegistryStore,
        runtime: Runtime,
        log: Log,
        stations: LocalStations,
    ) -> None:
        config = RemoteCallsConfig()
        self._store = store
        self._runtime = runtime
        self._log = log
        self._stations = stations
        self._caller = RemoteCaller(node, config)
        self._executor = RemoteExecutor(node, config, stations.believes)
        self._timers: dict[str, Handle] = {}
        self._names = count(1)
        self._waiting: dict[Hashable, Completion[_Outcome]] = {}
        self._executing: dict[tuple[NodeId, int], Handle] = {}
        self._carrier: Carrier = backend.new_carrier(node, self._received, self._lost)

    async def call(self, name: str, request: CallRequest) -> dict[str, Any]:
        """Call a station wherever it is.

        Raises what `Peer.call` raises. An error with `sent=False` is certain; with `sent=True` the station may have
        got the call.
        """
        key = next(self._names)
        completion: Completion[_Outcome] = self._runtime.completion()
        self._waiting[key] = completion
        try:
            self._call(StartRemoteCall(key, name, _content_of(request), _seconds_of(request.options)))
            outcome = await completion
        finally:
            del self._waiting[key]
            self._call(AbandonRemoteCall(key))
        if isinstance(outcome, CallFailed):
            raise outcome.error
        return outcome.payload

    def report_replaced(self, node: NodeId, name: str, fence: int) -> None:
        """Report to a node that it has lost a station; the registry reports it too, later."""
        self._runtime.spawn(self._send(node, None, write_frame(ReplacedFrame(name, fence))))

    async def aclose(self) -> None:
        """Receive no more frames, and fail the calls in progress: their outcome is not known."""
        await self._carrier.aclose()
        for timer in self._timers.values():
            timer.cancel()
        for key, completion in self._waiting.items():
            error = ClosedError("closed before the other node answered the call", sent=True)
            complete(completion, CallFailed(key, error))

    # From the carrier

    def _received(self, node: NodeId, data: bytes) -> None:
        try:
            frame = read_frame(data)
        except FrameError as error:
            self._log.recurring("cluster", f"a frame of node {node!r} is ignored: {error}")
            return
        match frame:
            case AnswerFrame():
                self._call(AnswerReceived(node, frame))
            case RequestFrame():
                self._execute(RequestReceived(node, frame, len(data)))
            case CancelFrame():
                self._execute(CancelReceived(node, frame))
            case ReplacedFrame():
                self._stations.replaced(frame.identity, frame.fence, node)

    def _lost(self, node: NodeId) -> None:
        self._call(NodeLost(node))

    # Calling

    def _call(self, event: CallerInput) -> None:
        self._caller.handle(event, self._runtime.now())
        while (action := self._caller.poll()) is not None:
            self._perform_call(action)
        self._wait("caller", self._caller.deadline, partial(self._call, Tick()))

    def _perform_call(self, action: CallerAction) -> None:
        match action:
            case FindOwner():
                self._runtime.spawn(self._find(action))
            case WriteRequest():
                self._runtime.spawn(self._write(action))
            case CallAnswered() | CallFailed():
                if (completion := self._waiting.get(action.call)) is not None:
                    complete(completion, action)
            case _:
                self._runtime.spawn(self._send(action.node, action.address, action.frame))

    async def _find(self, action: FindOwner) -> None:
        try:
            answer: CallerInput = OwnerSearched(action.call, await self._store.find(action.identity))
        except (StoreUnavailableError, ForeignDataError) as error:
            answer = OwnerSearchFailed(action.call, str(error))
        self._call(answer)

    async def _write(self, action: WriteRequest) -> None:
        try:
            await self._carrier.send(action.node, action.address, action.frame)
        except NotSentError:
            result = WriteResult.NOT_SENT
        except UnknownError:
            result = WriteResult.UNKNOWN
        else:
            result = WriteResult.SENT
        self._call(WriteEnded(action.number, result))

    async def _send(self, node: NodeId, address: str | None, frame: bytes) -> None:
        try:
            await self._carrier.send(node, address, frame)
        except (NotSentError, UnknownError) as error:
            self._log.recurring("cluster", f"a frame was not sent to node {node!r}: {error}")

    # Executing

    def _execute(self, event: ExecutorInput) -> None:
        self._executor.handle(event, self._runtime.now())
        while (action := self._executor.poll()) is not None:
            self._perform_execution(action)
        self._wait("executor", self._executor.deadline, partial(self._execute, Tick()))

    def _perform_execution(self, action: ExecutorAction) -> None:
        match action:
            case ExecuteCall():
                self._executing[action.node, action.number] = self._runtime.spawn(self._run(action))
            case CancelExecution():
                if (task := self._executing.get((action.node, action.number))) is not None:
                    task.cancel()
            case _:
                self._runtime.spawn(self._send(action.node, None, action.frame))

    async def _run(self, action: ExecuteCall) -> None:
        node, number = action.node, action.number
        try:
            result = await self._stations.execute(action.identity, _read_content(action.content))
            self._execute(ExecutionSucceeded(node, number, result))
        except Exception as error:
            self._execute(ExecutionFailed(node, number, error))
        finally:
            del self._executing[node, number]

    # Time

    def _wait(self, name: str, when: float, tick: Callable[[], None]) -> None:
        if (timer := self._timers.pop(name, None)) is not None:
            timer.cancel()
        if when < inf:
            self._timers[name] = self._runtime.call_at(when, tick)


def _content_of(request: CallRequest) -> list[Any]:
    """Return a call as JSON: names, payload, and the options that differ from their defaults.

    `check` stays here: the caller runs it.
    """
    given = {each: getattr(request.options, each) for each in OPTION_NAMES if each != "check"}
    options = {
        each: _NO_LIMIT if value == inf else value for each, value in given.items() if value != getattr(DEFAULTS, each)
    }
    names = [request.action] if request.protocol is None else [request.protocol, request.action]
    return [names, dict(request.params), options, request.urgent]


def _read_content(content: list[Any]) -> RemoteCall:
    """Return the call that another node wrote. Raises ValueError for anything else."""
    match content:
        case [[*names], dict(params), dict(options), bool(urgent)]:
            without_limit = {each: inf for each, value in options.items() if value == _NO_LIMIT}
            without_limit.pop("message_id", None)
            return RemoteCall((*names, params), {**options, **without_limit}, urgent)
    raise ValueError("expected a call of another node, got another content")


def _seconds_of(options: CallOptions) -> float:
    """Return the longest time that a call with these options takes; `inf` if the other node limits it."""
    if options.deadline is not None:
        return options.deadline + _SLACK
    if options.ttl is None or options.timeout is None or options.retries:
        return inf
    return options.ttl + options.timeout + _SLACK
