"""CALLRESULTs remembered for a while, so that a further copy of a CALL gets the same answer and no second handler.

A sender whose connection failed, or that waited too long, may repeat a CALL under its message id (OCPP 2.0.1 edition 3
errata 4.6, OCPP-J 1.6 errata 2025-04). The memory outlives connections, because the copy often comes on the next one.
CALLERRORs are not remembered: after one the sender repeats the CALL in order to have it tried again.

A handler that goes on when its connection is over is remembered too, so that a copy waits for its answer.
"""

from typing import Final, TypeAlias

from ocpp_core.actions import Dispatch
from ocpp_core.config import SessionConfig
from ocpp_core.inputs import Reply
from ocpp_core.messages import encode_result, expect_size

__all__ = ["AnswerMemory", "Answers"]

_OVERHEAD: Final = 256
"""Bytes that an answer is counted for beside its text: this bounds the number of answers too."""
_BLOCK: Final = 2048
"""Bytes by which an identity's share of the memory grows: the memory is looked at once a block, not once an answer."""
_TELLS_TIME: Final = '"currentTime":'

_Kept: TypeAlias = "tuple[float, int, str | Dispatch, Answers, int]"
"""Until when, the hash of the CALL's text, its outcome, the connection that it was given on, and the bytes it counts.

The outcome is the text of the CALLRESULT, or the request while its handler goes on without a connection.
"""


class AnswerMemory:
    """The remembered answers of all connections of a server, or of a client.

    `max_size` and `max_each` are bytes, for all identities together and for each one: an answer counts as the
    characters of its text and 256 more. An identity beyond `max_each` loses its own oldest answers. Beyond `max_size`
    the identity that was quiet for longest loses all of its answers.

    Raises ValueError unless 2048 <= `max_each` <= `max_size`.
    """

    def __init__(self, *, max_size: int = 1 << 25, max_each: int = 1 << 16) -> None:
        if not _BLOCK <= max_each <= max_size:
            raise ValueError(f"expected {_BLOCK} <= max_each <= max_size bytes, got {max_each!r} and {max_size!r}")
        self._max_size = max_size
        self._max_each = max_each
        self._size = 0
        self._shares: dict[str, _Share] = {}  # the quietest identity first

    def __len__(self) -> int:
        """Return the number of answers kept, some of them for longer than their time."""
        return sum(len(share.kept) for share in self._shares.values())

    @property
    def size(self) -> int:
        """Bytes reserved."""
        return self._size

    def of(self, identity: str | None) -> "Answers | None":
        """Return the answers to this identity for a new connection; None without an identity."""
        return None if identity is None else Answers(self, self._shares, identity)

    def make_room(self, share: "_Share", now: float) -> None:
        """Let a share that is used up grow, or lose what is old; then see to the bound of all."""
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
        self.identity = identity
        self.kept: dict[str, _Kept] = {}
        self.reserved = 0
        self.room = 0
        """Reserved bytes that are free; below 0 only until there is room again."""

    def forget(self, message_id: str) -> None:
        self.room += self.kept.pop(message_id)[4]

    def forget_until(self, now: float) -> None:
        """Forget the answers whose time is over, the oldest first, up to one that is still good."""
        while self.kept and self.kept[oldest := next(iter(self.kept))][0] <= now:
            self.forget(oldest)

    def make_room(self, size: int) -> None:
        """Forget the oldest answers until so many bytes are free, or nothing is left."""
        while self.room < size and self.kept:
            self.forget(next(iter(self.kept)))

    def is_over(self, now: float) -> bool:
        """Return True if the time of the newest answer is over."""
        return not self.kept or self.kept[next(reversed(self.kept))][0] <= now

    def clear(self) -> int:
        """Forget everything; returns the bytes that were reserved."""
        reserved, self.reserved, self.room = self.reserved, 0, 0
        self.kept.clear()
        return reserved


class Answers:
    """The answers to one identity, as one of its connections has them; made by `AnswerMemory.of`.

    A connection that has answered nothing keeps no more than this.
    """

    __slots__ = ("_identity", "_memory", "_shares")

    def __init__(self, memory: AnswerMemory, shares: dict[str, _Share], identity: str) -> None:
        self._memory = memory
        self._shares = shares
        self._identity = identity

    def __contains__(self, message_id: str) -> bool:
        """Return True if the outcome of a CALL with this id is kept, for whatever text and whether still good."""
        share = self._shares.get(self._identity)
        return share is not None and message_id in share.kept

    def keep(self, request: Dispatch, outcome: str | Dispatch, now: float, window: float) -> None:
        """Remember the text of the CALLRESULT to a request, or that its handler goes on, for `window` seconds."""
        share, message_id = self._shares.get(self._identity) or _Share(self._identity), request.message_id
        if message_id in share.kept:
            share.forget(message_id)
        size = _OVERHEAD + len(outcome if type(outcome) is str else request.text)
        share.kept[message_id] = now + window, hash(request.text), outcome, self, size
        share.room -= size
        if share.room < 0:
            self._memory.make_room(share, now)

    def outcome_of(self, message_id: str, text: str, now: float, *, was_awaited: bool = False) -> str | Dispatch | None:
        """Return the CALLRESULT to the CALL of which this text is a copy, or its request while the handler goes on.

        An answer that tells the time goes stale, unless it was awaited. It is for copies on its own connection only: on
        another one, the CALL may come from a station that starts to count its ids again.
        """
        if message_id not in self:
            return None
        until, fingerprint, outcome, given_by, _ = self._shares[self._identity].kept[message_id]
        if until <= now or fingerprint != hash(text):
            return None
        is_fresh = was_awaited or given_by is self or not isinstance(outcome, str) or _TELLS_TIME not in outcome
        return outcome if is_fresh else None

    def keep_late(self, reply: Reply, now: float, config: SessionConfig) -> None:
        """Remember the result of a handler that outlived its connection, if it is known and valid."""
        unfinished = self.take_unfinished(reply.request)
        if unfinished is None:
            return
        try:
            text = encode_result(unfinished.message_id, reply.payload)
            expect_size(text, config.max_outgoing_size)
        except (TypeError, ValueError):
            return
        validator = config.validator_of(unfinished.action)
        if validator is None or validator.check_result(unfinished.action, reply.payload) is None:
            self.keep(unfinished, text, now, config.answer_window)

    def take_unfinished(self, number: int) -> Dispatch | None:
        """Forget that the handler of a request goes on; returns the request, None if that is not known."""
        share = self._shares.get(self._identity)
        if share is None:
            return None
        for message_id, (_, _, outcome, *_) in share.kept.items():
            if isinstance(outcome, Dispatch) and outcome.request == number:
                share.forget(message_id)
                return outcome
        return None

    def has_used(self, message_id: str, now: float) -> bool:
        """Return True if a CALL of that id was answered on this connection."""
        if message_id not in self:
            return False
        until, _, _, given_by, _ = self._shares[self._identity].kept[message_id]
        return given_by is self and until > now

    def forget(self) -> None:
        """Forget all answers to this identity."""
        share = self._shares.get(self._identity)
        if share is not None:
            share.make_room(share.reserved)
