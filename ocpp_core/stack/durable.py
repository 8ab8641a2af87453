"""The stack of a client with an outbox."""

from collections.abc import Callable
from random import Random
from typing import get_args

from ocpp_core.actions import Action
from ocpp_core.config import ClientConfig, IdFactory, LinkConfig, UpgradeTarget
from ocpp_core.durable.client import DurableClientEngine
from ocpp_core.inputs import StackInput
from ocpp_core.outbound.offline_queue import MakeOfflineQueue
from ocpp_core.outbox.commands import Enqueue, OutboxInput
from ocpp_core.outbox.effects import OutboxEffect
from ocpp_core.outbox.settings import OutboxConfig

from ._client import ClientStack

__all__ = ["DurableClientStack"]

_OUTBOX_INPUTS = frozenset(get_args(OutboxInput))


class DurableClientStack(ClientStack):
    """A `ClientStack` with an outbox, whose messages outlive connections and restarts.

    `poll` passes the outputs of the outbox to `perform` while it has no other action. `perform` may call `handle`. What
    the host must do with them is documented in `ocpp_core.durable.client`.

    Args:
        client: The settings of the client and its sessions.
        link: The settings of each WebSocket.
        target: The host and resource of the upgrade request.
        outbox: The settings of the outbox.
        random: Makes masking keys, nonces and jitter, see `ClientStack`.
        ids: Function that returns message IDs.
        perform: Function that gets each output of the outbox, in order.

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
        perform: Callable[[OutboxEffect], None],
    ) -> None:
        self._outbox = outbox
        self._perform = perform
        super().__init__(client, link, target, random=random, ids=ids)

    def _make_engine(
        self, client: ClientConfig, *, random: Random, ids: IdFactory, offline_queue: MakeOfflineQueue
    ) -> DurableClientEngine:
        return DurableClientEngine(client, self._outbox, random=random, ids=ids, offline_queue=offline_queue)

    def enqueue(self, message: Enqueue, now: float) -> int:
        """Queue a message at `now` and return its ticket; poll afterwards. Raises the errors of `handle`."""
        self._now = max(self._now, now)
        return self.engine.enqueue(message, self._now)

    def handle(self, event: StackInput | OutboxInput, now: float) -> None:
        """Process an input at `now`, the host's monotonic seconds.

        Raises:
            RuntimeError: The input is invalid in this state; nothing changes.
            TypeError: The type of the input or of one of its fields is wrong; nothing changes.
            ValueError: A field of the input has a value that is not allowed; nothing changes.
            CallDroppedError: The outbox is full.
            StoreError: The store cannot write.
        """
        if type(event) in _OUTBOX_INPUTS:
            self._now = max(self._now, now)
            self.engine.handle(event, self._now)  # type: ignore[arg-type]  # `in` does not narrow
        else:
            super().handle(event, now)  # type: ignore[arg-type]  # the same

    def poll(self) -> Action | None:
        """Return the next action, or None if there is nothing to do."""
        while (action := super().poll()) is None:
            effect = self.engine.poll_outbox()
            if effect is None:
                return None
            self._perform(effect)
        return action
