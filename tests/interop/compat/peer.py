"""The other side of a program's connection, played by a script, and what passed between both."""

import asyncio
import json
import re
from typing import Any

__all__ = ["ClosedError", "Peer", "normalised"]

_MADE_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class ClosedError(Exception):
    """What `recv` raises when the connection ended."""


class Peer:
    """A connection with `recv` and `send`, and the peer behind it.

    `frames` are the frames of both directions, `<` for those that the program received. `answers` are what the peer
    answers to requests, by action: a payload, or the code, description and details of a CALLERROR. An action without
    answer stays without.
    """

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.frames: list[tuple[str, Any]] = []
        self.answers: dict[str, Any] = {}
        self.is_closed = False
        self._received: asyncio.Queue[Any] = asyncio.Queue()
        self._written = asyncio.Condition()

    async def recv(self) -> Any:
        received = await self._received.get()
        if isinstance(received, Exception):
            raise received
        return received

    async def send(self, text: str) -> None:
        assert isinstance(text, str)
        assert text.isascii()
        frame = json.loads(text)
        assert text == json.dumps(frame, separators=(",", ":"))
        async with self._written:
            self.frames.append((f"{self.name}>", frame))
            self._written.notify_all()
        if frame[0] == 2 and frame[2] in self.answers:
            answer = self.answers[frame[2]]
            self.feed([3, frame[1], answer] if isinstance(answer, dict) else [4, frame[1], *answer])

    def feed(self, frame: Any) -> None:
        """Send a frame, or a text as it is, to the program."""
        self.frames.append((f"{self.name}<", frame))
        self._received.put_nowait(frame if isinstance(frame, (str, bytes)) else json.dumps(frame))

    def close(self, error: Exception | None = None) -> None:
        """Let `recv` raise."""
        self.is_closed = True
        self._received.put_nowait(error or ClosedError("the peer went away"))

    def again(self) -> "Peer":
        """Return the next connection with the same peer, whose frames are added to those of this one."""
        other = Peer("again ")
        other.frames, other.answers = self.frames, self.answers
        return other

    async def request(self, action: str, payload: Any, unique_id: Any = "1") -> Any:
        """Send a request, and return the response without its message ID."""
        self.feed([2, unique_id, action, payload])
        return await self.response(unique_id)

    async def response(self, unique_id: Any) -> Any:
        """Return a response of the program without its message ID."""

        def found() -> Any:
            return [[frame[0], *frame[2:]] for _, frame in self.frames if frame[0] in {3, 4} and frame[1] == unique_id]

        async with self._written:
            await self._written.wait_for(found)
        return found()[-1]

    async def sent(self, number: int) -> None:
        """Wait until the program sent so many frames."""

        def found() -> bool:
            return sum(">" in direction for direction, _ in self.frames) >= number

        async with self._written:
            await self._written.wait_for(found)


def normalised(value: Any, made: dict[str, str] | None = None) -> Any:
    """Return what passed with numbers for generated message IDs, and without the texts of causes.

    The texts name values in one package and paths in the other.
    """
    made = {} if made is None else made
    if isinstance(value, dict):
        return {key: "..." if key == "cause" else normalised(item, made) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [normalised(item, made) for item in value]
    if isinstance(value, str) and _MADE_ID.fullmatch(value):
        return made.setdefault(value, f"id {len(made)}")
    return value
