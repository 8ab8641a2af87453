"""Texts of messages: rows, filters and copies; independent of the document."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from ocpp_apps.station import LogEntry

from . import wording

__all__ = ["count", "direction", "end", "line", "matches", "pretty", "texts", "tone"]


_DIRECTIONS: Final[Mapping[str, tuple[str, str]]] = {"out": ("→", "sent"), "in": ("←", "received")}
_REFUSALS: Final = ("CALLERROR", "CALLRESULTERROR")
_NAMES: Final[Mapping[str, str]] = {
    "BAD": "not a message",
    "REFUSED": "refused",
    "ERROR": "failure",
    "NOTE": "note",
}


def direction(entry: LogEntry) -> str:
    """Return `sent` or `received` for a message, or "" for other entries."""
    return _DIRECTIONS.get(entry.direction, ("", ""))[1]


def tone(entry: LogEntry) -> str:
    """Return the tone of a row: bad with a problem, warn for a well-formed error, otherwise good."""
    if entry.problem is not None:
        return "bad"
    return "warn" if entry.kind in _REFUSALS else "good"


def texts(entry: LogEntry) -> Mapping[str, str]:
    """Return the text of each part of a row."""
    return {
        "time": _clock(entry.at),
        "arrow": _DIRECTIONS.get(entry.direction, ("·", ""))[0],
        "direction": direction(entry),
        "action": entry.action or ("—" if entry.frame is not None else "Station"),
        "kind": _NAMES.get(entry.kind, entry.kind),
        "latency": wording.latency(entry.latency),
        "check": _verdict(entry),
        "problem": entry.problem or "",
    }


def _verdict(entry: LogEntry) -> str:
    match tone(entry):
        case "bad":
            return "✕ problem"
        case "warn":
            return str(entry.frame[2])  # the code of the error
        case _:
            return "✓ valid"


def matches(entry: LogEntry, text: str, show: str) -> bool:
    """Return True if an entry matches a filter. `show` is all, sent, received or problems."""
    if show == "problems" and tone(entry) == "good":
        return False
    if show in ("sent", "received") and direction(entry) != show:
        return False
    return not text or text.casefold() in _searched(entry).casefold()


def _searched(entry: LogEntry) -> str:
    return " ".join((entry.action or "", entry.message_id or "", entry.kind, entry.problem or "", pretty(entry.frame)))


def pretty(frame: object) -> str:
    """Return a frame as indented JSON, or a raw frame unchanged."""
    if frame is None:
        return ""
    if isinstance(frame, bytes):
        return frame.hex(" ")
    return frame if isinstance(frame, str) else json.dumps(frame, indent=2, ensure_ascii=False)


def line(entry: LogEntry) -> str:
    """Return a message as one line of JSON."""
    fields = {
        "at": entry.at.isoformat(),
        "direction": direction(entry),
        "action": entry.action,
        "latency": entry.latency,
        "problem": entry.problem,
        "frame": entry.frame.hex(" ") if isinstance(entry.frame, bytes) else entry.frame,
    }
    return json.dumps({name: value for name, value in fields.items() if value is not None}, ensure_ascii=False)


def count(kept: int, shown: Collection[LogEntry], *, held: int, dropped: int = 0) -> str:
    """Return the numbers of all, shown, faulty, waiting and dropped messages as a text."""
    if not kept and not held:
        return "No messages yet."
    problems = sum(entry.problem is not None for entry in shown)
    parts = [f"{kept} message{'' if kept == 1 else 's'}"]
    if len(shown) != kept:
        parts.append(f"{len(shown)} shown")
    if problems:
        parts.append(f"{problems} with a problem")
    if held:
        parts.append(f"{held} more while paused")
    if dropped:
        parts.append(f"{dropped} older dropped")
    return ", ".join(parts) + "."


def end(dropped: int) -> str:
    """Return the last line of a list whose oldest messages were dropped."""
    return f"{dropped} older message{' was' if dropped == 1 else 's were'} dropped: the list keeps the newest ones."


def _clock(at: datetime) -> str:
    return at.astimezone().strftime("%H:%M:%S.%f")[:-3]
