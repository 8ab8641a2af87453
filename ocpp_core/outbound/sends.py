"""SENDs and raw texts, which bypass the window of outstanding CALLs."""

from collections.abc import Callable
from typing import Final

from ocpp_core.actions import Direction, InvalidPayload, Report, ReportKind, SessionAction, Settle, Trace
from ocpp_core.errors import CallDroppedError, ConnectionLostError, OCPPError
from ocpp_core.inputs import Notify
from ocpp_core.messages import Malformed, MessageType, decode, encode_message, encode_payload, utf8_length
from ocpp_core.versions import Version

from .call import check_message_id, expect_room, with_newest
from .calls import Calls
from .violations import is_tolerated, violation_error

__all__ = ["UNREADABLE_ID", "Sends", "prepare_send"]

UNREADABLE_ID: Final = "-1"
"""The ID of a CALLERROR whose CALL has no readable ID (2.0.1 Part 4 §4.2.3)."""
_RAW: Final = 64
"""Number of stored IDs of raw texts that may get a response."""


def prepare_send(event: Notify, version: Version, calls: Calls) -> str:
    """Return the payload of a SEND as JSON.

    Raises TypeError or ValueError for bad arguments.
    """
    if MessageType.SEND not in version.message_types:
        raise ValueError(f"expected a version with SEND (ocpp2.1), got {version.name}")
    if event.action not in version.send_actions:
        raise ValueError(f"expected one of {sorted(version.send_actions)} as SEND, got {event.action!r}")
    if event.message_id is not None:
        check_message_id(event.message_id)
        calls.check_unused(event.message_id)  # CALLs and SENDs share one ID space (2.1 Part 4 §4.1.4)
    payload_json = encode_payload(event.payload)
    expect_room(event, payload_json, calls.config)
    return payload_json


class Sends:
    """The SENDs and raw texts of one connection.

    Made at the first one, because most connections have none.
    """

    __slots__ = ("_calls", "_emit", "_send", "_tokens", "_unread", "_version", "raw_ids")

    def __init__(
        self,
        version: Version,
        calls: Calls,
        emit: Callable[[SessionAction], None],
        send: Callable[[str], None],
    ) -> None:
        self.raw_ids: tuple[str, ...] = ()
        """IDs of the newest raw texts that may get a response."""
        self._version = version
        self._calls = calls
        self._emit = emit
        self._send = send
        self._unread: int | None = None  # bytes sent outside the window while output does not drain
        self._tokens: list[int] = []  # of SENDs whose callers wait until output drains

    def notify(self, event: Notify, payload_json: str, refusal: OCPPError | None) -> None:
        """Send a prepared SEND, or settle it with `refusal`."""
        if error := refusal or self._refusal(event):
            self._emit(Settle(event.token, None, error))
        else:
            self._write(event, payload_json)

    def _refusal(self, event: Notify) -> OCPPError | None:
        config, action, payload = self._calls.config, event.action, event.payload
        check = config.check_sent_send if event.validate else None
        violation = None if check is None else check(action, payload)
        if violation is None:
            return None
        invalid = InvalidPayload(Direction.OUT, "send", action, event.message_id, payload, violation)
        if is_tolerated(invalid, config, self._version, self._emit):
            return None
        error = violation_error(violation, self._version)
        self._emit(invalid.report(ReportKind.INVALID_REQUEST, error))
        return error

    def _write(self, event: Notify, payload_json: str) -> None:
        kind = MessageType.SEND.value
        message_id = event.message_id or self._calls.new_id()
        text = encode_message(kind, message_id, event.action, payload_json)
        if not self.has_room_for(text):
            self._emit(Settle(event.token, None, self.no_room(event.action)))
            return
        self._send_past_window(text)
        config = self._calls.config
        if config.meter is not None:
            config.meter.outbound.send(event.action)
        if config.trace:
            self._emit(Trace(Direction.OUT, [kind, message_id, event.action, event.payload], event.action))
        if self._unread is None:
            self._emit(Settle(event.token))
        else:
            self._tokens.append(event.token)

    def raw(self, text: str) -> None:
        """Send a raw text unchanged, and store the ID with which it may get a response."""
        if not self.has_room_for(text):
            self._emit(Report(ReportKind.NOT_SENT, str(self.no_room("the raw text")), message=text))
            return
        frame = decode(text, self._version.message_types)
        if isinstance(frame, Malformed):
            message_id = UNREADABLE_ID if frame.message_id is None else frame.message_id
            self.raw_ids = with_newest(self.raw_ids, message_id, _RAW)
        elif frame[0] == MessageType.CALL:
            self.raw_ids = with_newest(self.raw_ids, frame[1], _RAW)
        self._send_past_window(text)
        if self._calls.config.trace and isinstance(frame, list):
            action = frame[2] if frame[0] in {MessageType.CALL, MessageType.SEND} else None
            self._emit(Trace(Direction.OUT, frame, action))

    def has_room_for(self, text: str) -> bool:
        """Return False if output does not drain and the text would exceed `max_queued_bytes`."""
        return self._unread is None or self._unread + utf8_length(text) <= self._calls.config.max_queued_bytes

    def no_room(self, what: str) -> CallDroppedError:
        """Return the error for a SEND or raw text that exceeds `max_queued_bytes`."""
        most = self._calls.config.max_queued_bytes
        return CallDroppedError(
            f"cannot send {what}: the peer does not read; expected SENDs and raw texts of at most {most:.15g} bytes"
        )

    def _send_past_window(self, text: str) -> None:
        if self._unread is not None:
            self._unread += utf8_length(text)
        self._send(text)

    def congest(self, *, on: bool) -> None:
        """Start (`on`) or stop counting bytes, and settle the SENDs that waited until output drains."""
        self._unread = 0 if on else None
        if not on:
            self._settle()

    def lose(self, close_code: int) -> None:
        """Settle the SENDs that may not have left."""
        unknown = f"the connection ended ({close_code}) before the SEND was written"
        self._settle(ConnectionLostError(unknown, sent=True, close_code=close_code))

    def _settle(self, error: ConnectionLostError | None = None) -> None:
        tokens, self._tokens = self._tokens, []
        for token in tokens:
            self._emit(Settle(token, None, error))
