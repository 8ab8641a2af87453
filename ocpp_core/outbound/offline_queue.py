"""What a client engine asks of its offline queue: a place for the calls that no connection has written yet."""

from collections.abc import Callable
from typing import Protocol, TypeAlias

from ocpp_core.actions import SessionAction
from ocpp_core.config import ClientConfig

from .call import OutboundCall

__all__ = ["MakeOfflineQueue", "OfflineQueue"]


class OfflineQueue(Protocol):
    """Calls that outlive connections, from `add` until `take` or until the queue settles them.

    The engine adds what is called without a connection and what a lost connection did not write. Nothing is pushed into
    a connection: whenever a window slot is free, the session asks for `first`, and what it `take`s is written at once.
    The order is therefore the queue's own, and it may hold a call back, e.g. until the time of another attempt. A call
    that is made while the window is free is written without asking the queue.

    The queue settles a call that it gives up with `Settle(call.token, None, error)`, unless the token is None. A call
    that was taken is settled by the session; where the queue has to know the outcome, it sets `OutboundCall.on_settled`
    in `add` or `take`. That is called before the window is filled again: a queue that keeps a call until it is answered
    has to forget it first, or it would be sent a second time. A call that failed and is put back there has to be held
    back, because one that can never be written would be `first` again at once, without end.

    No method and no `on_settled` may raise, `add` aside, and none may call the engine. What `add` raises, whoever makes
    the call gets; of a call that a lost connection did not write, it becomes the reason of a ConnectionLostError.
    """

    def __len__(self) -> int:
        """Return the number of calls that wait here."""

    @property
    def deadline(self) -> float:
        """When the queue wants `Tick` at the latest, to end a time to live or to have a call taken; `inf`: never."""

    def configure(self, config: ClientConfig) -> None:
        """Take other settings."""

    def has_id(self, message_id: str) -> bool:
        """Return True if a caller chose this id for a call that waits here."""

    def add(self, call: OutboundCall) -> None:
        """Keep a call. Raises ValueError for a message id that waits here already, and changes nothing if it raises."""

    def first(self, now: float) -> OutboundCall | None:
        """Return the call to be written next, None while none may be. An urgent one precedes those of the session."""

    def take(self, call: OutboundCall) -> None:
        """Hand over the call that `first` returned: it is written now, or settled because it cannot be."""

    def cancel(self, token: int) -> None:
        """Settle a call that waits here as cancelled; of an unknown token: nothing."""

    def expire(self, now: float) -> None:
        """Settle the calls whose time to live is over: they are never sent later."""

    def close(self) -> None:
        """Settle everything, or keep it for another engine: this one sends nothing more unless it connects again."""


MakeOfflineQueue: TypeAlias = Callable[[ClientConfig, Callable[[SessionAction], None]], OfflineQueue]
"""Makes an engine's offline queue of the engine's settings and the function that takes the queue's actions."""
