"""Reads one stream of events for a consumer, across lost connections and lost data."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple

import anyio

from ocpp_transports._logging._log import Log
from ocpp_transports.cluster._store import ForeignDataError, StoreUnavailableError

from ._deliveries import EventDeliveries, EventDelivery
from ._log import START, AppendedEntry, EntryPosition, EventLog, EventSession

__all__ = ["Deliver", "GroupReader", "PositionReader", "ReaderId"]

_AT_ONCE: Final = 32
"""Entries of one read, which are in memory together."""
_PAUSE: Final = 0.2
"""Seconds between two attempts to reach the store."""
_REMINDER: Final = 10.0
"""Seconds for which too many entries are unacknowledged until the log has it."""

Deliver = Callable[[AppendedEntry, EventDelivery | None], Awaitable[None]]
"""Called with each entry; it may wait for the program."""


async def _retry(log: EventLog, stream: int, use: Callable[[EventSession], Awaitable[None]], reports: Log) -> None:
    """Use one session after another; each ends with an error of the store."""
    while True:
        try:
            async with log.session(stream) as session:
                await use(session)
        except (StoreUnavailableError, ForeignDataError) as error:
            reports.recurring("cannot read the events of the cluster", str(error))
        await anyio.sleep(_PAUSE)


class PositionReader:
    """Reads all entries after a position.

    Args:
        log: The streams.
        stream: The number of the stream.
        after: The position; None for the newest entry when the store is reached.
        deliver: Called with each entry.
        reports: Gets a warning while the store is away.
    """

    def __init__(self, log: EventLog, stream: int, after: EntryPosition | None, deliver: Deliver, reports: Log) -> None:
        self._log = log
        self._stream = stream
        self._after = after
        self._deliver = deliver
        self._reports = reports
        self._last: EntryPosition | None = None
        """The entry that was delivered last."""

    async def run(self) -> None:
        """Read until it is cancelled."""
        await _retry(self._log, self._stream, self._read, self._reports)

    async def _read(self, session: EventSession) -> None:
        newest = await session.newest()
        if self._after is None:
            self._after = newest
        if self._last is not None and newest < self._last:  # the stream was lost, or a part of it
            await self._deliver(AppendedEntry(self._last, None), None)
            self._after, self._last = START, None
        while True:
            for entry in await session.read(self._after, _AT_ONCE):
                self._after = self._last = entry.position
                await self._deliver(entry, None)


class ReaderId(NamedTuple):
    """A consumer of a group."""

    group: str
    consumer: str


class GroupReader:
    """Reads the entries that a group gives to one consumer: first those that it has not acknowledged.

    Args:
        log: The streams.
        stream: The number of the stream.
        reader: The group and the consumer.
        claim_after: Seconds after which entries of other consumers are taken over.
        deliveries: The unacknowledged entries of all streams.
        deliver: Called with each entry.
        reports: Gets a warning while the store is away, or while too little is acknowledged.
    """

    def __init__(
        self,
        log: EventLog,
        stream: int,
        reader: ReaderId,
        claim_after: float,
        deliveries: EventDeliveries,
        deliver: Deliver,
        reports: Log,
    ) -> None:
        self._log = log
        self._stream = stream
        self._reader = reader
        self._claim_after = claim_after
        self._deliveries = deliveries
        self._deliver = deliver
        self._reports = reports

    async def run(self) -> None:
        """Read until it is cancelled."""
        await _retry(self._log, self._stream, self._read, self._reports)

    async def _read(self, session: EventSession) -> None:
        await session.join(self._reader.group)
        await self._read_pending(session)
        claimed_at = anyio.current_time()
        while True:
            if anyio.current_time() >= claimed_at + self._claim_after / 2:
                claimed_at = anyio.current_time()
                if await session.claim(*self._reader, self._claim_after):
                    await self._read_pending(session)
            await self._wait_for_room()
            await self._deliver_all(await session.read_new(*self._reader, _AT_ONCE))

    async def _read_pending(self, session: EventSession) -> None:
        """Deliver what the consumer got and did not acknowledge, in an earlier life or over a lost connection."""
        last = START
        while entries := await session.read_pending(*self._reader, last, _AT_ONCE):
            last = entries[-1].position
            await self._deliver_all(entries)
            await self._wait_for_room()

    async def _deliver_all(self, entries: Sequence[AppendedEntry]) -> None:
        for entry in entries:
            delivery = self._deliveries.begin(self._stream, entry.position)
            if delivery is not None:
                await self._deliver(entry, delivery)

    async def _wait_for_room(self) -> None:
        while self._deliveries.is_full:
            with anyio.move_on_after(_REMINDER):
                await self._deliveries.wait_for_room()
                return
            self._reports.recurring("reads no more events", "the program does not acknowledge those that it got")
