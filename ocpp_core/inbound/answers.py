"""Stored CALLRESULTs, which answer further copies of a CALL.

A copy then gets the same result, and the handler does not run a second time. A sender whose connection failed, or that
waited too long, may repeat a CALL with its message ID (OCPP 2.0.1 edition 3 errata 4.6, OCPP-J 1.6 errata 2025-04). The
memory outlives connections, because the copy often arrives on the next one. CALLERRORs are not stored: a sender that
repeats the CALL after one wants it to be processed again.

A handler that continues after its connection ended is stored too, so that a copy waits for its result.
"""

from typing import Final, TypeAlias

from ocpp_core.actions import Dispatch

__all__ = ["TIME_MEMBER", "AnswerMemory", "Answers"]

_OVERHEAD: Final = 256
"""Bytes that an answer counts in addition to its text, which also limits the number of answers."""
_BLOCK: Final = 2048
"""Bytes by which an identity's share of the memory grows: the limits are checked once per block, not per answer."""
TIME_MEMBER: Final = '"currentTime":'
"""Part of a result with the current time, which is for copies on the same connection only."""

_Kept: TypeAlias = "tuple[float, int, str | Dispatch, Answers, int]"
"""Expiry time, hash of the CALL's text, outcome, connection that stored it, and the bytes that it counts.

The outcome is the text of the CALLRESULT, or the request while its handler continues without a connection.
"""


class AnswerMemory:
    """The stored answers of all connections of a server, or of a client.

    `max_size` and `max_each` are bytes, for all identities together and for each one: an answer counts as the
    characters of its text plus 256. Beyond `max_each`, the oldest answers of the identity are removed. Beyond
    `max_size`, all answers of the identity with the longest inactivity are removed.

    Raises ValueError unless 2048 <= `max_each` <= `max_size`.
    """

    def __init__(self, *, max_size: int = 1 << 25, max_each: int = 1 << 16) -> None:
        if not _BLOCK <= max_each <= max_size:
            raise ValueError(f"expected {_BLOCK} <= max_each <= max_size bytes, got {max_each!r} and {max_size!r}")
        self._max_size = max_size
        self._max_each = max_each
        self._size = 0
        self._shares: dict[str, _Share] = {}  # the identity with the longest inactivity first

    def __len__(self) -> int:
        """Return the number of stored answers, including expired ones that are not removed yet."""
        return sum(len(share.kept) for share in self._shares.values())

    @property
    def size(self) -> int:
        """Reserved bytes."""
        return self._size

    def of(self, identity: str | None) -> "Answers | None":
        """Return the answers of this identity for a new connection.

        None without an identity.
        """
        return None if identity is None else Answers(self, self._shares, identity)

    def make_room(self, share: "_Share", now: float) -> None:
        """Grow a full share or remove its oldest answers; then enforce `max_size`."""
        share.forget_until(now)
        while share.room < 0 and share.reserved + _BLOCK <= self._max_each:
            share.reserved += _BLOCK
            share.room += _BLOCK
            self._size += _BLOCK
        if share.room < 0:
            share.make_room(_BLOCK)
        self._shares.pop(share.identity, None)
        self._shares[share.identity] = share
        self._drop_quiet(now)

    def _drop_quiet(self, now: float) -> None:
        while self._shares:
            quietest = next(iter(self._shares.values()))
            if self._size <= self._max_size and not quietest.is_over(now):
                return
            del self._shares[quietest.identity]
            self._size -= quietest.clear()


class _Share:
    """One identity's part of the memory."""

    __slots__ = ("identity", "kept", "reserved", "room")

    def __init__(self, identity: str) -> None:
        self.identity: str = identity
        self.kept: dict[str, _Kept] = {}
        self.reserved: int = 0
        self.room: int = 0
        """Free reserved bytes; below 0 only until `make_room` returns."""

    def forget(self, message_id: str) -> None:
        self.room += self.kept.pop(message_id)[4]

    def forget_until(self, now: float) -> None:
        """Remove the expired answers, the oldest first, up to one that is still valid."""
        while self.kept and self.kept[oldest := next(iter(self.kept))][0] <= now:
            self.forget(oldest)

    def make_room(self, size: int) -> None:
        """Remove the oldest answers until `size` bytes are free or none is left."""
        while self.room < size and self.kept:
            self.forget(next(iter(self.kept)))

    def is_over(self, now: float) -> bool:
        """Return True if all answers are expired."""
        return not self.kept or self.kept[next(reversed(self.kept))][0] <= now

    def clear(self) -> int:
        """Remove all answers and return the bytes that were reserved."""
        reserved, self.reserved, self.room = self.reserved, 0, 0
        self.kept.clear()
        return reserved


class Answers:
    """The answers of one identity, as seen by one of its connections.

    Made by `AnswerMemory.of`. A connection without answers needs no memory except this object.
    """

    __slots__ = ("_identity", "_memory", "_shares")

    def __init__(self, memory: AnswerMemory, shares: dict[str, _Share], identity: str) -> None:
        self._memory = memory
        self._shares = shares
        self._identity = identity

    def __contains__(self, message_id: str) -> bool:
        """Return True if an outcome of a CALL with this ID is stored, for any text and even if expired."""
        share = self._shares.get(self._identity)
        return share is not None and message_id in share.kept

    def keep(self, request: Dispatch, outcome: str | Dispatch, now: float, window: float) -> None:
        """Store the CALLRESULT of a request, or the request of a running handler, for `window` seconds."""
        share, message_id = self._shares.get(self._identity) or _Share(self._identity), request.message_id
        if message_id in share.kept:
            share.forget(message_id)
        size = _OVERHEAD + len(outcome if type(outcome) is str else request.text)
        share.kept[message_id] = now + window, hash(request.text), outcome, self, size
        share.room -= size
        if share.room < 0:
            self._memory.make_room(share, now)

    def outcome_of(self, message_id: str, text: str, now: float, *, was_awaited: bool = False) -> str | Dispatch | None:
        """Return the CALLRESULT for a copy of a CALL, or its request while the handler runs.

        None if unknown. A result that contains the current time is only for copies on the same connection, unless a
        copy waited for it. On another connection, the CALL may come from a restarted station that counts its message
        IDs from the beginning and needs the time of now.
        """
        kept = self._stored(message_id)
        if kept is None:
            return None
        until, fingerprint, outcome, given_by, _ = kept
        if until <= now or fingerprint != hash(text):
            return None
        is_fresh = was_awaited or given_by is self or not isinstance(outcome, str) or TIME_MEMBER not in outcome
        return outcome if is_fresh else None

    def take_unfinished(self, number: int) -> Dispatch | None:
        """Remove and return the request of a running handler; None if it is unknown."""
        share = self._shares.get(self._identity)
        if share is None:
            return None
        for message_id, (_, _, outcome, *_) in share.kept.items():
            if isinstance(outcome, Dispatch) and outcome.request == number:
                share.forget(message_id)
                return outcome
        return None

    def has_used(self, message_id: str, now: float) -> bool:
        """Return True if this connection answered a CALL with this ID."""
        kept = self._stored(message_id)
        return kept is not None and kept[3] is self and kept[0] > now

    def forget(self) -> None:
        """Remove all answers of this identity."""
        share = self._shares.get(self._identity)
        if share is not None:
            share.make_room(share.reserved)

    def _stored(self, message_id: str) -> "_Kept | None":
        share = self._shares.get(self._identity)
        return None if share is None else share.kept.get(message_id)
