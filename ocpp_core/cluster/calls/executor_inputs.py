"""The inputs and actions of a `RemoteExecutor`."""

from typing import Any, TypeAlias

from ocpp_core._dataclasses import dataclass
from ocpp_core.cluster.records import NodeId
from ocpp_core.inputs import Tick

from .frames import CancelFrame, ProbeFrame, RequestFrame

__all__ = [
    "CancelExecution",
    "CancelReceived",
    "ExecuteCall",
    "ExecutionFailed",
    "ExecutionSucceeded",
    "ExecutorAction",
    "ExecutorInput",
    "ProbeReceived",
    "QuestionOwnership",
    "RequestReceived",
    "WriteAnswer",
]


@dataclass(slots=True)
class RequestReceived:
    """Another node calls a station of this one."""

    node: NodeId
    """The other node."""
    frame: RequestFrame
    """Its request."""
    size: int
    """Bytes of the frame."""


@dataclass(slots=True)
class CancelReceived:
    """Another node does not wait for a call any more."""

    node: NodeId
    """The other node."""
    frame: CancelFrame
    """Its cancellation."""


@dataclass(slots=True)
class ProbeReceived:
    """Another node asks about requests whose answers may be lost."""

    node: NodeId
    """The other node."""
    frame: ProbeFrame
    """Its probe."""


@dataclass(slots=True)
class ExecutionSucceeded:
    """The station responded; ignored for a call that was cancelled."""

    node: NodeId
    """The node that calls."""
    number: int
    """The number of its request."""
    payload: dict[str, Any]
    """The payload of the response."""


@dataclass(slots=True)
class ExecutionFailed:
    """The call failed; ignored for a call that was cancelled."""

    node: NodeId
    """The node that calls."""
    number: int
    """The number of its request."""
    error: Exception
    """What the call raised."""


@dataclass(slots=True)
class ExecuteCall:
    """Call the station; `ExecutionSucceeded` or `ExecutionFailed` answers it, unless `CancelExecution` precedes."""

    node: NodeId
    """The node that calls."""
    number: int
    """The number of its request."""
    identity: str
    """The identity of the station."""
    content: list[Any]
    """The call, as the host of the other node wrote it."""


@dataclass(slots=True)
class CancelExecution:
    """Cancel a call: no node waits for its outcome."""

    node: NodeId
    """The node that called."""
    number: int
    """The number of its request."""


@dataclass(slots=True)
class QuestionOwnership:
    """A request names a later claim of a station than this node knows: pass `OwnershipQuestioned` to the registry."""

    identity: str
    """The identity of the station."""


@dataclass(slots=True)
class WriteAnswer:
    """Write an answer to a node; if it is lost, the caller asks for it."""

    node: NodeId
    """The node."""
    frame: bytes
    """The answer."""


ExecutorInput: TypeAlias = (
    RequestReceived | CancelReceived | ProbeReceived | ExecutionSucceeded | ExecutionFailed | Tick
)
"""Everything that goes into a `RemoteExecutor`."""
ExecutorAction: TypeAlias = ExecuteCall | CancelExecution | QuestionOwnership | WriteAnswer
"""Everything that a `RemoteExecutor` asks its host to do."""
