"""Writes the events of one server to its stream, without anyone who waits for it."""

from collections.abc import Callable
from typing import Final

import anyio

from ocpp_core.cluster.events.buffer import EventBatch, EventBuffer
from ocpp_core.cluster.events.entries import entry_fields
from ocpp_core.cluster.records import NodeId
from ocpp_core.cluster.registry.buckets import bucket_of
from ocpp_transports._driver._interfaces import Handle
from ocpp_transports._logging._log import Log
from ocpp_transports._runtime._base import SocketRuntime
from ocpp_transports.cluster._store import ForeignDataError, StoreUnavailableError

from ._log import EventLog
from ._settings import EventsOut

__all__ = ["EventPublisher"]

_INTERVAL: Final = 0.01
"""Seconds from the first event of an entry until the entry is written."""
_ENTRY: Final = 65_536
"""Bytes of the events of an entry; more are written without delay."""
_AT_ONCE: Final = 16
"""Entries of one request to the store, so that a store that is far away is no limit."""
_PAUSE: Final = 0.2
"""Seconds until failed entries are written again."""


class EventPublisher:
    """Buffers events, and appends them in entries to the stream of a node.

    An entry that may have been written already is written again, with the same numbers: consumers may get it twice.

    Args:
        node: The node.
        settings: How much to buffer, and how long the stream keeps it.
        log: The streams.
        runtime: The event loop of the server.
        reports: The log of the server.
        dropped: Called for each event that will not be written.
    """

    def __init__(
        self,
        node: NodeId,
        settings: EventsOut,
        log: EventLog,
        runtime: SocketRuntime,
        reports: Log,
        dropped: Callable[[], None],
    ) -> None:
        self._node = node
        self._stream = bucket_of(node, settings.streams)
        self._keep = settings.retention
        self._log = log
        self._runtime = runtime
        self._reports = reports
        self._dropped = dropped
        self._buffer = EventBuffer(settings.buffer_events, settings.buffer_bytes)
        self._batches: list[EventBatch] = []  # that are being written
        self._wanted = anyio.Event()
        self._full = anyio.Event()
        self._is_closing = False
        self._idle = anyio.Event()
        self._task: Handle | None = None

    def open(self) -> None:
        """Begin to write, unless it has begun; the store need not be reachable."""
        if self._task is None:
            self._log.open(self._runtime)
            self._task = self._runtime.spawn(self._run())

    def add(self, line: bytes, *, is_message: bool) -> None:
        """Write an event soon, or drop it or older ones if too many wait."""
        for _ in range(self._buffer.add(line, is_message=is_message)):
            self._dropped()
        self._wanted.set()
        if self._buffer.size >= _ENTRY:
            self._full.set()

    async def aclose(self, timeout: float) -> None:
        """Write what is left for at most this many seconds, then end. Idempotent."""
        task, self._task = self._task, None
        if task is None:
            return
        self._is_closing, self._idle = True, anyio.Event()
        self._full.set()
        try:
            if self._has_news:
                with anyio.move_on_after(timeout):
                    await self._idle.wait()
        finally:
            task.cancel()
            self._report_lost()
            self._log.close()

    @property
    def _has_news(self) -> bool:
        return bool(self._batches) or self._buffer.has_news

    def _report_lost(self) -> None:
        lost = len(self._buffer) + sum(len(batch.lines) for batch in self._batches)
        if lost:
            self._reports.warning(f"{lost} events were not written: the store did not answer until the server closed")
            for _ in range(lost):
                self._dropped()

    # In a task of its own

    async def _run(self) -> None:
        while True:
            await self._wanted.wait()
            if not self._is_closing:
                with anyio.move_on_after(_INTERVAL):
                    await self._full.wait()
            await self._write_all()

    async def _write_all(self) -> None:
        while self._has_news:
            if not self._batches:
                self._batches = self._taken()
            if await self._are_written():
                self._batches = []
        self._wanted = anyio.Event()
        if not self._is_closing:
            self._full = anyio.Event()
        self._idle.set()

    def _taken(self) -> list[EventBatch]:
        batches: list[EventBatch] = []
        while len(batches) < _AT_ONCE and (batch := self._buffer.take(self._runtime.wall(), _ENTRY)) is not None:
            batches.append(batch)
        return batches

    async def _are_written(self) -> bool:
        """Append the entries; if it fails, return False after a pause."""
        entries = [entry_fields(self._node, batch.first, batch.lines) for batch in self._batches]
        try:
            await self._log.append(self._stream, entries, self._keep)
        except (StoreUnavailableError, ForeignDataError) as error:
            self._reports.recurring("cannot write events for the consumers of the cluster", str(error))
            await anyio.sleep(_PAUSE)
            return False
        return True
