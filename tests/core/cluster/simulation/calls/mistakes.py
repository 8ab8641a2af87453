"""Mistakes that the engines of calls may have, seeded one at a time."""

from typing import Any, Final

from ocpp_core.cluster.calls.caller import RemoteCaller
from ocpp_core.cluster.calls.caller_inputs import AnswerReceived, WriteEnded, WriteResult
from ocpp_core.cluster.calls.executor import RemoteExecutor
from ocpp_core.cluster.calls.executor_inputs import RequestReceived
from ocpp_core.cluster.calls.frames import AnswerKind, ProbeFrame, RequestFrame
from ocpp_core.cluster.calls.known_owners import KnownOwners
from ocpp_core.cluster.calls.replays import Seen, SeenRequests
from ocpp_core.cluster.records import NodeId
from tests.core.cluster.simulation.patches import Mistakes, nothing

from .carrier import name_of

take_request, refusal = RemoteExecutor._take_request, RemoteExecutor._refusal
take_answer, take_write, time_out = RemoteCaller._take_answer, RemoteCaller._take_write, RemoteCaller._time_out


def is_new(*_: Any) -> Seen:
    return Seen.NEW


def remembers_what_it_executed(self: Any, event: RequestReceived, now: float) -> None:
    key = event.node, event.frame.number
    executed = self.__dict__.setdefault("executed", set())
    if event.frame.owner != self._node:
        take_request(self, event, now)
    elif key not in executed and (reason := refusal(self, event.frame, event.size, now)):
        self._answer(key, AnswerKind.NOT_SENT, reason)
    else:
        executed.add(key)
        take_request(self, event, now)


def ignores_fences(self: Any, frame: RequestFrame, size: int, now: float) -> str:
    fence = self._believes(frame.identity, now)
    return refusal(self, _changed(frame, fence=fence), size, now) if fence else "the station is not connected"


def ignores_beliefs(self: Any, frame: RequestFrame, size: int, now: float) -> str:
    """Execute for a connection that is open, whatever the registry believes."""
    registry = self._believes.__self__
    state = registry._stations.get(frame.identity)
    return "the station is not connected" if state is None or state.fence != frame.fence else ""


def ignores_the_epoch(self: Any, event: RequestReceived, now: float) -> None:
    """Take a request for a predecessor."""
    frame = event.frame
    owner = self._node if name_of(frame.owner) == name_of(self._node) else frame.owner
    take_request(self, RequestReceived(event.node, _changed(frame, owner=owner), event.size), now)


def takes_the_answer_of_a_successor(self: Any, event: AnswerReceived, now: float) -> None:
    call = self._attempts.get(event.answer.number)
    if call is not None and name_of(call.attempt.node) == name_of(event.node):
        event = AnswerReceived(call.attempt.node, event.answer)
    take_answer(self, event, now)


def repeats_after_a_timeout(self: Any, call: Any) -> None:
    """Try once more, with some seconds."""
    if call.attempts > 1:
        time_out(self, call)
        return
    call.deadline += 5.0
    self._timers.set(call.name, call.deadline)
    self._end_attempt(call)
    self._look_up(call, call.deadline - 5.0)


def repeats_when_unknown(self: Any, call: Any, reason: str = "its node is gone") -> None:
    self._end_attempt(call)
    self._look_up(call, call.deadline - 1.0)


def takes_unknown_writes_for_unsent(self: Any, event: WriteEnded, now: float) -> None:
    if event.result is WriteResult.UNKNOWN:
        event = WriteEnded(event.number, WriteResult.NOT_SENT)
    take_write(self, event, now)


def takes_lost_nodes_for_unsent(self: Any, node: NodeId) -> None:
    for call in tuple(self._attempts.values()):
        if call.attempt.node == node and call.attempt.is_written:
            self._fail_unsent(call, "its node is gone")


def ignores_time(self: Any, now: float) -> None:
    list(self._timers.due(now))


def times_out_as_unsent(self: Any, call: Any) -> None:
    self._end_attempt(call)
    time_out(self, call)


def takes_a_refusal_for_the_end(self: Any, call: Any, attempt: Any, reason: str, now: float) -> None:
    """Do not look for the node that has the station now."""
    self._fail_unsent(call, reason)


def _changed(frame: RequestFrame, **changes: Any) -> RequestFrame:
    return RequestFrame(**{each: getattr(frame, each) for each in RequestFrame.__slots__} | changes)


def denies_all_when_asked(self: Any, node: NodeId, frame: ProbeFrame, now: float) -> None:
    for number in frame.numbers:
        self._answer((node, number), AnswerKind.NOT_SENT, "")


CALL_MISTAKES: Final[Mistakes] = {
    "an executed request is denied when its caller asks": ((RemoteExecutor, "_take_probe", denies_all_when_asked),),
    "requests are not remembered": ((SeenRequests, "note", is_new),),
    "a refused request is not remembered": ((RemoteExecutor, "_take_request", remembers_what_it_executed),),
    "a request is executed under any fence": ((RemoteExecutor, "_refusal", ignores_fences),),
    "a request is executed without a belief": ((RemoteExecutor, "_refusal", ignores_beliefs),),
    "a node is known by its name, without its epoch": (
        (RemoteExecutor, "_take_request", ignores_the_epoch),
        (RemoteCaller, "_take_answer", takes_the_answer_of_a_successor),
    ),
    "a caller repeats after a timeout": ((RemoteCaller, "_time_out", repeats_after_a_timeout),),
    "a caller repeats after an unknown outcome": ((RemoteCaller, "_fail_unknown", repeats_when_unknown),),
    "a write without a result was not sent": ((RemoteCaller, "_take_write", takes_unknown_writes_for_unsent),),
    "a lost node has got nothing": ((RemoteCaller, "_lose", takes_lost_nodes_for_unsent),),
    "a timeout is not sent": ((RemoteCaller, "_time_out", times_out_as_unsent),),
    "a caller has no timer": ((RemoteCaller, "_expire", ignores_time),),
    "a known owner is never forgotten": ((KnownOwners, "forget", nothing),),
    "a refused call is not repeated": ((RemoteCaller, "_refuse", takes_a_refusal_for_the_end),),
}
"""What may be wrong, by name."""
