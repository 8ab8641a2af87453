"""The host of a `RemoteCaller` in a simulated process."""

from typing import TYPE_CHECKING, Any, Final, assert_never

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
    CallerInput,
    OwnerSearched,
    OwnerSearchFailed,
    StartRemoteCall,
    WriteEnded,
)
from ocpp_core.cluster.calls.settings import RemoteCallsConfig
from ocpp_core.inputs import Tick
from tests.core.cluster.simulation.alarm import Alarm

from .carrier import Carrier
from .ledger import CallLedger

if TYPE_CHECKING:
    from .node import CallingNode

CONFIG: Final = RemoteCallsConfig(max_known_owners=3, probe_after=2)


class CallingHost:
    """The calls of one process to stations of others."""

    def __init__(self, node: "CallingNode", carrier: Carrier, ledger: CallLedger) -> None:
        self.engine = RemoteCaller(node.id, CONFIG)
        self._node = node
        self._carrier = carrier
        self._ledger = ledger
        self._alarm = Alarm(node, lambda: self.handle(Tick()))

    def start(self, identity: str, seconds: float) -> int:
        """Call a station, and return the name of the call."""
        call = self._ledger.start(self._node.id)
        self.handle(StartRemoteCall(call, identity, [call], seconds))
        return call

    def abandon(self, call: int) -> None:
        """Wait no more for a call."""
        if self._ledger.abandon(call):
            self.handle(AbandonRemoteCall(call))

    def handle(self, event: CallerInput) -> None:
        """Take an input, and do what the engine asks for."""
        self._node.note(event)
        self.engine.handle(event, self._node.clock)
        while (action := self.engine.poll()) is not None:
            self._node.note(action)
            self._perform(action)
        self._alarm.set(self.engine.deadline)

    def _perform(self, action: CallerAction) -> None:
        match action:
            case FindOwner():
                self._find(action)
            case WriteRequest():
                self._write(action)
            case WriteCancel() | WriteProbe():
                self._carrier.send(self._node, action.node, action.frame)
            case CallAnswered():
                self._ledger.succeed(_name(action), action.payload)
            case CallFailed():
                self._ledger.fail(_name(action), action.error)
            case _:
                assert_never(action)

    def _find(self, action: FindOwner) -> None:
        call, store = action.call, self._node.store
        self._node.ask(
            lambda: store.find(action.identity),
            lambda found: self.handle(OwnerSearched(call, found)),
            lambda is_written: self.handle(OwnerSearchFailed(call, "the registry did not answer")),
        )

    def _write(self, action: WriteRequest) -> None:
        self._ledger.requested(self._node.id, action.number)
        self._carrier.send(
            self._node, action.node, action.frame, lambda result: self.handle(WriteEnded(action.number, result))
        )


def _name(action: CallAnswered | CallFailed) -> int:
    name: Any = action.call
    return int(name)
