"""What must hold for every message of a server, whatever happens."""

from collections.abc import Callable
from dataclasses import dataclass

from ocpp_core.outbox.stored.outcomes import MessageDropped, MessageNotSent, MessageOutcome
from tests.core.outbox.simulation.disk import Disk
from tests.core.outbox.simulation.timeline import Timeline

SLACK = 1e-6


@dataclass(slots=True)
class Message:
    station: str
    number: int
    expires: float
    resend: bool
    urgent: bool
    is_accepted: bool = False
    is_rejected: bool = False
    is_acknowledged: bool = False
    told: MessageOutcome | None = None
    sent: int = 0
    refused: int = 0


class Oracle:
    def __init__(self, timeline: Timeline) -> None:
        self.disk: Disk
        self.messages: dict[int, Message] = {}
        self.numbers: dict[int, int] = {}
        self._timeline = timeline
        self._first_sent: dict[str, int] = {}

    def expect(self, holds: bool, what: str) -> None:
        if not holds:
            raise AssertionError(f"{what}, at {self._timeline.now:.3f}")

    def enqueued(self, ticket: int, message: Message) -> None:
        self.expect(ticket not in self.messages, "a ticket is given out once")
        self.messages[ticket] = message
        self.numbers[message.number] = ticket

    def accepted(self, ticket: int) -> None:
        message = self.messages[ticket]
        self.expect(ticket in self.disk.ever, "what is accepted is durable")
        self.expect(not message.is_rejected, "what was rejected is not accepted")
        message.is_accepted = True

    def rejected(self, ticket: int) -> None:
        message = self.messages[ticket]
        self.expect(not message.is_accepted and not message.sent, "what is rejected was neither accepted nor sent")
        message.is_rejected = True

    def told(self, ticket: int, outcome: MessageOutcome) -> None:
        message = self.messages[ticket]
        self.expect(message.told in (None, outcome), "an outcome never changes")
        self.expect(self.disk.outcomes.get(ticket) == outcome, "an outcome is durable before it is told")
        if isinstance(outcome, MessageNotSent | MessageDropped):
            self.expect(not message.sent, "what is told as not sent was never sent")
        message.told = outcome

    def sent(self, number: int, station: str, *, is_newest: bool, is_registered: bool) -> None:
        ticket = self.numbers[number]
        message, record = self.messages[ticket], self.disk.state.records.get(ticket)
        self.expect(message.station == station, "a message is for one station")
        self.expect(is_newest, "a message is sent on the newest connection")
        self.expect(is_registered or message.urgent, "a message is sent to a registered station")
        self.expect(record is not None and record.sending, "a durable mark precedes each transmission")
        self.expect(message.told is None, "nothing is sent after an outcome")
        if not message.sent:
            is_late = self._timeline.now > message.expires + SLACK
            # After a restart the mark counts as a transmission, and only `resend` permits another one.
            self.expect(message.resend or not is_late, "nothing is sent after its time to live")
            if not message.urgent:
                self.expect(self._first_sent.get(station, 0) < ticket, "messages are sent in order")
                self._first_sent[station] = ticket
        message.sent += 1
        self.expect(message.resend or message.sent <= 1 + message.refused, "a command is not repeated in doubt")

    def restarted(self) -> None:
        kept = self.disk.state.records.keys() | self.disk.state.outcomes.keys()
        for ticket, message in self.messages.items():
            lost = message.is_accepted and not message.is_acknowledged and ticket not in kept
            self.expect(not lost, "what was accepted is there after a restart")

    def overdue(self, since: float) -> list[int]:
        """Return the commands that should have been told as expired."""
        return [
            ticket
            for ticket, message in self.messages.items()
            if message.is_accepted
            and message.told is None
            and not (message.sent or message.resend)
            and message.expires < since
        ]

    def finish(self, is_kept: Callable[[int], bool]) -> None:
        for ticket, message in self.messages.items():
            was_stored = message.is_accepted or ticket in self.disk.ever - self.disk.doubtful
            self.expect(message.told is not None or not was_stored, f"{ticket} has an outcome")
            self.expect(not is_kept(ticket), "an acknowledged message leaves nothing")
