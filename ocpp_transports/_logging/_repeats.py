"""Limits how often the same kind of record is written, so that a peer cannot flood a log."""

from typing import Final, TypeAlias

__all__ = ["OTHERS", "WINDOW", "WRITTEN", "RepeatedRecords"]

WINDOW: Final = 60.0
"""Seconds for which records of one kind are counted."""
WRITTEN: Final = 5
"""Records of one kind that are written in a window; further ones are counted."""

_MAX_KINDS: Final = 50
OTHERS: Final = "other records"
"""The kind of all records that are none of fifty others."""

_Kind: TypeAlias = tuple[int, str]
"""The level and the kind of a record."""


class _Count:
    __slots__ = ("ends", "left_out", "written")

    def __init__(self, ends: float) -> None:
        self.ends = ends
        self.written = 1
        self.left_out = 0


class RepeatedRecords:
    """The records of one connection, or of one server, by kind.

    There is no timer: omitted records are reported with the next record that is written, or at the end by `take`. Kinds
    that do not recur make room for new ones, and their omitted records then count as `OTHERS`.
    """

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: dict[_Kind, _Count] = {}

    def admit(self, kind: _Kind, now: float, window: float = WINDOW) -> int | None:
        """Return how many records were omitted before this one, or None if this one must be omitted.

        Args:
            kind: The level and the kind of the record.
            now: The time in seconds.
            window: Seconds for which records of this kind are counted.
        """
        count = self._counts.get(kind)
        if count is None and self._is_full(now):
            kind = kind[0], OTHERS
            count = self._counts.get(kind)
        if count is None or now >= count.ends:
            self._counts[kind] = _Count(now + window)
            return 0 if count is None else count.left_out
        if count.written < WRITTEN:
            count.written += 1
            return 0
        count.left_out += 1
        return None

    def _is_full(self, now: float) -> bool:
        """Return True if there are too many kinds in this window."""
        if len(self._counts) >= _MAX_KINDS:
            for kind, count in tuple(self._counts.items()):
                if now >= count.ends and kind[1] != OTHERS:
                    self._forget(kind, now)
        return len(self._counts) >= _MAX_KINDS

    def _forget(self, kind: _Kind, now: float) -> None:
        """Drop a kind whose window has ended; report its omitted records as those of other kinds."""
        left_out = self._counts.pop(kind).left_out
        if left_out:
            others = self._counts.setdefault((kind[0], OTHERS), _Count(now))
            others.left_out += left_out

    def take(self) -> list[tuple[_Kind, int]]:
        """Return the kinds with omitted records that were not reported, with their numbers; start again."""
        counts, self._counts = self._counts, {}
        return [(kind, count.left_out) for kind, count in counts.items() if count.left_out]
