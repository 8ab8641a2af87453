"""The host of a `RemoteExecutor` in a simulated process.

The node of a station checks a request once, when it arrives. The CALL is written later: other CALLs of the station
come first, and the process may be stopped between the two.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import TYPE_CHECKING, assert_never

from ocpp_core.cluster.calls.executor import RemoteExecutor
from ocpp_core.cluster.calls.executor_inputs import (
    CancelExecution,
    ExecuteCall,
    ExecutionFailed,
    ExecutionSucceeded,
    ExecutorAction,
    ExecutorInput,
    QuestionOwnership,
    WriteAnswer,
)
from ocpp_core.cluster.records import NodeId
from ocpp_core.cluster.registry.inputs import OwnershipQuestioned
from ocpp_core.errors import ConnectionLostError, TimeoutError
from ocpp_core.inputs import Tick
from tests.core.cluster.simulation.alarm import Alarm
from tests.core.cluster.simulation.connection import Connection

from .calling import CONFIG
from .carrier import Carrier
from .ledger import CallLedger

if TYPE_CHECKING:
    from .node import CallingNode

TIMEOUT = 10.0
"""Seconds that the node of a station waits for its response."""


@dataclass(eq=False, slots=True)
class Execution:
    """A call that a process executes for another one."""

    caller: NodeId
    number: int
    call: int
    connection: Connection
    is_written: bool = False


class ExecutingHost:
    """The calls of other processes to stations of this one."""

    def __init__(self, node: "CallingNode", carrier: Carrier, ledger: CallLedger, random: Random) -> None:
        self.engine = RemoteExecutor(node.id, CONFIG, node.engine.believes)
        self._faults: dict[bool, Callable[[], None]] = {}
        self._node = node
        self._carrier = carrier
        self._ledger = ledger
        self._random = random
        self._running: dict[tuple[NodeId, int], Execution] = {}
        self._alarm = Alarm(node, lambda: self.handle(Tick()))

    def handle(self, event: ExecutorInput) -> None:
        """Take an input, and do what the engine asks for."""
        self._node.note(event)
        self.engine.handle(event, self._node.clock)
        while (action := self.engine.poll()) is not None:
            self._node.note(action)
            self._perform(action)
        self._alarm.set(self.engine.deadline)

    def interrupt(self, fault: Callable[[], None], *, is_after: bool) -> None:
        """Let a fault happen when the next CALL is written: before, or after."""
        self._faults[is_after] = fault

    def interrupt_no_more(self) -> None:
        """Let no fault of `interrupt` happen that has not yet."""
        self._faults.clear()

    def lose(self, connection: Connection) -> None:
        """Fail the calls of a connection that has ended."""
        for each in tuple(self._running.values()):
            if each.connection is connection:
                self._fail(each, ConnectionLostError("the connection ended", sent=each.is_written))

    def _perform(self, action: ExecutorAction) -> None:
        match action:
            case ExecuteCall():
                self._execute(action)
            case CancelExecution():
                self._running.pop((action.node, action.number), None)
            case WriteAnswer():
                self._carrier.answer(self._node, action.node, action.frame)
            case QuestionOwnership():
                self._node.handle(OwnershipQuestioned(action.identity))
            case _:
                assert_never(action)

    def _execute(self, action: ExecuteCall) -> None:
        key, call = (action.node, action.number), action.content[0]
        connection = self._node.connection_of(action.identity)
        if connection is None:
            error = ConnectionLostError("the station is not connected", sent=False)
            self.handle(ExecutionFailed(*key, error))
            return
        self._ledger.accepted(call, self._node.id, key, connection)
        self._running[key] = execution = Execution(*key, call, connection)
        in_queue = self._random.choice((0.0, 0.0, 0.05, 3.0)) * self._random.random()
        self._after(in_queue, execution, partial(self._write, execution))

    def _after(self, delay: float, execution: Execution, callback: Callable[[], None]) -> None:
        """Go on with a call in this process, unless it has ended."""

        def go_on() -> None:
            if self._running.get((execution.caller, execution.number)) is execution:
                callback()

        self._node.timeline.after(delay, self._node.in_this_life(go_on))

    def _write(self, execution: Execution) -> None:
        if (fault := self._faults.pop(False, None)) is not None:
            fault()
            self._after(0, execution, partial(self._write, execution))
            return
        execution.is_written = True
        self._ledger.ran_at(execution.call, self._node.id)
        answered = partial(self._after, 0.01, execution, partial(self._succeed, execution))
        self._node.timeline.after(0.01, lambda: execution.connection.called(answered))
        self._after(TIMEOUT, execution, partial(self._fail, execution, TimeoutError("no response", sent=True)))
        if (fault := self._faults.pop(True, None)) is not None:
            fault()

    def _succeed(self, execution: Execution) -> None:
        self._end(execution, ExecutionSucceeded(execution.caller, execution.number, {"call": execution.call}))

    def _fail(self, execution: Execution, error: Exception) -> None:
        self._end(execution, ExecutionFailed(execution.caller, execution.number, error))

    def _end(self, execution: Execution, outcome: ExecutorInput) -> None:
        if self._running.pop((execution.caller, execution.number), None) is execution:
            self.handle(outcome)
