"""The part of a link that clients and servers share: the open WebSocket and its end.

What it is. A link is one WebSocket connection over a byte stream that the host carries. It has five phases in a fixed
order (`_phase`): the handshake, which each role implements in its own file, the open WebSocket, the close handshake,
the wait for the peer to end the stream, and the end. This file implements what both roles do after the handshake.

What it guarantees. The split of the bytes makes no difference: `receive` only buffers them, and `poll` decodes the next
frame when no action is pending. With eager decoding, a pong or a refusal would be sent before the response of a handler
to an earlier message. The end of an open WebSocket is reported exactly once, with `TransportLost`, and a client's
failed handshake with `TransportFailed`; no event follows. A peer that breaks the protocol gets the close code of RFC
6455 §7.4, and nothing that it sends raises. There are three deadlines: `_until` for the current phase or for an
unfinished message, and two of the keepalive. Each step that is due disarms or postpones its deadline, so that a host
that ticks at `deadline` never loops.

Time stops while this side does not read. While output is congested or the session is full, nothing is decoded. The pong
may be among the undecoded bytes, and a message may be unfinished for that reason alone. Neither is the peer's fault, so
both deadlines start again when reading resumes.

What it must never do. It never stores decoded messages. The state of an unfinished message is in a reader, which counts
it against the limits and exists only while it is needed: a server has a link for each idle station. A link knows
nothing of OCPP. After its close frame it sends only pongs.
"""

from abc import abstractmethod
from math import inf
from random import Random
from typing import Final, TypeAlias, assert_never

from ocpp_core.actions import TURN, CloseStream, LinkAction, Report, ReportKind, SendBytes
from ocpp_core.config import LinkConfig
from ocpp_core.inputs import (
    Accept,
    BytesReceived,
    CloseLink,
    Congested,
    LinkInput,
    Probe,
    Reconfigure,
    Reject,
    Respond,
    SendMessage,
    StreamLost,
    TextReceived,
    Tick,
    TransportFailed,
    TransportLost,
    TransportOpened,
)
from ocpp_core.websocket.close import ABNORMAL_CLOSURE, POLICY_VIOLATION, cut_reason, expect_close_code

from ._deflate import Deflate
from ._fast_path import text_frame
from ._frames import (
    FrameError,
    close_payload,
    encode_frame,
    read_close,
)
from ._http import HeadBuffer
from ._incoming import IncomingFrames
from ._keepalive import Keepalive
from ._opcode import Control, Opcode
from ._phase import LINGER, Phase

__all__ = ["LinkBase"]

# Looking up an Enum member costs as much as a call; these two are needed for every message.
_OPEN: Final = Phase.OPEN
_ENDED: Final = Phase.ENDED
_Rare: TypeAlias = StreamLost | Tick | Congested | Accept | Reject | Respond | CloseLink | Reconfigure | Probe
_NO_HEAD: Final = HeadBuffer()
"""The shared empty buffer of links whose handshake is over; no byte is added to it."""


class LinkBase(IncomingFrames):
    """One WebSocket connection: bytes in, messages and bytes out."""

    __slots__ = ("_head", "_lost", "_masking")

    def __init__(self, config: LinkConfig, *, client: bool, attempt: int, random: Random, now: float) -> None:
        super().__init__(config, Keepalive(config, random, now), client=client, attempt=attempt, now=now)
        self._masking = random if client else None  # RFC 6455 §5.3: only clients mask
        self._head = HeadBuffer()
        self._lost: TransportLost | None = None

    @property
    def deadline(self) -> float:
        """Time in seconds at which the host must pass `Tick` at the latest.

        `inf` if no deadline is armed.
        """
        keepalive = self._keepalive
        deadline = keepalive.ping_at  # without `min`, because it is read after every input
        if keepalive.pong_by < deadline:
            deadline = keepalive.pong_by
        if self._until < deadline:
            deadline = self._until
        return deadline

    def handle(self, event: LinkInput, now: float) -> None:
        """Process an input at `now` (monotonic seconds); received bytes are only buffered.

        A command that is too late is ignored. A command that raises changes nothing.

        Raises:
            RuntimeError: Invalid in this phase: an answer without a request, a message before the WebSocket is open.
            ValueError: An argument is wrong; TypeError for a wrong type.
        """
        if type(event) is BytesReceived:
            self.receive(event, now)
            return
        if now > self._now:
            self._now = now
        if type(event) is SendMessage:
            self.send_message(event.data)
        else:
            self._command(event)

    def poll(self) -> LinkAction | None:
        """Return the next action, or None if there is nothing to do before the next input."""
        actions = self._actions
        while not actions:
            if self._work >= TURN and self._is_turn_over():
                return self._end_turn()
            if self.unread and not self._stalled:
                if self._is_control_taken(self.unread):  # first, because a stack has looked for a text already
                    continue
                text = self.next_text()
                if text is not None:
                    return TextReceived(text, self._attempt)
                self._begin_reader(self.unread)
            if (self._phase is _OPEN and self._reader is None and not self._eof) or not self._advance():
                self._work = 0
                return None
        return actions.pop(0)

    def _command(self, event: _Rare) -> None:
        match event:
            case Tick():
                self._expire()
            case StreamLost(attempt):
                self._break_off(attempt)
            case Congested(on):
                self._congest(on=on)
            case CloseLink():
                self._close_link(event)
            case Accept() | Reject() | Respond():
                self.answer(event, self._now)
            case Reconfigure(config):
                if isinstance(config, LinkConfig):
                    self._reconfigure(config)
            case Probe():
                if self._phase is _OPEN and self._keepalive.is_probe_sent(self._now):
                    self._send(Opcode.PING, b"")
            case _:
                assert_never(event)

    # Implemented by each role

    @abstractmethod
    def _advance_handshake(self) -> bool:
        """Do the next step of the handshake.

        Return False if it needs more bytes or a decision.
        """

    @abstractmethod
    def _handshake_timeout(self) -> None:
        """End a handshake that timed out."""

    @abstractmethod
    def answer(self, event: Accept | Reject | Respond, now: float) -> None:
        """Answer a request with the caller's decision, as `handle` does."""

    @abstractmethod
    def _close_early(self, event: CloseLink) -> None:
        """End the link before it is open."""

    # Bytes in

    def receive(self, event: BytesReceived, now: float) -> None:
        """Buffer bytes as `handle` does; called directly by a stack."""
        if now > self._now:
            self._now = now
        phase, data = self._phase, event.data
        if self._eof or phase is _ENDED or event.attempt != self._attempt:
            return
        if not data:
            self._eof = True
            self._congested = False  # output will never drain, so do not wait for it
            self._stalled = self._held
            return
        self._keepalive.last_heard = self._now
        self._keepalive.pong_by = inf
        if phase is _OPEN or phase is Phase.CLOSING:
            if self.unread or self._reader is not None:
                self._feed(data)
            else:
                self.unread = data
        elif phase is Phase.HANDSHAKE:
            self._head.data += data

    def _break_off(self, attempt: int) -> None:
        """End the WebSocket because the stream broke.

        Decode a handshake to its end first.
        """
        if self._phase is Phase.HANDSHAKE:
            self.receive(BytesReceived(b"", attempt), self._now)
        elif attempt == self._attempt and self._phase is not _ENDED:
            self._end(self._loss())

    def _advance(self) -> bool:
        """Do one step of decoding; return False if there is nothing left to do."""
        if self._phase is Phase.HANDSHAKE:
            return self._advance_handshake()
        if self._phase is _ENDED or self._stalled:
            return False
        if self._reader is not None and self._decode(self._reader):
            return True
        if self._eof:
            self._end(self._loss())
        return self._eof

    def _control(self, event: Control) -> None:
        if event.opcode is Opcode.PING:
            self._report(ReportKind.PING)
            self._send(Opcode.PONG, event.payload)  # RFC 6455 §5.5.2: even after this side's close frame
        elif event.opcode is Opcode.PONG:
            self._report(ReportKind.PONG)
        else:
            try:
                code, reason = read_close(event.payload)
            except FrameError as broken:
                self._fail(broken)
                return
            self._closed_by_peer(code, reason)

    # Bytes out

    def send_message(self, data: object) -> None:  # a type of its own would be checked before these checks if compiled
        """Send a message as `handle` does with `SendMessage`."""
        if type(data) is str and self._phase is _OPEN and self._deflate is None:
            self._actions.append(SendBytes(text_frame(data.encode(), self._masking)))
            return
        if not isinstance(data, (str, bytes)):
            raise TypeError(f"expected a message as str or bytes, got {type(data).__name__}")
        if self._phase is Phase.HANDSHAKE:
            raise RuntimeError("cannot send: the WebSocket is not open yet")
        payload = data.encode() if isinstance(data, str) else data
        if self._phase is not _OPEN:
            return
        compressed = None if self._deflate is None else self._deflate.compress(payload)
        opcode = Opcode.TEXT if isinstance(data, str) else Opcode.BINARY
        if compressed is None:
            self._send(opcode, payload)
        else:
            self._send(opcode, compressed, compressed=True)

    def _send(self, opcode: Opcode, payload: bytes, *, compressed: bool = False) -> None:
        key = None if self._masking is None else self._masking.randbytes(4)
        self._actions.append(SendBytes(encode_frame(opcode, payload, key=key, compressed=compressed)))

    def _report(self, kind: ReportKind, detail: str = "") -> None:
        self._actions.append(Report(kind, detail))

    # Open, and the end

    def _open(self, subprotocol: str | None, deflate: Deflate | None) -> None:
        """Enter the open phase; bytes after the handshake are its first input."""
        self._phase = Phase.OPEN
        self._until = inf
        self._deflate = deflate
        self._actions.append(TransportOpened(subprotocol, self._attempt))
        early, self._head = self._head.data, _NO_HEAD
        if early:
            self._feed(bytes(early))
        self._keepalive.start(self._now)

    def _close_link(self, event: CloseLink) -> None:
        if not event.force:  # without a close handshake, the code is not sent
            expect_close_code(event.code)
        reason = cut_reason(event.reason)
        if self._phase is Phase.ENDED:
            return
        if self._phase is Phase.HANDSHAKE:
            self._close_early(event)
        elif event.force:
            self._end(self._loss(), abort=True)
        elif self._phase is Phase.OPEN:
            self._phase = Phase.CLOSING
            self._send(Opcode.CLOSE, close_payload(event.code, reason))
            self._keepalive.stop()
            self._until = self._now + self._config.close_timeout

    def _closed_by_peer(self, code: int, reason: str) -> None:
        """Answer a close frame with the same code (RFC 6455 §5.5.1).

        The server ends the stream first (§7.1.1). A client whose peer starts the close handshake does not wait here for
        the end of the stream. Its host does, while the client reconnects.
        """
        lost = TransportLost(code, reason, self._attempt)
        if self._phase is Phase.OPEN:
            self._send(Opcode.CLOSE, close_payload(code, reason))
        elif self._client:
            self._await_end(lost, self._config.close_timeout)
            return
        self._end(lost)

    def _fail(self, broken: FrameError) -> None:
        """Fail the connection (RFC 6455 §7.1.7): send a close frame, then decode nothing more.

        The host of a client waits for the server to end the stream, and discards all bytes before that.
        """
        self._report(ReportKind.PROTOCOL_ERROR, broken.detail)
        lost = TransportLost(broken.code, broken.reason, self._attempt)
        if self._phase is Phase.OPEN:
            self._send(Opcode.CLOSE, close_payload(broken.code, broken.reason))
        if self._client:
            self._end(lost)
        else:
            self._await_end(lost, min(LINGER, self._config.close_timeout))

    def _await_end(self, lost: TransportLost | None, timeout: float) -> None:
        """Wait for the peer to end the stream, at most `timeout` seconds or the rest of the close handshake."""
        self._lost = lost
        until = self._now + timeout
        if self._phase is Phase.CLOSING:
            until = min(until, self._until)
        self._phase = Phase.ENDING
        self._forget()
        self._until = until

    def _end(self, lost: TransportLost | TransportFailed | None, *, abort: bool = False) -> None:
        self._phase = Phase.ENDED
        self._forget()
        self._actions.append(CloseStream(abort))
        if lost is not None:
            self._actions.append(lost)

    def _loss(self) -> TransportLost | None:
        """Return how the open WebSocket ended, normally or abnormally.

        None after a refused handshake.
        """
        return self._lost if self._phase is Phase.ENDING else TransportLost(ABNORMAL_CLOSURE, "", self._attempt)

    def _forget(self) -> None:
        self._until = inf
        self._keepalive.stop()
        self._head.clear()
        self._drop_unread()
        self._deflate = None

    # Timers

    def _expire(self) -> None:
        """Do what is due, in order of time; each step disarms or postpones its deadline."""
        while self.deadline <= self._now:
            if self._until <= self._now:
                self._end_phase()
            elif self._keepalive.pong_by <= self._keepalive.ping_at and self._stalled:
                self._keepalive.pong_by = inf  # the pong may be among the undecoded bytes
            elif self._keepalive.pong_by <= self._keepalive.ping_at:
                self._report(ReportKind.PONG_TIMEOUT, "nothing arrived in time after a ping")
                self._end(self._loss(), abort=True)
            elif self._keepalive.is_ping_sent(self._now):
                self._send(Opcode.PING, b"")

    def _end_phase(self) -> None:
        if self._phase is Phase.HANDSHAKE:
            self._until = inf
            self._handshake_timeout()
        elif self._phase is not _OPEN:
            self._end(self._loss(), abort=self._phase is Phase.CLOSING)
        elif self._stalled:
            self._await_rest(again=True)
        else:
            self._fail(FrameError(POLICY_VIOLATION, "a message that exceeds its timeout"))

    def _reconfigure(self, config: LinkConfig) -> None:
        """Apply other settings, except those of the handshake and the negotiated compression."""
        self._config = config
        if self._reader is not None:
            self._reader.configure(config)
        self._keepalive.configure(config, self._now, is_open=self._phase is Phase.OPEN)
