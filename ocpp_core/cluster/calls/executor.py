"""The calls of other nodes to stations of this one.

What it guarantees. No request is executed twice, and "not-sent" is never answered to one that was executed or will be.

Why it holds. Every number of a caller is remembered, also of a request that was refused: a copy of it that arrives
later finds it. A request for another life of this node is answered "unknown", because the predecessor may have executed
it. The fence of a request must be that of the claim in which this node believes at this moment.
"""

from collections import Counter, deque
from collections.abc import Callable
from typing import Any, TypeAlias, assert_never

from ocpp_core.cluster.records import NodeId
from ocpp_core.inputs import Tick
from ocpp_core.timers import Timers

from .executor_inputs import (
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
from .frames import AnswerFrame, AnswerKind, ProbeFrame, RequestFrame, write_frame
from .outcomes import write_error
from .replays import Seen, SeenRequests
from .settings import RemoteCallsConfig

__all__ = ["RemoteExecutor"]

_Key: TypeAlias = tuple[NodeId, int]


class RemoteExecutor:
    """The calls that one node executes for others.

    Args:
        node: The node.
        config: The limits.
        believes: Function that gets the identity of a station and the time in the host's seconds. It returns the fence
            of the claim by which this node has the station, or None.
    """

    def __init__(self, node: NodeId, config: RemoteCallsConfig, believes: Callable[[str, float], int | None]) -> None:
        self._node = node
        self._config = config
        self._believes = believes
        self._seen = SeenRequests(config.max_callers, config.longest)
        self._sizes: dict[_Key, int] = {}
        self._per_node: Counter[NodeId] = Counter()
        self._bytes = 0
        self._timers = Timers()
        self._actions: deque[ExecutorAction] = deque()

    def __len__(self) -> int:
        """Return the number of calls in progress."""
        return len(self._sizes)

    @property
    def deadline(self) -> float:
        """Time at which the engine needs a `Tick` at the latest, in the host's seconds; `inf`: never."""
        return self._timers.next

    def poll(self) -> ExecutorAction | None:
        """Return the next action; None if there is none."""
        return self._actions.popleft() if self._actions else None

    def handle(self, event: ExecutorInput, now: float) -> None:
        """Take an input at a time in the host's seconds. Read the time after any wait: beliefs end."""
        for key in self._timers.due(now):
            self._cancel(key)  # type: ignore[arg-type]  # only keys are set
        match event:
            case RequestReceived():
                self._take_request(event, now)
            case CancelReceived():
                self._seen.note(event.node, event.frame.number, now)  # a request that arrives later is not executed
                if (event.node, event.frame.number) in self._sizes:
                    self._cancel((event.node, event.frame.number))
            case ProbeReceived():
                self._take_probe(event.node, event.frame, now)
            case ExecutionSucceeded():
                self._finish((event.node, event.number), AnswerKind.OK, event.payload)
            case ExecutionFailed():
                self._finish((event.node, event.number), AnswerKind.ERROR, write_error(event.error))
            case Tick():
                pass
            case _:
                assert_never(event)

    def _take_request(self, event: RequestReceived, now: float) -> None:
        key, frame = (event.node, event.frame.number), event.frame
        if frame.owner != self._node:
            self._answer(key, AnswerKind.UNKNOWN, "its node was started again")
            return
        seen = self._seen.note(*key, now)
        if seen is Seen.UNKNOWN:
            self._answer(key, AnswerKind.UNKNOWN, "its node cannot tell whether the request is new")
        elif seen is Seen.NEW and (refusal := self._refusal(frame, event.size, now) or self._excess(event.node)):
            self._answer(key, AnswerKind.NOT_SENT, refusal)
        elif seen is Seen.NEW:
            self._sizes[key] = event.size
            self._per_node[event.node] += 1
            self._bytes += event.size
            self._timers.set(key, now + min(frame.seconds, self._config.longest))
            self._actions.append(ExecuteCall(event.node, frame.number, frame.identity, frame.call))

    def _refusal(self, frame: RequestFrame, size: int, now: float) -> str:
        """Return why a request is refused; empty if it is not."""
        fence = self._believes(frame.identity, now)
        if fence != frame.fence:
            self._question(frame, fence)
            return "the station is not connected to its node any more"
        if frame.seconds <= 0:
            return "no time is left"
        if len(self._sizes) >= self._config.max_calls or self._bytes + size > self._config.max_bytes:
            return "its node executes too many calls"
        return ""

    def _question(self, frame: RequestFrame, fence: int | None) -> None:
        """Let the registry check a station if the caller found a later claim of this node than it knows."""
        if fence is None or fence < frame.fence:
            self._actions.append(QuestionOwnership(frame.identity))

    def _excess(self, node: NodeId) -> str:
        """Return why further requests of a node are refused; empty if they are not."""
        is_full = self._per_node[node] >= self._config.max_calls_per_node
        return "its node executes too many calls of this node" if is_full else ""

    def _take_probe(self, node: NodeId, frame: ProbeFrame, now: float) -> None:
        """Answer for the requests that are not in progress; one that arrives after its answer is not executed."""
        if frame.owner != self._node:
            return
        for key in ((node, number) for number in frame.numbers):
            is_missing = self._seen.note_missing(*key, now)  # also remembers a caller that waits for long
            if is_missing:
                self._answer(key, AnswerKind.NOT_SENT, "the request did not arrive")
            elif key not in self._sizes:
                self._answer(key, AnswerKind.UNKNOWN, "the answer of its node was lost")

    def _finish(self, key: _Key, kind: AnswerKind, value: Any) -> None:
        if key in self._sizes:
            self._end(key)
            self._answer(key, kind, value)

    def _cancel(self, key: _Key) -> None:
        self._end(key)
        self._actions.append(CancelExecution(*key))

    def _end(self, key: _Key) -> None:
        self._bytes -= self._sizes.pop(key)
        self._per_node[key[0]] -= 1
        if not self._per_node[key[0]]:
            del self._per_node[key[0]]
        self._timers.cancel(key)

    def _answer(self, key: _Key, kind: AnswerKind, value: Any) -> None:
        node, number = key
        try:
            frame = write_frame(AnswerFrame(node, number, kind, value))
        except (TypeError, ValueError, RecursionError):  # of middleware, which may return anything
            frame = write_frame(AnswerFrame(node, number, AnswerKind.UNKNOWN, "no frame can express the outcome"))
        if len(frame) > self._config.max_frame:
            frame = write_frame(AnswerFrame(node, number, AnswerKind.UNKNOWN, "the outcome is larger than a frame"))
        self._actions.append(WriteAnswer(node, frame))
