"""The receiving half of an open WebSocket: what has arrived, and how much of it is decoded in a turn.

Nearly all that arrives is a whole text, ping or pong, which is read by hand where it lies (`_fast_path`). Everything
else goes to a reader, which is made when it is needed and forgotten when it is idle. Nothing is decoded while output is
congested or the session has no room; nothing that was decoded is kept.
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

# Looked up in an Enum's class, a member costs as much as a call; this one is asked for at every message.
_OPEN: Final = Phase.OPEN


class IncomingFrames(ABC):
    """What `LinkBase` does with bytes while the WebSocket is open."""

    __slots__ = (
        "_actions",
        "_at",
        "_attempt",
        "_client",
        "_config",
        "_congested",
        "_deflate",
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
        self._until = coarse(now, config.handshake_timeout)  # the end of the phase; while `OPEN`, of a message begun
        self._keepalive = keepalive
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

    # What the frames are for

    @abstractmethod
    def _control(self, event: Control) -> None:
        """Take a ping, a pong or a close frame."""

    @abstractmethod
    def _fail(self, broken: FrameError) -> None:
        """Fail the connection."""

    # Turns

    def _is_turn_over(self) -> bool:
        """Return True if there is more to decode than this turn's share of work."""
        return bool(self.unread or not (self._reader is None or self._reader.idle))

    def _end_turn(self) -> Yield:
        """Let others have their turn; a peer whose bytes wait here gives a sign of life."""
        self._work = 0
        self._keepalive.pong_by = inf
        return Yield()

    def hold(self, on: bool) -> None:  # as `Reading` and `Congested` have it
        """Decode nothing while it is on: for a stack whose session has no room for further requests."""
        self._held = on
        self._stalled = self._congested or on
        self._await_rest(again=True)

    def _feed(self, data: bytes) -> None:
        if self._reader is not None:
            self._reader.feed(data)
        elif self.unread:
            self.unread = self.unread[self._at :] + data  # without what was decoded: it must not pile up
            self._at = 0
        else:
            self.unread = data

    # Decoding

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
        from ._reader import MessageReader

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
            if not reader.has_begun:
                self._end_time()
            self._control(event)
        elif isinstance(event, (TextReceived, BinaryReceived)):
            self._work += len(event.text if isinstance(event, TextReceived) else event.data) >> 11
            self._actions.append(event)
            self._end_time()
        else:
            self._work += event.size >> 11
            self._give_time(event.size)
        return True

    def _end_time(self) -> None:
        """Wait for nothing: the next message has its own time."""
        if self._phase is _OPEN:
            self._until = inf

    def _give_time(self, size: int) -> None:
        """Give a message that has come so many bytes further its time for the next; pings in between give none."""
        if self._phase is _OPEN:
            config = self._config
            self._until = min(self._until + size / config.min_message_rate, coarse(self._now, config.message_timeout))

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
