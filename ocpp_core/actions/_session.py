"""Actions for the application: its requests, the outcomes of its commands, and the states of the engine."""

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, final

from ocpp_core.client_states import ClientState
from ocpp_core.inputs._plain import PlainData, described
from ocpp_core.states import SessionState

__all__ = [
    "Abandon",
    "Dispatch",
    "OutboxChanged",
    "RegistrationChanged",
    "RegistrationStatus",
    "Settle",
    "StateChanged",
]


@final
class Dispatch(PlainData):
    """Run the handler of an inbound CALL, then pass one of `Reply`, `Fail`, `Decline` with `request`."""

    __slots__ = ("action", "expects_reply", "message_id", "payload", "received_at", "request", "text")
    __match_args__ = ("request", "action", "payload", "message_id", "expects_reply", "received_at", "text")
    __dataclass_fields__ = described(
        request=field(),
        action=field(),
        payload=field(),
        message_id=field(),
        expects_reply=field(default=True),
        received_at=field(default=0.0, compare=False),
        text=field(default="", compare=False, repr=False),
    )

    request: int
    """The number of the request, for the response."""
    action: str
    """The name of the OCPP action."""
    payload: dict[str, Any]
    """The payload; the host may change it."""
    message_id: str
    """The message ID as received."""
    expects_reply: bool
    """False for a SEND: `Reply` then only reports that the handler is done."""
    received_at: float
    """When the message was decoded, in the host's seconds; the request may have been held since then."""
    text: str
    """The message as received: a copy of it has the same text. It is peer data: never forward or log it."""

    def __init__(
        self,
        request: int,
        action: str,
        payload: dict[str, Any],
        message_id: str,
        expects_reply: bool = True,
        received_at: float = 0.0,
        text: str = "",
    ) -> None:
        self.request = request
        self.action = action
        self.payload = payload
        self.message_id = message_id
        self.expects_reply = expects_reply
        self.received_at = received_at
        self.text = text


@dataclass(slots=True)
class Abandon:
    """The connection of this request ended: the peer cannot receive a response."""

    request: int
    """The number of the request, from `Dispatch`."""


@dataclass(slots=True)
class Settle:
    """The command with this token is done."""

    token: int
    """The number of the command."""
    result: Any = None
    """The payload of the CALLRESULT, or None for commands without a result."""
    error: Exception | None = None
    """The reason of the failure; None on success."""


@dataclass(slots=True)
class StateChanged:
    """The engine entered this state."""

    state: SessionState | ClientState
    """The new state."""


RegistrationStatus: TypeAlias = Literal["Accepted", "Pending", "Rejected"]
"""The status in the response to a BootNotification."""


@dataclass(slots=True)
class RegistrationChanged:
    """The station was sent the response to its BootNotification, or `Register` took effect.

    Emitted only with `SessionConfig.require_registration`.
    """

    status: RegistrationStatus | None
    """The status that it was sent. None if it sent another CALL first, as stations do that reconnect: a host may then
    ask for a BootNotification with TriggerMessage. Emitted with None at most once."""
    interval: float | None = None
    """Seconds between Heartbeats, or until the next BootNotification unless the station was accepted; None without
    one. It is 0 if the station chooses."""
    is_assumed: bool = False
    """True for the effect of `Register`."""


@dataclass(slots=True)
class OutboxChanged:
    """The outbox of a client has outputs: perform what `DurableClientEngine.poll_outbox` returns, until that is None.

    Its changes since the last time are then one batch.
    """
