"""What is recorded now, and what waits to be written; both together have a limit."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from os import PathLike
from pathlib import Path
from threading import Lock, Thread
from typing import Any, Final, Protocol, TypeAlias

from ocpp_core.config import Range
from ocpp_core.recording import Recording

from ._directory import RecordingDirectory
from ._finished import finished

__all__ = ["Owner", "RecordTo", "RecordingSink", "Recordings", "Running"]

RecordingSink: TypeAlias = Callable[[str, Sequence[str]], object]
"""Called with the name of each finished recording and its lines, in a thread of its own."""
RecordTo: TypeAlias = "str | PathLike[str] | RecordingSink | Recordings"
"""A value of the option `record`: a directory, a function, or these with their limits."""
_CONNECTION: Final = Range(1024, 1 << 30, unit="bytes")
_TOTAL: Final = Range(1024, 1 << 40, unit="bytes")


class Owner(Protocol):
    """The client or server whose connections are recorded. The methods may be called in any thread."""

    def wrote(self, name: str) -> None:
        """Note that a recording is written."""

    def dropped(self, name: str) -> None:
        """Note that a recording was dropped, because all together have too many bytes."""

    def failed(self, error: Exception) -> None:
        """Note that recordings cannot be written; once, until one is written again."""


class Running:
    """A recording in progress, or one that waits to be written."""

    def __init__(self, name: str, owner: Owner, recordings: "Recordings") -> None:
        self.name: str = name
        """The name of its file."""
        self.owner = owner
        self.lines: list[str] = []
        self.size: int = 0
        """Bytes of the lines."""
        self.recording: Recording = Recording(
            self._write, max_bytes=recordings.connection_bytes, about={"name": name}, ended=self.finish
        )
        self._recordings = recordings

    def _write(self, line: str) -> None:
        self.lines.append(line)
        self._recordings._grew(self, len(line) + 1)

    def finish(self) -> None:
        """Write what is recorded. Idempotent."""
        self._recordings._finish(self)

    def clear(self) -> None:
        """Record nothing more, and forget what was recorded."""
        self.recording.abandon()
        self.lines.clear()


class Recordings:
    """Where recordings go, how large they may get, and whether they are redacted; a value of the option `record`.

    A recording is kept in memory until its connection has ended or it has `connection_bytes`; that of a client until
    the client closes. Then it is redacted, and written in a thread. An object may serve several clients and servers.

    Args:
        to: A directory, which is made if it is missing, or a function `(name, lines)` that a thread calls.
        connection_bytes: Bytes of one recording, 1 KiB to 1 GiB. Beyond, only the beginning is recorded.
        total_bytes: Bytes of all recordings in memory, and also of all files in the directory, 1 KiB to 1 TiB. Beyond,
            whole recordings are dropped, the oldest first.
        redact: False to record passwords, identities and ID tokens as they are.

    Raises:
        TypeError: `to` is neither a path nor a function, or `redact` is no bool.
        ValueError: A number of bytes is out of its range.
    """

    def __init__(
        self,
        to: str | PathLike[str] | RecordingSink,
        *,
        connection_bytes: int = 1 << 20,
        total_bytes: int = 1 << 26,
        redact: bool = True,
    ) -> None:
        if not isinstance(redact, bool):
            raise TypeError(f"expected redact as bool, got {type(redact).__name__}")
        for name, given, allowed in (
            ("connection_bytes", connection_bytes, _CONNECTION),
            ("total_bytes", total_bytes, _TOTAL),
        ):
            if given not in allowed:
                raise ValueError(f"expected {name} {allowed}, got {given!r}")
        self.connection_bytes: int = connection_bytes
        """Bytes of one recording."""
        self.total_bytes: int = total_bytes
        """Bytes of all recordings."""
        self.redact: bool = redact
        """True to replace secrets before anything is written."""
        self._sink = _sink_of(to, total_bytes)
        self._lock = Lock()
        self._running: dict[Running, None] = {}
        self._waiting: dict[Running, None] = {}
        self._size = 0
        self._thread: Thread | None = None
        self._has_failed = False
        self._numbers = count(1)

    def __repr__(self) -> str:
        return f"<Recordings, {len(self._running)} running, {len(self._waiting)} to be written>"

    def begin(self, owner: Owner) -> Running:
        """Begin a recording."""
        started = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        running = Running(f"{started}-{next(self._numbers)}.ocpp.jsonl", owner, self)
        with self._lock:
            self._running[running] = None
        return running

    def drop(self, running: Running) -> None:
        """Forget a recording that is impossible."""
        with self._lock:
            self._forget(running)

    def finish_all(self, owner: Owner) -> None:
        """Finish the recordings of a client or server that ends."""
        with self._lock:
            ended = [running for running in self._running if running.owner is owner]
        for running in ended:
            running.finish()

    def join(self, seconds: float) -> None:
        """Wait until what is finished is written, at most so long."""
        thread = self._thread
        if thread is not None:
            thread.join(seconds)

    @property
    def is_writing(self) -> bool:
        """True while a finished recording is not written."""
        return self._thread is not None

    def _grew(self, running: Running, size: int) -> None:
        with self._lock:
            if running not in self._running:
                return
            running.size += size
            self._size += size
            dropped = self._drop_oldest() if self._size > self.total_bytes else ()
        for each in dropped:
            each.owner.dropped(each.name)

    def _drop_oldest(self) -> Sequence[Running]:
        """Drop recordings until there is room, and return them."""
        dropped = []
        while self._size > self.total_bytes and (self._waiting or self._running):
            dropped.append(next(iter(self._waiting or self._running)))
            self._forget(dropped[-1])
        return dropped

    def _forget(self, running: Running) -> None:
        self._waiting.pop(running, None)
        self._running.pop(running, None)
        self._size -= running.size
        running.clear()

    def _finish(self, running: Running) -> None:
        with self._lock:
            if running not in self._running:
                return
            del self._running[running]
            self._waiting[running] = None
            if self._thread is None:
                self._start_thread()

    def _start_thread(self) -> None:
        self._thread = Thread(target=self._write_all, name="ocpp-recordings", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # the system has no thread left: the next recording tries again
            self._thread = None

    # In the thread

    def _write_all(self) -> None:
        """Write what waits, and end; the next recording gets a new thread."""
        while (running := self._next()) is not None:
            try:
                self._write(running)
            except Exception as error:
                if not self._has_failed:
                    self._has_failed = True
                    with suppress(Exception):  # its event loop has ended
                        running.owner.failed(error)
            with self._lock:
                self._size -= running.size

    def _next(self) -> Running | None:
        with self._lock:
            if not self._waiting:
                self._thread = None
                return None
            running = next(iter(self._waiting))
            del self._waiting[running]
            return running

    def _write(self, running: Running) -> None:
        lines = finished(running.lines, running.recording.code, redact=self.redact)
        if not lines:
            return
        self._sink(running.name, lines)
        self._has_failed = False
        with suppress(Exception):  # its event loop has ended
            running.owner.wrote(running.name)


def _sink_of(to: Any, total_bytes: int) -> RecordingSink:
    if isinstance(to, str | PathLike):
        return RecordingDirectory(Path(to), total_bytes).write
    if not callable(to):
        raise TypeError(f"expected a directory or a function for recordings, got {type(to).__name__}")
    sink: RecordingSink = to
    return sink
