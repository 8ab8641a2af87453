"""What passed between a station and its CSMS, and what was wrong with it."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from ocpp_apps.station.client import Client
from ocpp_apps.station.model.errors import StationError
from ocpp_core.actions import Direction
from ocpp_core.errors import OCPPError, RPCError
from ocpp_transports.events import BadMessageEvent, ErrorEvent, MessageEvent, StrictValidationFailureEvent

from .conformance import problem_of

__all__ = ["LogEntry", "MessageLog"]

LONGEST: Final = 1000
"""Entries kept; beyond, the oldest one goes."""


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One message, or one thing that went wrong."""

    number: int
    """Counts from 1, over `clear` too."""
    at: datetime
    """When, in UTC."""
    direction: str
    """`out` from the station, `in` to it; empty where it is neither."""
    kind: str
    """CALL, CALLRESULT, CALLERROR, CALLRESULTERROR, SEND; BAD for what is no message, REFUSED for what strict mode
    refused, ERROR for what failed, NOTE for what the station could not do."""
    action: str | None
    """Of answers too."""
    message_id: str | None
    """Of the CALL it is or belongs to."""
    frame: Any
    """The message as a list; the raw text or bytes of what is none; None for an error."""
    latency: float | None
    """Seconds from CALL to answer, on answers."""
    problem: str | None
    """What is wrong with it; None if it conforms to its schema."""


class MessageLog:
    """The latest entries, oldest first. It listens to a client; `now` gives the time of day."""

    def __init__(self, client: Client, now: Callable[[], datetime]) -> None:
        self._client = client
        self._now = now
        self._entries: deque[LogEntry] = deque(maxlen=LONGEST)
        self._watchers: list[Callable[[LogEntry], None]] = []
        self._number = 0
        client.on("message", self._message)
        client.on("bad_message", self._bad)
        client.on("strict_validation_failure", self._refused)
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
        """Forget all entries."""
        self._entries.clear()

    def watch(self, callback: Callable[[LogEntry], None]) -> Callable[[], None]:
        """Call a function with every entry to come; returns what ends that."""
        self._watchers.append(callback)

        def cancel() -> None:
            if callback in self._watchers:
                self._watchers.remove(callback)

        return cancel

    def note(self, action: str, error: Exception) -> None:
        """Write down that the station could not do something, and why; a CALLERROR stands there already."""
        if not (isinstance(error, RPCError) and error.remote):
            self._add("", "NOTE", action, problem=_text_of(error))

    def sent_raw(self, text: str) -> None:
        """Write down a text that was sent as it is and is no message; of those that are, the client tells."""
        self._add("out", "BAD", None, frame=text, problem="no message")

    def action_of(self, message_id: str, direction: str) -> str | None:
        """Return the action of the newest CALL of this id and direction (`in` or `out`), None if it is not listed."""
        for entry in reversed(self._entries):
            if entry.kind == "CALL" and entry.message_id == message_id and entry.direction == direction:
                return entry.action
        return None

    # What the client tells

    def _message(self, event: MessageEvent) -> None:
        # The client does not know the action of an answer that was sent as a raw text.
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

    def _refused(self, event: StrictValidationFailureEvent) -> None:
        """Write down what strict mode found, unless the message stands there with its problem already."""
        last = self._entries[-1] if self._entries else None
        if last is None or last.problem is None or _payload_of(last) != event.message:
            self._add("", "REFUSED", None, frame=event.message, problem=_text_of(event.error))

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
    """Tell an error of ours by its text, a stranger's by its kind too."""
    is_ours = isinstance(error, (OCPPError, StationError))
    return str(error) if is_ours else f"{type(error).__name__}: {error}"
