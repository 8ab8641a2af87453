"""The stack of a client with an outbox."""

from random import Random
from typing import TYPE_CHECKING, Any, get_args

from ocpp_core.config import ClientConfig, IdFactory, LinkConfig, UpgradeTarget
from ocpp_core.durable.client import DurableClientEngine
from ocpp_core.inputs import StackInput
from ocpp_core.outbound.offline_queue import MakeOfflineQueue
from ocpp_core.outbox.commands import Enqueue, OutboxInput
from ocpp_core.outbox.effects import OutboxEffect
from ocpp_core.outbox.outbox import Outbox
from ocpp_core.outbox.settings import OutboxConfig

from ._client import ClientStack

__all__ = ["DurableClientStack"]

_OUTBOX_INPUTS = frozenset(get_args(OutboxInput))


class DurableClientStack(ClientStack):
    """A `ClientStack` with an outbox, whose messages outlive connections and restarts.

    What the host must do at the action `OutboxChanged` is documented in `ocpp_core.durable.client`.

    Args:
        client: The settings of the client and its sessions.
        link: The settings of each WebSocket.
        target: The host and resource of the upgrade request.
        outbox: The settings of the outbox.
        random: Makes masking keys, nonces and jitter, see `ClientStack`.
        ids: Function that returns message IDs.

    Raises:
        ValueError: The target or the subprotocols must not be in a request.
    """

    engine: DurableClientEngine

    def __init__(
        self,
        client: ClientConfig,
        link: LinkConfig,
        target: UpgradeTarget,
        outbox: OutboxConfig,
        *,
        random: Random,
        ids: IdFactory,
    ) -> None:
        self._outbox = outbox
        super().__init__(client, link, target, random=random, ids=ids)

    def _make_engine(
        self, client: ClientConfig, *, random: Random, ids: IdFactory, offline_queue: MakeOfflineQueue
    ) -> DurableClientEngine:
        return DurableClientEngine(client, self._outbox, random=random, ids=ids)  # it has its own offline queue

    @property
    def outbox(self) -> Outbox:
        """The outbox, to be read; its inputs pass through `handle`."""
        return self.engine.outbox

    def enqueue(self, message: Enqueue, now: float) -> int:
        """Queue a message and return its ticket, see `DurableClientEngine.enqueue`, whose errors it raises."""
        return self.engine.enqueue(message, now)

    def poll_outbox(self) -> OutboxEffect | None:
        """Return the next output of the outbox, or None, see `DurableClientEngine.poll_outbox`."""
        return self.engine.poll_outbox()

    if TYPE_CHECKING:  # it also takes the inputs of the outbox

        def handle(self, event: StackInput | OutboxInput, now: float) -> None:
            """Process an input at `now`, the host's monotonic seconds.

            Raises:
                RuntimeError: The input is invalid in this state; nothing changes.
                TypeError: The type of the input or of one of its fields is wrong; nothing changes.
                ValueError: A field of the input has a value that is not allowed; nothing changes.
                CallDroppedError: The outbox is full.
                StoreError: The store cannot write.
            """

    def _handle_rare(self, event: Any, now: float) -> None:
        if type(event) in _OUTBOX_INPUTS:
            self.engine.handle(event, now)
        else:
            super()._handle_rare(event, now)
