"""The outbox of a client without a connection, on a virtual clock: the library's engine and tickets."""

from collections.abc import Callable
from itertools import count
from typing import Any, ClassVar

from ocpp_core._json import dumps, loads
from ocpp_core.errors import ConnectionLostError, OCPPError, RPCError
from ocpp_core.outbox.commands import Enqueue, Restored
from ocpp_core.outbox.effects import Store, TicketAccepted, TicketRejected, TicketSettled, Transmit
from ocpp_core.outbox.outbox import Outbox
from ocpp_core.outbox.settings import OutboxConfig
from ocpp_core.outbox.stored.outcomes import MessageRefused
from ocpp_transports.outbox import Ticket, TicketStream


class VirtualCompletion:
    """Fulfils `Completion` on a virtual clock."""

    def __init__(self, clock):
        self._event = clock.event()

    def done(self):
        return self._event.is_set()

    def set_result(self, _):
        self._event.set()

    def __await__(self):
        return self._event.wait().__await__()


class FakeOutbox:
    """Fulfils `TicketOwner`. `send` is the coroutine function that sends a message and returns its answer."""

    opened_by: ClassVar[str] = "connect()"
    is_open = may_deliver = True

    def __init__(self, clock, send: Callable[..., Any]):
        self.clock, self._send = clock, send
        ids = count(1)
        self.engine = Outbox(
            OutboxConfig(), 1000, ids=lambda: f"queued-{next(ids)}", emit=self._perform, changed=lambda: None
        )
        self.engine.restore(Restored(wall=0.0, first_ticket=1 << 32), now=clock.monotonic())
        self._tickets: dict[int, Ticket] = {}
        self._streams: list[TicketStream] = []
        self._timer: Any = None
        self._batch = 0
        """The number of the newest batch."""
        self.fails = False
        """Whether the store cannot write."""

    # What a client does

    @property
    def queued(self):
        return [ticket for ticket in self._tickets.values() if not ticket.is_settled]

    def enqueue(self, protocol, action, params, *, transaction=None, **options):
        start = None if transaction is None else transaction.number
        message = Enqueue(action=action, payload=params, protocol=protocol, transaction=start, **options)
        number = self.engine.enqueue(message, self.clock.monotonic())
        ticket = self._tickets.setdefault(number, Ticket(self, number, action, message.key))
        self._go_on()
        return ticket

    def outcomes(self):
        settled = [ticket for ticket in self._tickets.values() if ticket.is_settled]
        stream = TicketStream(settled, self.completion)
        self._streams.append(stream)
        return stream

    def configure(self, config):
        self.engine.configure(config, 1000, self.clock.monotonic())
        self._go_on()

    def opened(self, protocol):
        self.engine.opened(protocol, self.clock.monotonic())
        self._go_on()

    def lost(self):
        self.engine.lost(self.clock.monotonic())
        self._go_on()

    def closed(self):
        self.lost()
        self.engine.boot_answered(None)
        for stream in self._streams:
            stream._finish()
        self._streams.clear()
        self._stop_timer()

    def boot_answered(self, status):
        self.engine.boot_answered(status)
        self._go_on()

    # What a ticket uses

    def completion(self):
        return VirtualCompletion(self.clock)

    def acknowledge(self, number):
        self._tickets.pop(number, None)
        self.engine.acknowledge(number)
        self._go_on()

    def cancel(self, number):
        self.engine.cancel(number)
        self._go_on()

    # Its own

    def _go_on(self):
        """Send what may be sent now, and look again when the engine wants that."""
        now = self.clock.monotonic()
        self.engine.take(now)
        before, _ = self._batch, self.engine.flush()
        while self._batch != before:  # what is stored may lead to further changes
            before = self._batch
            if self.fails:
                self.engine.store_failed(before, OSError("disk full"))
            else:
                self.engine.stored(before)
            self.engine.flush()
        self._stop_timer()
        if self.engine.deadline != float("inf"):
            self._timer = self.clock.spawn(self._wait(self.engine.deadline - now))

    def _stop_timer(self):
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def _wait(self, seconds):
        await self.clock.sleep(seconds)
        self._timer = None
        self._go_on()

    def _perform(self, effect):
        match effect:
            case Store(number):
                self._batch = number
            case TicketAccepted(number) if number in self._tickets:
                self._tickets[number]._accept()
            case TicketRejected(number, error) if number in self._tickets:
                self._tickets.pop(number)._reject(error)
            case TicketSettled(number, outcome) if number in self._tickets:
                self._tickets[number]._settle(outcome)
                for stream in self._streams:
                    stream._put(self._tickets[number])
            case Transmit():
                self.clock.spawn(self._transmit(effect))

    async def _transmit(self, message: Transmit):
        try:
            answer = await self._send(message.action, loads(message.payload), message.message_id)
        except ConnectionLostError:  # the engine knows
            return
        except RPCError as error:
            refusal = MessageRefused(error.code, error.description)
            self.engine.refused(message.message_id, refusal, self.clock.monotonic())
        except OCPPError:
            self.engine.timed_out(message.message_id, self.clock.monotonic())
        else:
            self.engine.answered(message.message_id, dumps(answer))
        self._go_on()
