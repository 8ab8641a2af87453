"""The outbound direction of a connection of a server whose stations have outboxes.

Most stations have no message. Their connections share one outbox without messages. `StationOutboxes` exchanges it once
the station has one of its own.
"""

from ocpp_core.outbox.outbox import Outbox

from .calls import CallsParts
from .durable_calls import DurableCalls

__all__ = ["StationCalls"]


class StationCalls(DurableCalls):
    """The outbound direction: calls, and the messages of the station's outbox while it has one.

    `outbox` is the one without messages.
    """

    def __init__(self, *parts: *CallsParts, outbox: Outbox) -> None:
        super().__init__(*parts, None, outbox)
        self._without_messages = outbox

    def use(self, outbox: Outbox | None) -> None:
        """Send the messages of an outbox; of none, calls only."""
        self._outbox = self._without_messages if outbox is None else outbox
