"""The interface of a client's offline queue."""

from collections.abc import Callable
from typing import Protocol, TypeAlias

from ocpp_core.actions import SessionAction
from ocpp_core.config import ClientConfig

from .call import OutboundCall

__all__ = ["MakeOfflineQueue", "OfflineQueue"]


class OfflineQueue(Protocol):
    """Calls that outlive connections, from `add` until `take` or until the queue settles them.

    The engine adds the calls that are made without a connection and those that a lost connection did not write. The
    queue never writes: when the window has a free slot, the session asks for `first`, and writes the call that it
    `take`s immediately. The queue therefore decides the order, and may delay a call, e.g. until the time of another
    attempt. A call that is made while the window has a free slot is written without asking the queue.

    The queue settles an abandoned call with `Settle(call.token, None, error)`, unless the token is None. The session
    settles a call that was taken. A queue that needs the outcome sets `OutboundCall.on_settled` in `add` or `take`. The
    session calls it before it fills the window again, so a queue that stores a call until its response must remove it
    there, or the call would be sent a second time. A failed call that is added again there must be delayed: otherwise
    one that can never be written would be `first` again immediately, in an endless loop.

    No method except `add`, and no `on_settled`, may raise; none may call the engine. The caller of a call gets the
    exception of `add`. For a call that a lost connection did not write, it becomes the reason of a ConnectionLostError.
    """

    def __len__(self) -> int:
        """Return the number of queued calls."""

    @property
    def deadline(self) -> float:
        """Time at which the queue needs `Tick` at the latest, e.g. to expire a call; `inf`: never."""

    def configure(self, config: ClientConfig) -> None:
        """Apply other settings."""

    def has_id(self, message_id: str) -> bool:
        """Return True if a queued call has this ID, chosen by its caller."""

    def add(self, call: OutboundCall) -> None:
        """Queue a call.

        Raises ValueError for a message ID that is queued already. If it raises, it must change nothing.
        """

    def first(self, now: float) -> OutboundCall | None:
        """Return the next call to write, or None.

        An urgent one precedes the calls of the session.
        """

    def take(self, call: OutboundCall) -> None:
        """Remove the call that `first` returned; the session writes or settles it now."""

    def cancel(self, token: int) -> None:
        """Settle a queued call as cancelled; ignore an unknown token."""

    def expire(self, now: float) -> None:
        """Settle the calls whose time to live expired; they are never sent later."""

    def close(self) -> None:
        """Settle all calls, or keep them: this engine sends none unless it connects again."""


MakeOfflineQueue: TypeAlias = Callable[[ClientConfig, Callable[[SessionAction], None]], OfflineQueue]
"""A function that returns a queue; it gets the engine's settings and the function that emits the queue's actions."""
