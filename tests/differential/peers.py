"""What a peer sends: texts of messages, right and broken, and the frames around them."""

import json
from typing import Any, Final

from tests.broken_frames import CORPUS
from tests.fuzz.choices import JSON_EDGES, changed
from tests.fuzz.payloads import known_payloads
from tests.fuzz.targets.frames import deflated
from tests.link.wire import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, frame

from .commands import Scene, payload_of
from .drawing import Draws

__all__ = ["frames_of", "odd_bytes", "text_of"]

_IDS: Final = ("1", "2", "3", "a", "", "i" * 37, "-1", "é", "\ud800")
_ERRORS: Final[tuple[tuple[Any, ...], ...]] = (
    ("NotSupported", "because", {}),
    ("GenericError", "", {"a": 1}),
    ("FormatViolation", "x", {}),
    ("Bogus", "x" * 300, {}),
    ("", None, None),
    (5, [], ""),
)
_BROKEN: Final = ("[" * 200, "[2," * 2000, '[2,"a","X",{"x":1e999}]', '[3,"id-1",' + "9" * 5000 + "]", "\ufeff", " ")


def text_of(draws: Draws, scene: Scene, written: dict[str, str]) -> str:
    """Return a text of the peer.

    Args:
        draws: The seed of the history.
        scene: What was used in the history.
        written: The actions of the calls that the peer received, by message ID.
    """
    way = draws.number(4) if draws.rarely(4) else 5
    if way == 0:
        return draws.pick(CORPUS)
    if way == 1:
        return draws.pick(_BROKEN)
    if way == 2:
        return draws.some().decode(errors="surrogateescape")
    message = _frame(draws, scene, written)
    if way == 3:
        message = changed(draws, message)
    text = json.dumps(message, ensure_ascii=draws.flag(), separators=draws.pick(((",", ":"), (", ", ": "))))
    if way == 4:
        at = draws.number(len(text))
        return text[:at] + draws.some().decode(errors="surrogateescape") + text[at + draws.number(5) :]
    return text


def _frame(draws: Draws, scene: Scene, written: dict[str, str]) -> Any:
    way = draws.number(11)
    if way < 5:
        message_id = draws.pick(_IDS) if draws.rarely(4) else f"{draws.number(999)}"
        action, payload = payload_of(draws, scene.protocol, "call")
        return [2, message_id, action, payload]
    if way == 5:
        payload = known_payloads("ocpp2.1")["NotifyPeriodicEventStream"]["send"]
        return [6, f"{draws.number(99)}", "NotifyPeriodicEventStream", changed(draws, payload)]
    message_id = draws.pick(list(written)) if written and draws.number(7) else f"id-{draws.number(scene.ids + 1)}"
    if way < 10:
        _, payload = payload_of(draws, scene.protocol, "result", written.get(message_id))
        if draws.rarely(12):
            return draws.pick(([3, message_id], [3, message_id, None], [3, message_id, draws.pick(JSON_EDGES)]))
        return [3, message_id, payload]
    return [draws.pick((4, 4, 4, 5)), message_id, *draws.pick(_ERRORS)]


def frames_of(draws: Draws, text: str, *, masked: bool, packed: bool) -> bytes:
    """Return a text as one frame or several ones, with control frames in between."""
    data = text.encode(errors="surrogatepass")
    rsv = 0
    if packed and draws.flag():
        data, rsv = deflated(data), 4
    if draws.number(7):
        return frame(TEXT, data, rsv=rsv, masked=masked)
    parts = draws.pieces(data)
    out = b""
    for number, part in enumerate(parts):
        first, last = number == 0, number == len(parts) - 1
        out += frame(TEXT if first else CONTINUATION, part, fin=last, rsv=rsv if first else 0, masked=masked)
        if draws.one_in(3):
            out += frame(draws.pick((PING, PONG)), b"?", masked=masked)
    return out


def odd_bytes(draws: Draws, *, masked: bool) -> bytes:
    """Return control frames, and bytes that are no frame that this side may send."""
    way = 3 + draws.number(6) if draws.rarely(3) else 0
    if way < 3:
        return frame(draws.pick((PING, PONG)), draws.take(draws.pick((0, 1, 5, 125))), masked=masked)
    if way == 3:
        return frame(CLOSE, draws.pick(_CLOSES), masked=masked)
    if way == 4:
        return frame(BINARY, draws.pick((b'[2,"b","Heartbeat",{}]', b"\xff\x00", b"")), masked=masked)
    if way == 5:
        return frame(
            TEXT, draws.pick((b"\xff\xfe", b"\xed\xa0\x80", b"\xe2\x82", b'[2,"\xff","Heartbeat",{}]')), masked=masked
        )
    if way == 6:
        return draws.pick(_RAW)
    length = draws.pick((None, None, 1 << 17, 126))
    wide = frame(draws.byte() & 15, draws.some(), fin=draws.flag(), rsv=draws.number(7), masked=masked, length=length)
    return wide if way < 9 else frame(TEXT, b"wrong mask", masked=not masked)


_CLOSES: Final = (b"\x03\xe8done", b"", b"\x03", b"\x03\xed", b"\x03\xe8\xff", b"\x0f\xa0own", b"\x03\xe9", b"\xff\xff")
_RAW: Final = (
    b"GET /CP1 HTTP/1.1\r\n\r\n",
    b"\x81\x7f" + b"\xff" * 8,
    b"\x81\xfe\x00\x05" + b"\x00" * 9,
    b"\x16\x03\x01\x02\x00",
    b"\x89\x7e\x00\x7e" + bytes(126),
)
