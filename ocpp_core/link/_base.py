"""What a client and a server have in common: the open WebSocket, from the end of the handshake to the last byte.

What it is. A link is one WebSocket connection over a byte stream that the host carries. It has five phases, which only
go forward (`_phase`): the handshake, which each role does in its own file, the open WebSocket, our close frame on its
way, the wait for the peer to end the stream, and the end. This file holds what both roles do after the handshake.

What it guarantees. How the bytes were split is invisible: `receive` only keeps them, and `poll` decodes the next frame
when no action is left to take. With eager decoding, a pong or a refusal would overtake the answer that a handler gives
to an earlier message. The end of an open WebSocket is told exactly once, by `TransportLost`, and a client's handshake
that came to nothing by `TransportFailed`; nothing is told after it. A peer that breaks the protocol gets the close code
that RFC 6455 §7.4 has for it, and nothing it sends raises. A deadline is a state of its own: `_until` ends the present
phase, or a message that has begun, and the keepalive has two more. Each step that is due disarms or moves its deadline,
so that a host which ticks at `deadline` comes to rest.

Time stops while this side does not read. While output is congested or the session has no room, nothing is decoded. The
pong may lie among the bytes that were not looked at, and a message may be unfinished for that reason alone: neither is
the peer's fault, and both get their time again when reading goes on.

What it must never do. It never keeps what it has decoded. The state of a message that has begun lives in a reader,
which counts it against the limits and exists only while it is needed: a server has a link for each idle station. It
knows nothing of OCPP. It never sends anything after its close frame except pongs.
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

# Looked up in an Enum's class, a member costs as much as a call; these two are asked for at every message.
_OPEN: Final = Phase.OPEN
_ENDED: Final = Phase.ENDED
_Rare: TypeAlias = StreamLost | Tick | Congested | Accept | Reject | Respond | CloseLink | Reconfigure
_NO_HEAD: Final = HeadBuffer()
"""Stands in for the buffer of a handshake that is over: nothing is put into it."""


class LinkBase(IncomingFrames):
    """One WebSocket connection: bytes in, messages and bytes out."""

    __slots__ = ("_eof", "_head", "_lost", "_masking")

    def __init__(self, config: LinkConfig, *, client: bool, attempt: int, random: Random, now: float) -> None:
        super().__init__(config, Keepalive(config, random, now), client=client, attempt=attempt, now=now)
        self._masking = random if client else None  # RFC 6455 §5.3: only clients mask
        self._head = HeadBuffer()
        self._eof = False
        self._lost: TransportLost | None = None

    @property
    def deadline(self) -> float:
        """When `Tick` is wanted at the latest, seconds; `inf` when nothing is armed."""
        keepalive = self._keepalive
        deadline = keepalive.ping_at  # no `min`: asked for after every input
        if keepalive.pong_by < deadline:
            deadline = keepalive.pong_by
        if self._until < deadline:
            deadline = self._until
        return deadline

    def handle(self, event: LinkInput, now: float) -> None:
        """Take an input at `now` (monotonic seconds); received bytes are only kept, `poll` decodes them.

        Raises RuntimeError for a command that is never right at this point (an answer to no request, a message before
        the WebSocket is open) and ValueError or TypeError for bad arguments; nothing has changed then. A command that
        comes too late is ignored.
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
        """Take the next action; None when there is nothing to do before the next input."""
        actions = self._actions
        while not actions:
            if self._work >= TURN and self._is_turn_over():
                return self._end_turn()
            if self.unread and not self._stalled:
                text = self.next_text()
                if text is not None:
                    return TextReceived(text, self._attempt)
                self._decode_unusual(self.unread)
                if actions:
                    break
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
            case _:
                assert_never(event)

    # What the roles do differently

    @abstractmethod
    def _advance_handshake(self) -> bool:
        """Decode the next thing of the handshake; False when it needs more bytes or a decision."""

    @abstractmethod
    def _handshake_timeout(self) -> None:
        """End a handshake that takes too long."""

    @abstractmethod
    def answer(self, event: Accept | Reject | Respond, now: float) -> None:
        """Do what `handle` does with the caller's decision on a request."""

    @abstractmethod
    def _close_early(self, event: CloseLink) -> None:
        """End the link before it was open."""

    # Bytes in

    def receive(self, event: BytesReceived, now: float) -> None:
        """Do what `handle` does with it: for a stack, which knows already what it has."""
        if now > self._now:
            self._now = now
        phase, data = self._phase, event.data
        if self._eof or phase is _ENDED or event.attempt != self._attempt:
            return
        if not data:
            self._eof = True
            self._congested = False  # our output has nowhere to go: nothing is gained by waiting for it
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
        """Take the loss of the stream for an end of the WebSocket at once; a handshake is read to its end first."""
        if self._phase is Phase.HANDSHAKE:
            self.receive(BytesReceived(b"", attempt), self._now)
        elif attempt == self._attempt and self._phase is not _ENDED:
            self._end(self._last_word())

    def _advance(self) -> bool:
        """Do one step of decoding; False when nothing is left to do."""
        if self._phase is Phase.HANDSHAKE:
            return self._advance_handshake()
        if self._phase is _ENDED or self._stalled:
            return False
        if self._reader is not None and self._decode(self._reader):
            return True
        if self._eof:
            self._end(self._last_word())
        return self._eof

    def _control(self, event: Control) -> None:
        if event.opcode is Opcode.PING:
            self._report(ReportKind.PING)
            self._send(Opcode.PONG, event.payload)  # RFC 6455 §5.5.2: also after our own close frame
        elif event.opcode is Opcode.PONG:
            self._report(ReportKind.PONG)
        else:
            try:
                code, reason = read_close(event.payload)
            except FrameError as broken:
                self._fail(broken)
                return
            self._closed_by_peer(code, reason)

    def _congest(self, *, on: bool) -> None:
        """Decode nothing while output is congested. When it flows, pings behind it arrive, and pongs may be awaited."""
        self._congested = on and not self._eof
        was_stalled, self._stalled = self._stalled, self._congested or self._held
        if was_stalled or self._stalled:
            self._await_rest(again=True)  # what did not come while nobody read is not the peer's fault
        if not on:
            self._keepalive.outlast(self._now)

    # Bytes out

    def send_message(self, data: str | bytes) -> None:
        """Do what `SendMessage` asks for, without an object for it."""
        if type(data) is str and self._phase is _OPEN and self._deflate is None:
            self._actions.append(SendBytes(text_frame(data.encode(), self._masking)))
            return
        if not isinstance(data, (str, bytes)):
            raise TypeError(f"expected a message as str or bytes, got {type(data).__name__}")
        if self._phase is Phase.HANDSHAKE:
            raise RuntimeError("the WebSocket is not open yet")
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
        """Enter the open WebSocket; bytes that came behind the handshake are its first ones."""
        self._phase = Phase.OPEN
        self._until = inf
        self._deflate = deflate
        self._actions.append(TransportOpened(subprotocol, self._attempt))
        early, self._head = self._head.data, _NO_HEAD
        if early:
            self._feed(bytes(early))
        self._keepalive.start(self._now)

    def _close_link(self, event: CloseLink) -> None:
        if not event.force:  # the peer of a dropped stream never learns the code
            expect_close_code(event.code)
        reason = cut_reason(event.reason)
        if self._phase is Phase.ENDED:
            return
        if self._phase is Phase.HANDSHAKE:
            self._close_early(event)
        elif event.force:
            self._end(self._last_word(), abort=True)
        elif self._phase is Phase.OPEN:
            self._phase = Phase.CLOSING
            self._send(Opcode.CLOSE, close_payload(event.code, reason))
            self._keepalive.stop()
            self._until = self._now + self._config.close_timeout

    def _closed_by_peer(self, code: int, reason: str) -> None:
        """RFC 6455 §5.5.1: answer a close frame by the same; §7.1.1: the server ends the stream first.

        A client that was closed does not wait for that here: its host does, while the client comes back.
        """
        lost = TransportLost(code, reason, self._attempt)
        if self._phase is Phase.OPEN:
            self._send(Opcode.CLOSE, close_payload(code, reason))
        elif self._client:
            self._await_end(lost, self._config.close_timeout)
            return
        self._end(lost)

    def _fail(self, broken: FrameError) -> None:
        """Fail the connection (RFC 6455 §7.1.7): say why, then read nothing more, not even a close frame.

        A client leaves waiting for the server's end to its host, which also reads and forgets what comes before it.
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
        """Wait for the peer to end the stream, no longer than `timeout` or the close handshake that already runs."""
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

    def _last_word(self) -> TransportLost | None:
        """Say how an open WebSocket ended: as agreed before, or abnormally; nothing of one that was refused."""
        return self._lost if self._phase is Phase.ENDING else TransportLost(ABNORMAL_CLOSURE, "", self._attempt)

    def _forget(self) -> None:
        self._until = inf
        self._keepalive.stop()
        self._head.clear()
        self._leave_reader()
        self._deflate = None
        self.unread, self._at = b"", 0

    # Timers

    def _expire(self) -> None:
        """Do what is due, in order of time; every step disarms or postpones what it was due for."""
        while self.deadline <= self._now:
            if self._until <= self._now:
                self._end_phase()
            elif self._keepalive.pong_by <= self._keepalive.ping_at and self._stalled:
                self._keepalive.pong_by = inf  # nobody listens: its pong may have come
            elif self._keepalive.pong_by <= self._keepalive.ping_at:
                timeout = self._config.pong_timeout
                self._report(ReportKind.PONG_TIMEOUT, f"nothing arrived for {timeout:.15g} s after a ping")
                self._end(self._last_word(), abort=True)
            elif self._keepalive.is_ping_sent(self._now):
                self._send(Opcode.PING, b"")

    def _end_phase(self) -> None:
        if self._phase is Phase.HANDSHAKE:
            self._until = inf
            self._handshake_timeout()
        elif self._phase is not _OPEN:
            self._end(self._last_word(), abort=self._phase is Phase.CLOSING)
        elif self._stalled:
            self._await_rest(again=True)
        else:
            self._fail(FrameError(POLICY_VIOLATION, "a message that is not finished in its time"))

    def _reconfigure(self, config: LinkConfig) -> None:
        """Take other settings; those of the handshake and the compression stay as they were agreed on."""
        self._config = config
        if self._reader is not None:
            self._reader.configure(config)
        self._keepalive.configure(config, self._now, is_open=self._phase is Phase.OPEN)
