"""Frames that this library reads by hand, beside the whole of wsproto, which knows nothing of this library."""

from collections.abc import Iterator, Sequence
from functools import partial
from math import inf
from typing import Final, TypeAlias

from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage
from wsproto.utilities import RemoteProtocolError

from ocpp_core.actions import LinkAction, SendBytes
from ocpp_core.inputs import BinaryReceived, BytesReceived, TextReceived, TransportLost
from ocpp_core.link import ServerLink, Unfinished
from tests.fuzz.choices import Choices
from tests.fuzz.target import Target
from tests.link.wire import EOF, PONG, Link, read_frames, settings

from .frames import CORPUS_OF_FRAMES, ROLES, frames_of, open_link

__all__ = ["TARGETS"]

_UNLIMITED: Final = settings(max_message_size=inf, max_fragments=inf)
_News: TypeAlias = tuple[str, str | bytes | int]
"""A message, a ping or the end, and what is in it."""

_REFUSED: Final = ("end", 1002)
_CUT: Final = ("end", 1006)
_PAYLOAD: Final = bytes(200)
"""A masking key, and a payload of any control frame."""


def _read_by_the_link(role: type[Link], chunks: Sequence[bytes]) -> list[_News]:
    link = open_link(role, _UNLIMITED, Unfinished())
    actions: list[LinkAction] = []
    for chunk in (*chunks, b""):
        link.handle(BytesReceived(chunk) if chunk else EOF, 0.0)
        while (action := link.poll()) is not None:
            actions.append(action)
    return [news for action in actions for news in _news_of(action)]


def _news_of(action: LinkAction) -> Iterator[_News]:
    if isinstance(action, TextReceived):
        yield "text", action.text
    elif isinstance(action, BinaryReceived):
        yield "bytes", action.data
    elif isinstance(action, TransportLost):
        yield "end", action.code
    elif isinstance(action, SendBytes):
        yield from (("ping", payload) for first, payload in read_frames(action.data) if first & 15 == PONG)


def _read_by_wsproto(role: type[Link], chunks: Sequence[bytes]) -> list[_News]:
    connection = Connection(ConnectionType.SERVER if role is ServerLink else ConnectionType.CLIENT)
    news: list[_News] = []
    message: list[str | bytes] = []
    try:
        for chunk in chunks:
            if chunk and connection.state is ConnectionState.OPEN:
                connection.receive_data(chunk)
                news += _events_of(connection, message)
    except RemoteProtocolError as error:
        hint = error.event_hint
        return [*news, ("end", int(hint.code) if isinstance(hint, CloseConnection) else 1002)]
    return news if news and news[-1][0] == "end" else [*news, ("end", 1006)]


def _events_of(connection: Connection, message: list[str | bytes]) -> Iterator[_News]:
    for event in connection.events():
        if isinstance(event, TextMessage | BytesMessage):
            message.append(event.data if isinstance(event, TextMessage) else bytes(event.data))
            if event.message_finished:
                kind, empty = ("text", "") if isinstance(event, TextMessage) else ("bytes", b"")
                yield kind, empty.join(message)  # type: ignore[arg-type]  # all pieces are of the kind of the last one
                message.clear()
        elif isinstance(event, Ping):
            yield "ping", bytes(event.payload)
        elif isinstance(event, CloseConnection):
            yield "end", int(event.code)
            return


def read_twice(role: type[Link], data: bytes) -> None:
    """Both read the same messages and pings, and the same end."""
    choices = Choices(data)
    choices.byte()  # the config of the other targets, whose corpus this is
    cut = Choices(choices.some())
    chunks = cut.pieces(b"".join(frames_of(choices, role)))
    ours, theirs = _read_by_the_link(role, chunks), _read_by_wsproto(role, chunks)
    if ours[-1] == _REFUSED and theirs[-1] == _CUT:  # the link refuses at the header, wsproto at the payload
        theirs = _read_by_wsproto(role, [*chunks, _PAYLOAD])
    assert ours == theirs


TARGETS: Final = {
    f"wsproto-{name}": Target(partial(read_twice, role), CORPUS_OF_FRAMES) for name, role in ROLES.items()
}
