"""The streams in the store's data: what nodes have written to each other."""

from typing import TypeAlias

from ocpp_core.cluster.records import NodeId

Entry: TypeAlias = tuple[tuple[int, int], tuple[NodeId, bytes]]
"""The number of an entry, and its sender and frame."""
KEPT = 50
"""Entries of a stream that are kept: more than are unread at a time."""


class StreamTable:
    """Streams by the node that reads them; entries have numbers that grow, the first part is a time."""

    def __init__(self) -> None:
        self._streams: dict[NodeId, list[Entry]] = {}

    def append(self, node: NodeId, content: tuple[NodeId, bytes], now: float) -> None:
        """Append an entry; `now` is the time of the store in seconds."""
        stream = self._streams.setdefault(node, [])
        time, sequence = self.newest(node)
        millis = int(now * 1000)
        stream.append(((millis, 0) if millis > time else (time, sequence + 1), content))
        del stream[:-KEPT]

    def newest(self, node: NodeId) -> tuple[int, int]:
        """Return the number of the newest entry."""
        stream = self._streams.get(node)
        return stream[-1][0] if stream else (0, 0)

    def read(self, node: NodeId, after: tuple[int, int]) -> list[Entry]:
        """Return the entries after one with this number."""
        return [entry for entry in self._streams.get(node, ()) if entry[0] > after]
