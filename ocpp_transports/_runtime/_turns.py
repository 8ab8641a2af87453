"""Work that was put off to the event loop's next turn: one piece a turn, however many connections are behind.

A connection that has more to read than one turn allows (`ocpp_core.actions.Yield`) is in here until it has caught up.
Were each of them served in every turn, a hundred busy stations would make a turn a hundred times as long for all
others; so those that are behind wait for each other, and nobody else waits for more than one of them.
"""

from collections import deque
from collections.abc import Callable

from ocpp_transports._driver._interfaces import Handle

__all__ = ["Turns"]


class _Piece:
    """One function that waits for its turn; the handle that calls it off."""

    __slots__ = ("fn",)

    def __init__(self, fn: Callable[[], None]) -> None:
        self.fn: Callable[[], None] | None = fn

    def cancel(self) -> None:
        self.fn = None


class Turns:
    """The queue of a runtime; `next_turn` calls a function in the event loop's next turn."""

    __slots__ = ("_is_under_way", "_next_turn", "_pieces")

    def __init__(self, next_turn: Callable[[Callable[[], None]], object]) -> None:
        self._next_turn = next_turn
        self._pieces: deque[_Piece] = deque()
        self._is_under_way = False

    def __len__(self) -> int:
        return len(self._pieces)

    def add(self, fn: Callable[[], None], /) -> Handle:
        """Call `fn` when it is its turn."""
        piece = _Piece(fn)
        self._pieces.append(piece)
        if not self._is_under_way:
            self._is_under_way = True
            self._next_turn(self._play)
        return piece

    def _play(self) -> None:
        """Do one piece; those that were called off cost no turn."""
        while self._pieces:
            fn = self._pieces.popleft().fn
            if fn is not None:
                self._next_turn(self._play)
                fn()
                return
        self._is_under_way = False
