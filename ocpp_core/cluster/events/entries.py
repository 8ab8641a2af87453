"""Entries of a stream of events: many events of one node in one entry, which Redis stores and delivers as a whole.

An entry has the fields `v` (the version of this format), `n` (the node), `s` (the number of its first event) and `e`:
JSON arrays, one a line. The events of a node are numbered from 1 without a gap, so `node-number` names an event, also
if its entry is written twice.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ocpp_core._dataclasses import dataclass
from ocpp_core._json import dumps
from ocpp_core.cluster.records import NodeId

__all__ = [
    "EVENTS_VERSION",
    "EventEntry",
    "UnreadableEntryError",
    "entry_fields",
    "event_json",
    "event_line",
    "read_entry",
]

EVENTS_VERSION: Final = 1
"""The version of the entries and of the events in them. Consumers skip entries of another one, and report a gap."""

_MOST_DIGITS: Final = 18

_encode: Final = json.JSONEncoder(separators=(",", ":"), default=lambda value: type(value).__name__).encode


class UnreadableEntryError(Exception):
    """An entry was not written by this version of the library; the text does not quote it."""


def event_json(value: object) -> str:
    """Return a part of an event as JSON without line breaks; of what JSON cannot represent, the name of its type."""
    try:
        return dumps(value)
    except (TypeError, ValueError):  # also half a surrogate pair, which identities may have
        return _encode(value)


def event_line(*values: object) -> bytes:
    """Return an event as one line of JSON."""
    return event_json(values).encode()


@dataclass(frozen=True, slots=True)
class EventEntry:
    """Successive events of one node."""

    node: NodeId
    """The node."""
    first: int
    """The number of the first event."""
    events: tuple[list[Any], ...]
    """The events, each as a list whose first item is its kind."""


def entry_fields(node: NodeId, first: int, lines: Sequence[bytes]) -> dict[str, bytes]:
    """Return the fields of an entry for events that are lines of JSON."""
    return {"v": b"%d" % EVENTS_VERSION, "n": node.encode(), "s": b"%d" % first, "e": b"\n".join(lines)}


def read_entry(fields: Mapping[bytes, bytes]) -> EventEntry:
    """Return the events in the fields of an entry. Raises UnreadableEntryError."""
    try:
        version, node, first = fields[b"v"], fields[b"n"].decode(), fields[b"s"]
        events = tuple(json.loads(line) for line in fields[b"e"].split(b"\n"))
    except (KeyError, ValueError, RecursionError):
        raise UnreadableEntryError("expected an entry of events, got something else") from None
    if version != b"%d" % EVENTS_VERSION:
        raise UnreadableEntryError(f"expected an entry of version {EVENTS_VERSION}, got another one")
    if not (first.isdigit() and len(first) <= _MOST_DIGITS):
        raise UnreadableEntryError("expected the number of an event, got something else")
    if not all(isinstance(event, list) and event for event in events):
        raise UnreadableEntryError("expected events as arrays, got something else")
    return EventEntry(NodeId(node), int(first), events)
