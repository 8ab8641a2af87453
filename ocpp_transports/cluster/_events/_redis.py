"""Streams of events in Redis: one key a stream."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

import anyio
from coredis import Redis
from coredis.exceptions import StreamConsumerGroupError, StreamDuplicateConsumerGroupError, WrongTypeError
from coredis.tokens import PureToken

from ocpp_transports._runtime._base import SocketRuntime
from ocpp_transports.cluster._redis._commands import Command, PlainCommand
from ocpp_transports.cluster._redis._connection import CommandExecutor
from ocpp_transports.cluster._redis._errors import Unreachable, checked, reason
from ocpp_transports.cluster._redis._servers._opening import connection_to, redis_client
from ocpp_transports.cluster._redis._settings import RedisSettings
from ocpp_transports.cluster._store import ForeignDataError, StoreUnavailableError

from ._log import START, AppendedEntry, EntryPosition, Retention

__all__ = ["RedisEventLog"]

_BLOCK: Final = 1.0
"""Seconds that Redis holds back the answer to a read while there is nothing to read."""
_TRIMMING: Final = 1.0
"""Seconds between two removals of entries by their age."""
_MILLI: Final = 1000
_CLAIMED: Final = 100
"""Entries that one command takes over."""
_PENDING: Final = (
    "return redis.call('XREADGROUP', 'GROUP', ARGV[1], ARGV[2], 'COUNT', ARGV[4], 'STREAMS', KEYS[1], ARGV[3])"
)
"""Stream; group, consumer, last ID, number. A script, because coredis fails for entries that were removed."""


class RedisEventLog:
    """The streams as one process uses them; see `EventLog`.

    Args:
        settings: Where Redis is.
        timeout: Seconds until it counts as away.
    """

    def __init__(self, settings: RedisSettings, timeout: float) -> None:
        self._settings = settings
        self._timeout = timeout
        self._connection: CommandExecutor | None = None
        self._trim_at = 0.0
        self._newest = 0
        """When the newest entry was stored, in ms since 1970."""

    def open(self, runtime: SocketRuntime) -> None:
        """Begin, in this event loop; nothing is connected until it is needed."""
        self._connection = connection_to(self._settings, self._timeout, runtime)

    async def append(self, stream: int, entries: Sequence[Mapping[str, bytes]], keep: Retention) -> None:
        """Append entries, and once a second remove those that are too old."""
        key = self._key(stream)
        commands: list[Command] = [PlainCommand(key, partial(_append, key, fields, keep)) for fields in entries]
        if anyio.current_time() >= self._trim_at:
            commands += self._trimming(key, keep)
        replies = await self._run(commands, len(entries))  # the other commands are repeated in any case
        self._newest = _position(replies[len(entries) - 1]).milliseconds

    def _trimming(self, key: str, keep: Retention) -> list[Command]:
        """Return what removes entries by their age on the clock of Redis, which is that of the newest entry."""
        self._trim_at = anyio.current_time() + _TRIMMING
        kept = round(keep.seconds * _MILLI)
        oldest, expiry = max(0, self._newest - kept), kept + round(_TRIMMING * _MILLI)
        return [
            PlainCommand(key, lambda pipe: _trim(pipe, key, oldest)),
            PlainCommand(key, lambda pipe: pipe.pexpire(key, expiry)),
        ]

    async def acknowledge(self, stream: int, group: str, entries: Sequence[EntryPosition]) -> None:
        """Note that a group is done with these entries."""
        key, names = self._key(stream), [_identifier(each) for each in entries]
        await self._run([PlainCommand(key, lambda pipe: pipe.xack(key, group, names))], 1)

    @asynccontextmanager
    async def session(self, stream: int) -> AsyncIterator["RedisEventSession"]:
        """Connect to a stream, with a client of its own: a blocking read keeps a connection to itself."""
        key = self._key(stream)
        try:
            async with redis_client(self._settings, self._timeout, key, _BLOCK) as client:
                yield RedisEventSession(client, key)
        except Exception as error:  # also groups of them, from the tasks of coredis
            raise _translated(error, key) from None

    def close(self) -> None:
        """Disconnect. Idempotent."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _key(self, stream: int) -> str:
        return f"{self._settings.prefix}:ev:{{{stream}}}"

    async def _run(self, commands: Sequence[Command], checks: int) -> list[Any]:
        """Return the replies to commands. Raises an error if one of the first `checks` commands failed."""
        if self._connection is None:
            raise StoreUnavailableError("the connection is closed")
        try:
            replies = await self._connection.execute(commands, anyio.current_time() + self._timeout)
        except Unreachable as error:
            raise StoreUnavailableError(f"cannot use Redis at {self._settings.where.shown}: {error}") from None
        for command, reply in zip(commands[:checks], replies, strict=False):
            checked(reply, command.key)
        return replies


class RedisEventSession:
    """One stream as a consumer reads it; see `EventSession`. Errors of coredis end it."""

    def __init__(self, client: "Redis[bytes]", key: str) -> None:
        self._client = client
        self._key = key

    async def newest(self) -> EntryPosition:
        """Return the position of the newest entry."""
        newest = await self._client.xrevrange(self._key, count=1)
        return _position(newest[0].identifier) if newest else START

    async def read(self, after: EntryPosition, most: int) -> Sequence[AppendedEntry]:
        """Return the next entries."""
        streams = {self._key: _identifier(after)}
        return _entries(await self._client.xread(streams, count=most, block=round(_BLOCK * _MILLI)))

    async def join(self, group: str) -> None:
        """Make a group, unless there is one."""
        try:
            await self._client.xgroup_create(self._key, group, "0", mkstream=True)
        except StreamDuplicateConsumerGroupError:
            return

    async def read_new(self, group: str, consumer: str, most: int) -> Sequence[AppendedEntry]:
        """Return entries that no consumer of the group has got."""
        streams, block = {self._key: ">"}, round(_BLOCK * _MILLI)
        return _entries(await self._client.xreadgroup(group, consumer, streams, count=most, block=block))

    async def read_pending(self, group: str, consumer: str, after: EntryPosition, most: int) -> Sequence[AppendedEntry]:
        """Return entries that this consumer has got and not acknowledged."""
        arguments: list[str | int] = [group, consumer, _identifier(after), most]
        return _pending(await self._client.eval(_PENDING, keys=[self._key], args=arguments))

    async def claim(self, group: str, consumer: str, idle: float) -> bool:
        """Take over entries that a consumer got before this many seconds."""
        start: Any = "0-0"
        is_any = False
        while True:
            arguments = (self._key, group, consumer, round(idle * _MILLI), start)
            start, found, *_ = await self._client.xautoclaim(*arguments, count=_CLAIMED, justid=True)
            is_any = is_any or bool(found)
            if start == b"0-0":
                return is_any


def _append(key: str, fields: Mapping[str, bytes], keep: Retention, pipe: Any) -> None:
    limit = PureToken.APPROXIMATELY
    pipe.xadd(key, fields, trim_strategy=PureToken.MAXLEN, threshold=keep.entries, trim_operator=limit)


def _trim(pipe: Any, key: str, oldest: int) -> None:
    pipe.xtrim(key, PureToken.MINID, oldest, trim_operator=PureToken.APPROXIMATELY)


def _identifier(position: EntryPosition) -> str:
    return f"{position.milliseconds}-{position.sequence}"


def _position(identifier: bytes | str) -> EntryPosition:
    text = identifier.decode() if isinstance(identifier, bytes) else identifier
    milliseconds, _, sequence = text.partition("-")
    return EntryPosition(int(milliseconds), int(sequence or 0))


def _entries(found: Any) -> Sequence[AppendedEntry]:
    entries = [entry for each in (found or {}).values() for entry in each]
    return [AppendedEntry(_position(entry.identifier), entry.field_values) for entry in entries]


def _pending(found: Any) -> Sequence[AppendedEntry]:
    """Read what a script returned: pairs of stream and entries, with lists of fields in place of mappings."""
    if not found:
        return []
    ((_, entries),) = found.items() if isinstance(found, Mapping) else found
    return [AppendedEntry(_position(identifier), _fields(fields)) for identifier, fields in entries]


def _fields(fields: Any) -> dict[bytes, bytes] | None:
    return None if fields is None else dict(zip(fields[::2], fields[1::2], strict=True))


def _translated(error: Exception, key: str) -> Exception:
    if isinstance(error, (StoreUnavailableError, ForeignDataError)):
        return error
    if isinstance(error, WrongTypeError):
        return ForeignDataError(f"expected a stream of events in the key {key!r}, got a value of another type")
    if isinstance(error, StreamConsumerGroupError):
        return StoreUnavailableError("the group of this consumer was lost; it is made again")
    return StoreUnavailableError(f"cannot read from Redis: {reason(error)}")
