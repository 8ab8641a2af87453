"""Carries frames between nodes over streams in Redis: nothing but Redis has to be reachable."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final

import anyio

from ocpp_core.cluster.records import NodeId
from ocpp_transports._runtime._current import current_runtime
from ocpp_transports.cluster._carrier import NotSentError, UnknownError

from ._commands import PlainCommand, Reply, ScriptCall
from ._errors import Unreachable, reason
from ._keys import Keys
from ._reader import BLOCK, StreamReader
from ._scripts import SEND
from ._servers._opening import connection_to, redis_client
from ._settings import RedisSettings

__all__ = ["RedisCarrier"]

_MOST_UNREAD: Final = 10_000
"""Frames that wait in the stream of a node; further ones are not sent."""

_WATCH: Final = 1.0
"""Seconds between two looks at the leases of nodes."""
_MOST_BYTES: Final = 64 * 2**20
"""Bytes of frames that wait for an answer of Redis; further ones are not sent."""


class RedisCarrier:
    """Sends frames to other nodes over one stream a node, and reads that of this node; see `Carrier`.

    A frame is written only while the lease of its receiver is alive. Redis checks and writes in one step, so a frame
    to a node that has ended is certainly not sent. `lost` is called within about a second after the end of the lease of
    a node that was sent frames.

    Args:
        settings: Where Redis is.
        timeout: Seconds until `send` raises UnknownError, or NotSentError if nothing was written.
        node: This node, whose lease its store keeps.
        received: Called with sender and frame of everything that arrives, in the order of each sender.
        lost: Called with a node that was sent frames and whose lease has ended.
    """

    def __init__(
        self,
        settings: RedisSettings,
        timeout: float,
        node: NodeId,
        received: Callable[[NodeId, bytes], None],
        lost: Callable[[NodeId], None],
    ) -> None:
        self._timeout = timeout
        self._me = node
        self._received = received
        self._lost = lost
        self._keys = Keys(settings.prefix)
        self._log = settings.log()
        self._bytes = 0
        self._peers: dict[NodeId, None] = {}
        """Nodes that were sent frames, until their lease ends."""
        self._runtime = current_runtime(type(self).__name__, in_block=True, log=self._log)
        self._connection = connection_to(settings, timeout, self._runtime)
        stream = self._keys.stream(node)
        client = partial(redis_client, settings, timeout, stream, BLOCK)
        reader = StreamReader(client, stream, self._arrived, self._log)
        self._runtime.spawn(reader.run())
        self._runtime.spawn(self._watch_leases())

    async def send(self, node: NodeId, address: str | None, frame: bytes) -> None:
        """Write a frame to the stream of a node; the address is not needed.

        Raises:
            NotSentError: The node has ended or has too many unread frames, or Redis was not reached.
            UnknownError: Redis did not answer, so the frame may have been written.
        """
        if self._bytes + len(frame) > _MOST_BYTES:
            raise NotSentError(f"frames of {self._bytes} bytes wait for Redis")
        keys = (self._keys.lease(node), self._keys.stream(node))
        call = ScriptCall(SEND, keys, (self._me, frame, _MOST_UNREAD))
        self._bytes += len(frame)
        try:
            (reply,) = await self._connection.execute([call], anyio.current_time() + self._timeout)
        except Unreachable as error:
            raise (UnknownError if error.is_written else NotSentError)(f"Redis: {error}") from None
        finally:
            self._bytes -= len(frame)
        if reply != b"sent":
            raise NotSentError(_refusal(reply))
        self._peers[node] = None

    async def aclose(self) -> None:
        """Remove the stream of this node, and disconnect. Idempotent."""
        stream = self._keys.stream(self._me)
        try:
            with suppress(Unreachable):
                deletion = PlainCommand(stream, lambda pipe: pipe.delete([stream]))
                await self._connection.execute([deletion], anyio.current_time() + self._timeout)
        finally:
            self._connection.close()
            await self._runtime.aclose()

    def _arrived(self, fields: Any) -> None:
        try:
            sender, frame = NodeId(fields[b"n"].decode()), fields[b"f"]
        except (KeyError, UnicodeDecodeError):
            self._log.recurring("ignored an entry in the stream of this node", "it is not a frame")
            return
        try:
            self._received(sender, frame)
        except Exception as error:
            self._log.failed("the receiver of a frame failed", error)

    async def _watch_leases(self) -> None:
        while True:
            await anyio.sleep(_WATCH)
            peers = tuple(self._peers)
            leases = [self._keys.lease(node) for node in peers]
            commands = [PlainCommand(lease, partial(_exists, lease)) for lease in leases]
            with suppress(Unreachable):
                replies = await self._connection.execute(commands, anyio.current_time() + self._timeout)
                for node, reply in zip(peers, replies, strict=True):
                    if reply == 0:
                        self._end(node)

    def _end(self, node: NodeId) -> None:
        self._peers.pop(node, None)
        try:
            self._lost(node)
        except Exception as error:
            self._log.failed("the receiver of a lost node failed", error)


def _exists(key: str, pipe: Any) -> None:
    pipe.exists([key])


def _refusal(reply: Reply) -> str:
    if isinstance(reply, Exception):
        return f"Redis: {reason(reply)}"
    return "the node has ended" if reply == b"dead" else f"the node has {_MOST_UNREAD} unread frames"
