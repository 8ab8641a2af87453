"""One outbound CALL, with its arguments checked and encoded before anything is sent."""

from collections.abc import Callable, Mapping
from math import inf
from typing import Any, Final

from ocpp_core._dataclasses import dataclass
from ocpp_core.client_states import ClientClosing, ClientState, Idle, Stopped
from ocpp_core.config import Range, SessionConfig
from ocpp_core.errors import (
    ClosedError,
    ConnectionLostError,
    TimeoutError,  # a subclass of the builtin
)
from ocpp_core.inputs import Notify, RefuseResult, SendRaw, StartCall
from ocpp_core.messages import (
    MAX_ID_LENGTH,
    MessageType,
    decode,
    encode_message,
    encode_payload,
    expect_size,
    is_unicode,
    utf8_length,
)
from ocpp_core.states import Closed, SessionState

__all__ = [
    "RESPONSE_ONLY",
    "OutboundCall",
    "check_command",
    "check_message_id",
    "check_result_refusal",
    "expect_room",
    "expired_error",
    "not_online",
    "not_open",
    "prepare_call",
    "prepare_raw",
    "with_newest",
]

RESPONSE_ONLY: Final = 2  # of `OutboundCall.validate`: the call was checked, and its tolerated violation reported


@dataclass(slots=True, eq=False)
class OutboundCall:
    """One accepted call; it is also the name of its own timer."""

    token: Any
    """The `int` of its command, or an object of its own if it has none.

    None once the call is settled; it may still occupy the window.
    """
    action: str
    payload: Mapping[str, Any]
    payload_json: str
    timeout: float
    expires: float
    message_id: str | None
    validate: int
    """True if strict mode checks the call and its response, False for neither, or `RESPONSE_ONLY`."""
    protocol: str | None
    urgent: bool = False
    raw: str | None = None
    """The whole text of a raw CALL."""
    written_at: float = -inf
    on_settled: "Callable[[OutboundCall, Any, Exception | None], None] | None" = None
    """Called with the result or the error, before another call is written; for an `OfflineQueue`."""

    @property
    def size(self) -> int:
        """Bytes of the payload, or of the whole raw text."""
        return utf8_length(self.raw or self.payload_json)


def prepare_call(start: StartCall, config: SessionConfig, now: float) -> OutboundCall:
    """Check a command and encode its payload.

    Raises TypeError or ValueError for bad arguments.
    """
    if (
        not isinstance(start.action, str)
        or not start.action
        or not (start.action.isascii() or is_unicode(start.action))
    ):
        raise TypeError(f"expected an action name, got {start.action!r}")
    if start.message_id is not None:
        check_message_id(start.message_id)
    payload_json = encode_payload(start.payload)
    expect_room(start, payload_json, config)
    return OutboundCall(
        token=start.token,
        action=start.action,
        payload=start.payload,
        payload_json=payload_json,
        timeout=config.call_timeout if start.timeout is None else _seconds(start.timeout, "timeout"),
        expires=now + (config.call_ttl if start.ttl is None else _seconds(start.ttl, "ttl")),
        message_id=start.message_id,
        validate=start.validate,
        protocol=start.protocol,
        urgent=start.urgent,
    )


def prepare_raw(raw: SendRaw, config: SessionConfig, now: float) -> OutboundCall:
    """Check a raw CALL whose response is awaited.

    Raises ValueError unless it is a valid CALL.
    """
    frame = decode(raw.text, (MessageType.CALL.value,))
    if not isinstance(frame, list):
        raise ValueError('expected the text of a CALL, [2, "id", "action", {…}], to wait for its response')
    return OutboundCall(
        token=raw.token,
        action=frame[2],
        payload=frame[3],
        payload_json="",
        timeout=config.call_timeout if raw.timeout is None else _seconds(raw.timeout, "timeout"),
        expires=now + config.call_ttl,
        message_id=frame[1],
        validate=False,
        protocol=None,
        raw=raw.text,
    )


def check_command(command: StartCall | Notify | SendRaw, config: SessionConfig, now: float) -> None:
    """Raise for bad arguments of a command that cannot be sent now, as if it were sent."""
    if isinstance(command, StartCall):
        prepare_call(command, config, now)
    elif isinstance(command, Notify):
        if not isinstance(command.action, str):
            raise TypeError(f"expected an action name, got {command.action!r}")
        expect_room(command, encode_payload(command.payload), config)
    elif not isinstance(command.text, str) or not is_unicode(command.text):
        raise TypeError(f"expected raw text, got {command.text!r}")
    else:
        expect_size(command.text, config.max_outgoing_size)
        if command.token is not None:
            prepare_raw(command, config, now)


def check_result_refusal(command: RefuseResult) -> None:
    """Raise TypeError or ValueError for arguments of a CALLRESULTERROR that cannot be encoded."""
    check_message_id(command.message_id)
    if not isinstance(command.code, str) or not isinstance(command.description, str):
        raise TypeError(f"expected code and description as text, got {command.code!r} and {command.description!r}")
    encode_payload({} if command.details is None else command.details)


def not_open(state: SessionState, what: str) -> ClosedError | ConnectionLostError:
    """Return the error of what cannot be sent because the connection is closing or closed."""
    if isinstance(state, Closed):
        return ConnectionLostError(f"cannot send {what}: the connection is closed", sent=False, close_code=state.code)
    return ClosedError(f"cannot send {what}: the connection is closing")


def not_online(state: ClientState, what: str) -> ClosedError | ConnectionLostError:
    """Return the error of what cannot be sent because the client has no open connection."""
    if isinstance(state, ClientClosing):
        return ClosedError(f"cannot send {what}: the client is closing")
    if isinstance(state, Stopped):
        return ClosedError(f"cannot send {what}: the client is closed; call connect() first")
    advice = "; call connect() first" if isinstance(state, Idle) else ""
    return ConnectionLostError(f"cannot send {what}: the client is not connected{advice}", sent=False)


_POSITIVE: Final = Range(0, excludes_least=True, unit="seconds")
_LONGEST_ID: Final = "-" * MAX_ID_LENGTH
_FRAME: Final = 256
"""Bytes that are enough for the rest of a message around action and payload, with any valid ID."""


def expect_room(command: StartCall | Notify, payload_json: str, config: SessionConfig) -> None:
    """Raise ValueError if the message is too large to send.

    A missing ID counts with the maximum length.
    """
    limit = config.max_outgoing_size
    # No character takes more than four bytes in UTF-8, or six if it must be escaped.
    if 4 * len(payload_json) + 6 * len(command.action) + _FRAME > limit:
        message_id = _LONGEST_ID if command.message_id is None else command.message_id
        expect_size(encode_message(MessageType.CALL, message_id, command.action, payload_json), limit)


def check_message_id(message_id: object) -> None:
    """Raise ValueError unless it is a valid message ID."""
    if not isinstance(message_id, str) or not 1 <= len(message_id) <= MAX_ID_LENGTH or not is_unicode(message_id):
        raise ValueError(f"expected a message id of 1 to {MAX_ID_LENGTH} characters, got {message_id!r}")


def expired_error(call: OutboundCall) -> TimeoutError:
    """Return the error of a call whose time to live expired before it was written."""
    return TimeoutError(f"{call.action} was not sent within its time to live")


def _seconds(value: float, name: str) -> float:
    if value not in _POSITIVE:
        raise ValueError(f"expected {name} {_POSITIVE}, got {value!r}")
    return float(value)


def with_newest(ids: tuple[str, ...], message_id: str, size: int) -> tuple[str, ...]:
    """Return the newest IDs with one more, without the oldest beyond `size`."""
    return (*ids[1 - size :], message_id)
