"""The closed unions of the actions that each engine returns."""

from typing import TypeAlias

from ocpp_core.inputs import BinaryReceived, TextReceived, TransportFailed, TransportLost, TransportOpened

from ._reports import Report, Trace
from ._session import (
    Abandon,
    OutboxChanged,
    RegistrationChanged,
    Settle,
    StateChanged,
)
from ._transport import (
    CloseStream,
    CloseTransport,
    HttpRequest,
    OpenTransport,
    Reading,
    SendText,
    UpgradeRequested,
    Yield,
)
from ._usual import Dispatch, SendBytes

__all__ = [
    "Action",
    "LinkAction",
    "SessionAction",
]


SessionAction: TypeAlias = (
    SendText
    | CloseTransport
    | Dispatch
    | Abandon
    | Settle
    | StateChanged
    | RegistrationChanged
    | Report
    | Trace
    | Reading
)
"""What `Session.poll` returns."""


LinkAction: TypeAlias = (
    SendBytes
    | CloseStream
    | UpgradeRequested
    | HttpRequest
    | TransportOpened
    | TransportFailed
    | TransportLost
    | TextReceived
    | BinaryReceived
    | Report
    | Yield
)
"""What `ServerLink.poll` and `ClientLink.poll` return."""


Action: TypeAlias = (
    SessionAction | OpenTransport | SendBytes | CloseStream | UpgradeRequested | HttpRequest | Yield | OutboxChanged
)
"""What `poll` of an engine or a stack returns."""
