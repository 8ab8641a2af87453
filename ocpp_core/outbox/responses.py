"""What the responses of the peer do with the messages of a queue, also late ones."""

from abc import abstractmethod
from collections.abc import Callable

from .accepting import BOOT
from .effects import OutboxEffect, OutboxReport, OutboxReportKind
from .messages import Messages
from .ordering.lanes import Entry, Lanes
from .slot import Slot
from .stored.outcomes import (
    MessageAnswered,
    MessageNotSent,
    MessageOutcome,
    MessageRefused,
    MessageUnknown,
    NotSentReason,
    UnknownReason,
)

__all__ = ["ResponseMixin"]


class ResponseMixin:
    """The part of a queue that the session calls with the end of each transmission."""

    _emit: Callable[[OutboxEffect], None]
    _lanes: Lanes
    _messages: Messages
    _slot: Slot

    @abstractmethod
    def boot_answered(self, status: object) -> None:
        """Note the status in the response to a BootNotification."""

    @abstractmethod
    def _settle(self, entry: Entry, outcome: MessageOutcome) -> None:
        """Settle a message; its written transmission keeps the slot."""

    def answered(self, message_id: str, text: str) -> bool:
        """Settle the message of a CALLRESULT; return False if it is not one of this queue.

        `text` is the payload as JSON, empty if it is too large to keep. An answer that breaks its schema counts too:
        the peer has acted, and a repetition would act twice.
        """
        flight = self._slot.end(message_id)
        if flight is None:
            return self._answered_late(message_id, text)
        if flight.entry is None:
            self._emit(OutboxReport(OutboxReportKind.LATE_IGNORED, flight.transmit.ticket))
        else:
            self._settle(flight.entry, MessageAnswered(text))
        return True

    def _answered_late(self, message_id: str, text: str) -> bool:
        ticket = self._slot.earlier(message_id)
        entry = None if ticket is None else self._lanes.entries.get(ticket)
        if entry is not None:
            self._settle_late(entry, MessageAnswered(text))
            self._emit(OutboxReport(OutboxReportKind.LATE_ACCEPTED, ticket))
        elif ticket is not None:
            self._emit(OutboxReport(OutboxReportKind.LATE_IGNORED, ticket))
        return ticket is not None

    def _settle_late(self, entry: Entry, outcome: MessageAnswered) -> None:
        self._settle(entry, outcome)
        if entry.record.action == BOOT and isinstance(outcome.payload, dict):
            self.boot_answered(outcome.payload.get("status"))

    def refused(self, message_id: str, refusal: MessageRefused, now: float) -> bool:
        """Note a CALLERROR; return False if it is not to a message of this queue.

        One to an earlier transmission is ignored.
        """
        if self._fail_flight(message_id, refusal, now):
            return True
        ticket = self._slot.earlier(message_id)
        if ticket is not None:
            self._emit(OutboxReport(OutboxReportKind.LATE_IGNORED, ticket))
        return ticket is not None

    def timed_out(self, message_id: str, now: float) -> bool:
        """Note that no response arrived in time; return False if it is no message of this queue."""
        return self._fail_flight(message_id, MessageUnknown(UnknownReason.TIMEOUT), now)

    def declined(self, message_id: str) -> None:
        """Settle a message that the session did not write, because its payload breaks the schema."""
        flight = self._slot.end(message_id)
        if flight is not None and flight.entry is not None:
            started = flight.before.started
            invalid = MessageUnknown(UnknownReason.INVALID) if started else MessageNotSent(NotSentReason.INVALID)
            self._settle(flight.entry, invalid)

    def _fail_flight(self, message_id: str, outcome: MessageRefused | MessageUnknown, now: float) -> bool:
        flight = self._slot.end(message_id)
        if flight is None:
            return False
        self._slot.remember(flight)
        if flight.entry is not None:
            self._messages.fail(flight.entry, outcome, now)
        return True
