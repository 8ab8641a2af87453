"""A client engine with an outbox, whose messages outlive connections and restarts.

What it is. A `ClientEngine` and an `Outbox`. The states of the client decide when the outbox may send, and the session
asks it for messages. Calls are as in a client without an outbox.

What the host must do. It passes `Restored` first, makes each `Store` durable in order, and reports it with `Stored`. At
the action `OutboxChanged` it drains `poll_outbox`: the changes of all inputs until then are one batch.

A call of a transaction message becomes a message while the transaction lane is not empty, because new transaction
messages wait until the queue is empty (1.6 §3.7). Its caller waits for the outcome. If the client closes before, the
caller gets ClosedError, and a durable store keeps the message.
"""

from collections import deque
from collections.abc import Mapping
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any, Final, assert_never, get_args

from ocpp_core.actions import OutboxChanged, Settle
from ocpp_core.client import ClientEngine
from ocpp_core.client_states import ClientClosing, ClientState, Online, Stopped, Waiting
from ocpp_core.config import ClientConfig, IdFactory
from ocpp_core.errors import OCPPError
from ocpp_core.inputs import CancelCall, ClientInput, StartCall
from ocpp_core.outbound.call import check_command
from ocpp_core.outbound.calls import Calls, CallsParts
from ocpp_core.outbound.durable_calls import Divert, DurableCalls
from ocpp_core.outbox.commands import (
    Acknowledge,
    CancelTicket,
    DiscardMessages,
    Enqueue,
    OutboxInput,
    ReconfigureOutbox,
    Restored,
    SetClock,
    SetGate,
    StoreBack,
    Stored,
    StoreDegraded,
    StoreFailed,
)
from ocpp_core.outbox.effects import OutboxEffect, TicketAccepted, TicketRejected, TicketSettled, Transmit
from ocpp_core.outbox.outbox import Outbox
from ocpp_core.outbox.settings import OutboxConfig
from ocpp_core.outbox.transaction_ids import NO_ID
from ocpp_core.versions import version_of

from .callers import error_of, kept_error, result_of
from .queue import QueueBesideOutbox

__all__ = ["DurableClientEngine"]

_OUTBOX_INPUTS = frozenset(get_args(OutboxInput))
_ENDING: Final = (ClientClosing, Stopped)
"""The states in which a call is refused."""


class DurableClientEngine(ClientEngine):
    """A client that connects, reconnects and queues, with an outbox.

    Args:
        config: The settings of the client and its sessions.
        outbox: The settings of the outbox.
        random: The source of jitter.
        ids: Function that returns message IDs.
    """

    _offline: QueueBesideOutbox

    def __init__(self, config: ClientConfig, outbox: OutboxConfig, *, random: Random, ids: IdFactory) -> None:
        self._effects: deque[OutboxEffect] = deque()
        self._is_announced = False
        self._outbox_config = outbox
        self._callers: dict[int, StartCall] = {}
        self.outbox: Outbox = Outbox(
            outbox, config.offline_queue_size, ids=ids, emit=self._perform, changed=self._announce
        )
        """The outbox, to be read; its inputs pass through `handle`."""
        self.divert: Divert | None = None
        """A function that diverts messages of the outbox, see `Divert`; None to write all."""
        super().__init__(config, random=random, ids=ids, offline_queue=partial(QueueBesideOutbox, self.outbox))

    def poll_outbox(self) -> OutboxEffect | None:
        """Return the next output of the outbox except `Transmit`, or None if there is nothing to do."""
        if not self._effects:
            self.outbox.flush()
        if self._effects:
            return self._effects.popleft()
        self._is_announced = False
        return None

    @property
    def queued(self) -> int:
        """Number of calls in the offline queue, and of those that became messages and are not being sent."""
        messages = [self.outbox.queued.get(ticket) for ticket in self._callers]
        return len(self._offline) + sum(entry is None or not entry.record.sending for entry in messages)

    def _announce(self) -> None:
        if not self._is_announced:
            self._is_announced = True
            self._emit(OutboxChanged())

    if TYPE_CHECKING:  # it also takes the inputs of the outbox

        def handle(self, event: ClientInput | OutboxInput, now: float) -> None:
            """Process an input at `now` (monotonic seconds). An input that raises changes nothing.

            Raises:
                RuntimeError: The input is invalid in this state.
                ValueError: An argument is wrong; TypeError for a wrong type.
                RPCError: Strict mode does not send the message.
                CallDroppedError: The outbox is full.
                StoreError: The store cannot write.
            """

    def start(self, event: StartCall, now: float) -> None:
        """Start a call as `handle` does, at a time that never goes back; see `_direct`."""
        if self.outbox.queued and not isinstance(self.state, _ENDING) and self._waits_for_lane(event):
            self._now = now
            self._queue_call(event)
        else:
            ClientEngine.start(self, event, now)

    def _waits_for_lane(self, call: StartCall) -> bool:
        outbox = self.outbox
        return outbox.has_ordered and isinstance(call.payload, dict) and outbox.is_ordered(call.action, call.payload)

    def enqueue(self, message: Enqueue, now: float) -> int:
        """Queue a message as `handle` does, and return its ticket at once; the host drains both polls afterwards.

        Raises the same errors as `handle`, and then changes nothing.
        """
        self._now = max(self._now, now)
        ticket = self._enqueue(message)
        self._fill()
        return ticket

    def _queue_call(self, call: StartCall) -> None:
        """Queue a call as a message, whose timeout and message ID are those of messages."""
        message = Enqueue(action=call.action, payload=call.payload, ttl=call.ttl, protocol=call.protocol)
        try:
            ticket = self._enqueue(message)
        except OCPPError as error:
            self._emit(Settle(call.token, None, error))
        else:
            self._callers[ticket] = call
            self._fill()

    def _enqueue(self, message: Enqueue) -> int:
        """Queue a message that is not too large to send, and return its ticket. Raises what a call raises, too."""
        check_command(StartCall(0, message.action, message.payload), self._config.session, self._now)
        self._expect_valid(message)
        return self.outbox.enqueue(message, self._now)

    def _expect_valid(self, message: Enqueue) -> None:
        """Raise for a message that the version would refuse, as far as the version is known already."""
        spoken = self.state.subprotocol if isinstance(self.state, Online) else None
        if spoken is not None and message.protocol not in {None, spoken}:
            raise ValueError(f"expected a message for {spoken}, got one for {message.protocol}")
        offered = self._config.protocols
        protocol = spoken or message.protocol or (offered[0] if len(offered) == 1 else None)
        if protocol is not None and protocol in offered:
            self._calls_of(protocol).expect_valid(message.action, _with_id(message))

    def _calls_of(self, protocol: str) -> DurableCalls:
        """Return the calls of the session; without one, those that a connection of this subprotocol would have."""
        calls = self.session.calls if self.session is not None and isinstance(self.state, Online) else None
        if isinstance(calls, DurableCalls):
            return calls
        config = self._config.session_in(protocol).in_protocol(protocol)
        version = version_of(protocol, self._config.versions)
        return DurableCalls(version, config, self._ids, self._emit, self._emit_text, None, self.outbox)

    def _handle_rare(self, event: Any) -> None:
        if type(event) in _OUTBOX_INPUTS:
            self._handle_outbox(event)
            self._fill()
            return
        if isinstance(event, CancelCall):
            for ticket in [ticket for ticket, call in self._callers.items() if call.token == event.token]:
                self.outbox.cancel(ticket)
                self._fill()
        super()._handle_rare(event)

    def _handle_outbox(self, event: OutboxInput) -> None:  # noqa: C901 - one arm an input
        outbox, now = self.outbox, self._now
        match event:
            case Stored(number):
                outbox.stored(number)
            case Enqueue(token=token):
                ticket = self._enqueue(event)
                if token is not None:
                    self._emit(Settle(token, ticket))
            case Acknowledge(ticket):
                outbox.acknowledge(ticket)
            case CancelTicket(ticket):
                outbox.cancel(ticket)
            case DiscardMessages():
                outbox.discard()
            case Restored():
                outbox.restore(event, now)
            case StoreFailed(number, error):
                outbox.store_failed(number, error)
            case StoreDegraded(error):
                outbox.store_degraded(error)
            case StoreBack():
                outbox.store_back()
            case SetGate(is_open):
                outbox.set_gate(is_open)
            case SetClock(wall):
                outbox.set_clock(wall, now)
            case ReconfigureOutbox(config):
                self._configure_outbox(config)
            case _:
                assert_never(event)

    def _fill(self) -> None:
        if self.session is not None and isinstance(self.state, Online):
            self.session.calls.fill_window(self._now)

    def _perform(self, effect: OutboxEffect) -> None:
        calls = self.session.calls if self.session is not None else None
        if not isinstance(effect, Transmit):
            if not self._is_for_caller(effect):
                self._effects.append(effect)
                self._announce()
        elif isinstance(calls, DurableCalls):  # without a connection, the transmission was taken back
            calls.transmit(effect, self._now, self.divert)

    def _is_for_caller(self, effect: OutboxEffect) -> bool:
        """Settle the call that became this message; return False if it is no such message."""
        if not isinstance(effect, TicketAccepted | TicketRejected | TicketSettled):
            return False
        call = self._callers.get(effect.ticket)
        if call is None:
            return False
        if not isinstance(effect, TicketAccepted):
            del self._callers[effect.ticket]
            if isinstance(effect, TicketSettled):
                self._emit(Settle(call.token, result_of(effect.outcome), error_of(effect.outcome)))
                self.outbox.acknowledge(effect.ticket)
            else:
                self._emit(Settle(call.token, None, effect.error))
        return True

    # The client

    def _make_calls(self, *parts: *CallsParts) -> Calls:
        return DurableCalls(*parts, self._offline, self.outbox)

    def _reconfigure(self, config: object) -> None:
        size = self._config.offline_queue_size
        super()._reconfigure(config)
        if self._config.offline_queue_size != size:
            self._configure_outbox(self._outbox_config)

    def _configure_outbox(self, config: OutboxConfig) -> None:
        self._outbox_config = config
        self.outbox.configure(config, self._config.offline_queue_size, self._now)

    def _enter(self, state: ClientState) -> None:
        super()._enter(state)
        if isinstance(state, Online):
            self.outbox.opened(state.subprotocol, self._now)
        elif isinstance(state, Waiting | Stopped):
            self.outbox.lost(self._now)
        if isinstance(state, _ENDING):
            self._release_callers()
        if isinstance(state, Stopped):
            self.outbox.boot_answered(None)  # the next connection is that of a station that starts

    def _release_callers(self) -> None:
        for ticket, call in self._callers.items():
            entry = self.outbox.queued.get(ticket)  # None: it has an outcome that is not stored yet
            self._emit(Settle(call.token, None, kept_error(call.action, sent=entry is None or entry.record.started)))
        self._callers.clear()


def _with_id(message: Enqueue) -> Mapping[str, Any]:
    """Return the payload to check, with a place for the transaction ID that is filled in later."""
    return message.payload if message.transaction is None else {**message.payload, "transactionId": NO_ID}
