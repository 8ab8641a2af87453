"""The engine that a host uses while another one is recorded behind it."""

from dataclasses import replace
from typing import Any

from ocpp_core.inputs import Accept

from ._engines import has_messages
from ._recording import Recording

__all__ = ["Recorder"]


class Recorder:
    """Passes everything on to an engine, and records it.

    It takes the place of the engine in any host: it also has the other attributes of the engine, and its class.

        recording = Recording(file.write_line)
        engine = Recorder(make_engine(random=recording.random(random), ids=recording.ids(ids)), recording)

    Args:
        engine: A stack, a session, or the engine of a client or server; new, and drawing from `recording`.
        recording: The recording.

    Raises:
        TypeError: The engine is of another kind.
    """

    def __init__(self, engine: Any, recording: Recording) -> None:
        recording.begin(engine)
        self._engine = engine
        self._recording = recording

    @property  # type: ignore[misc] # read only: hosts ask an engine for its class
    def __class__(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        return type(self._engine)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    @property
    def deadline(self) -> float:
        """The deadline of the engine."""
        deadline: float = self._engine.deadline
        return deadline

    def handle(self, event: Any, now: float) -> None:
        """Record an input, and pass it to the engine."""
        recording = self._recording
        if not recording.is_on:
            self._engine.handle(event, now)
            return
        if has_messages(self._engine):
            recording.stop("the station has messages in the server's outbox, which are not recorded")
        if isinstance(event, Accept) and event.shared is not None:
            event = replace(event, shared=recording.bucket(event.shared))
        recording.input(event, now)
        try:
            self._engine.handle(event, now)
        except BaseException as error:
            recording.raised(error)
            raise

    def poll(self) -> Any:
        """Return the next action of the engine, and record it."""
        return self._polled("poll")

    def poll_outbox(self) -> Any:
        """Return the next output of the outbox, and record it."""
        return self._polled("poll_outbox")

    def enqueue(self, message: Any, now: float) -> int:
        """Record a message, queue it, and return its ticket."""
        recording = self._recording
        recording.input(message, now, direct=True)
        try:
            ticket: int = self._engine.enqueue(message, now)
        except BaseException as error:
            recording.raised(error)
            raise
        recording.returned(ticket)
        return ticket

    def _polled(self, poll: str) -> Any:
        recording = self._recording
        try:
            output = getattr(self._engine, poll)()
        except BaseException as error:
            recording.raised(error, poll)
            raise
        if recording.is_on:
            recording.polled(output, poll)
        return output
