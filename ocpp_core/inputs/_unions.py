"""What each engine accepts as input."""

from typing import TypeAlias

from ._commands import (
    CancelCall,
    Close,
    Connect,
    Decline,
    Fail,
    Notify,
    Probe,
    Reconfigure,
    RefuseResult,
    Register,
    SendRaw,
    StartCall,
)
from ._events import (
    BinaryReceived,
    Congested,
    StreamFailed,
    StreamLost,
    StreamOpened,
    TextReceived,
    Tick,
    TransportFailed,
    TransportLost,
    TransportOpened,
    UpgradeReceived,
)
from ._link_commands import Accept, CloseLink, Reject, Respond, SendMessage
from ._usual import BytesReceived, Reply

__all__ = [
    "ClientInput",
    "Command",
    "LinkInput",
    "RareCommand",
    "RareStackInput",
    "ServerInput",
    "SessionInput",
    "StackInput",
]

RareCommand: TypeAlias = (
    CancelCall | Notify | Fail | Decline | RefuseResult | SendRaw | Close | Reconfigure | Probe | Register
)
"""The less frequent commands of the application; the engines check for the other ones first."""
Command: TypeAlias = StartCall | Reply | RareCommand
"""The commands of the application to a session."""
LinkInput: TypeAlias = (
    BytesReceived
    | StreamLost
    | Tick
    | Congested
    | Accept
    | Reject
    | Respond
    | SendMessage
    | CloseLink
    | Reconfigure
    | Probe
)
"""What `ServerLink.handle` and `ClientLink.handle` accept."""
SessionInput: TypeAlias = TextReceived | BinaryReceived | TransportLost | Congested | Tick | Command
"""What `Session.handle` accepts."""
ClientInput: TypeAlias = SessionInput | TransportOpened | TransportFailed | Connect
"""What `ClientEngine.handle` accepts."""
ServerInput: TypeAlias = SessionInput | TransportOpened | UpgradeReceived | Accept | Reject
"""What `ServerEngine.handle` accepts."""
RareStackInput: TypeAlias = (
    RareCommand | Tick | Congested | Connect | StreamLost | StreamOpened | StreamFailed | Accept | Reject | Respond
)
"""The inputs that a stack checks for last."""
StackInput: TypeAlias = BytesReceived | StartCall | Reply | RareStackInput
"""What `ClientStack.handle` and `ServerStack.handle` accept."""
