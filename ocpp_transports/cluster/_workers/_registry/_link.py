"""The worker's side of the stream to its supervisor."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import count
from socket import socket
from typing import Any, Final

import anyio

from ocpp_core.cluster.records import NodeId
from ocpp_transports._logging._log import LOGGER

from ._packets import LENGTH, length_of, read_packet, write_packet

__all__ = ["SupervisorGoneError", "SupervisorLink"]

_CHUNK: Final = 65_536
"""Bytes to receive at a time."""
_MOST_REQUESTS: Final = 10_000
"""Requests that wait for an answer."""


class SupervisorGoneError(Exception):
    """The supervisor has ended; `is_written` is True if it may have received the request."""

    def __init__(self, *, is_written: bool) -> None:
        super().__init__("the supervisor of the workers has ended")
        self.is_written = is_written


class _Answer:
    """A request that waits for its answer."""

    def __init__(self) -> None:
        self.arrived = anyio.Event()
        self.results: list[Any] = []


class SupervisorLink:
    """Sends requests to the supervisor, and receives answers and frames, on any event loop.

    Args:
        stream: The stream to the supervisor, which this owns.
        connect_to_next: Function that returns a stream to the next supervisor, as soon as there is one.
    """

    def __init__(self, stream: socket, connect_to_next: Callable[[], Awaitable[socket]]) -> None:
        self.opening: tuple[Any, ...] | None = None
        """The request that opens the node, with which it joins the registry of each further supervisor."""
        self._stream = stream
        self._connect_to_next = connect_to_next
        self._is_gone = False
        self._numbers = count(1)
        self._answers: dict[int, _Answer] = {}
        self._unsent: list[bytes] = []
        self._wants_to_write = anyio.Event()
        self.detach()

    def attach(self, received: Callable[[NodeId, bytes], None], lost: Callable[[NodeId], None]) -> None:
        """Pass on from now on the sender and each frame for this node, and each node that has ended."""
        self._received, self._lost = received, lost

    def detach(self) -> None:
        """Pass on nothing more."""
        self.attach(_ignore, _ignore)

    async def run(self) -> None:
        """Send and receive until cancelled; while there is no supervisor, `ask` raises."""
        while True:
            await self._run_once()
            self._stream = await self._connect_to_next()
            self._unsent = [] if self.opening is None else [write_packet(0, *self.opening)]
            self._wants_to_write.set()
            self._is_gone = False

    async def _run_once(self) -> None:
        """Send and receive until the supervisor ends."""
        try:
            with self._stream:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self._write)
                    await self._read()
                    tasks.cancel_scope.cancel()
        finally:
            self._is_gone = True
            for answer in self._answers.values():
                answer.arrived.set()

    async def ask(self, *line: Any, frame: bytes = b"") -> Any:
        """Return the answer to a request.

        Raises:
            SupervisorGoneError: There is none.
            ValueError: The request is too long, or too many wait.
        """
        if self._is_gone:
            raise SupervisorGoneError(is_written=False)
        if len(self._answers) >= _MOST_REQUESTS:
            raise ValueError(f"expected at most {_MOST_REQUESTS} requests at a time")
        number, answer = next(self._numbers), _Answer()
        self._unsent.append(write_packet(number, *line, frame=frame))
        self._wants_to_write.set()
        self._answers[number] = answer
        try:
            await answer.arrived.wait()
        finally:
            del self._answers[number]
        if not answer.results:
            raise SupervisorGoneError(is_written=True)
        return answer.results[0]

    async def _write(self) -> None:
        while True:
            await self._wants_to_write.wait()
            self._wants_to_write = anyio.Event()
            packets, self._unsent = self._unsent, []
            unsent = memoryview(b"".join(packets))
            while unsent:
                try:
                    unsent = unsent[self._stream.send(unsent) :]
                except BlockingIOError:
                    await anyio.wait_writable(self._stream)
                except OSError:
                    return  # reading ends too

    async def _read(self) -> None:
        received = bytearray()
        with suppress(ValueError):
            while chunk := await self._chunk():
                received += chunk
                while len(received) >= LENGTH and len(received) >= (end := LENGTH + length_of(received)):
                    self._arrived(bytes(received[LENGTH:end]))
                    del received[:end]

    async def _chunk(self) -> bytes:
        """Return what has arrived, nothing after the end."""
        await anyio.wait_readable(self._stream)
        try:
            return self._stream.recv(_CHUNK)
        except OSError:
            return b""

    def _arrived(self, packet: bytes) -> None:
        number, line, frame = read_packet(packet)
        match line:
            case ["frame", str(sender)] if not number:
                _contained(self._received, NodeId(sender), frame)
            case ["lost", str(node)] if not number:
                _contained(self._lost, NodeId(node))
            case [result] if (answer := self._answers.get(number)) is not None:
                answer.results.append(result)
                answer.arrived.set()
            case _:
                pass  # an answer that nobody waits for any more


def _ignore(*_: object) -> None:
    """Before a node is open."""


def _contained(function: Callable[..., None], *arguments: object) -> None:
    try:
        function(*arguments)
    except Exception:
        LOGGER.getChild("workers").exception("the receiver of a frame failed")
