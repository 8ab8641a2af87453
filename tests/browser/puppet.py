"""A server that does just what a case commands, byte by byte where need be: what no server of ours would do."""

import json
import socket
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

import anyio
from anyio.abc import SocketAttribute, SocketStream

from tests.interop.raw import Raw
from tests.link.wire import BINARY, CLOSE, TEXT, answer, frame

__all__ = ["Puppet"]


class Puppet:
    """Greets after the manner that the path names, `/MANNER/IDENTITY`, then waits for commands.

    `obedient` takes the first subprotocol offered, `eager` too and sends a CALL in the same breath, `foreign` takes one
    that was not offered, `wordless` none; `silent` says nothing until `admit`; `refusing` answers 403; `resetting` cuts
    the connection at once, `fickle` after its greeting.
    """

    def __init__(self) -> None:
        self._strings: dict[str, Raw] = {}
        self._requests: dict[str, bytes] = {}
        self._cut: dict[str, anyio.Event] = {}
        self._manners: dict[str, Callable[[Raw, bytes], Awaitable[None]]] = {
            "obedient": self._greet,
            "eager": self._greet_with_a_call,
            "foreign": lambda raw, request: self._greet(raw, request, "ocpp9.9"),
            "wordless": lambda raw, request: self._greet(raw, request, None),
            "silent": self._say_nothing,
            "refusing": self._refuse,
            "resetting": lambda raw, request: raw.reset(),
            "fickle": self._greet_and_reset,
        }

    async def serve(self, stream: SocketStream) -> None:
        """Serve one connection until a command or the peer ends it."""
        async with stream:
            raw = Raw(stream)
            try:
                request = await raw.head()
            except (AssertionError, anyio.BrokenResourceError):
                return  # browsers open connections that they may need, and then do not
            _, manner, identity = request.split(b" ")[1].decode().split("?")[0].split("/")
            identity = unquote(identity)
            self._strings[identity], self._requests[identity] = raw, request
            cut = self._cut[identity] = anyio.Event()
            await self._manners[manner](raw, request)
            await cut.wait()

    async def _greet(self, raw: Raw, request: bytes, protocol: str | None = "first", more: bytes = b"") -> None:
        if protocol == "first":
            offered = request.lower().split(b"sec-websocket-protocol: ")[1].split(b"\r\n")[0]
            protocol = offered.split(b",")[0].strip().decode()
        chosen = () if protocol is None else (("Sec-WebSocket-Protocol", protocol),)
        await raw.send(answer(request, *chosen) + more)

    async def _greet_with_a_call(self, raw: Raw, request: bytes) -> None:
        call = frame(TEXT, b'[2,"eager","Reset",{"type":"Soft"}]', masked=False)
        await self._greet(raw, request, more=call)

    async def _say_nothing(self, raw: Raw, request: bytes) -> None:
        pass

    async def _refuse(self, raw: Raw, request: bytes) -> None:
        await raw.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    async def _greet_and_reset(self, raw: Raw, request: bytes) -> None:
        await self._greet(raw, request)
        await raw.reset()

    # The commands of a case

    async def admit(self, identity: str) -> None:
        """Greet the station that was left waiting."""
        await self._greet(await self._string(identity), self._requests[identity])

    async def request(self, identity: str) -> str:
        """Tell what the station asked for, all its header lines."""
        await self._string(identity)
        return self._requests[identity].decode()

    async def say(self, identity: str, *messages: Any) -> None:
        """Send text messages; what is no text is written as JSON."""
        raw = await self._string(identity)
        texts = (message if isinstance(message, str) else json.dumps(message) for message in messages)
        await raw.send(b"".join(frame(TEXT, text.encode(), masked=False) for text in texts))

    async def say_bytes(self, identity: str, payload: list[int]) -> None:
        """Send a binary message."""
        await (await self._string(identity)).send(frame(BINARY, bytes(payload), masked=False))

    async def say_raw(self, identity: str, data: list[int]) -> None:
        """Send bytes that may be no frame at all."""
        await (await self._string(identity)).send(bytes(data))

    async def say_close(self, identity: str, code: int, reason: str = "") -> None:
        """Send a close frame."""
        payload = code.to_bytes(2, "big") + reason.encode()
        await (await self._string(identity)).send(frame(CLOSE, payload, masked=False))

    async def go_deaf(self, identity: str) -> None:
        """Read no more than is waited for anyway, and have the system keep little of the rest."""
        raw_socket = (await self._string(identity))._stream.extra(SocketAttribute.raw_socket)
        raw_socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)

    async def hear(self, identity: str) -> Any:
        """Wait for the station's next message."""
        return await (await self._string(identity)).message()

    async def hear_close(self, identity: str) -> list[Any]:
        """Wait for the station's close frame: its code and reason; nothing is answered."""
        return list(await (await self._string(identity)).closed())

    async def hear_end(self, identity: str) -> None:
        """Wait until the station's TCP connection has ended, whatever comes before."""
        await (await self._string(identity)).drained()

    async def reset(self, identity: str) -> None:
        """Cut the station's connection as a crash does."""
        await (await self._string(identity)).reset()

    async def hang_up(self, identity: str) -> None:
        """End the station's TCP connection in good order, without a close frame."""
        await self._string(identity)
        self._cut[identity].set()

    async def rename(self, identity: str, name: str) -> None:
        """Call this connection by another name, so that the identity means the next one."""
        self._strings[name] = self._strings.pop(identity)
        self._requests[name] = self._requests.pop(identity)
        self._cut[name] = self._cut.pop(identity)

    async def _string(self, identity: str) -> Raw:
        with anyio.fail_after(5):
            while identity not in self._strings:  # noqa: ASYNC110 - the command may come before its connection
                await anyio.sleep(0.005)
        return self._strings[identity]
