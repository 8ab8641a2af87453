"""The outbound direction of a connection of a server whose stations have outboxes.

Most stations have no message. Their connections share one outbox without messages, which is never asked, so that a call
costs what it costs without outboxes. `StationOutboxes` exchanges it once the station has a message.
"""

from collections.abc import Callable

from ocpp_core.outbox.outbox import Outbox

from .calls import Calls, CallsParts
from .durable_calls import DurableCalls

__all__ = ["StationCalls"]


class StationCalls(DurableCalls):
    """The outbound direction: calls, and the messages of the station's outbox while it has one.

    `outbox` is the one without messages.
    """

    def __init__(self, *parts: *CallsParts, outbox: Outbox) -> None:
        super().__init__(*parts, None, outbox)
        self._without_messages = outbox
        self._changed: Callable[[], None] | None = None

    def use(self, outbox: Outbox, changed: Callable[[], None]) -> None:
        """Send the messages of an outbox; `changed` is called after each change that a response or a timeout makes."""
        self._outbox, self._changed = outbox, changed

    def use_none(self) -> None:
        """Send calls only."""
        self._outbox, self._changed = self._without_messages, None

    def fill_window(self, now: float) -> None:
        """Offer a free slot to the outbox, if there is one, then write queued calls as far as the window allows."""
        if self._changed is None:
            Calls.fill_window(self, now)
        else:
            super().fill_window(now)
            self._changed()
