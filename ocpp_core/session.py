"""One connection's OCPP-J conversation: texts in, texts and decisions out.

What it is. A session is the conversation of one open connection, from its first message to its end. It has two
directions. `calls` sends our CALLs: a window of outstanding ones, a queue behind it, and a timeout for each. `requests`
takes the peer's: each CALL is dispatched once and answered once. They share one list of actions and nothing else, so a
CALL of the peer never waits for an answer to ours, nor the other way round. Two stations that call each other at the
same time would otherwise wait for each other until both time out.

What it guarantees. Every call that was started settles exactly once, however the connection ends. Every CALL received
gets at most one answer, under the id it came with, and on this connection only. The same texts in any split give the
same actions: received texts are kept, and the next one is decoded only when no action is left to take. The answer that
a handler gives at once is therefore sent before anything later is looked at. All that a peer can make grow is bounded.

Why it dies with its connection. A message id means something on one connection. An answer that comes too late could go
out on the next connection, where its id belongs to another CALL. A session is therefore never used again: what is late
finds a session that is closed, and is dropped. What has to outlive a connection is held by others: queued calls by the
client's outbox, answers that may be asked for again by an `AnswerMemory`.

What it must never do. It never reads a clock, and never raises for what a peer sends: `now` comes with each input, and
a peer's mistakes are actions. A misuse by the caller raises before anything has changed. It never decodes while
`requests.is_full` or while output does not drain, because each text may need an answer that has no room.
"""

from collections.abc import Callable, Iterator
from math import inf
from typing import Final, assert_never

from .actions import CloseTransport, Direction, Report, ReportKind, SendText, SessionAction, Settle, StateChanged, Trace
from .config import IdFactory, SessionConfig, Violation
from .errors import CallDroppedError, ClosedError, ConnectionLostError
from .inbound.answers import Answers
from .inbound.receiver import Receiver
from .inbound.requests import UNREADABLE_ID, Requests
from .inputs import (
    BinaryReceived,
    CancelCall,
    Close,
    Congested,
    Decline,
    Fail,
    Notify,
    Reconfigure,
    RefuseResult,
    Reply,
    SendRaw,
    SessionInput,
    StartCall,
    TextReceived,
    Tick,
    TransportLost,
)
from .messages import Malformed, MessageType, decode, encode_message, encode_payload, utf8_length
from .outbound.call import OutboundCall, check_command, check_message_id, expect_room, prepare_call, prepare_raw
from .outbound.calls import Calls, violation_error, with_newest
from .states import Closed, Closing, Draining, Open, SessionState
from .versions import Version
from .websocket.close import ABNORMAL_CLOSURE

__all__ = ["Closed", "Closing", "Draining", "Open", "Session", "SessionState"]

_OPEN: Final = Open()
_RAW: Final = 64
"""Ids of raw texts that may be answered."""


class Session(Receiver):
    """The engine of one open connection.

    `ids` makes message ids; `numbers` makes request numbers that are unique over all sessions of the host, e.g. one
    `itertools.count()`. With `keep_unsent`, calls that were not written when the connection is lost are not settled
    but left for `take_unsent`. `send` takes the texts to send, in order; without it they are `SendText` actions.
    `emit` takes the other actions instead of `poll`, for a stack that has a list of its own. `answers` are those given
    to the peer on this connection and before, see `AnswerMemory`.

    While `requests.is_full`, texts are kept undecoded. The host stops reading at `Reading(on=False)`, and a stack gives
    no text to `receive`.
    """

    __slots__ = (
        "_actions",
        "_congested",
        "_inbox",
        "_notified",
        "_send",
        "_unread",
        "_until",
        "keep_unsent",
    )

    def __init__(
        self,
        config: SessionConfig,
        version: Version,
        *,
        ids: IdFactory,
        numbers: Iterator[int],
        keep_unsent: bool = False,
        send: Callable[[str], None] | None = None,
        emit: Callable[[SessionAction], None] | None = None,
        answers: Answers | None = None,
    ) -> None:
        self.state: SessionState = _OPEN
        self.version = version
        self._config = config
        self.keep_unsent = keep_unsent
        self._actions: list[SessionAction] = []
        self._emit = self._actions.append if emit is None else emit
        self._inbox: list[TextReceived | BinaryReceived | TransportLost] = []
        self._congested = False
        self._unread: int | None = None  # bytes sent past the window, while output does not drain
        self._notified: list[int] | None = None  # tokens of SENDs whose callers wait for it to drain
        self._now = -inf
        self._until = inf  # the end of the state, where it has one
        self._bad_messages = 0
        self._bad_until = -inf
        self._raw_ids: tuple[str, ...] = ()
        self._send: Callable[[str], None] = self._emit_text if send is None else send
        self.calls = Calls(version, config, ids, self._emit, self._send)
        self.requests = Requests(version, config, numbers, self._emit, self._send, self.calls.timers, answers)

    def _emit_text(self, text: str) -> None:
        self._emit(SendText(text))

    @property
    def deadline(self) -> float:
        """When `Tick` is wanted at the latest; `inf` when nothing is armed."""
        deadline, answers = self._until, self.calls.timers.next
        if answers < deadline:
            deadline = answers
        return deadline

    def poll(self) -> SessionAction | None:
        """Take the next action; None when there is nothing to do."""
        actions, inbox = self._actions, self._inbox
        while not actions:
            if not inbox or self._congested:
                return None
            if self.requests.is_full:
                if self.calls.is_open:
                    return None
                self._keep_only_loss()  # what is held has nobody to wait for it, and no room for more
            self._decode(inbox.pop(0))
        return actions.pop(0)

    def receive(self, text: str, now: float) -> None:
        """Decode a text at once: for a stack, which has taken out every action before and keeps no input back."""
        if now > self._now:
            self._now = now
        if type(self.state) is Open:
            self._receive(text)
        elif type(self.state) is Draining:
            self._receive(text)
            self._finish_drain()

    def handle(self, event: SessionInput, now: float) -> None:
        """Take an input. Raises TypeError or ValueError for a misuse by the caller, and then changes nothing."""
        if now > self._now:
            self._now = now
        else:
            now = self._now
        if type(event) is TextReceived:
            self._inbox.append(event)
        elif type(event) is Reply:
            self.requests.reply(event, now)
        else:
            self._handle_rare(event, now)

    def _handle_rare(self, event: SessionInput, now: float) -> None:  # noqa: C901 - one arm an input, the match is total
        match event:
            case StartCall():
                self.start(prepare_call(event, self._config, now), now)
            case Tick():
                self._expire(now)
            case TransportLost():
                self._inbox.append(event)
                self._congested = self.calls.is_open = False  # nothing can be sent: read what is left, then the loss
            case BinaryReceived():
                self._inbox.append(event)
            case Congested(on):
                self._congested = on
                self.congest(on=on)
            case Fail():
                self.requests.fail(event, now)
            case Decline():
                self.requests.decline(event, now)
            case CancelCall(token):
                self.calls.cancel(token)
                self._finish_drain()
            case Notify():
                self._notify(event)
            case RefuseResult():
                self._refuse_result(event)
            case SendRaw():
                self._send_raw(event)
            case Close():
                self._close(event)
            case Reconfigure(config):
                self._reconfigure(config)
            case TextReceived() | Reply():
                pass  # taken before
            case _:
                assert_never(event)

    # Commands

    def start(self, call: OutboundCall, now: float) -> None:
        """Take a prepared call: written, queued or settled at once. Raises as `Calls.add` does."""
        self._now = now = max(now, self._now)
        if isinstance(self.state, Open):
            self.calls.add(call, now)
        elif call.token is not None:
            self._emit(Settle(call.token, None, self._refusal(call.action)))

    def _refusal(self, what: str) -> ClosedError | ConnectionLostError:
        if isinstance(self.state, Closed):
            return ConnectionLostError(f"not connected: {what} was not sent", sent=False, close_code=self.state.code)
        return ClosedError(f"closing: {what} was not sent")

    def has_room_for(self, text: str) -> bool:
        """Return False if output does not drain and more than `max_queued_bytes` would wait past the window."""
        return self._unread is None or self._unread + utf8_length(text) <= self._config.max_queued_bytes

    def no_room(self, what: str) -> CallDroppedError:
        """Make the error of what is dropped because there is no room for it."""
        most = self._config.max_queued_bytes
        return CallDroppedError(
            f"{what} was not sent: the peer does not read, expected SENDs and raw texts of at most {most:.15g} bytes"
        )

    def _send_past_window(self, text: str) -> None:
        if self._unread is not None:
            self._unread += utf8_length(text)
        self._send(text)

    def take_unsent(self) -> list[OutboundCall]:
        """Hand over the calls that were never written, in order; see `keep_unsent`."""
        return self.calls.take_waiting()

    def _notify(self, event: Notify) -> None:
        kind = MessageType.SEND.value
        if kind not in self.version.message_types:
            raise ValueError(f"expected a version with SEND (ocpp2.1), this connection speaks {self.version.name}")
        if event.action not in self.version.send_actions:
            raise ValueError(f"expected one of {sorted(self.version.send_actions)} as SEND, got {event.action!r}")
        if event.message_id is not None:
            check_message_id(event.message_id)
            self.calls.check_unused(event.message_id)  # CALLs and SENDs share one id space (2.1 Part 4 §4.1.4)
        payload_json = encode_payload(event.payload)
        expect_room(event, payload_json, self._config)
        if not isinstance(self.state, Open):
            self._emit(Settle(event.token, None, self._refusal(event.action)))
        elif (violation := self._send_violation(event)) is not None:
            error = violation_error(violation, self.version)
            self._emit(
                Report(ReportKind.INVALID_REQUEST, violation.description, None, event.payload, error, event.action)
            )
            self._emit(Settle(event.token, None, error))
        else:
            self._write_notification(event, payload_json)

    def _write_notification(self, event: Notify, payload_json: str) -> None:
        kind = MessageType.SEND.value
        message_id = event.message_id or self.calls.new_id()
        text = encode_message(kind, message_id, event.action, payload_json)
        if not self.has_room_for(text):
            self._emit(Settle(event.token, None, self.no_room(event.action)))
            return
        self._send_past_window(text)
        if self._config.trace:
            self._emit(Trace(Direction.OUT, [kind, message_id, event.action, event.payload], event.action))
        if self._unread is None:
            self._emit(Settle(event.token))
        else:
            self._notified = self._notified or []
            self._notified.append(event.token)

    def congest(self, *, on: bool) -> None:
        """Bound what is sent past the window and have the callers of SENDs wait, until output drains.

        It is all of `Congested` for a stack, whose link holds texts back. Otherwise what a peer does not take would
        grow without end.
        """
        self._unread = 0 if on else None
        if not on:
            self._settle_notified()

    def _settle_notified(self, error: ConnectionLostError | None = None) -> None:
        """Let those go on whose SENDs have left, or tell them that nobody knows."""
        tokens, self._notified = self._notified, None
        for token in tokens or ():
            self._emit(Settle(token, None, error))

    def _send_violation(self, event: Notify) -> Violation | None:
        validator = self._config.validator_of(event.action) if event.validate else None
        return None if validator is None else validator.check_send(event.action, event.payload)

    def _refuse_result(self, event: RefuseResult) -> None:
        check_message_id(event.message_id)
        if not isinstance(event.code, str) or not isinstance(event.description, str):
            raise TypeError(f"expected code and description as text, got {event.code!r} and {event.description!r}")
        encode_payload({} if event.details is None else event.details)
        if self.version.reports_bad_results and isinstance(self.state, (Open, Draining)):
            self.calls.refuse_result(event)

    def _send_raw(self, event: SendRaw) -> None:
        check_command(event, self._config, self._now)
        if event.token is not None:
            self.start(prepare_raw(event, self._config, self._now), self._now)
        elif not isinstance(self.state, (Open, Draining)):
            self._emit(Report(ReportKind.NOT_SENT, "the connection is closing or closed", message=event.text))
        elif not self.has_room_for(event.text):
            self._emit(Report(ReportKind.NOT_SENT, str(self.no_room("the raw text")), message=event.text))
        else:
            self._write_raw(event.text)

    def _write_raw(self, text: str) -> None:
        """Send it, and remember the id under which it may be answered."""
        frame = decode(text, self.version.message_types)
        if isinstance(frame, Malformed):
            message_id = UNREADABLE_ID if frame.message_id is None else frame.message_id
            self._raw_ids = with_newest(self._raw_ids, message_id, _RAW)
        elif frame[0] == MessageType.CALL:
            self._raw_ids = with_newest(self._raw_ids, frame[1], _RAW)
        self._send_past_window(text)
        if self._config.trace and isinstance(frame, list):
            action = frame[2] if frame[0] in {MessageType.CALL, MessageType.SEND} else None
            self._emit(Trace(Direction.OUT, frame, action))

    def _reconfigure(self, config: object) -> None:
        if not isinstance(config, SessionConfig):
            raise TypeError(f"expected a SessionConfig, got {type(config).__name__}")
        self._config = self.calls.config = config
        if isinstance(self.state, Open):
            self.calls.fill_window(self._now)
        self.requests.reconfigure(config, self._now)

    # Closing

    def _close(self, event: Close) -> None:
        match self.state:
            case Open():
                self._begin_close(event)
            case Draining():
                if event.force or not event.drain:
                    self._end(event.code, event.reason, force=event.force)
            case Closing():
                if event.force:
                    self._emit(CloseTransport(event.code, event.reason, abort=True))
            case Closed():
                pass
            case _:
                assert_never(self.state)

    def _begin_close(self, event: Close) -> None:
        if event.force or not event.drain:
            self._end(event.code, event.reason, force=event.force)
            return
        self.calls.refuse_waiting(lambda call: ClosedError(f"closed before {call.action} was sent"))
        if self.calls.has_callers:
            until = self._now + self._config.drain_timeout
            self._enter(Draining(until, event.code, event.reason))
        else:
            self._end(event.code, event.reason)

    def _end(self, code: int, reason: str, *, force: bool = False) -> None:
        """Settle and forget everything, then close the transport."""
        self.calls.close()
        self.requests.abandon(self._now)
        self._keep_only_loss()
        self._enter(Closing(self._now + self._config.close_timeout, code, reason))
        self._emit(CloseTransport(code, reason, abort=force))

    def _keep_only_loss(self) -> None:
        losses = [event for event in self._inbox if isinstance(event, TransportLost)]
        self._inbox.clear()
        self._inbox.extend(losses)

    def _expire(self, now: float) -> None:
        self.calls.expire(now)
        self.requests.expire(now)
        self._finish_drain()
        state = self.state
        if isinstance(state, Draining) and state.until <= now:
            self._end(state.code, state.reason)
        elif isinstance(state, Closing) and state.until <= now:
            self._emit(CloseTransport(state.code, state.reason, abort=True))
            self._lose(TransportLost(ABNORMAL_CLOSURE, "the close handshake timed out"))

    def _finish_drain(self) -> None:
        if isinstance(self.state, Draining) and not self.calls.has_callers:
            self._end(self.state.code, self.state.reason)

    def _lose(self, event: TransportLost) -> None:
        if isinstance(self.state, Closed):
            return
        self.calls.lose(event.code, event.reason)
        unknown = f"the connection ended ({event.code}) before it took the SEND"
        self._settle_notified(ConnectionLostError(unknown, sent=True, close_code=event.code))
        if self.keep_unsent and isinstance(self.state, Open):
            self.calls.timers.clear()  # whoever takes them sees to their time to live
        else:
            self.calls.refuse_waiting(
                lambda call: ConnectionLostError(
                    f"the connection ended before {call.action} was sent", sent=False, close_code=event.code
                )
            )
        self.requests.abandon(self._now)
        self._inbox.clear()
        self._enter(Closed(event.code, event.reason or self._own_reason(event.code)))

    def _own_reason(self, code: int) -> str:
        """Say our own reason where the peer only echoed our close code (RFC 6455 §5.5.1)."""
        state = self.state
        return state.reason if isinstance(state, Closing) and state.code == code else ""

    def _enter(self, state: SessionState) -> None:
        self.state = state
        self._until = state.until if isinstance(state, (Draining, Closing)) else inf
        self._emit(StateChanged(state))

    # Received messages, in the order they came

    def _decode(self, event: TextReceived | BinaryReceived | TransportLost) -> None:
        if type(event) is TransportLost:
            self._lose(event)
        elif not isinstance(self.state, (Open, Draining)):
            return
        elif type(event) is TextReceived:
            self._receive(event.text)
        elif type(event) is BinaryReceived:
            self._receive_binary(event.data)
        self._finish_drain()
