"""What a program uses to get the events of a cluster."""

from collections import deque
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Self

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from ocpp_core.cluster.events.entries import UnreadableEntryError
from ocpp_transports._driver._interfaces import Handle
from ocpp_transports._logging._log import Log, Logging, logger_of
from ocpp_transports._runtime._base import SocketRuntime
from ocpp_transports._runtime._current import current_runtime
from ocpp_transports.cluster._settings import Backend, Cluster

from ._acknowledging import Acknowledging
from ._decoding import events_of, unknown_gap
from ._deliveries import EventDeliveries, EventDelivery
from ._kinds import ClusterEvent
from ._log import AppendedEntry, EntryPosition, EventLog
from ._reading import GroupReader, PositionReader, ReaderId
from ._settings import EventsOut

__all__ = ["ClusterEvents"]

_MOST_UNACKNOWLEDGED: Final = 1_000
"""Entries that a consumer may leave unacknowledged; then it gets no more."""
_NAME_LENGTH: Final = 128
_MILLI: Final = 1000

_Arrived = tuple[AppendedEntry, EventDelivery | None]


class ClusterEvents:
    """The events of all servers of a cluster that have the setting `events`, as an asynchronous iterator.

        async with ClusterEvents("redis://127.0.0.1:6379", group="billing", consumer="w1") as events:
            async for event in events:
                ...
                events.ack(event)

    The consumers of a group share the events: each event goes to one of them, and is delivered again unless it is
    acknowledged. So each event is delivered at least once, unless it is removed before; its `id` is the same every
    time. A new group begins with the oldest event that is kept. Without a group, the iterator returns all events from
    now on, or from `since` on.

    The events of one server come in their order, unless consumers of a group share them. The iteration goes on while
    Redis is away, and does not end.

    Args:
        cluster: The cluster, as the servers name it: the URL of Redis, a store, or a `Cluster`, whose `events` then say
            where the streams are.
        group: The name of a group, at most 128 characters.
        consumer: The name of this consumer within its group, at most 128 characters. A program that starts again under
            its name gets at once what it has not acknowledged. No two programs may use one name at the same time.
        since: Without a group: the events that were stored at this time or later, in seconds since 1970 or as an aware
            `datetime`. 0 is the oldest event that is kept, None the next one. To continue, pass `stored` of the last
            event, and ignore its ID.
        claim_after: Seconds after which a consumer gets what another one of its group has not acknowledged, from 1 to
            86,400. It must exceed the time that your program needs for 1,000 entries.
        logging: True for the logger `ocpp_ws_io`, False for none, or a logger.

    Raises:
        ValueError: An argument has a value that is not allowed, or the store has no streams.
        TypeError: An argument has the wrong type.
    """

    def __init__(
        self,
        cluster: "str | Backend | Cluster",
        *,
        group: str | None = None,
        consumer: str | None = None,
        since: float | datetime | None = None,
        claim_after: float = 60,
        logging: Logging = True,
    ) -> None:
        self._cluster = cluster if isinstance(cluster, Cluster) else Cluster(cluster)
        self._streams = (self._cluster.events or EventsOut()).streams
        self._backend = self._cluster.events_backend
        self._reader = _reader(group, consumer)
        if group is not None and since is not None:
            raise ValueError("expected group or since, got both: a group has a position of its own")
        self._after = None if since is None else _before(since)
        if not 1 <= claim_after <= 86_400:
            raise ValueError(f"expected claim_after from 1 to 86400 seconds, got {claim_after!r}")
        self._claim_after = claim_after
        self._reports = Log(logger_of(logging), "cluster events", is_station=False)
        self._ready: deque[ClusterEvent] = deque()
        self._use: _Use | None = None

    async def __aenter__(self) -> Self:
        if self._use is not None:
            raise RuntimeError("cannot begin the block: it has begun already")
        runtime = current_runtime(type(self).__name__, in_block=True, log=self._reports)
        self._reports.now = runtime.now
        self._ready.clear()
        use = self._use = _Use(runtime, self._backend.new_events(self._cluster.timeout), self._reports)
        try:
            for stream in range(self._streams):
                use.read(stream, self._reader, self._after, self._claim_after)
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._close()

    async def _close(self) -> None:
        use, self._use = self._use, None
        if use is not None:
            await use.aclose(self._cluster.timeout)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ClusterEvent:
        use = self._expect_use("read events")
        while not self._ready:
            self._ready.extend(use.events_of(await use.receive()))
        event = self._ready.popleft()
        if event.delivery is not None:
            event.delivery.returned.append(event.id)
        return event

    def ack(self, event: ClusterEvent | None = None) -> None:
        """Acknowledge an event, or without an argument all events that this object has returned so far.

        The store learns of it within milliseconds, and when the block ends. If the program is killed before that, the
        event is delivered again; so are all events that were stored together with one that is not acknowledged.
        Without a group, it does nothing.

        Raises RuntimeError outside the block.
        """
        deliveries = self._expect_use("acknowledge events").deliveries
        if event is None:
            deliveries.acknowledge_returned()
        elif event.delivery is not None:
            deliveries.acknowledge(event.delivery, event.id)

    def _expect_use(self, what: str) -> "_Use":
        if self._use is None:
            raise RuntimeError(
                f"cannot {what}: the block has not begun; use `async with ClusterEvents(...) as events:`"
            )
        return self._use


class _Use:
    """What one block has: the tasks that read and acknowledge."""

    def __init__(self, runtime: SocketRuntime, log: EventLog, reports: Log) -> None:
        self.log: Final = log
        self.deliveries: Final = EventDeliveries(_MOST_UNACKNOWLEDGED)
        self._runtime = runtime
        self._reports = reports
        log.open(runtime)
        self._acknowledging: Acknowledging | None = None
        self._tasks: list[Handle] = []
        streams: tuple[MemoryObjectSendStream[_Arrived], MemoryObjectReceiveStream[_Arrived]]
        streams = anyio.create_memory_object_stream(0)
        self._arriving, self._arrived = streams

    def read(self, stream: int, reader: ReaderId | None, after: EntryPosition | None, claim_after: float) -> None:
        """Begin to read a stream."""
        if reader is None:
            self._spawn(PositionReader(self.log, stream, after, self._deliver, self._reports))
            return
        arguments = (self.log, stream, reader, claim_after, self.deliveries)
        self._spawn(GroupReader(*arguments, self._deliver, self._reports))
        if self._acknowledging is None:
            self._acknowledging = Acknowledging(self.log, reader.group, self.deliveries, self._reports)
            self._spawn(self._acknowledging)

    def _spawn(self, what: PositionReader | GroupReader | Acknowledging) -> None:
        self._tasks.append(self._runtime.spawn(what.run()))

    async def _deliver(self, entry: AppendedEntry, delivery: EventDelivery | None) -> None:
        await self._arriving.send((entry, delivery))

    async def receive(self) -> _Arrived:
        """Return the next entry."""
        return await self._arrived.receive()

    def events_of(self, arrived: _Arrived) -> list[ClusterEvent]:
        """Return the events of an entry; an entry of something else is reported, and leaves a gap."""
        entry, delivery = arrived
        try:
            events = list(events_of(entry, delivery))
        except UnreadableEntryError as error:
            self._reports.recurring("skipped an entry of a stream of events", str(error))
            events = [unknown_gap(entry, delivery)]
        if delivery is not None:
            delivery.left.update(event.id for event in events)
        return events

    async def aclose(self, timeout: float) -> None:
        """End the tasks, and write the last acknowledgements for at most this many seconds."""
        try:
            for task in self._tasks:
                task.cancel()
            if self._acknowledging is not None:
                with anyio.move_on_after(timeout, shield=True):
                    await self._acknowledging.write()
        finally:
            self._arriving.close()
            self._arrived.close()
            self.log.close()
            with anyio.CancelScope(shield=True):
                await self._runtime.aclose()


def _reader(group: object, consumer: object) -> ReaderId | None:
    if group is None and consumer is None:
        return None
    if group is None or consumer is None:
        raise ValueError("expected both group and consumer or none of them, got one")
    return ReaderId(_name("group", group), _name("consumer", consumer))


def _name(what: str, name: object) -> str:
    if not isinstance(name, str):
        raise TypeError(f"expected {what} as str, got {type(name).__name__}")
    if not (0 < len(name) <= _NAME_LENGTH and name.isprintable()):
        raise ValueError(f"expected {what} as 1 to {_NAME_LENGTH} printable characters, got {name!r}")
    return name


def _before(since: float | datetime) -> EntryPosition:
    """Return the position before everything that was stored at this time or later."""
    if isinstance(since, datetime):
        if since.tzinfo is None:
            raise ValueError("expected since as a datetime with a time zone, got one without")
        since = since.astimezone(UTC).timestamp()
    if not 0 <= since < 10**11:
        raise ValueError(f"expected since as seconds since 1970, got {since!r}")
    return EntryPosition(max(0, int(since * _MILLI) - 1), 2**63 if since else 0)
