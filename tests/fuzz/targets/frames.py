"""Frames of a peer after the handshake, with time, congestion and commands of the host in between."""

import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from math import inf
from random import Random
from typing import Any, Final

from ocpp_core.actions import CloseStream, LinkAction, SendBytes, Yield
from ocpp_core.config import Compression, LinkConfig
from ocpp_core.inputs import (
    Accept,
    BinaryReceived,
    BytesReceived,
    CloseLink,
    Congested,
    LinkInput,
    Probe,
    SendMessage,
    TextReceived,
    Tick,
    TransportLost,
)
from ocpp_core.link import ClientLink, ServerLink, Unfinished
from ocpp_core.websocket.close import is_close_code
from tests.broken_frames import CORPUS
from tests.fuzz.choices import Choices, some
from tests.fuzz.target import Target
from tests.link.wire import (
    BINARY,
    CLOSE,
    CONTINUATION,
    EOF,
    PING,
    PONG,
    TEXT,
    Link,
    answer,
    frame,
    read_frames,
    request,
    settings,
)

__all__ = ["CORPUS_OF_FRAMES", "ROLES", "TARGETS", "frames_of", "open_link"]

_LIMIT: Final = 3000
_OPTIONS: Final[dict[str, Any]] = {"max_message_size": _LIMIT, "max_fragments": 5, "message_timeout": 60.0}
_PLAIN: Final = settings(**_OPTIONS)
_PACKED: Final = settings(**_OPTIONS, compression=Compression(threshold=20, context_takeover=True))
_PINGING: Final = LinkConfig(**_OPTIONS, ping_interval=20.0, pong_timeout=30.0)
_CONFIGS: Final = (_PLAIN, _PACKED, _PINGING)
_EXTENSION: Final = ("Sec-WebSocket-Extensions", "permessage-deflate")
_FRAME, _RAW, _WAIT, _CONGEST, _COMMAND = range(5)
_COMMANDS: Final[Sequence[LinkInput]] = (
    SendMessage("text"),
    SendMessage(b"x" * 200),
    Probe(),
    CloseLink(1000, "done"),
    CloseLink(4000, "", force=True),
)
_Step = tuple[bytes, LinkInput | None, float]
"""Bytes to receive, or an input; and the seconds before it."""


def open_link(role: type[Link], config: LinkConfig, unfinished: Unfinished) -> Link:
    """Return a link with the handshake behind it."""
    more = () if config.compression is None else (_EXTENSION,)
    if role is ServerLink:
        link: Link = ServerLink(config, random=Random(1), now=0.0, unfinished=unfinished)
        link.handle(BytesReceived(request(*more)), 0.0)
        link.poll()
        link.handle(Accept(None), 0.0)
    else:
        link = ClientLink(config, host="x", target="/", subprotocols=(), random=Random(1), now=0.0)
        asked = link.poll()
        assert isinstance(asked, SendBytes)
        link.handle(BytesReceived(answer(asked.data, *more)), 0.0)
    while link.poll() is not None:
        pass
    return link


def _steps(choices: Choices, role: type[Link]) -> Iterator[_Step]:
    while choices.left:
        kind = choices.byte() % 8
        if kind == _WAIT:
            yield b"", Tick(), float(choices.number(70))
        elif kind == _CONGEST:
            yield b"", Congested(choices.flag()), 0.0
        elif kind == _COMMAND:
            yield b"", choices.pick(_COMMANDS), 0.0
        elif kind == _RAW:
            yield choices.some(), None, 0.0
        else:
            yield _frame(choices, masked=role is ServerLink), None, 0.0


def _frame(choices: Choices, *, masked: bool) -> bytes:
    first, flags = choices.byte(), choices.byte()
    payload = choices.some()
    if flags & 1:
        payload = payload * (1 + choices.number(40))
    if flags & 2:
        payload = deflated(payload)
    length = choices.number(1 << 17) if flags & 12 == 12 else None
    right = masked is not (flags & 48 == 48)
    return frame(first & 15, payload, fin=bool(first & 128), rsv=first >> 4 & 7, masked=right, length=length)


def frames_of(choices: Choices, role: type[Link]) -> Iterator[bytes]:
    """Iterate over the bytes that the peer sends, without what happens in between."""
    return (data for data, event, _ in _steps(choices, role) if event is None)


def deflated(data: bytes) -> bytes:
    """Return the payload of a compressed message."""
    compressor = zlib.compressobj(1, zlib.DEFLATED, -12)
    return (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


class _Host:
    """The host of one link: it echoes every message, and checks what the link does."""

    def __init__(self, role: type[Link], config: LinkConfig) -> None:
        self.unfinished = Unfinished()
        self.link = open_link(role, config, self.unfinished)
        self.actions: list[LinkAction] = []
        self.now = 0.0

    def handle(self, event: LinkInput) -> None:
        self.link.handle(event, self.now)
        while (action := self.link.poll()) is not None:
            if type(action) is Yield:  # where a turn ends depends on where the chunks do
                continue
            self.actions.append(action)
            if isinstance(action, TextReceived):
                assert len(action.text.encode()) <= _LIMIT
                self.link.handle(SendMessage(action.text), self.now)
            elif isinstance(action, BinaryReceived):
                assert len(action.data) <= _LIMIT
                self.link.handle(SendMessage(action.data), self.now)
        assert self.unfinished.size >= 0

    def finish(self) -> None:
        """End the stream, let all deadlines pass, and check what is left."""
        self.handle(Congested(False))
        self.handle(EOF)
        for _ in range(10):
            if self.link.deadline == inf:
                break
            self.now = max(self.now, self.link.deadline)
            self.handle(Tick())
        assert self.link.deadline == inf
        assert self.unfinished.size == 0
        kinds = Counter(map(type, self.actions))
        assert kinds[CloseStream] == kinds[TransportLost] == 1
        assert isinstance(self.actions[-1], (CloseStream, TransportLost))


def _play(role: type[Link], config: LinkConfig, steps: Sequence[_Step], cut: Choices | None) -> list[str]:
    host = _Host(role, config)
    for data, event, wait in steps:
        host.now += wait
        if event is not None:
            host.handle(event)
            continue
        for chunk in [data] if cut is None else cut.pieces(data):
            if chunk:
                host.handle(BytesReceived(chunk))
    host.finish()
    _check_output(host.actions, role)
    return list(map(repr, host.actions))


def _check_output(actions: Sequence[LinkAction], role: type[Link]) -> None:
    data = b"".join(action.data for action in actions if isinstance(action, SendBytes))
    closes = 0
    for first, payload in read_frames(data):
        assert first & 15 in (TEXT, BINARY, CLOSE, PING, PONG)
        assert first & 128
        if first & 15 == CLOSE:
            closes += 1
            assert not payload or is_close_code(int.from_bytes(payload[:2], "big"))
    assert closes <= 1


def play_frames(role: type[Link], data: bytes) -> None:
    """No bytes raise, the end comes once and leaves nothing, and how the bytes were cut makes no difference."""
    choices = Choices(data)
    config = choices.pick(_CONFIGS)
    cut = Choices(choices.some())
    steps = list(_steps(choices, role))
    whole = _play(role, config, steps, None)
    assert _play(role, config, steps, cut) == whole


def step(first: int, payload: bytes = b"", flags: int = 0) -> bytes:
    """Return the input that makes one frame."""
    return bytes([_FRAME, first, flags]) + some(payload)


_FIN: Final = 128
_SCRIPTS: Final = (
    step(_FIN | TEXT, b'[2,"1","Heartbeat",{}]'),
    *(step(_FIN | TEXT, text.encode(errors="replace")) for text in CORPUS[:12]),
    step(TEXT, b'[2,"1",') + step(_FIN | PING, b"?") + step(_FIN | CONTINUATION, b'"Heartbeat",{}]'),
    step(_FIN | BINARY, b"\x00\xff") + step(_FIN | PONG),
    step(_FIN | TEXT, b"\xff\xfe"),
    step(_FIN | TEXT, b"\xed\xa0\x80"),
    step(TEXT, b"\xe2") + step(_FIN | CONTINUATION, b"\x82\xac"),
    step(_FIN | CLOSE, b"\x03\xe8done") + step(_FIN | TEXT, b"late"),
    step(_FIN | CLOSE, b"\x03"),
    step(_FIN | CLOSE, b"\x03\xed"),
    step(_FIN | CLOSE, b"\x03\xe8\xff"),
    step(PING, b"fragment"),
    step(_FIN | PING, b"x" * 126),
    step(_FIN | 3) + step(_FIN | 11),
    step(_FIN | 0x40 | TEXT, b"compressed " * 20, 2),
    step(0x40 | TEXT, b"compressed " * 20, 2) + step(_FIN | CONTINUATION),
    step(_FIN | 0x40 | TEXT, b"x" * 200, 3) + b"\x00\x28",
    step(_FIN | 0x40 | TEXT, b"no deflate"),
    step(_FIN | 0x20 | TEXT, b"rsv2"),
    step(_FIN | TEXT, b"x" * 200, 1) + b"\x28",
    step(_FIN | TEXT, b"unmasked", 48),
    step(_FIN | TEXT, b"a lie", 12) + b"\x01\xff\xff",
    b"".join(step(TEXT if not at else CONTINUATION, b"x") for at in range(7)),
    step(TEXT, b"slow") + bytes([_WAIT, 61]) + step(_FIN | CONTINUATION),
    bytes([_CONGEST, 1]) + step(_FIN | TEXT, b"later") + bytes([_WAIT, 40, _CONGEST, 0]),
    bytes([_COMMAND, 3]) + step(_FIN | CLOSE, b"\x03\xe8"),
    bytes([_RAW]) + some(b"\x81\xfe\x00\x05" + b"\x00" * 9),
    bytes([_RAW]) + some(b"\x81\x7f" + b"\xff" * 8),
    bytes([_RAW]) + some(b"GET /CP1 HTTP/1.1\r\n\r\n"),
    bytes([_RAW]) + some(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
)
_CUTS: Final = (b"", b"\x02\x01\x05")
CORPUS_OF_FRAMES: Final = [
    bytes([config]) + some(cuts) + script for script in _SCRIPTS for config in range(3) for cuts in _CUTS
]

ROLES: Final[dict[str, type[Link]]] = {"frames-of-a-station": ServerLink, "frames-of-a-server": ClientLink}
TARGETS: Final = {name: Target(partial(play_frames, role), CORPUS_OF_FRAMES) for name, role in ROLES.items()}
