"""What a client and a server have in common: the open WebSocket, from the end of the handshake to the last byte."""

from abc import ABC, abstractmethod
from math import inf
from random import Random
from typing import TYPE_CHECKING, Final, assert_never

from ocpp_core.actions import CloseStream, LinkAction, Report, ReportKind, SendBytes, Yield
from ocpp_core.config import LinkConfig
from ocpp_core.inputs import (
    Accept,
    BinaryReceived,
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
from ocpp_core.timers import coarse

from ._deflate import Deflate
from ._frames import (
    ABNORMAL_CLOSURE,
    POLICY_VIOLATION,
    Control,
    FrameError,
    Opcode,
    close_payload,
    cut_reason,
    encode_frame,
    is_close_code,
    read_close,
    text_frame,
)
from ._http import HeadBuffer
from ._keepalive import Keepalive
from ._phase import LINGER, Phase
from ._unfinished import Unfinished
from ._whole import whole_control, whole_text

if TYPE_CHECKING:
    from ._reader import MessageReader

__all__ = ["TURN", "LinkBase"]

TURN: Final = 32
"""Units of work until other connections get their turn: a frame is one, and so are 2 KiB of a message.

Whatever a frame is (a text, a ping, an empty fragment, one that is refused), reading it costs about the same.
"""
# Looked up in an Enum's class, a member costs as much as a call; these two are asked for at every message.
_OPEN: Final = Phase.OPEN
_ENDED: Final = Phase.ENDED
_NO_HEAD: Final = HeadBuffer()
"""Stands in for the buffer of a handshake that is over: nothing is put into it."""


class LinkBase(ABC):
    """One WebSocket connection: bytes in, messages and bytes out."""

    __slots__ = (
        "_actions",
        "_at",
        "_attempt",
        "_client",
        "_config",
        "_congested",
        "_deflate",
        "_eof",
        "_head",
        "_held",
        "_keepalive",
        "_news",
        "_now",
        "_phase",
        "_random",
        "_reader",
        "_stalled",
        "_unfinished",
        "_until",
        "_work",
        "unread",
    )

    def __init__(self, config: LinkConfig, *, client: bool, attempt: int, random: Random, now: float) -> None:
        self._config = config
        self._client = client
        self._attempt = attempt
        self._random = random
        self._now = now
        self._phase = Phase.HANDSHAKE
        self._actions: list[LinkAction] = []
        self._until = coarse(now, config.handshake_timeout)  # the end of the phase; while `OPEN`, of a message begun
        self._keepalive = Keepalive(config, random, now)
        self._head = HeadBuffer()
        self._reader: MessageReader | None = None
        self._unfinished = Unfinished()
        self.unread = b""
        """What has arrived on the open WebSocket and neither `poll` nor `next_text` nor a reader has looked at."""
        self._at = 0
        self._deflate: Deflate | None = None
        self._work = 0  # units since this turn began
        self._congested = False
        self._held = False
        self._stalled = False  # either of them: decode nothing
        self._eof = False
        self._news: TransportLost | None = None

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
            if self._work >= TURN and (self.unread or not (self._reader is None or self._reader.idle)):
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

    def _end_turn(self) -> Yield:
        """Let others have their turn; a peer whose bytes wait here gives a sign of life."""
        self._work = 0
        self._keepalive.pong_by = inf
        return Yield()

    def _command(self, event: LinkInput) -> None:
        match event:
            case Tick():
                self._expire()
            case StreamLost(attempt):
                self._break_off(attempt)
            case Congested(on):
                self._congested = on and not self._eof
                self._stalled = self._congested or self._held
                self._await_rest(again=True)  # what did not come while nobody read is not the peer's fault
            case CloseLink():
                self._close_link(event)
            case Accept() | Reject() | Respond():
                self._answer(event)
            case Reconfigure(config):
                if isinstance(config, LinkConfig):
                    self._reconfigure(config)
            case BytesReceived() | SendMessage():
                pass  # taken before
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
    def _answer(self, event: Accept | Reject | Respond) -> None:
        """Take the caller's decision on a request."""

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

    def hold(self, on: bool) -> None:  # noqa: FBT001 - as `Reading` and `Congested` have it
        """Decode nothing while it is on: for a stack whose session has no room for further requests."""
        self._held = on
        self._stalled = self._congested or on
        self._await_rest(again=True)

    def _feed(self, data: bytes) -> None:
        if self._reader is not None:
            self._reader.feed(data)
            if self._phase is _OPEN:
                self._until += len(data) / self._config.min_message_rate
        elif self.unread:
            self.unread = self.unread[self._at :] + data  # without what was decoded: it must not pile up
            self._at = 0
        else:
            self.unread = data

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

    def next_text(self) -> str | None:
        """Take the next message if it is all there as one text frame and nothing else comes before it; else None.

        For a stack, which spares itself an action for nearly every message. What is left `poll` takes.
        """
        data = self.unread
        if self._actions or self._stalled or not data or self._work >= TURN:
            return None
        usual = whole_text(data, self._at, self._config.max_message_size, masked=not self._client)
        if usual is None:
            return None
        text, self._at = usual
        self._work += 1 + (len(text) >> 11)
        if self._at == len(data):
            self.unread, self._at = b"", 0
        return text

    def _decode_unusual(self, data: bytes) -> None:
        """Take a whole ping or pong, or leave what came to a reader."""
        control = whole_control(data, self._at, masked=not self._client)
        if control is None:
            self._reader = self._make_reader()
            self._reader.feed(data[self._at :])
            self.unread, self._at = b"", 0
            return
        event, self._at = control
        self._work += 1
        if self._at == len(data):
            self.unread, self._at = b"", 0
        self._control(event)

    def _make_reader(self) -> "MessageReader":
        # Loads wsproto, which many a connection never needs, and which takes as long as a hundred messages.
        from ._reader import MessageReader  # noqa: PLC0415 - as said

        return MessageReader(self._config, client=self._client, attempt=self._attempt, deflate=self._deflate)

    def _decode(self, reader: "MessageReader") -> bool:
        """Take the next message or control frame from the reader, and forget an idle one."""
        try:
            event = reader.next()
            reader.count(self._unfinished)
        except FrameError as broken:
            self._fail(broken)
            return True
        if event is None:
            if reader.idle:
                self._leave_reader()
            self._await_rest()
            return False
        self._work += 1
        if isinstance(event, Control):
            self._control(event)
        elif isinstance(event, (TextReceived, BinaryReceived)):
            self._work += len(event.text if isinstance(event, TextReceived) else event.data) >> 11
            self._actions.append(event)
            if self._phase is _OPEN:
                self._until = inf  # the next one has its own time
        else:
            self._work += event.size >> 11
        return True

    def _leave_reader(self) -> None:
        if self._reader is not None:
            self._reader.count_no_more(self._unfinished)
            self._reader = None

    def _await_rest(self, *, again: bool = False) -> None:
        """Give a message that has begun its time, from now on where it has none or begins `again` to be waited for."""
        if self._phase is _OPEN:
            if self._reader is None:
                self._until = inf
            elif again or self._until == inf:
                self._until = coarse(self._now, self._config.message_timeout)

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

    # Bytes out

    def send_message(self, data: str | bytes) -> None:
        """Do what `SendMessage` asks for, without an object for it."""
        if type(data) is str and self._phase is _OPEN and self._deflate is None and not self._client:
            self._actions.append(SendBytes(text_frame(data.encode())))
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
        key = self._random.randbytes(4) if self._client else None
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
        early, self._head = self._head.clear(), _NO_HEAD
        if early:
            self._feed(early)
        self._keepalive.start(self._now)

    def _close_link(self, event: CloseLink) -> None:
        if not event.force and not is_close_code(event.code):  # by force, nobody is told the code
            raise ValueError(f"expected a close code of 1000-1003, 1007-1014 or 3000-4999, got {event.code!r}")
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
        news = TransportLost(code, reason, self._attempt)
        if self._phase is Phase.OPEN:
            self._send(Opcode.CLOSE, close_payload(code, reason))
        elif self._client:
            self._await_end(news, self._config.close_timeout)
            return
        self._end(news)

    def _fail(self, broken: FrameError) -> None:
        """Fail the connection (RFC 6455 §7.1.7): say why, then read nothing more, not even a close frame."""
        self._report(ReportKind.PROTOCOL_ERROR, broken.detail)
        if self._phase is Phase.OPEN:
            self._send(Opcode.CLOSE, close_payload(broken.code, broken.reason))
        linger = self._config.close_timeout if self._client else min(LINGER, self._config.close_timeout)
        self._await_end(TransportLost(broken.code, broken.reason, self._attempt), linger)

    def _await_end(self, news: TransportLost | None, timeout: float) -> None:
        """Wait for the peer to end the stream, no longer than `timeout` or the close handshake that already runs."""
        self._news = news
        until = self._now + timeout
        if self._phase is Phase.CLOSING:
            until = min(until, self._until)
        self._phase = Phase.ENDING
        self._forget()
        self._until = until

    def _end(self, news: TransportLost | TransportFailed | None, *, abort: bool = False) -> None:
        self._phase = Phase.ENDED
        self._forget()
        self._actions.append(CloseStream(abort))
        if news is not None:
            self._actions.append(news)

    def _last_word(self) -> TransportLost | None:
        """Say how an open WebSocket ended: as agreed before, or abnormally; nothing of one that was refused."""
        return self._news if self._phase is Phase.ENDING else TransportLost(ABNORMAL_CLOSURE, "", self._attempt)

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
