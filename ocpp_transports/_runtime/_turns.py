"""Work that was postponed to the event loop's next turn: one piece a turn, however many connections are behind.

A connection that has more to read than one turn allows (`ocpp_core.actions.Yield`) stays here until it has caught up.
If each of them were served in every turn, a hundred busy stations would make a turn a hundred times as long for all
others. Instead, connections that are behind wait for each other, and every other one waits for at most one of them.
"""

from collections import deque
from collections.abc import Callable

from ocpp_transports._driver._interfaces import Handle

__all__ = ["Turns"]


class _Piece:
    """One function that waits for its turn, and the handle that cancels it."""

    __slots__ = ("fn",)

    def __init__(self, fn: Callable[[], None]) -> None:
        self.fn: Callable[[], None] | None = fn

    def cancel(self) -> None:
        self.fn = None


class Turns:
    """The queue of a runtime; `next_turn` calls a function in the event loop's next turn."""

    __slots__ = ("_is_scheduled", "_next_turn", "_pieces")

    def __init__(self, next_turn: Callable[[Callable[[], None]], object]) -> None:
        self._next_turn = next_turn
        self._pieces: deque[_Piece] = deque()
        self._is_scheduled = False

    def __len__(self) -> int:
        return len(self._pieces)

    def add(self, fn: Callable[[], None], /) -> Handle:
        """Call `fn` when it is its turn."""
        piece = _Piece(fn)
        self._pieces.append(piece)
        if not self._is_scheduled:
            self._is_scheduled = True
            self._next_turn(self._play)
        return piece

    def _play(self) -> None:
        """Run one piece; cancelled ones cost no turn."""
        while self._pieces:
            fn = self._pieces.popleft().fn
            if fn is not None:
                self._next_turn(self._play)
                fn()
                return
        self._is_scheduled = False
