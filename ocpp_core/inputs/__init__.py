"""The inputs of the engines: events and commands.

Events are what happened, commands what the application requests. They act as slotted dataclasses that are not frozen,
because one is made for every received message. Treat them as read-only. A recorded list of inputs with their times
replays a connection.

`attempt` is the connection attempt of a client to which an event belongs; events of any other attempt are stale and
ignored. A server's connection has one attempt, number 0.
"""

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
from ._unions import (
    ClientInput,
    Command,
    LinkInput,
    RareCommand,
    RareStackInput,
    ServerInput,
    SessionInput,
    StackInput,
)
from ._usual import BytesReceived, Reply

__all__ = [
    "Accept",
    "BinaryReceived",
    "BytesReceived",
    "CancelCall",
    "ClientInput",
    "Close",
    "CloseLink",
    "Command",
    "Congested",
    "Connect",
    "Decline",
    "Fail",
    "LinkInput",
    "Notify",
    "Probe",
    "RareCommand",
    "RareStackInput",
    "Reconfigure",
    "RefuseResult",
    "Register",
    "Reject",
    "Reply",
    "Respond",
    "SendMessage",
    "SendRaw",
    "ServerInput",
    "SessionInput",
    "StackInput",
    "StartCall",
    "StreamFailed",
    "StreamLost",
    "StreamOpened",
    "TextReceived",
    "Tick",
    "TransportFailed",
    "TransportLost",
    "TransportOpened",
    "UpgradeReceived",
]
