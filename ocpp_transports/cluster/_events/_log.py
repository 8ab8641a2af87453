"""The interface of a store of events: streams of entries, to which nodes append and from which consumers read."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final, NamedTuple, Protocol, TypeAlias, runtime_checkable

from ocpp_core._dataclasses import dataclass
from ocpp_transports._runtime._base import SocketRuntime

__all__ = ["START", "AppendedEntry", "EntryPosition", "EventLog", "EventSession", "EventsBackend", "Retention"]


class EntryPosition(NamedTuple):
    """The position of an entry in its stream: when it was stored, in ms since 1970, and its place in this ms."""

    milliseconds: int
    sequence: int


Fields: TypeAlias = Mapping[bytes, bytes]

START: Final = EntryPosition(0, 0)
"""Before the first entry of a stream."""


class AppendedEntry(NamedTuple):
    """An entry of a stream."""

    position: EntryPosition
    """Its position."""
    fields: Fields | None
    """Its fields; None if it was removed before it was acknowledged."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long a stream keeps its entries, about."""

    seconds: float
    """Seconds that an entry stays."""
    entries: int
    """Entries of a stream."""


class EventSession(Protocol):
    """One connection of a consumer to one stream; any of its errors ends it.

    Raises StoreUnavailableError, and ForeignDataError if the key of the stream has something else.
    """

    async def newest(self) -> EntryPosition:
        """Return the position of the newest entry; `START` without one."""

    async def read(self, after: EntryPosition, most: int) -> Sequence[AppendedEntry]:
        """Return the next entries, after about a second at the latest: then none."""

    async def join(self, group: str) -> None:
        """Make a group that has read nothing yet, unless there is one of this name."""

    async def read_new(self, group: str, consumer: str, most: int) -> Sequence[AppendedEntry]:
        """Return entries that no consumer of the group has got, after about a second at the latest: then none."""

    async def read_pending(self, group: str, consumer: str, after: EntryPosition, most: int) -> Sequence[AppendedEntry]:
        """Return entries that this consumer has got and not acknowledged."""

    async def claim(self, group: str, consumer: str, idle: float) -> bool:
        """Take over entries that a consumer got before this many seconds; return True if there were any."""


class EventLog(Protocol):
    """The streams of events, as one process uses them."""

    def open(self, runtime: SocketRuntime) -> None:
        """Begin, in this event loop; nothing is connected until it is needed."""

    async def append(self, stream: int, entries: Sequence[Mapping[str, bytes]], keep: Retention) -> None:
        """Append entries, and remove old ones. After an error they may have been appended nevertheless.

        Raises:
            StoreUnavailableError: The store did not answer, or refused.
            ForeignDataError: The key of the stream has something else.
        """

    async def acknowledge(self, stream: int, group: str, entries: Sequence[EntryPosition]) -> None:
        """Note that a group is done with these entries. Raises the errors of `append`."""

    def session(self, stream: int) -> AbstractAsyncContextManager[EventSession]:
        """Connect to a stream to read it. Raises StoreUnavailableError."""

    def close(self) -> None:
        """Disconnect. Idempotent."""


@runtime_checkable
class EventsBackend(Protocol):
    """A store that has streams of events."""

    def new_events(self, timeout: float) -> EventLog:
        """Return what one process uses; nothing is opened yet. `timeout` is seconds until the store counts as away."""
