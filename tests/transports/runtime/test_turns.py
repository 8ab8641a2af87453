"""Work that was put off: a queue of connections that are behind, served in order, a bounded amount in each turn."""

from collections import Counter
from typing import Any

import pytest

from ocpp_core.actions import TURN
from ocpp_transports._driver._limits import SPAN, TASK_WORK, TURN_WORK
from ocpp_transports._runtime._turns import Turns

PIECES = TURN_WORK // TURN
"""How many connections have their quantum in one turn."""


class Loop:
    """Turns by hand."""

    def __init__(self) -> None:
        self.ready: list[Any] = []
        self.tasks: set[object] = set()
        self.now = 100.0
        self.turns = Turns(self.ready.append, lambda: self.now, self.tasks)

    def turn(self) -> None:
        ready = self.ready[:]
        self.ready.clear()
        for fn in ready:
            fn()


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture
def done() -> list[str]:
    return []


class TestTurns:
    def test_serve_as_many_as_their_work_allows(self, loop, done):
        for piece in range(3 * PIECES - 1):
            loop.turns.add(lambda piece=piece: done.append(piece))
        counts = []
        while loop.ready:
            loop.turn()
            counts.append(len(done))
        assert counts[:3] == [PIECES, 2 * PIECES, 3 * PIECES - 1]
        assert done == sorted(done)
        assert len(loop.turns) == 0

    def test_serve_more_of_those_that_do_less(self, loop, done):
        for _ in range(2 * TURN_WORK):
            loop.turns.add(lambda: done.append("x") or 1)
        loop.turn()
        assert len(done) == TURN_WORK

    def test_count_started_tasks_higher(self, loop, done):
        def start():
            done.append("x")
            loop.tasks.add(object())
            return 1

        for _ in range(2 * TURN_WORK):
            loop.turns.add(start)
        loop.turn()
        assert len(done) == TURN_WORK // (1 + TASK_WORK)

    def test_are_over_after_some_time_however_little_was_done(self, loop, done):
        def slow():
            done.append("x")
            loop.now += 0.6 * SPAN

        for _ in range(PIECES):
            loop.turns.add(slow)
        loop.turn()
        assert len(done) == 2

    @pytest.mark.parametrize("flooders", [1, PIECES, 40])
    def test_starve_nobody_of_those_that_always_have_more(self, loop, flooders):
        served: Counter[int] = Counter()

        def again(flooder):
            served[flooder] += 1
            loop.turns.add(lambda: again(flooder))

        for flooder in range(flooders):
            loop.turns.add(lambda flooder=flooder: again(flooder))
        for turns in range(1, 100):
            before = served.total()
            loop.turn()
            assert served.total() - before == min(flooders, PIECES), "a bounded number, and each once"
            assert max(served.values()) - min(served[flooder] for flooder in range(flooders)) <= 1, turns

    def test_skip_what_is_called_off(self, loop, done):
        for _ in range(PIECES):
            loop.turns.add(lambda: done.append("a")).cancel()
        loop.turns.add(lambda: done.append("b"))
        loop.turn()
        assert done == ["b"]

    def test_survive_a_fault_in_one(self, loop, done):
        loop.turns.add(lambda: 1 / 0)
        loop.turns.add(lambda: done.append("b"))
        with pytest.raises(ZeroDivisionError):
            loop.turn()
        loop.turn()
        assert done == ["b"]

    def test_end_with_the_last_and_begin_again(self, loop, done):
        for _ in range(2):
            loop.turns.add(lambda: done.append("x"))
            while loop.ready:
                loop.turn()
        assert done == ["x", "x"]
