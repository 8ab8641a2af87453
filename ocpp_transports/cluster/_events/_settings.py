"""Which events of its stations a server writes to streams for other programs, and how long they are kept."""

from collections.abc import Collection
from dataclasses import field
from typing import Final, Literal

from ocpp_core._dataclasses import dataclass
from ocpp_core.config import expect_declared, number

from ._log import EventsBackend, Retention

__all__ = ["EventsOut"]

_MOST_STREAMS: Final = 64
_MEGABYTE: Final = 2**20


@dataclass(frozen=True)
class EventsOut:
    """Which events a server writes to streams for other programs, see `ClusterEvents`.

        events = EventsOut(actions=["StatusNotification", "StopTransaction"])
        server = OCPPServer(cluster=Cluster("redis://127.0.0.1:6379", events=events))

    Connects, disconnects and security events are always written. A server never waits for the store: events that cannot
    be stored are kept in a buffer. When it is full, it drops the oldest messages first, and consumers get an `EventGap`
    with their number.

    Raises:
        ValueError: A value is out of its range.
        TypeError: A value has the wrong type.
    """

    messages: bool = True
    """True to write messages too: those that the next three options select."""
    actions: Collection[str] | None = None
    """The actions of messages that are written, with their responses; None for all."""
    direction: Literal["in", "out"] | None = None
    """`in` to write only messages that stations sent, `out` only those of the server; None for both."""
    identities: Collection[str] | None = None
    """The stations whose messages are written; None for all."""
    redact: bool = True
    """True to replace passwords, keys, ID tokens and certificates in messages, as in logs. Consumers that must know ID
    tokens, for example for billing, need False: anyone who can read the store then reads them."""
    keep: float = number(3600, least=1, most=366 * 86400)
    """Seconds for which entries are kept, about. A message takes about 300 bytes of the store's memory."""
    keep_entries: int = number(100_000, least=100, most=100_000_000, unit="entries")
    """Entries that each stream keeps, about. An entry has the events of 10 ms, at most 64 KB unless one message has
    more."""
    buffer_events: int = number(10_000, least=100, most=10_000_000, unit="events")
    """Events that the server keeps in memory until they are stored."""
    buffer_bytes: int = number(8 * _MEGABYTE, least=100_000, most=1024 * _MEGABYTE, unit="bytes")
    """Bytes of these events."""
    streams: int = number(1, least=1, most=_MOST_STREAMS, unit="streams")
    """Streams over which the servers are distributed, the same number on every server and consumer. On a Redis Cluster,
    several streams spread the load."""
    store: str | EventsBackend | None = field(default=None, repr=False)
    """The URL of another Redis or another `RedisBackend` for the events; None for the store of the cluster."""

    def __post_init__(self) -> None:
        expect_declared(self)
        if self.direction not in (None, "in", "out"):
            raise ValueError(f"expected direction as 'in', 'out' or None, got {self.direction!r}")
        for name in ("actions", "identities"):
            names = _expect_names(name, getattr(self, name))
            object.__setattr__(self, name, names)

    @property
    def retention(self) -> Retention:
        """How long the streams keep entries."""
        return Retention(self.keep, self.keep_entries)


def _expect_names(name: str, names: object) -> frozenset[str] | None:
    """Return names as a set. Raises TypeError unless they are a collection of strings, or None."""
    if names is None:
        return None
    if isinstance(names, str) or not isinstance(names, Collection) or not all(isinstance(each, str) for each in names):
        raise TypeError(f"expected {name} as a collection of strings, got {names!r}")
    return frozenset(names)
