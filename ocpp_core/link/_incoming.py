"""The receiving half of an open WebSocket, which decodes a limited number of frames per turn.

Nearly all frames are whole texts, pings or pongs, which `_fast_path` decodes in place. A reader decodes all others; it
is made when it is needed and dropped when it is idle. Nothing is decoded while output is congested or the session is
full, and no decoded message is stored.
"""

from abc import ABC, abstractmethod
from math import inf
from typing import TYPE_CHECKING, Final

from ocpp_core.actions import TURN, LinkAction, Yield
from ocpp_core.config import LinkConfig
from ocpp_core.inputs import BinaryReceived, TextReceived
from ocpp_core.timers import coarse

from ._deflate import Deflate
from ._fast_path import whole_control, whole_text
from ._frames import FrameError
from ._keepalive import Keepalive
from ._opcode import Control
from ._phase import Phase
from ._unfinished import Unfinished

if TYPE_CHECKING:
    from ._reader import MessageReader

__all__ = ["IncomingFrames"]

# Looking up an Enum member costs as much as a call; this one is needed for every message.
_OPEN: Final = Phase.OPEN


class IncomingFrames(ABC):
    """The part of `LinkBase` that decodes bytes while the WebSocket is open."""

    __slots__ = (
        "_actions",
        "_at",
        "_attempt",
        "_client",
        "_config",
        "_congested",
        "_deflate",
        "_eof",
        "_held",
        "_keepalive",
        "_now",
        "_phase",
        "_reader",
        "_stalled",
        "_unfinished",
        "_until",
        "_work",
        "unread",
    )

    def __init__(self, config: LinkConfig, keepalive: Keepalive, *, client: bool, attempt: int, now: float) -> None:
        self._config = config
        self._client = client
        self._attempt = attempt
        self._now = now
        self._phase = Phase.HANDSHAKE
        self._actions: list[LinkAction] = []
        self._until = coarse(now, config.handshake_timeout)  # end of the phase; while `OPEN`, of an unfinished message
        self._keepalive = keepalive
        self._reader: MessageReader | None = None
        self._unfinished = Unfinished()
        self.unread: bytes = b""
        """Received bytes that neither `poll` nor `next_text` has decoded or passed to a reader."""
        self._at = 0
        self._deflate: Deflate | None = None
        self._work = 0  # units since the turn began
        self._eof = False  # the peer has ended its side of the stream
        self._congested = False
        self._held = False
        self._stalled = False  # `_congested` or `_held`: decode nothing

    # Implemented by `LinkBase`

    @abstractmethod
    def _control(self, event: Control) -> None:
        """Process a ping, a pong or a close frame."""

    @abstractmethod
    def _fail(self, broken: FrameError) -> None:
        """Fail the connection."""

    # Turns

    def _is_turn_over(self) -> bool:
        """Return True if bytes are left to decode after the work of this turn."""
        return bool(self.unread or not (self._reader is None or self._reader.idle))

    def _end_turn(self) -> Yield:
        """End this turn; undecoded bytes prove that the peer is alive, so no pong is awaited."""
        self._work = 0
        self._keepalive.pong_by = inf
        return Yield()

    def hold(self, on: bool) -> None:  # positional, as in `Reading` and `Congested`
        """Stop decoding while `on` is True, for a stack whose session is full."""
        self._held = on
        self._stalled = self._congested or on
        self._await_rest(again=True)

    def _congest(self, *, on: bool) -> None:
        """Stop decoding while output is congested.

        When it drains, start the wait for a pong again.
        """
        self._congested = on and not self._eof
        was_stalled, self._stalled = self._stalled, self._congested or self._held
        if was_stalled or self._stalled:
            self._await_rest(again=True)  # the peer is not late while this side does not read
        if not on:
            self._keepalive.outlast(self._now)

    def _feed(self, data: bytes) -> None:
        if self._reader is not None:
            self._reader.feed(data)
        elif self.unread:
            self.unread = self.unread[self._at :] + data  # without the decoded bytes, which must not accumulate
            self._at = 0
        else:
            self.unread = data

    # Decoding

    def next_text(self) -> str | None:
        """Return the next message if it is one whole text frame and no action precedes it, else None.

        It saves a stack an action for nearly every message. `poll` decodes all other frames.
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

    def _is_control_taken(self, data: bytes) -> bool:
        """Decode a whole ping or pong; return False if it is anything else."""
        control = whole_control(data, self._at, masked=not self._client)
        if control is None:
            return False
        event, self._at = control
        self._work += 1
        if self._at == len(data):
            self.unread, self._at = b"", 0
        self._control(event)
        return True

    def _begin_reader(self, data: bytes) -> None:
        """Pass the bytes to a reader, which decodes any frame."""
        self._reader = self._make_reader()
        self._reader.feed(data[self._at :])
        self.unread, self._at = b"", 0

    def _make_reader(self) -> "MessageReader":
        # This import loads wsproto, which many connections never need, and takes as long as a hundred messages.
        from ._reader import MessageReader

        return MessageReader(self._config, client=self._client, attempt=self._attempt, deflate=self._deflate)

    def _decode(self, reader: "MessageReader") -> bool:
        """Process the next message or control frame of the reader, and drop an idle reader."""
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
            if not reader.has_begun:
                self._end_time()
            self._control(event)
        elif isinstance(event, (TextReceived, BinaryReceived)):
            self._work += len(event.text if isinstance(event, TextReceived) else event.data) >> 11
            self._actions.append(event)
            self._end_time()
        else:
            self._work += event.size >> 11
            self._extend_time(event.size)
        return True

    def _end_time(self) -> None:
        """Disarm the deadline of a finished message."""
        if self._phase is _OPEN:
            self._until = inf

    def _extend_time(self, size: int) -> None:
        """Postpone the deadline of a message for `size` more bytes of it.

        Pings in between do not.
        """
        if self._phase is _OPEN:
            config = self._config
            self._until = min(self._until + size / config.min_message_rate, coarse(self._now, config.message_timeout))

    def _leave_reader(self) -> None:
        if self._reader is not None:
            self._reader.count_no_more(self._unfinished)
            self._reader = None

    def _drop_unread(self) -> None:
        """Drop the received bytes that are not decoded."""
        self._leave_reader()
        self.unread, self._at = b"", 0

    def _await_rest(self, *, again: bool = False) -> None:
        """Arm the deadline of an unfinished message if it has none, or start it `again`."""
        if self._phase is _OPEN:
            if self._reader is None:
                self._until = inf
            elif again or self._until == inf:
                self._until = coarse(self._now, self._config.message_timeout)
