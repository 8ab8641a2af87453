"""Commands of the application to a session or a client."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, final

from ocpp_core._dataclasses import dataclass
from ocpp_core.websocket.close import NORMAL_CLOSURE, cut_reason, expect_close_code

if TYPE_CHECKING:
    from ocpp_core.config import ClientConfig, LinkConfig, SessionConfig, UpgradeTarget

__all__ = [
    "CancelCall",
    "Close",
    "Connect",
    "Decline",
    "Fail",
    "Notify",
    "Probe",
    "Reconfigure",
    "RefuseResult",
    "Register",
    "SendRaw",
    "StartCall",
]


@final
@dataclass(slots=True)
class StartCall:
    """Send a CALL to the peer; settles `token` exactly once."""

    token: int
    """The caller's number of this command; `Settle` reports its end with it."""
    action: str
    """The name of the OCPP action."""
    payload: Mapping[str, Any]
    """The payload, a JSON object."""
    timeout: float | None = None
    """Seconds from write to response; then the call settles with TimeoutError. None: `SessionConfig.call_timeout`."""
    ttl: float | None = None
    """Seconds from now to the write; then the call settles with TimeoutError. None: `SessionConfig.call_ttl`."""
    message_id: str | None = None
    """The message ID, at most 36 characters; None lets the session make one."""
    validate: bool = True
    """False to skip the schema for this call in both directions."""
    protocol: str | None = None
    """The only subprotocol with which the call may be sent; None for any."""
    urgent: bool = False
    """True to queue it before the calls that are not urgent; the window still applies."""


@dataclass(slots=True)
class CancelCall:
    """Cancel a call.

    One that was sent occupies the window until its response or timeout.
    """

    token: int
    """The number of the call to cancel."""


@dataclass(slots=True)
class Notify:
    """Send a SEND (OCPP 2.1), which has no response.

    `token` settles with None when it is written.
    """

    token: int
    """The caller's number of this command; `Settle` reports its end with it."""
    action: str
    """The name of the OCPP action."""
    payload: Mapping[str, Any]
    """The payload, a JSON object."""
    message_id: str | None = None
    """The message ID, at most 36 characters; None lets the session make one."""
    validate: bool = True
    """False to skip the schema for this message."""


@dataclass(slots=True)
class Fail:
    """Answer the dispatched request with a CALLERROR."""

    request: int
    """The number of the request, from `Dispatch`."""
    code: str
    """The error code in any version's spelling, or a custom one."""
    description: str = ""
    """The errorDescription; one longer than 255 characters is cut."""
    details: Mapping[str, Any] | None = None
    """The errorDetails; None for an empty object."""


@dataclass(slots=True)
class Decline:
    """Send no response now (NOREPLY).

    The request stays open, and one `Reply` or `Fail` may follow.
    """

    request: int
    """The number of the request, from `Dispatch`."""


@dataclass(slots=True)
class RefuseResult:
    """Report an unusable CALLRESULT to the peer with a CALLRESULTERROR.

    Source: 2.1 Part 4 §4.2.3, Part 2 use case I08. The call is settled already. Nothing is sent with versions before
    OCPP
    2.1, which have no such message, or unless the connection is open. Raises TypeError or ValueError for texts and
    details
    that are not JSON or too large to send.
    """

    message_id: str
    """The message ID of the CALL."""
    code: str
    """The error code in any version's spelling, or a custom one."""
    description: str = ""
    """The errorDescription; one longer than 255 characters is cut."""
    details: Mapping[str, Any] | None = None
    """The errorDetails; None for an empty object."""
    action: str | None = None
    """The action of the CALL, for the trace."""


@dataclass(slots=True)
class SendRaw:
    """Send a raw text unchanged.

    With a `token` it is a CALL that occupies the window, and the token settles with its response.
    """

    text: str
    """The text to send, unchanged."""
    token: int | None = None
    """The number with which `Settle` reports the response; the text must then be a CALL. None expects no response."""
    timeout: float | None = None
    """Seconds from write to response; None: `SessionConfig.call_timeout`."""


@dataclass(slots=True)
class Close:
    """Close the connection and do not reconnect.

    Raises ValueError for a code that must not be sent (RFC 6455 §7.4), TypeError for a reason that is not a str.
    """

    code: int = NORMAL_CLOSURE
    """The close code: 1000 to 1003, 1007 to 1014 or 3000 to 4999."""
    reason: str = ""
    """The close reason; it is cut to 123 bytes of UTF-8 (RFC 6455 §5.5)."""
    drain: bool = True
    """True to wait for the responses to outstanding CALLs of both sides, and for the handlers of SENDs.

    The wait takes `SessionConfig.drain_timeout` seconds at most.
    """
    force: bool = False
    """True to end the transport without a close handshake."""
    besides: tuple[int, ...] = ()
    """The requests, by number, for which draining does not wait: their handlers wait for the close."""

    def __post_init__(self) -> None:
        expect_close_code(self.code)
        self.reason = cut_reason(self.reason)
        self.force = bool(self.force)  # anything true, as with `drain`; the compiled session takes a bool only


@dataclass(slots=True)
class Connect:
    """Open the connection.

    Settles `token` with the negotiated subprotocol or the error of the first attempt.
    """

    token: int
    """The number with which `Settle` reports the subprotocol or the error."""


@dataclass(slots=True)
class Probe:
    """Ping the peer now, and drop the connection if nothing arrives within `LinkConfig.pong_timeout`.

    Nothing is sent if bytes arrived within the last second, or if a ping is unanswered already. Without a limit
    (`inf`), the default of `pong_timeout` applies to this ping. An engine without a WebSocket of its own ignores it.
    """


@dataclass(slots=True)
class Register:
    """Treat the station as registered, as if its BootNotification had been accepted.

    For a station that registered on an earlier connection: after a plain reconnect it should not send another
    BootNotification (OCPP-J §5.4). Ignored without `SessionConfig.require_registration`, and while a BootNotification
    is in progress, because its response decides.
    """


@dataclass(slots=True)
class Reconfigure:
    """New settings from now on.

    Each layer applies the config of its own type and passes the others on.
    """

    config: "SessionConfig | LinkConfig | ClientConfig | UpgradeTarget"
    """The new config; it replaces the one of the same type."""
