"""The OCPP-J session of one connection: texts and commands in, texts and other actions out.

What it is. A session exchanges the messages of one open connection, from the first one to its end. It has two
directions. `calls` sends the CALLs of this side: a window of outstanding ones, a queue, and a timeout for each.
`requests` handles those of the peer: each CALL is dispatched once and answered once. Both directions emit actions to
the same list and are otherwise independent, so a CALL of the peer never waits for a response to one of this side, or
the reverse. Two peers that call each other at the same time would otherwise block each other until both time out.

What it guarantees. Every started call settles exactly once, however the connection ends. Every received CALL gets at
most one response, with its own message ID, and on this connection only. The timing of polls makes no difference:
received texts are buffered, and the next one is decoded only when no action is pending. The immediate reply of a
handler is therefore sent before any later text is decoded. Every buffer that a peer can fill is bounded.

Why it ends with its connection. A message ID is valid on one connection only. A late response could otherwise be sent
on the next connection, where its ID belongs to another CALL. A session is therefore never reused: a late reply reaches
a closed session and is dropped. Other objects store data that must outlive a connection: the client's `OfflineQueue`
stores calls, and an `AnswerMemory` stores results that the peer may request again.

What it must never do. It never reads a clock: each input has its time `now`. It never raises for anything that a peer
sends: a peer's mistakes are actions. A misuse by the caller raises before anything has changed. It never decodes while
`requests.is_full` or while output does not drain, because each text may need a response that cannot be buffered.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from math import inf
from typing import Final, TypeAlias, assert_never

from ._direct import Outlets
from .actions import CloseTransport, Report, ReportKind, SendText, SessionAction, Settle, StateChanged
from .config import IdFactory, SessionConfig
from .errors import CallDroppedError, ClosedError, ConnectionLostError
from .inbound.answers import Answers
from .inbound.directions import MakeDirections
from .inbound.receiver import Receiver
from .inbound.requests import Requests
from .inputs import (
    BinaryReceived,
    CancelCall,
    Close,
    Congested,
    Decline,
    Fail,
    Notify,
    Probe,
    RareCommand,
    Reconfigure,
    RefuseResult,
    Register,
    Reply,
    SendRaw,
    SessionInput,
    StartCall,
    TextReceived,
    Tick,
    TransportLost,
)
from .limits import Bucket
from .outbound.call import OutboundCall, check_command, check_result_refusal, not_open, prepare_call, prepare_raw
from .outbound.calls import Calls, CallsParts
from .outbound.sends import Sends, prepare_send
from .states import Closed, Closing, Draining, Open, SessionState
from .versions import Version
from .websocket.close import ABNORMAL_CLOSURE

__all__ = ["Closed", "Closing", "Draining", "Open", "Session", "SessionState"]

_OPEN: Final = Open()
_Rare: TypeAlias = BinaryReceived | TransportLost | Congested | Tick | StartCall | RareCommand


class Session(Receiver):
    """The engine of one open connection.

    While `requests.is_full`, texts are buffered but not decoded. The host must stop reading at `Reading(on=False)`, and
    a stack must not call `receive`.

    Args:
        config: The settings.
        version: The rules of the negotiated subprotocol.
        ids: Function that returns message IDs.
        numbers: Request numbers that are unique over all sessions of the host, such as one `itertools.count()`.
        keep_unsent: True to keep calls that were not written when the connection is lost: `take_unsent` returns them.
        outlets: For a stack: they receive the texts to send and the other actions instead of `poll` (see `_direct`).
        answers: Stores the results of this and earlier connections, see `AnswerMemory`.
        make_calls: Makes the outbound direction; a client's has an `OfflineQueue`.
        shared: A token bucket of requests that connections share, for example all of an address; see `limits`.
        directions: Makes both directions in place of `make_calls`, see `inbound.queued`.
    """

    __slots__ = ("_actions", "_congested", "_entered", "_send", "_until", "keep_unsent", "unread")

    def __init__(
        self,
        config: SessionConfig,
        version: Version,
        *,
        ids: IdFactory,
        numbers: Iterator[int],
        keep_unsent: bool = False,
        outlets: Outlets | None = None,
        answers: Answers | None = None,
        make_calls: Callable[[*CallsParts], Calls] = Calls,
        shared: Bucket | None = None,
        directions: MakeDirections | None = None,
    ) -> None:
        self.state = _OPEN
        """The state of the connection."""
        self.version = version
        """The rules of the negotiated subprotocol."""
        self._config = config = config.in_protocol(version.name) if config.has_protocol_rules else config
        self.keep_unsent: bool = keep_unsent
        """True if calls that were not written survive the loss of the connection, see `take_unsent`."""
        self._actions: list[SessionAction] = []
        self._emit = self._actions.append if outlets is None else outlets.emit
        self.unread: list[TextReceived | BinaryReceived | TransportLost] = []
        """Received inputs that are not decoded yet; only the session may change the list."""
        self._congested = False
        self._now = -inf
        self._until = inf  # the end of the state, if it has one
        self._bad_messages, self._bad_until = 0, -inf
        self._entered = None if outlets is None else outlets.entered
        self._sends = None
        self._send: Callable[[str], None] = self._emit_text if outlets is None else outlets.send
        make = _gated() if directions is None and config.require_registration else directions
        if make is None:
            calls = make_calls(version, config, ids, self._emit, self._send)
            self._pass_to(calls, Requests(version, config, numbers, self._emit, self._send, calls, answers, shared))
        else:
            self._pass_to(*make(version, config, ids, numbers, self._emit, self._send, answers, shared))

    def _emit_text(self, text: str) -> None:
        self._emit(SendText(text))

    @property
    def deadline(self) -> float:
        """Time at which the host must pass `Tick` at the latest.

        `inf` if no deadline is armed.
        """
        deadline, answers = self._until, self.calls.timers.next
        if answers < deadline:
            deadline = answers
        return deadline

    def poll(self) -> SessionAction | None:
        """Return the next action, or None if there is nothing to do."""
        actions = self._actions
        while not actions:
            if not self.decode_next():
                return None
        return actions.pop(0)

    def decode_next(self) -> bool:
        """Decode the oldest received input, as `poll` does.

        Return False if there is none or it must wait.
        """
        unread = self.unread
        if not unread or self._congested:
            return False
        if self.requests.is_full:
            if self.calls.is_open:
                return False
            self._keep_only_loss()  # the peer is gone: drop texts that would need responses
        self._decode(unread.pop(0))
        return True

    def handle(self, event: SessionInput, now: float) -> None:
        """Process an input at `now`, the host's monotonic seconds.

        Raises:
            TypeError: The type of the input or of one of its fields is wrong; nothing changes.
            ValueError: A field of the input has a value that is not allowed; nothing changes.
        """
        if now > self._now:
            self._now = now
        else:
            now = self._now
        if type(event) is TextReceived:
            self.unread.append(event)
        elif type(event) is Reply:
            self.requests.reply(event, now)
        else:
            self._handle_rare(event, now)

    def _handle_rare(self, event: _Rare, now: float) -> None:  # noqa: C901 - one arm an input, the match is total
        match event:
            case StartCall():
                self._add(prepare_call(event, self._config, now))
            case Tick():
                self._expire(now)
            case TransportLost():
                self.unread.append(event)
                self._congested = self.calls.is_open = False  # nothing can be sent: decode the rest, then the loss
            case BinaryReceived():
                self.unread.append(event)
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
                refusal = None if isinstance(self.state, Open) else not_open(self.state, event.action)
                payload_json = prepare_send(event, self.version, self.calls)
                self._past_window.notify(event, payload_json, refusal)
            case RefuseResult():
                self._refuse_result(event)
            case SendRaw():
                self._send_raw(event)
            case Close():
                self._close(event)
            case Reconfigure(config):
                self._reconfigure(config)
            case Register():
                self.requests.register(now)
            case Probe():
                pass  # a session has no WebSocket
            case _:
                assert_never(event)

    # Commands

    def _add(self, call: OutboundCall) -> None:
        """Write, queue or settle a prepared call. Raises the errors of `Calls.add`."""
        if isinstance(self.state, Open):
            self.calls.add(call, self._now)
        elif call.token is not None:
            self._emit(Settle(call.token, None, not_open(self.state, call.action)))

    def has_room_for(self, text: str) -> bool:
        """Return False if output does not drain and the text would exceed `max_queued_bytes`."""
        return self._sends is None or self._sends.has_room_for(text)

    def no_room(self, what: str) -> CallDroppedError:
        """Return the error for a SEND or raw text that exceeds `max_queued_bytes`."""
        return self._past_window.no_room(what)

    def take_unsent(self) -> list[OutboundCall]:
        """Remove and return the unwritten calls, in order; see `keep_unsent`."""
        return self.calls.take_waiting()

    def congest(self, *, on: bool) -> None:
        """Limit SENDs and raw texts until output drains, and let the callers of SENDs wait.

        SENDs and raw texts bypass the window, so their output to a peer that does not read would grow without limit. A
        stack calls this instead of passing `Congested`, because its link stops decoding.
        """
        if on or self._sends is not None:
            self._past_window.congest(on=on)

    @property
    def _past_window(self) -> Sends:
        if self._sends is None:
            self._sends = Sends(self.version, self.calls, self._emit, self._send)
        return self._sends

    def _refuse_result(self, event: RefuseResult) -> None:
        check_result_refusal(event)
        if self.version.reports_bad_results and isinstance(self.state, (Open, Draining)):
            self.calls.refuse_result(event)

    def _send_raw(self, event: SendRaw) -> None:
        check_command(event, self._config, self._now)
        if event.token is not None:
            self._add(prepare_raw(event, self._config, self._now))
        elif isinstance(self.state, (Open, Draining)):
            self._past_window.raw(event.text)
        else:
            self._emit(Report(ReportKind.NOT_SENT, "the connection is closing or closed", message=event.text))

    def _reconfigure(self, config: object) -> None:
        if not isinstance(config, SessionConfig):
            raise TypeError(f"expected a SessionConfig, got {type(config).__name__}")
        self._config = self.calls.config = config = config.in_protocol(self.version.name)
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
                else:
                    self.state = replace(self.state, besides=self.state.besides + event.besides)
                    self._finish_drain()
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
        if self.calls.has_callers or self.requests.are_handled(event.besides):
            until = self._now + self._config.drain_timeout
            self._enter(Draining(until, event.code, event.reason, event.besides))
            self.requests.report_each_end(self._request_ended)
        else:
            self._end(event.code, event.reason)

    def _end(self, code: int, reason: str, *, force: bool = False) -> None:
        """Settle all calls, abandon all requests, then close the transport."""
        self.calls.close()
        self.requests.abandon(self._now)
        self._keep_only_loss()
        self._enter(Closing(self._now + self._config.close_timeout, code, reason))
        self._emit(CloseTransport(code, reason, abort=force))

    def _keep_only_loss(self) -> None:
        losses = [event for event in self.unread if isinstance(event, TransportLost)]
        self.unread.clear()
        self.unread.extend(losses)

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

    def _request_ended(self, now: float) -> None:
        """Note the time: a stack passes replies to `requests` directly."""
        self._now = now
        self._finish_drain()

    def _finish_drain(self) -> None:
        state = self.state
        if isinstance(state, Draining) and not self.calls.has_callers and not self.requests.are_handled(state.besides):
            self._end(state.code, state.reason)

    def _lose(self, event: TransportLost) -> None:
        if isinstance(self.state, Closed):
            return
        self.calls.lose(event.code, event.reason)
        if self._sends is not None:
            self._sends.lose(event.code)
        if self.keep_unsent and isinstance(self.state, Open):
            self.calls.timers.clear()  # the caller of `take_unsent` expires them
        else:
            self.calls.refuse_waiting(
                lambda call: ConnectionLostError(
                    f"the connection ended before {call.action} was sent", sent=False, close_code=event.code
                )
            )
        self.requests.abandon(self._now)
        self.unread.clear()
        self._enter(Closed(event.code, event.reason or self._own_reason(event.code)))

    def _own_reason(self, code: int) -> str:
        """Return this side's reason if the peer only echoed its close code (RFC 6455 §5.5.1)."""
        state = self.state
        return state.reason if isinstance(state, Closing) and state.code == code else ""

    def _enter(self, state: SessionState) -> None:
        self.state = state
        self._until = state.until if isinstance(state, (Draining, Closing)) else inf
        if self._entered is None:
            self._emit(StateChanged(state))
        else:
            self._entered(state)

    # Received messages, in the order of arrival

    def _decode(self, event: TextReceived | BinaryReceived | TransportLost) -> None:
        if type(event) is TextReceived:
            self.receive(event.text, self._now)
        elif isinstance(event, TransportLost):
            self._lose(event)
        elif isinstance(self.state, (Open, Draining)):
            self._receive_binary(event.data)


def _gated() -> MakeDirections:
    from .inbound.gated import gated  # loaded only when used

    return gated
