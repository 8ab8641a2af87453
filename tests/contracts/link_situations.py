"""The two links of the golden tables: how each gets into each situation, and what each row of a table feeds it."""

from collections.abc import Callable
from random import Random
from typing import Any, TypeVar

from ocpp_core import ClientConfig, ClientLink, LinkConfig, ServerLink
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
    Tick,
)
from ocpp_core.link._frames import close_payload, encode_frame
from ocpp_core.link._http import accept_key
from ocpp_core.link._opcode import Opcode
from ocpp_core.link._phase import Phase
from tests.contracts.situations import NOW, Machine, Row, always, drain, feed

HANDSHAKE, CLOSE, PING, PONG = 20.0, 5.0, 100.0, 10.0
"""Seconds, all different, so that a row can say which of them is over."""

NEVER = float("inf")
OTHERS = ("handshake_timeout", "close_timeout", "pong_timeout")
REFUSED = b"HTTP/1.1 503 Busy\r\nContent-Length: 16\r\n\r\n"
PLAIN = b"GET /health HTTP/1.1\r\nHost: csms\r\n\r\n"
UPGRADE = (
    b"GET /CP1 HTTP/1.1\r\nHost: csms\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: ocpp2.1\r\n\r\n"
)
L = TypeVar("L", ServerLink, ClientLink)


def settings(**options: Any) -> LinkConfig:
    times = {"handshake_timeout": HANDSHAKE, "close_timeout": CLOSE, "ping_interval": PING, "pong_timeout": PONG}
    return LinkConfig(**{**times, **options})


def phase(link: ServerLink | ClientLink) -> str:
    return link._phase.name.capitalize()


def frame(opcode: Opcode, payload: bytes = b"") -> Callable[[ServerLink | ClientLink], BytesReceived]:
    """A frame as the peer of the link at hand sends it: masked by a client, unmasked by a server."""
    masked, unmasked = (BytesReceived(encode_frame(opcode, payload, key=key)) for key in (bytes(4), None))
    return lambda link: masked if isinstance(link, ServerLink) else unmasked


def pinged(link: L) -> L:
    """Let the time of a ping come; the ping stays unanswered."""
    link.handle(Tick(), link.deadline)
    drain(link)
    return link


def broken(link: L) -> L:
    """Let the peer break the rules, so that the link breaks off."""
    return feed(link, BytesReceived(b"\xff\xff"))


def closed(link: L) -> L:
    return feed(link, CloseLink(force=True))


# What both links are fed

FRAMES: dict[str, Row] = {
    "BytesReceived: a text message": Row(frame(Opcode.TEXT, b"[]")),
    "BytesReceived: a binary message": Row(frame(Opcode.BINARY, b"[]")),
    "BytesReceived: a ping": Row(frame(Opcode.PING)),
    "BytesReceived: a pong": Row(frame(Opcode.PONG)),
    "BytesReceived: a close frame": Row(frame(Opcode.CLOSE, close_payload(1000))),
    "BytesReceived: half a frame": always(BytesReceived(b"\x81")),
    "BytesReceived: not a frame": always(BytesReceived(b"\xff\xff")),
    "BytesReceived: the end of the stream": always(BytesReceived(b"")),
    "BytesReceived: of another attempt": always(BytesReceived(b"\x81", attempt=99)),
    "StreamLost": always(StreamLost()),
    "StreamLost: of another attempt": always(StreamLost(attempt=99)),
}
TIMES: dict[str, Row] = {
    "Tick: early": always(Tick()),
    "Tick: past handshake_timeout": always(Tick(), HANDSHAKE),
    "Tick: past ping_interval": Row(lambda _: Tick(), 1.25 * PING, dict.fromkeys(OTHERS, NEVER)),
    "Tick: past pong_timeout": always(Tick(), PONG),
    "Tick: past close_timeout": always(Tick(), CLOSE),
    "Congested: on": always(Congested(on=True)),
    "Congested: off": always(Congested(on=False)),
}
COMMANDS: dict[str, Row] = {
    "SendMessage: a text": always(SendMessage("[]")),
    "SendMessage: bytes": always(SendMessage(b"[]")),
    "SendMessage: a text with a lone surrogate": always(SendMessage("\ud800")),
    "SendMessage: neither text nor bytes": always(SendMessage(7)),  # type: ignore[arg-type]  # the misuse itself
    "CloseLink": always(CloseLink()),
    "CloseLink: force=True": always(CloseLink(force=True)),
    "CloseLink: a code that must not be sent": always(CloseLink(1005)),
    "Reconfigure: a LinkConfig": always(Reconfigure(LinkConfig(ping_interval=1.0))),
    "Reconfigure: the config of another layer": always(Reconfigure(ClientConfig(protocols=("ocpp1.6",)))),
    "Probe": always(Probe(), 2.0),
    "Probe: right after received bytes": always(Probe()),
}
ANSWERS: dict[str, Row] = {
    "Accept: an offered subprotocol": always(Accept("ocpp2.1")),
    "Accept: a subprotocol that was not offered": always(Accept("ocpp1.6")),
    "Reject": always(Reject(401)),
    "Reject: a status that is not an error": always(Reject(200)),
    "Respond": always(Respond(200)),
    "Respond: a status that is not final": always(Respond(101)),
}

# Server


def server(**options: Any) -> ServerLink:
    return ServerLink(settings(**options), random=Random(1), now=NOW)


def asked(**options: Any) -> ServerLink:
    return feed(server(**options), BytesReceived(UPGRADE))


def served(**options: Any) -> ServerLink:
    return feed(asked(**options), Accept("ocpp2.1"))


SERVERS: dict[str, Callable[..., ServerLink]] = {
    "Handshake": server,
    "Handshake (GET)": lambda **options: feed(server(**options), BytesReceived(PLAIN)),
    "Handshake (upgrade)": asked,
    "Open": served,
    "Open (pinged)": lambda **options: pinged(served(**options)),
    "Closing": lambda **options: feed(served(**options), CloseLink()),
    "Ending": lambda **options: broken(served(**options)),
    "Ended": lambda **options: closed(served(**options)),
    "Ended (early)": lambda **options: feed(asked(**options), BytesReceived(b"")),
}
SERVER_ROWS: dict[str, Row] = {
    "BytesReceived: an upgrade request": always(BytesReceived(UPGRADE)),
    "BytesReceived: a plain GET": always(BytesReceived(PLAIN)),
    "BytesReceived: a request that is refused": always(BytesReceived(b"POST / HTTP/1.1\r\nHost: csms\r\n\r\n")),
    "BytesReceived: half a request": always(BytesReceived(b"GET /")),
    **FRAMES,
    **TIMES,
    **ANSWERS,
    **COMMANDS,
}

# Client


def client(**options: Any) -> ClientLink:
    return feed(
        ClientLink(
            settings(**options), host="csms", target="/CP1", subprotocols=["ocpp2.1"], random=Random(1), now=NOW
        ),
        Tick(),
    )


def switching(link: Any, subprotocol: str = "ocpp2.1") -> BytesReceived:
    """The server's 101 to the request of a link; to a server's link it is just bytes."""
    key = accept_key(link._key)
    return BytesReceived(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {key}\r\nSec-WebSocket-Protocol: {subprotocol}\r\n\r\n".encode()
    )


def connected(**options: Any) -> ClientLink:
    link = client(**options)
    return feed(link, switching(link))


CLIENTS: dict[str, Callable[..., ClientLink]] = {
    "Handshake": client,
    "Handshake (refused)": lambda **options: feed(client(**options), BytesReceived(REFUSED)),
    "Open": connected,
    "Open (pinged)": lambda **options: pinged(connected(**options)),
    "Closing": lambda **options: feed(connected(**options), CloseLink()),
    "Ending": lambda **options: feed(connected(**options), CloseLink(), BytesReceived(b"\x88\0")),
    "Ended": lambda **options: closed(connected(**options)),
}
CLIENT_ROWS: dict[str, Row] = {
    "BytesReceived: the 101": Row(switching),
    "BytesReceived: a 101 with a subprotocol that was not offered": Row(lambda link: switching(link, "ocpp1.6")),
    "BytesReceived: another status": always(BytesReceived(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")),
    "BytesReceived: another status whose body is to come": always(BytesReceived(REFUSED)),
    "BytesReceived: half an answer": always(BytesReceived(b"HTTP/1.1 101")),
    **FRAMES,
    **TIMES,
    **ANSWERS,
    **COMMANDS,
}

LINKS: dict[str, Machine] = {
    "ServerLink": Machine(LinkInput, Phase, SERVERS, SERVER_ROWS, phase),
    "ClientLink": Machine(LinkInput, Phase, CLIENTS, CLIENT_ROWS, phase),
}
