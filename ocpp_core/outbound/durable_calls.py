"""The outbound direction of a connection whose client has an outbox: calls, and the messages of the outbox.

It is a subclass, so that the outbox costs nothing where there is none. When the window has a free slot, the outbox is
asked first, and knows if a call waits too. A message that it chose occupies the slot from then on, although it is
written later, when its mark is durable. The outbox learns of the end of each message before the window is filled again.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import chain
from math import inf
from typing import Any, Final, TypeAlias, cast

from ocpp_core._dataclasses import dataclass
from ocpp_core._json import dumps, loads
from ocpp_core.actions import ReportKind, SessionAction
from ocpp_core.config import IdFactory, SessionConfig, Violation
from ocpp_core.errors import ClosedError, ConnectionLostError, RPCError
from ocpp_core.messages import Frame, MessageType, encode_message
from ocpp_core.outbox.accepting import BOOT
from ocpp_core.outbox.effects import Transmit
from ocpp_core.outbox.outbox import Outbox
from ocpp_core.outbox.stored.outcomes import MessageRefused
from ocpp_core.versions import Version

from .call import RESPONSE_ONLY, OutboundCall
from .calls import Calls
from .memory_queue import MemoryQueue
from .violations import invalid_result, tolerated, violation_error

__all__ = ["Divert", "DurableCalls"]

Divert: TypeAlias = Callable[[str], bool]
"""A function that returns True to write nothing for the text of a message; it must not raise nor use the engine."""

_LARGEST: Final = 65536
"""Characters of a response that is kept; a larger one is settled without its content."""
_SHOWN: Final = 255
"""Characters of an error code, and of an errorDescription, that are kept (2.0.1 Part 4, table 7)."""
_DETAILS: Final = 4096
"""Characters of errorDetails that are kept; larger ones are left out."""


@dataclass(slots=True, eq=False)
class _Message(OutboundCall):
    """A message of the outbox."""


_NO_CALLER: Final = object()
"""The token of a message: a response is awaited, and no command of the application has it."""


def _message(transmit: Transmit, payload: dict[str, Any], timeout: float) -> _Message:
    return _Message(
        token=_NO_CALLER,
        action=transmit.action,
        payload=payload,
        payload_json=transmit.payload,
        timeout=timeout,
        expires=inf,
        message_id=transmit.message_id,
        validate=RESPONSE_ONLY if transmit.is_repeated else True,
        protocol=None,
    )


_RESERVED: Final = cast("str", object())
"""The key of a slot whose message is not written: no text of a peer equals it."""
_UNWRITTEN: Final = replace(_message(Transmit(0, "", "a message", "{}"), {}, inf), token=None)


class DurableCalls(Calls):
    """The outbound direction: calls as in `Calls`, and messages of the outbox in the same window."""

    _offline: MemoryQueue | None

    def __init__(
        self,
        version: Version,
        config: SessionConfig,
        ids: IdFactory,
        emit: Callable[[SessionAction], None],
        send: Callable[[str], None],
        offline: MemoryQueue | None,
        outbox: Outbox,
    ) -> None:
        super().__init__(version, config, ids, emit, send, offline)
        self._outbox = outbox
        self._now = -inf

    # Writing

    def expect_valid(self, action: str, payload: Mapping[str, Any]) -> None:
        """Raise the RPCError of a message that strict mode does not send.

        A violation that is only reported is reported at the first transmission, not here.
        """
        config = self.config
        if config.check_sent_call is None or config.validation_mode("out", "call", action) == "report":
            return
        error = self._refusal(_message(Transmit(0, "", action, "{}"), dict(payload), inf))
        if error is not None:
            raise error

    def fill_window(self, now: float) -> None:
        """Offer a free slot to the outbox, then write queued calls as far as the window allows."""
        if self._outbox.queued or _RESERVED in self._pending:
            self._offer_slot(now)
        Calls.fill_window(self, now)

    def _offer_slot(self, now: float) -> None:
        pending = self._pending
        if not self._outbox.has_unwritten:
            pending.pop(_RESERVED, None)
        if self.is_open and len(pending) < self.config.call_concurrency:
            is_kept = self._offline is not None and self._offline.first(now) is not None
            if self._outbox.take(now, live=is_kept or bool(self._waiting.calls), ordered=self._is_turn_of_ordered()):
                pending[_RESERVED] = _UNWRITTEN

    def _is_turn_of_ordered(self) -> bool:
        """Return False while a call of a transaction message waits.

        It is older than all messages of the transaction lane: one that is made while there are any becomes a message.
        """
        outbox = self._outbox
        if not outbox.has_ordered:
            return True
        waiting = chain(self._offline or (), self._waiting.calls)
        return not any(outbox.is_ordered(call.action, call.payload) for call in waiting)

    def transmit(self, transmit: Transmit, now: float, divert: Divert | None = None) -> None:
        """Write a message of the outbox, whose mark is durable, in the slot that it took, unless it is diverted."""
        self._now = now
        self._pending.pop(_RESERVED, None)
        call = _message(transmit, loads(transmit.payload), self.config.call_timeout)
        call.on_settled = self._ended
        if self.config.check_sent_call is not None and self._refusal(call) is not None:
            self._outbox.declined(transmit.message_id)
            self.fill_window(now)
        elif divert is None or transmit.message_id in self._pending or not divert(_text_of(transmit)):
            self._write(call, now)
        else:
            self._await_response(call, now)

    def _await_response(self, call: _Message, now: float) -> None:
        """Wait for the response to a message that is written in another way, or not at all."""
        self._pending[call.message_id or ""] = call
        call.written_at = now
        self.timers.set(call, now + call.timeout)

    def take_waiting(self) -> list[OutboundCall]:
        """Remove and return the calls that were not written; no message of the outbox is written any more."""
        self._outbox.stop_sending()
        return super().take_waiting()

    # Responses

    def on_error(self, frame: Frame, now: float) -> bool:
        """Settle the call or message of a CALLERROR; return False if there is none."""
        self._now = now
        return super().on_error(frame, now)

    def on_malformed_answer(self, message_id: str | None, reason: str, now: float, *, is_result: bool) -> None:
        """Settle the call of a malformed response; a message of the outbox counts as not answered."""
        self._now = now
        super().on_malformed_answer(message_id, reason, now, is_result=is_result)

    def unmatched(self, frame: Frame, now: float) -> ReportKind | None:
        """Settle the message of a late response; return the kind of report if there is none."""
        outbox, message_id = self._outbox, frame[1]
        if frame[0] == MessageType.CALLRESULT:
            is_late = outbox.answered(message_id, _text(frame[2]))
        else:
            is_late = outbox.refused(message_id, MessageRefused(frame[2][:_SHOWN], ""), now)
        if not is_late:
            return super().unmatched(frame, now)
        self.fill_window(now)
        return None

    def expire(self, now: float) -> None:
        """Settle what is past its time to live or its timeout."""
        self._now = now
        super().expire(now)

    def _settle_invalid(self, call: OutboundCall, frame: Frame, violation: Violation) -> None:
        """Settle the call or message of a CALLRESULT that breaks its schema; for a message it counts as a response.

        The peer has acted.
        """
        if not isinstance(call, _Message):
            super()._settle_invalid(call, frame, violation)
            return
        invalid = invalid_result(call.action, frame, violation)
        result = tolerated(invalid, self.config, self._version, self._emit)
        if result is None:
            self._emit(invalid.report(ReportKind.TOLERATED, violation_error(violation, self._version)))
        self._settle(call, result=frame[2] if result is None else result)

    def _settle(self, call: OutboundCall, result: Any = None, error: Exception | None = None) -> None:
        if call.action == BOOT and isinstance(result, dict):
            self._outbox.boot_answered(result.get("status"))
        Calls._settle(self, call, result, error)

    def _ended(self, message: OutboundCall, result: Any, error: Exception | None) -> None:
        """Pass the end of a transmission on."""
        message_id, outbox = message.message_id or "", self._outbox
        message.token = None
        if error is None:
            outbox.answered(message_id, _text(result))
        elif isinstance(error, RPCError) and error.remote:
            details = _text(error.details, _DETAILS) or "{}"
            outbox.refused(
                message_id, MessageRefused(error.code[:_SHOWN], error.description[:_SHOWN], details), self._now
            )
        elif not isinstance(error, ConnectionLostError | ClosedError):  # the engine reports the end of the connection
            outbox.timed_out(message_id, self._now)


def _text_of(transmit: Transmit) -> str:
    return encode_message(MessageType.CALL.value, transmit.message_id, transmit.action, transmit.payload)


def _text(value: object, most: int = _LARGEST) -> str:
    """Return the JSON text of what a peer sent; empty if it is too large, or cannot be written again."""
    try:
        text = dumps(value)
    except (TypeError, ValueError, RecursionError):
        return ""
    return text if len(text) <= most else ""
