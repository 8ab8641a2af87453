"""Work that was postponed to later turns of the event loop: one queue for all connections of a runtime.

A connection that has more to do than one turn allows (`ocpp_core.actions.Yield`) waits here until it has caught up. A
turn serves the queue in order, a small quantum of work for each connection, until the work of the turn is done. Then
the loop looks for input and output again. So a connection that is not behind waits for at most one turn's work, and one
that is behind for its place in the queue, however many are behind.
"""

from collections import deque
from collections.abc import Callable, Sized

from ocpp_core.actions import TURN
from ocpp_transports._driver._interfaces import Handle
from ocpp_transports._driver._limits import SPAN, TASK_WORK, TURN_WORK

__all__ = ["Turns"]


class _Piece:
    """One function that waits for its turn, and the handle that cancels it."""

    __slots__ = ("fn",)

    def __init__(self, fn: Callable[[], int | None]) -> None:
        self.fn: Callable[[], int | None] | None = fn

    def cancel(self) -> None:
        self.fn = None


class Turns:
    """The queue of a runtime.

    Args:
        next_turn: Calls a function in the event loop's next turn, after input and output.
        now: The event loop's clock, in seconds.
        tasks: The tasks of the runtime. A piece is charged for those that it starts, because they run after it.
    """

    __slots__ = ("_is_scheduled", "_next_turn", "_now", "_pieces", "_tasks")

    def __init__(
        self, next_turn: Callable[[Callable[[], None]], object], now: Callable[[], float], tasks: Sized
    ) -> None:
        self._next_turn = next_turn
        self._now = now
        self._tasks = tasks
        self._pieces: deque[_Piece] = deque()
        self._is_scheduled = False

    def __len__(self) -> int:
        return len(self._pieces)

    def add(self, fn: Callable[[], int | None], /) -> Handle:
        """Call `fn` when it is its turn; it returns its units of work, None for those of a whole quantum."""
        piece = _Piece(fn)
        self._pieces.append(piece)
        if not self._is_scheduled:
            self._is_scheduled = True
            self._next_turn(self._play)
        return piece

    def _play(self) -> None:
        """Serve the queue until the work of this turn is done; what is added meanwhile waits for the next one."""
        if not self._pieces:
            self._is_scheduled = False
            return
        self._next_turn(self._play)  # first, because a piece may raise
        left, until = TURN_WORK, self._now() + SPAN
        for _ in range(len(self._pieces)):
            fn = self._pieces.popleft().fn
            if fn is None:
                continue
            left -= self._work_of(fn)
            if left <= 0 or self._now() > until:
                return

    def _work_of(self, fn: Callable[[], int | None]) -> int:
        tasks = len(self._tasks)
        work = fn()
        return (TURN if work is None else work) + TASK_WORK * max(0, len(self._tasks) - tasks)
