"""The outputs of the engines: everything that the host must do, in order."""

from ._reports import (
    Direction,
    InvalidPayload,
    Report,
    ReportKind,
    Trace,
)
from ._session import (
    Abandon,
    OutboxChanged,
    RegistrationChanged,
    RegistrationStatus,
    Settle,
    StateChanged,
)
from ._transport import (
    TURN,
    CloseStream,
    CloseTransport,
    HttpRequest,
    OpenTransport,
    Reading,
    SendText,
    UpgradeRequested,
    Yield,
)
from ._unions import (
    Action,
    LinkAction,
    SessionAction,
)
from ._usual import Dispatch, SendBytes

__all__ = [
    "TURN",
    "Abandon",
    "Action",
    "CloseStream",
    "CloseTransport",
    "Direction",
    "Dispatch",
    "HttpRequest",
    "InvalidPayload",
    "LinkAction",
    "OpenTransport",
    "OutboxChanged",
    "Reading",
    "RegistrationChanged",
    "RegistrationStatus",
    "Report",
    "ReportKind",
    "SendBytes",
    "SendText",
    "SessionAction",
    "Settle",
    "StateChanged",
    "Trace",
    "UpgradeRequested",
    "Yield",
]
