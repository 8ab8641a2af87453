"""Sources whose engines are recorded."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any, Final, TypeVar

from anyio import CancelScope, CapacityLimiter, to_thread

from ocpp_core.config import IdFactory
from ocpp_core.recording import Recorder
from ocpp_transports._driver._sources import Draws, Sources

from ._recordings import Owner, Recordings

__all__ = ["RecordingSources"]

E = TypeVar("E")

_PATIENCE: Final = 10.0
"""Seconds that the end of a client or server waits for a slow disk."""


class RecordingSources(Sources):
    """Records every engine that is made, which draws from other sources.

    Args:
        sources: The other sources.
        recordings: Where the recordings go.
        owner: Whose engines these are.
    """

    def __init__(self, sources: Sources, recordings: Recordings, owner: Owner) -> None:
        self._sources = sources
        self._recordings = recordings
        self._owner = owner

    def random(self, name: str, *, secret: bool = False) -> Random:
        """Return a source of random numbers of the other sources."""
        return self._sources.random(name, secret=secret)

    def ids(self, make: IdFactory) -> IdFactory:
        """Return the source of message ids of the other sources."""
        return self._sources.ids(make)

    def engine(self, name: str, draws: Draws, make: Callable[[Draws], E]) -> E:
        """Make an engine that is recorded."""
        return self._sources.engine(name, draws, partial(self._recorded, make))

    def recorded(self, engine: E, record: Callable[[Any], Any]) -> E:
        """Return an engine of the other sources that is recorded."""
        return self._sources.recorded(engine, record)

    def _recorded(self, make: Callable[[Draws], E], draws: Draws) -> E:
        running = self._recordings.begin(self._owner)
        recording = running.recording
        recorded = replace(
            draws,
            random=recording.random(draws.random),
            ids=recording.ids(draws.ids),
            numbers=recording.numbers(draws.numbers),
            unfinished=None if draws.unfinished is None else recording.unfinished(draws.unfinished),
            answers=None if draws.answers is None else recording.answers(draws.answers),
        )
        engine = make(recorded)
        try:
            return self.recorded(engine, partial(Recorder, recording=recording))
        except Exception as error:  # settings of the application may be anything
            self._recordings.drop(running)
            self._owner.failed(error)
            return engine

    async def aclose(self) -> None:
        """Write the recordings that have not ended, and wait for the disk."""
        self._recordings.finish_all(self._owner)
        await self._sources.aclose()
        if self._recordings.is_writing:
            with CancelScope(shield=True):
                await to_thread.run_sync(self._recordings.join, _PATIENCE, limiter=CapacityLimiter(1))
            if self._recordings.is_writing:
                text = f"recordings are not written {_PATIENCE:g} s after the end; they are lost if the process ends"
                self._owner.failed(TimeoutError(text))
