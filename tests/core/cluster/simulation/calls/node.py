"""A node that calls stations of other nodes, and executes the calls of others."""

from random import Random
from typing import Any

from ocpp_core.cluster.calls.caller_inputs import AnswerReceived, NodeLost
from ocpp_core.cluster.calls.executor_inputs import CancelReceived, ProbeReceived, RequestReceived
from ocpp_core.cluster.calls.frames import AnswerFrame, CancelFrame, ProbeFrame, RequestFrame, read_frame
from ocpp_core.cluster.records import NodeId
from tests.core.cluster.simulation.connection import Connection
from tests.core.cluster.simulation.node import SimulatedNode

from .calling import CallingHost
from .carrier import Carrier
from .executing import ExecutingHost
from .ledger import CallLedger


class CallingNode(SimulatedNode):
    """A process with the engines of the registry and of calls.

    Args:
        *parts: The arguments of `SimulatedNode`.
        carrier: Takes its frames to other processes.
        ledger: Sees its calls.
        random: Chooses how long a call waits for others of its station.
    """

    def __init__(self, *parts: Any, carrier: Carrier, ledger: CallLedger, random: Random) -> None:
        self._carrier = carrier
        self._ledger = ledger
        self._random = random
        super().__init__(*parts)

    def start(self) -> None:
        """Start a process, with a new epoch, and without connections and calls."""
        super().start()
        self.calling = CallingHost(self, self._carrier, self._ledger)
        self.executing = ExecutingHost(self, self._carrier, self._ledger, self._random)
        self._carrier.started(self)

    def kill(self) -> list[Connection]:
        """Kill the process; return its connections, whose stations notice it some time."""
        connections = super().kill()
        self._ledger.died(self.id)
        self._carrier.ended(self)
        return connections

    def receive(self, sender: NodeId, data: bytes) -> None:
        """Take a frame."""
        match frame := read_frame(data):
            case RequestFrame():
                self.executing.handle(RequestReceived(sender, frame, len(data)))
            case CancelFrame():
                self.executing.handle(CancelReceived(sender, frame))
            case ProbeFrame():
                self.executing.handle(ProbeReceived(sender, frame))
            case AnswerFrame():
                self.calling.handle(AnswerReceived(sender, frame))
            case _:
                raise AssertionError(f"expected a frame of a call, got {frame}")

    def lost(self, node: NodeId) -> None:
        """Take the report that a process answers nothing that was written to it."""
        self.calling.handle(NodeLost(node))

    def connection_of(self, identity: str) -> Connection | None:
        """Return the newest connection of a station, None without one."""
        admitted = [each for each in self.connections if each.identity == identity and each.fence is not None]
        return max(admitted, key=lambda each: each.fence or 0, default=None)

    def forget(self, connection: Connection) -> bool:
        """Remove a connection that ended; return False if it is not one of this process."""
        if is_known := super().forget(connection):
            self.executing.lose(connection)
        return is_known
