"""The settings of a queue."""

from math import inf
from typing import Final, Literal, TypeAlias, get_args

from ocpp_core._dataclasses import dataclass
from ocpp_core.config import expect_declared, number

__all__ = ["GateRule", "OutboxConfig", "RetryId"]

RetryId: TypeAlias = Literal["auto", "new", "same"]
"""The message ID of a repeated transmission."""
GateRule: TypeAlias = Literal["boot", "open", "manual"]
"""What lets messages out that are not urgent."""
_CHOICES: Final = {"retry_id": get_args(RetryId), "gate": get_args(GateRule)}


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxConfig:
    """The settings of a queue, which apply to its messages at once when they change.

    Raises ValueError for a value out of range, TypeError for a wrong type.
    """

    max_bytes: float = number(8 << 20, least=1, unit="bytes")
    """Bytes of the payloads in the queue; beyond, messages are dropped as if there were too many."""
    attempts: int = number(3, least=0, unit="transmissions")
    """Failed transmissions after which a message is given up; 0 counts as 1. TransactionMessageAttempts (1.6 §9.1.32),
    MessageAttempts of OCPPCommCtrlr (2.x)."""
    interval: float = number(60.0, least=0)
    """Seconds to wait after a failed transmission, times the number of failures. TransactionMessageRetryInterval (1.6
    §9.1.33), MessageAttemptInterval of OCPPCommCtrlr (2.x)."""
    ttl: float = number(inf, above=0)
    """Seconds from the command to the first transmission; then the message expires. A command may name its own."""
    resend: bool = True
    """True to repeat a message that the peer may have received, unless the command says otherwise."""
    retry_id: RetryId = "auto"
    """`"new"` for a new message ID at each transmission, `"same"` for the first one. `"auto"` repeats the ID only after
    a transmission was cut off: some peers refuse an ID that is repeated on a connection."""
    free_cuts: int = number(5, least=0, unit="transmissions")
    """Cut off transmissions of a message that do not count as failed; later ones do."""
    ordered: frozenset[str] = frozenset()
    """Further actions whose messages keep the order of the transaction lane, such as SecurityEventNotification."""
    overtake: int = number(4, least=1, unit="calls")
    """Calls in a row that may precede a message that is due; then the message is sent."""
    resume_after: float = number(0.0, least=0)
    """Seconds after the connection opened in which no message is sent unless it is urgent."""
    outcomes_kept: int = number(1000, least=1, unit="outcomes")
    """Outcomes and transaction IDs that are kept for the application; beyond, the oldest is forgotten."""
    outcome_bytes: float = number(8 << 20, least=1, unit="bytes")
    """Bytes of the kept outcomes; beyond, the oldest is forgotten."""
    gate: GateRule = "boot"
    """`"boot"` sends messages that are not urgent once a BootNotification is answered with Accepted, `"open"` always,
    `"manual"` while the host has opened the gate, see `OCPPClient.set_gate`."""

    def __post_init__(self) -> None:
        expect_declared(self)
        if not (isinstance(self.ordered, frozenset) and all(isinstance(action, str) for action in self.ordered)):
            raise TypeError(f"expected ordered as a frozenset of actions, got {self.ordered!r}")
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(f"expected {name} as one of {', '.join(choices)}, got {getattr(self, name)!r}")
