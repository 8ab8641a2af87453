"""Streams of events in memory, for tests and in virtual time; they behave like those of Redis."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

import anyio
import anyio.lowlevel

from ocpp_transports._runtime._base import SocketRuntime
from ocpp_transports.cluster._store import StoreUnavailableError

from ._log import START, AppendedEntry, EntryPosition, Retention

__all__ = ["MemoryEventLog", "MemoryStreams"]

_BLOCK: Final = 1.0
"""Seconds that a read waits."""
_MILLI: Final = 1000


class _Group:
    """What the consumers of a group have got."""

    def __init__(self) -> None:
        self.last = START
        self.pending: dict[EntryPosition, tuple[str, float]] = {}
        """The consumer of each entry that is not acknowledged, and when it got it."""


class _Stream:
    def __init__(self) -> None:
        self._entries: list[AppendedEntry] = []
        self.groups: defaultdict[str, _Group] = defaultdict(_Group)
        self.newest = START
        self.grown = anyio.Event()

    def append(self, fields: dict[bytes, bytes], milliseconds: int) -> None:
        if milliseconds > self.newest.milliseconds:
            self.newest = EntryPosition(milliseconds, 0)
        else:
            self.newest = EntryPosition(self.newest.milliseconds, self.newest.sequence + 1)
        self._entries.append(AppendedEntry(self.newest, fields))
        grown, self.grown = self.grown, anyio.Event()
        grown.set()

    def trim(self, keep: Retention) -> None:
        oldest = EntryPosition(self.newest.milliseconds - int(keep.seconds * _MILLI), 0)
        del self._entries[: max(self._first_after(oldest), len(self._entries) - keep.entries)]

    def after(self, position: EntryPosition, most: int) -> Sequence[AppendedEntry]:
        first = self._first_after(position)
        return self._entries[first : first + most]

    def at(self, position: EntryPosition) -> AppendedEntry:
        """Return an entry, without its fields if it was removed."""
        before = self._first_after(position) - 1
        if before >= 0 and self._entries[before].position == position:
            return self._entries[before]
        return AppendedEntry(position, None)

    def _first_after(self, position: EntryPosition) -> int:
        return bisect_right(self._entries, position, key=lambda entry: entry.position)


class MemoryStreams:
    """The streams of a cluster in one process. `is_available` returns False while the store is away."""

    def __init__(self, is_available: Callable[[], bool]) -> None:
        self._is_available = is_available
        self._streams: defaultdict[int, _Stream] = defaultdict(_Stream)

    async def reach(self, stream: int) -> _Stream:
        """Return a stream, or raise StoreUnavailableError while the store is away."""
        await anyio.lowlevel.checkpoint()
        if not self._is_available():
            raise StoreUnavailableError("the store does not answer")
        return self._streams[stream]


class MemoryEventLog:
    """The streams as one process uses them; see `EventLog`."""

    def __init__(self, streams: MemoryStreams) -> None:
        self._streams = streams
        self._wall: Callable[[], float] | None = None

    def open(self, runtime: SocketRuntime) -> None:
        """Begin."""
        self._wall = runtime.wall

    async def append(self, stream: int, entries: Sequence[Mapping[str, bytes]], keep: Retention) -> None:
        """Append entries, and remove old ones."""
        reached = await self._streams.reach(stream)
        wall = 0.0 if self._wall is None else self._wall()
        for fields in entries:
            reached.append({name.encode(): value for name, value in fields.items()}, int(wall * _MILLI))
        reached.trim(keep)

    async def acknowledge(self, stream: int, group: str, entries: Sequence[EntryPosition]) -> None:
        """Note that a group is done with these entries."""
        pending = (await self._streams.reach(stream)).groups[group].pending
        for position in entries:
            pending.pop(position, None)

    @asynccontextmanager
    async def session(self, stream: int) -> AsyncIterator["MemoryEventSession"]:
        """Connect to a stream."""
        await self._streams.reach(stream)
        yield MemoryEventSession(self._streams, stream)

    def close(self) -> None:
        """End."""


class MemoryEventSession:
    """One stream as a consumer reads it; see `EventSession`."""

    def __init__(self, streams: MemoryStreams, stream: int) -> None:
        self._streams = streams
        self._number = stream

    async def newest(self) -> EntryPosition:
        """Return the position of the newest entry."""
        return (await self._reach()).newest

    async def read(self, after: EntryPosition, most: int) -> Sequence[AppendedEntry]:
        """Return the next entries."""
        await self._wait_for_entries(lambda: after)
        return (await self._reach()).after(after, most)

    async def join(self, group: str) -> None:
        """Make a group, unless there is one."""
        _ = (await self._reach()).groups[group]

    async def read_new(self, group: str, consumer: str, most: int) -> Sequence[AppendedEntry]:
        """Return entries that no consumer of the group has got."""
        stream = await self._reach()
        position = stream.groups[group]
        await self._wait_for_entries(lambda: position.last)
        entries = (await self._reach()).after(position.last, most)
        for entry in entries:
            position.last = entry.position
            position.pending[entry.position] = (consumer, anyio.current_time())
        return entries

    async def read_pending(self, group: str, consumer: str, after: EntryPosition, most: int) -> Sequence[AppendedEntry]:
        """Return entries that this consumer has got and not acknowledged."""
        stream = await self._reach()
        own = [each for each, (owner, _) in sorted(stream.groups[group].pending.items()) if owner == consumer]
        return [stream.at(each) for each in own if each > after][:most]

    async def claim(self, group: str, consumer: str, idle: float) -> bool:
        """Take over entries that a consumer got before this many seconds."""
        pending, now = (await self._reach()).groups[group].pending, anyio.current_time()
        taken = {each: (consumer, now) for each, (_, since) in pending.items() if since <= now - idle}
        pending.update(taken)
        return bool(taken)

    async def _reach(self) -> _Stream:
        return await self._streams.reach(self._number)

    async def _wait_for_entries(self, after: Callable[[], EntryPosition]) -> None:
        stream = await self._reach()
        with anyio.move_on_after(_BLOCK):
            while not stream.after(after(), 1):
                await stream.grown.wait()
