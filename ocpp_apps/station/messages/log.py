"""The log of the messages between a station and its CSMS, with their problems."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from ocpp_apps.station.client import Client
from ocpp_apps.station.model.errors import StationError
from ocpp_core.actions import Direction
from ocpp_core.errors import OCPPError, RPCError
from ocpp_transports.events import BadMessageEvent, ErrorEvent, MessageEvent, ViolationEvent

from .conformance import problem_of

__all__ = ["LogEntry", "MessageLog"]

LONGEST: Final = 1000
"""Entries that are kept. When exceeded, the oldest is dropped."""


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A message or an error."""

    number: int
    """Number from 1; `clear` does not reset it."""
    at: datetime
    """Time, in UTC."""
    direction: str
    """`out` from the station, `in` to it; empty if the entry is not a message."""
    kind: str
    """CALL, CALLRESULT, CALLERROR, CALLRESULTERROR or SEND. BAD if it is not a message, REFUSED if strict mode
    rejected it, ERROR for a failure, NOTE for an operation that the station could not do."""
    action: str | None
    """The action, also of a response; None if unknown."""
    message_id: str | None
    """Message id of the CALL, or of the CALL that the response belongs to."""
    frame: Any
    """The message as a list; raw text or bytes if it is not a message; None for an error."""
    latency: float | None
    """Seconds from the CALL to this response; None for other entries."""
    problem: str | None
    """The problem; None if the message conforms to its schema."""


class MessageLog:
    """The latest entries, oldest first. It listens to a client; `now` returns the current time."""

    def __init__(self, client: Client, now: Callable[[], datetime]) -> None:
        self._client = client
        self._now = now
        self._entries: deque[LogEntry] = deque(maxlen=LONGEST)
        self._watchers: list[Callable[[LogEntry], None]] = []
        self._number = 0
        client.on("message", self._message)
        client.on("bad_message", self._bad)
        client.on("violation", self._refused)
        client.on("error", self._failed)

    def __iter__(self) -> Iterator[LogEntry]:
        return iter(tuple(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def entries(self) -> list[LogEntry]:
        """The entries, oldest first."""
        return list(self._entries)

    def clear(self) -> None:
        """Remove all entries."""
        self._entries.clear()

    def watch(self, callback: Callable[[LogEntry], None]) -> Callable[[], None]:
        """Call a function with every new entry. Returns the function that ends this."""
        self._watchers.append(callback)

        def cancel() -> None:
            if callback in self._watchers:
                self._watchers.remove(callback)

        return cancel

    def note(self, action: str, error: Exception) -> None:
        """Add a failed operation and its error, unless that is a CALLERROR, which is listed already."""
        if not (isinstance(error, RPCError) and error.remote):
            self._add("", "NOTE", action, problem=_text_of(error))

    def sent_raw(self, text: str) -> None:
        """Add a raw text that is not a message. For messages the client emits events."""
        self._add("out", "BAD", None, frame=text, problem="not a message")

    def action_of(self, message_id: str, direction: str) -> str | None:
        """Return the action of the newest CALL of this id and direction (`in` or `out`), None if it is not listed."""
        for entry in reversed(self._entries):
            if entry.kind == "CALL" and entry.message_id == message_id and entry.direction == direction:
                return entry.action
        return None

    # Events of the client

    def _message(self, event: MessageEvent) -> None:
        # The client does not know the action of a response that was sent as a raw text.
        action = event.action or self.action_of(event.message_id, "out" if event.direction is Direction.IN else "in")
        problem = problem_of(self._client.protocol, action, event.frame)
        self._add(
            event.direction.value,
            event.type.name,
            action,
            message_id=event.message_id,
            frame=event.frame,
            latency=event.latency,
            problem=problem,
        )

    def _bad(self, event: BadMessageEvent) -> None:
        self._add("in", "BAD", None, frame=event.message, problem=_text_of(event.error))

    def _refused(self, event: ViolationEvent) -> None:
        """Add a message that strict mode rejected, unless it is listed with its problem already."""
        last = self._entries[-1] if self._entries else None
        if last is None or last.problem is None or _payload_of(last) != event.payload:
            self._add("", "REFUSED", None, frame=event.payload, problem=event.violation.description)

    def _failed(self, event: ErrorEvent) -> None:
        self._add("", "ERROR", None, problem=_text_of(event.error))

    def _add(
        self,
        direction: str,
        kind: str,
        action: str | None,
        *,
        message_id: str | None = None,
        frame: Any = None,
        latency: float | None = None,
        problem: str | None = None,
    ) -> None:
        self._number += 1
        entry = LogEntry(self._number, self._now(), direction, kind, action, message_id, frame, latency, problem)
        self._entries.append(entry)
        for watcher in tuple(self._watchers):
            watcher(entry)


def _payload_of(entry: LogEntry) -> Any:
    return entry.frame[-1] if isinstance(entry.frame, list) else None


def _text_of(error: BaseException) -> str:
    """Return the text of an error, with its type unless it is an error of this library."""
    is_ours = isinstance(error, (OCPPError, StationError))
    return str(error) if is_ours else f"{type(error).__name__}: {error}"
