"""Actions for the application: its requests, the outcomes of its commands, and the states of the engine."""

from typing import Any, Literal, TypeAlias

from ocpp_core._dataclasses import dataclass
from ocpp_core.client_states import ClientState
from ocpp_core.states import SessionState

__all__ = [
    "Abandon",
    "OutboxChanged",
    "RegistrationChanged",
    "RegistrationStatus",
    "Settle",
    "StateChanged",
]


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
