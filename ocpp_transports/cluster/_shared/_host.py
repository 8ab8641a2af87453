"""Writes what a node shares with the others in the background, and reads it when a station connects.

A change waits for 20 ms, or until a connection ends, and is written with all others that wait: one pipeline for all
stations. Nothing that a station receives ever waits for a write. If the store is away, changes wait in bounded memory:
of each session only its last values, of responses the newest. What must be dropped is counted in the log.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import anyio

from ocpp_core.cluster.shared.answers import SharedAnswerMemory
from ocpp_core.cluster.shared.pending import PendingAnswers
from ocpp_core.cluster.shared.rates import CountedBuckets
from ocpp_core.cluster.shared.records import AnswerChange, SharedAnswer, SharedChange, StationMemory
from ocpp_transports._driver._interfaces import Runtime
from ocpp_transports._logging._log import Log
from ocpp_transports.cluster._store import ForeignDataError, StoreUnavailableError

from ._sessions import OwnSession, SharedSessions
from ._store import SharedStore

__all__ = ["SharedHost"]

_DELAY: Final = 0.02
"""Seconds for which changes are collected."""
_AT_ONCE: Final = 200
"""Stations with new responses, and as many sessions, of one write."""
_PAUSE: Final = 1.0
"""Seconds between two attempts while the store is away."""
_REPORT: Final = 1.0
"""Seconds between two reports of the handshakes of each address."""
_OWNERS_AT_ONCE: Final = 1_000
"""Addresses of one report, at most."""
_SHORTEST_REFRESH: Final = 1.0
"""Seconds between two refreshes of all sessions, at least."""
_NO_SESSIONS: Final = 60.0
"""Seconds between two looks at whether sessions are kept, while they are not."""
_FAILED: Final = "the memory of the cluster did not answer"


class SharedHost:
    """The common memory as one node uses it, from `open` to `aclose`.

    Args:
        store: The store of this node.
        runtime: The event loop of its host.
        log: The log of its host.
    """

    def __init__(self, store: SharedStore, runtime: Runtime, log: Log) -> None:
        self._store = store
        self._runtime = runtime
        self._log = log
        self._pending = PendingAnswers()
        self._wanted = anyio.Event()
        self._urgent = anyio.Event()
        self._buckets: CountedBuckets | None = None
        self._is_open = False
        self._writing = anyio.Lock()
        self._dropped = 0
        self.sessions: SharedSessions = SharedSessions(log, self._want)
        """The sessions of the connections of this node."""
        self.answers: SharedAnswerMemory = SharedAnswerMemory(self)
        """The stored responses of this node."""

    async def open(self) -> None:
        """Begin to write, unless it is open."""
        if self._is_open:
            return
        self._is_open = True
        await self._store.open()
        for run in (self._write_always, self._report_always, self._refresh_always):
            self._runtime.spawn(run())

    async def aclose(self) -> None:
        """Write what waits, unless the store does not answer, and disconnect."""
        if not self._is_open:
            return
        self._is_open = False
        try:
            while await self._try(self._write) and self._has_pending:
                pass
            if self._has_pending:
                self._log.warning(
                    f"not written for the other servers: sessions: {len(self.sessions)}, "
                    f"stations with responses: {len(self._pending)}"
                )
        finally:
            await self._store.aclose()

    def new_buckets(self, rate: float, burst: float) -> CountedBuckets:
        """Return buckets of addresses whose tokens are shared from now on, instead of earlier ones."""
        self._buckets = CountedBuckets(rate, burst)
        return self._buckets

    async def read(self, name: str, key: str | None) -> StationMemory:
        """Return what is known of a station. Raises StoreUnavailableError."""
        return await self._store.read(name, key)

    def adopt(self, name: str, memory: StationMemory) -> None:
        """Answer copies of a station's CALLs with these responses on its next connection."""
        now = self._runtime.now()
        self.answers.adopt(name, ((answer, now + left) for answer, left in memory.answers))

    # Changes

    def add(self, name: str, answer: SharedAnswer, window: float) -> None:
        """Share a response; see `AnswerSink`."""
        self._pending.add(name, answer, window)
        self._wanted.set()

    def forget(self, name: str) -> None:
        """Share that earlier responses count no more; see `AnswerSink`."""
        self._pending.forget(name)
        self._wanted.set()

    def _want(self, is_urgent: bool) -> None:
        self._wanted.set()
        if is_urgent:
            self._urgent.set()

    @property
    def _has_pending(self) -> bool:
        return bool(len(self._pending) or len(self.sessions))

    # Writing

    async def _write_always(self) -> None:
        while self._is_open:
            await self._wanted.wait()
            with anyio.move_on_after(_DELAY):
                await self._urgent.wait()
            self._wanted, self._urgent = anyio.Event(), anyio.Event()
            while self._has_pending and self._is_open:
                if not await self._try(self._write):
                    await anyio.sleep(_PAUSE)

    async def _write(self) -> None:
        async with self._writing:
            await self._write_some()

    async def _write_some(self) -> None:
        answers, sessions = self._pending.take(_AT_ONCE), self.sessions.take(_AT_ONCE)
        changes: list[SharedChange] = [*self.sessions.changes(sessions), *answers]
        self._note_dropped()
        try:
            if changes:
                await self._store.write(changes)
        except StoreUnavailableError:
            self._put_back(answers, sessions)
            raise
        finally:
            self.sessions.written()

    def _put_back(self, answers: list[AnswerChange], sessions: list[OwnSession]) -> None:
        self._pending.put_back(answers)
        self.sessions.put_back(sessions)

    def _note_dropped(self) -> None:
        dropped = self._pending.dropped + self.sessions.dropped
        if dropped > self._dropped:
            self._log.recurring("too much waits for the memory of the cluster", f"{dropped} changes were dropped")
            self._dropped = dropped

    async def _try(self, act: Callable[[], Awaitable[None]]) -> bool:
        """Return False if the store did not answer. Anything else that it raises is logged: the next writes go on."""
        try:
            await act()
        except StoreUnavailableError as error:
            self._log.recurring(_FAILED, str(error))
            return False
        except ForeignDataError as error:
            self._log.recurring("ignored data in the memory of the cluster", str(error))
        except Exception as error:
            self._log.raised("the memory of the cluster failed", error)
        return True

    # Rates and refreshes

    async def _report_always(self) -> None:
        while self._is_open:
            await anyio.sleep(_REPORT)
            if self._buckets is not None:
                await self._try(partial(self._report, self._buckets))

    async def _report(self, buckets: CountedBuckets) -> None:
        taken = buckets.report(min(_OWNERS_AT_ONCE, buckets.most_reported(_REPORT)))
        if not taken:
            return
        try:
            times = await self._store.take(taken, buckets.rate, buckets.burst)
        except StoreUnavailableError:
            buckets.take_back(taken)
            raise
        now = self._runtime.now()
        for owner, left in zip(taken, times, strict=True):
            buckets.adopt(owner, now + left)

    async def _refresh_always(self) -> None:
        while self._is_open:
            await anyio.sleep(max(self.sessions.ttl / 2 or _NO_SESSIONS, _SHORTEST_REFRESH))
            self.sessions.refresh()
