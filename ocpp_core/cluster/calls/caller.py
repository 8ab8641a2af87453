"""The calls of a node to stations of other nodes, and their outcomes.

What it guarantees. Each call ends with exactly one outcome, unless the host abandons it. It is `CallAnswered`, or
`CallFailed` with the error that a call on the node of the station would raise. An error with `sent=False` means that
the station has not seen the call and never will.

Why it holds. A request is repeated only after the node of the station, or the carrier, reported that it was certainly
not executed; the repetition has a number of its own. An outcome that is not known ends the call with `sent=True`. The
timer of a call is the caller's own, so an answer that is lost never leaves a call open. Long before that timer, the
caller asks the other node, which answers for each request that it does not execute.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Hashable
from itertools import count
from typing import Final, assert_never

from ocpp_core._dataclasses import dataclass
from ocpp_core._json import MAX_DEPTH, dumps, is_deeper
from ocpp_core.cluster.records import ClusterOwner, Found, NodeId
from ocpp_core.errors import (
    CallDroppedError,
    ConnectionLostError,
    TimeoutError,  # ours, a subclass of the builtin
)
from ocpp_core.inputs import Tick
from ocpp_core.timers import Timers

from .caller_actions import CallAnswered, CallerAction, CallFailed, FindOwner, WriteCancel, WriteProbe, WriteRequest
from .caller_inputs import (
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
from .frames import MAX_PROBED, AnswerFrame, AnswerKind, CancelFrame, ProbeFrame, write_frame, write_request
from .known_owners import KnownOwners
from .outcomes import read_error
from .settings import RemoteCallsConfig

__all__ = ["RemoteCaller"]

_OVERHEAD: Final = 8192
"""Bytes of a request besides its content, at most."""
_PROBING: Final = object()
"""The name of the timer of probes; others are the names of calls."""


@dataclass(slots=True)
class _Attempt:
    number: int
    found: Found
    is_written: bool = False
    written_at: float = 0.0
    """When the carrier reported it."""
    is_node_lost: bool = False

    @property
    def node(self) -> NodeId:
        return self.found.owner.node


@dataclass(slots=True)
class _RemoteCall:
    name: Hashable
    identity: str
    content: str
    deadline: float
    attempts: int = 0
    attempt: _Attempt | None = None
    refused_by: ClusterOwner | None = None
    refusal: str = ""


class RemoteCaller:
    """The calls of one node to stations of others.

    Args:
        node: The node, whose own stations are not called.
        config: The limits.
    """

    def __init__(self, node: NodeId, config: RemoteCallsConfig) -> None:
        self._node = node
        self._config = config
        self._calls: dict[Hashable, _RemoteCall] = {}
        self._attempts: dict[int, _RemoteCall] = {}
        self._per_node: Counter[NodeId] = Counter()
        self._bytes = 0
        self._numbers = count(1)
        self._owners = KnownOwners(config.max_known_owners)
        self._timers = Timers()
        self._actions: deque[CallerAction] = deque()

    def __len__(self) -> int:
        """Return the number of calls in progress."""
        return len(self._calls)

    @property
    def deadline(self) -> float:
        """Time at which the engine needs a `Tick` at the latest, in the host's seconds; `inf`: never."""
        return self._timers.next

    def poll(self) -> CallerAction | None:
        """Return the next action; None if there is none."""
        return self._actions.popleft() if self._actions else None

    def handle(self, event: CallerInput, now: float) -> None:
        """Take an input at a time in the host's seconds.

        Raises TypeError or ValueError, and changes nothing, for a call that JSON cannot express, for one that is
        larger than a frame, and for a name of a call that is in progress.
        """
        if isinstance(event, AbandonRemoteCall):
            self._abandon(event)  # before it expires: the host takes no outcome of it any more
        self._expire(now)
        match event:
            case StartRemoteCall():
                self._start(event, now)
            case OwnerKnown():
                self._note_owner(event)
            case OwnerSearched():
                self._take_owner(event, now)
            case OwnerSearchFailed():
                self._take_failed_search(event)
            case WriteEnded():
                self._take_write(event, now)
            case AnswerReceived():
                self._take_answer(event, now)
            case NodeLost():
                self._lose(event.node)
            case AbandonRemoteCall() | Tick():
                pass
            case _:
                assert_never(event)

    def _expire(self, now: float) -> None:
        for name in self._timers.due(now):
            if name is _PROBING:
                self._probe(now)
            else:
                self._time_out(self._calls[name])

    # The application

    def _start(self, event: StartRemoteCall, now: float) -> None:
        if event.call in self._calls:
            raise ValueError(f"expected the name of a new call, got {event.call!r}")
        content = dumps(event.content)
        if is_deeper(content, MAX_DEPTH - 1):
            raise ValueError(f"expected a payload nested less than {MAX_DEPTH - 1} levels, to send it to another node")
        if len(content.encode()) > self._config.max_frame - _OVERHEAD:
            raise ValueError(f"expected a call of at most {self._config.max_frame - _OVERHEAD} bytes")
        if len(self._calls) >= self._config.max_calls or self._bytes + len(content) > self._config.max_bytes:
            error = CallDroppedError(f"cannot call {event.identity!r}: too many calls to other nodes are in progress")
            self._actions.append(CallFailed(event.call, error))
            return
        deadline = now + min(event.seconds, self._config.longest)
        call = self._calls[event.call] = _RemoteCall(event.call, event.identity, content, deadline)
        self._bytes += len(content)
        self._timers.set(event.call, deadline)
        self._look_up(call, now)

    def _abandon(self, event: AbandonRemoteCall) -> None:
        call = self._calls.get(event.call)
        if call is not None:
            self._cancel_attempt(call)
            self._end(call)

    # Attempts

    def _look_up(self, call: _RemoteCall, now: float) -> None:
        known = self._owners.get(call.identity)
        if known is None:
            self._actions.append(FindOwner(call.name, call.identity))
        else:
            self._try(call, known, now)

    def _note_owner(self, event: OwnerKnown) -> None:
        known, found = self._owners.get(event.identity), event.found
        is_newer = known is None or known.owner.fence < found.owner.fence
        if is_newer and found.is_alive and found.owner.node != self._node:
            self._owners.note(event.identity, found)

    def _take_owner(self, event: OwnerSearched, now: float) -> None:
        call, found = self._calls.get(event.call), event.found
        if call is None or call.attempt is not None:
            return
        if found is None or not found.is_alive or found.owner.node == self._node:
            self._fail_unsent(call, call.refusal or "the station is not connected")
        elif found.owner == call.refused_by:
            self._fail_unsent(call, call.refusal)
        else:
            self._owners.note(call.identity, found)
            self._try(call, found, now)

    def _take_failed_search(self, event: OwnerSearchFailed) -> None:
        call = self._calls.get(event.call)
        if call is not None and call.attempt is None:
            self._fail_unsent(call, call.refusal or event.reason)

    def _try(self, call: _RemoteCall, found: Found, now: float) -> None:
        node = found.owner.node
        if self._per_node[node] >= self._config.max_calls_per_node:
            error = CallDroppedError(f"cannot call {call.identity!r}: too many calls to its node are in progress")
            self._fail(call, error)
            return
        number = next(self._numbers)
        call.attempts += 1
        call.attempt = _Attempt(number, found)
        self._attempts[number] = call
        self._per_node[node] += 1
        seconds = call.deadline - now
        frame = write_request(number, call.identity, found.owner.fence, node, seconds, call.content)
        self._actions.append(WriteRequest(number, node, found.address, frame))

    def _take_write(self, event: WriteEnded, now: float) -> None:
        call = self._attempts.get(event.number)
        if call is None or (attempt := call.attempt) is None:
            return
        if event.result is WriteResult.NOT_SENT:
            self._refuse(call, attempt, "its node is gone", now)
        elif event.result is WriteResult.UNKNOWN or attempt.is_node_lost:
            self._owners.forget(call.identity)
            self._fail_unknown(call)
        else:
            attempt.is_written, attempt.written_at = True, now
            if _PROBING not in self._timers:
                self._timers.set(_PROBING, now + self._config.probe_after)

    def _take_answer(self, event: AnswerReceived, now: float) -> None:
        answer = event.answer
        call = self._attempts.get(answer.number)
        if call is None or (attempt := call.attempt) is None:
            return
        if attempt.node != event.node or answer.caller != self._node:
            return
        match answer.kind:
            case AnswerKind.OK:
                self._end(call)
                self._actions.append(CallAnswered(call.name, answer.value))
            case AnswerKind.ERROR:
                self._fail(call, read_error(answer.value))
            case AnswerKind.NOT_SENT:
                self._refuse(call, attempt, _reason(answer), now)
            case AnswerKind.UNKNOWN:
                self._owners.forget(call.identity)
                self._fail_unknown(call, _reason(answer))
            case _:
                assert_never(answer.kind)

    def _refuse(self, call: _RemoteCall, attempt: _Attempt, reason: str, now: float) -> None:
        """Try again after a request that was certainly not executed, if another node has the station."""
        self._owners.forget(call.identity)
        self._end_attempt(call)
        call.refused_by, call.refusal = attempt.found.owner, reason
        if call.attempts >= self._config.max_attempts:
            self._fail_unsent(call, reason)
        else:
            self._look_up(call, now)

    def _lose(self, node: NodeId) -> None:
        if node not in self._per_node:
            return
        for call in tuple(self._attempts.values()):
            attempt = call.attempt
            if attempt is None or attempt.node != node:
                continue
            if attempt.is_written:
                self._owners.forget(call.identity)
                self._fail_unknown(call)
            else:
                attempt.is_node_lost = True  # the carrier will report what became of the request

    # Probes

    def _probe(self, now: float) -> None:
        """Ask each node about the requests that it has not answered for long: answers may get lost."""
        silent: defaultdict[tuple[NodeId, str | None], list[int]] = defaultdict(list)
        is_waiting = False
        for call in self._attempts.values():
            attempt = call.attempt
            if attempt is None or not attempt.is_written:
                continue
            is_waiting = True
            if attempt.written_at + self._config.probe_after <= now:
                silent[attempt.node, attempt.found.address].append(attempt.number)
        for (node, address), numbers in silent.items():
            for at in range(0, len(numbers), MAX_PROBED):
                frame = write_frame(ProbeFrame(node, tuple(numbers[at : at + MAX_PROBED])))
                self._actions.append(WriteProbe(node, address, frame))
        if is_waiting:
            self._timers.set(_PROBING, now + self._config.probe_after)

    # Ends

    def _time_out(self, call: _RemoteCall) -> None:
        sent = call.attempt is not None
        if sent:
            self._owners.forget(call.identity)  # its node answers nothing: another one may have the station
        self._cancel_attempt(call)
        text = "no response arrived in time" if sent else "the node of the station was not found in time"
        self._fail(call, TimeoutError(f"the call of {call.identity!r} on another node failed: {text}", sent=sent))

    def _cancel_attempt(self, call: _RemoteCall) -> None:
        if (attempt := call.attempt) is not None:
            frame = write_frame(CancelFrame(attempt.number))
            self._actions.append(WriteCancel(attempt.node, attempt.found.address, frame))

    def _fail_unsent(self, call: _RemoteCall, reason: str) -> None:
        self._fail(call, ConnectionLostError(f"cannot call {call.identity!r}: {reason}", sent=False))

    def _fail_unknown(self, call: _RemoteCall, reason: str = "its node is gone") -> None:
        text = f"the outcome of the call of {call.identity!r} is unknown: {reason}"
        self._fail(call, ConnectionLostError(text, sent=True))

    def _fail(self, call: _RemoteCall, error: Exception) -> None:
        self._end(call)
        self._actions.append(CallFailed(call.name, error))

    def _end(self, call: _RemoteCall) -> None:
        self._end_attempt(call)
        del self._calls[call.name]
        self._bytes -= len(call.content)
        self._timers.cancel(call.name)

    def _end_attempt(self, call: _RemoteCall) -> None:
        if (attempt := call.attempt) is None:
            return
        call.attempt = None
        del self._attempts[attempt.number]
        self._per_node[attempt.node] -= 1
        if not self._per_node[attempt.node]:
            del self._per_node[attempt.node]


def _reason(answer: AnswerFrame) -> str:
    return str(answer.value)[:200]
