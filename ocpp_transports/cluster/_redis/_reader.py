"""Reads the stream of a node, with a client of its own: a blocking read keeps a connection to itself."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

import anyio
from coredis import Redis

from ocpp_transports._logging._log import Log

from ._errors import reason
from ._scripts import TRIM

__all__ = ["StreamReader"]

BLOCK: Final = 1.0
"""Seconds that Redis holds back the answer to a read while there is nothing to read."""

_AT_ONCE: Final = 100
"""Frames of one read, which are in memory together."""
_UNTRIMMED: Final = 256
"""Frames that stay in the stream after they were read, while others keep coming."""
_PAUSE: Final = 0.2
"""Seconds between two attempts to reach Redis."""
_START: Final = b"0-0"
"""Before the first entry of a stream."""


class StreamReader:
    """Passes each entry of a stream on once, in order, across lost connections.

    Args:
        client: Makes a client that waits longer than `BLOCK` for an answer.
        stream: The key, which no one else reads.
        entry: Called with the fields of each entry; must not raise.
        log: Gets a warning when Redis cannot be reached.
    """

    def __init__(
        self,
        client: Callable[[], AbstractAsyncContextManager["Redis[bytes]"]],
        stream: str,
        entry: Callable[[Any], None],
        log: Log,
    ) -> None:
        self._client = client
        self._stream = stream
        self._entry = entry
        self._log = log
        self._last: bytes | str = _START
        self._untrimmed = 0

    async def run(self) -> None:
        """Read until it is cancelled."""
        while True:
            try:
                async with self._client() as client:
                    await self._resume(client)
                    while True:
                        await self._read(client)
            except Exception as error:  # also groups of them, from the tasks of coredis
                self._log.recurring("cannot read the calls of other nodes from Redis", reason(error))
            await anyio.sleep(_PAUSE)

    async def _resume(self, client: "Redis[bytes]") -> None:
        """Begin anew if the stream was lost: IDs are times, and the clock of Redis may have been set back.

        A replica that takes over may then return entries a second time; frames have IDs of their own against that.
        """
        newest = await client.xrevrange(self._stream, count=1)
        if not newest or _number(newest[0].identifier) < _number(self._last):
            self._last = _START

    async def _read(self, client: "Redis[bytes]") -> None:
        found = await client.xread({self._stream: self._last}, count=_AT_ONCE, block=round(BLOCK * 1000))
        entries = [entry for each in (found or {}).values() for entry in each]
        for entry in entries:
            self._last = entry.identifier
            self._entry(entry.field_values)
        self._untrimmed += len(entries)
        if self._untrimmed >= _UNTRIMMED or (self._untrimmed and not entries):
            time, sequence = _number(self._last)
            await client.eval(TRIM.text, keys=[self._stream], args=[f"{time}-{sequence + 1}"])
            self._untrimmed = 0


def _number(identifier: bytes | str) -> tuple[int, int]:
    text = identifier.decode() if isinstance(identifier, bytes) else identifier
    time, _, sequence = text.partition("-")
    return int(time), int(sequence or 0)
